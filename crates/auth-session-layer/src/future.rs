//! The response of the service.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use auth_core::{Caller, Principal, RejectionHandler, Unavailable};
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{
    SessionError,
    request::{OpenSession, resolve},
    state::Told,
};

type Resolving = Pin<Box<dyn Future<Output = Result<Option<Principal>, Unavailable>> + Send>>;
type Committing = Pin<Box<dyn Future<Output = Result<Told, SessionError>> + Send>>;

pin_project! {
    /// The response of [`SessionManager`](crate::SessionManager).
    pub struct ResponseFuture<S, H, ReqBody, ResBody>
    where
        S: Service<Request<ReqBody>>,
    {
        #[pin]
        state: State<S, ReqBody, ResBody, S::Future>,
        session: Option<OpenSession<H>>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, ReqBody, ResBody, F> {
        Resolving {
            resolving: Resolving,
            // Boxed, as this state is rare and large.
            ready: Option<Box<(S, Request<ReqBody>)>>,
        },
        Handling {
            #[pin]
            future: F,
        },
        Committing {
            committing: Committing,
            response: Option<Response<ResBody>>,
        },
        Refused {
            response: Option<Response<ResBody>>,
        },
    }
}

impl<S, H, ReqBody, ResBody> ResponseFuture<S, H, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>>,
{
    pub(crate) fn handling(future: S::Future, session: OpenSession<H>) -> Self {
        Self {
            state: State::Handling { future },
            session: Some(session),
        }
    }

    pub(crate) fn refused(response: Response<ResBody>) -> Self {
        Self {
            state: State::Refused {
                response: Some(response),
            },
            session: None,
        }
    }

    pub(crate) fn resolving(
        caller: Caller,
        service: S,
        request: Request<ReqBody>,
        session: OpenSession<H>,
    ) -> Self {
        Self {
            state: State::Resolving {
                resolving: Box::pin(async move { caller.principal().await }),
                ready: Some(Box::new((service, request))),
            },
            session: Some(session),
        }
    }
}

impl<S, H, ReqBody, ResBody> Future for ResponseFuture<S, H, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    H: RejectionHandler<ResBody>,
{
    type Output = Result<Response<ResBody>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        const DONE: &str = "not polled after completion";
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProj::Resolving { resolving, ready } => {
                    let resolved = ready!(resolving.as_mut().poll(cx));
                    let (mut service, mut request) = *ready.take().expect(DONE);
                    match resolve(&mut request, resolved) {
                        Ok(()) => State::Handling {
                            future: service.call(request),
                        },
                        Err(kind) => State::Refused {
                            response: Some(this.session.as_ref().expect(DONE).refuse(kind, None)),
                        },
                    }
                }
                StateProj::Handling { future } => {
                    let handled = ready!(future.poll(cx));
                    let session = this.session.as_mut().expect(DONE);
                    // An error has no head that could carry a cookie: as after a panic, nothing
                    // is saved.
                    let response = match handled {
                        Ok(response) => response,
                        Err(error) => {
                            *this.session = None;
                            return Poll::Ready(Err(error));
                        }
                    };
                    let response = match session.answer_if_idle(response) {
                        Ok(response) => {
                            *this.session = None;
                            return Poll::Ready(Ok(response));
                        }
                        Err(response) => response,
                    };
                    let shared = Arc::clone(session.shared());
                    State::Committing {
                        committing: Box::pin(async move { shared.commit_and_close().await }),
                        response: Some(response),
                    }
                }
                StateProj::Committing {
                    committing,
                    response,
                } => {
                    let committed = ready!(committing.as_mut().poll(cx));
                    let mut session = this.session.take().expect(DONE);
                    let response = response.take().expect(DONE);
                    return Poll::Ready(Ok(match committed {
                        Ok(told) => session.answer(told, response),
                        Err(error) => session.answer_failed(&error, response),
                    }));
                }
                StateProj::Refused { response } => {
                    return Poll::Ready(Ok(response.take().expect(DONE)));
                }
            };
            this.state.set(next);
        }
    }
}

impl<S, H, ReqBody, ResBody> fmt::Debug for ResponseFuture<S, H, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("session::ResponseFuture")
    }
}
