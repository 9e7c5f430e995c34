//! The response of a guard.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::service::Settings;
use crate::{Caller, Principal, RejectionHandler, Unavailable};

type Resolving = Pin<Box<dyn Future<Output = Result<Option<Principal>, Unavailable>> + Send>>;

pin_project! {
    /// The response of a [`Guard`](super::Guard).
    pub struct ResponseFuture<S, H, ReqBody, ResBody>
    where
        S: Service<Request<ReqBody>>,
    {
        #[pin]
        state: State<S, H, ReqBody, ResBody, S::Future>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, H, ReqBody, ResBody, F> {
        Resolving {
            resolving: Resolving,
            // Boxed, as this state is rare and large.
            pending: Option<Box<Pending<S, H, ReqBody>>>,
        },
        Inner {
            #[pin]
            future: F,
        },
        Refused {
            response: Option<Response<ResBody>>,
        },
    }
}

struct Pending<S, H, ReqBody> {
    service: S,
    request: Request<ReqBody>,
    settings: Arc<Settings<H>>,
}

impl<S, H, ReqBody, ResBody> ResponseFuture<S, H, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>>,
{
    pub(super) fn inner(future: S::Future) -> Self {
        Self {
            state: State::Inner { future },
        }
    }

    pub(super) fn refused(response: Response<ResBody>) -> Self {
        let response = Some(response);
        Self {
            state: State::Refused { response },
        }
    }

    pub(super) fn resolving(
        caller: Caller,
        service: S,
        request: Request<ReqBody>,
        settings: Arc<Settings<H>>,
    ) -> Self {
        Self {
            state: State::Resolving {
                resolving: Box::pin(async move { caller.principal().await }),
                pending: Some(Box::new(Pending {
                    service,
                    request,
                    settings,
                })),
            },
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
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProj::Inner { future } => return future.poll(cx),
                StateProj::Refused { response } => {
                    let response = response.take().expect("not polled after completion");
                    return Poll::Ready(Ok(response));
                }
                StateProj::Resolving { resolving, pending } => {
                    let resolved = ready!(resolving.as_mut().poll(cx));
                    let mut pending = pending.take().expect("not polled after completion");
                    match pending.settings.decide(&mut pending.request, resolved) {
                        Ok(()) => State::Inner {
                            future: pending.service.call(pending.request),
                        },
                        Err(response) => State::Refused {
                            response: Some(response),
                        },
                    }
                }
            };
            state.set(next);
        }
    }
}

impl<S, H, ReqBody, ResBody> fmt::Debug for ResponseFuture<S, H, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("guard::ResponseFuture")
    }
}
