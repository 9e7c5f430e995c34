//! The response of the service.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use auth_core::{Principal, RejectionHandler, Unavailable, Verdict, revocation::Query};
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{builder::Settings, examine::Proof, service::Next};

/// What has to be waited for before the request can go on.
pub(super) type Question = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// What was waited for.
pub(super) enum Answer {
    /// Keys were fetched, or were not.
    Keys,
    /// The store's verdict on a proven token.
    Verdict(Verdict, Query, Proof),
    /// Who else the caller is.
    Caller(Result<Option<Principal>, Unavailable>),
}

pin_project! {
    /// The response of a [`Jwt`](super::Jwt) service.
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
        Waiting {
            question: Question,
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
        let state = State::Inner { future };
        Self { state }
    }

    pub(super) fn refused(response: Response<ResBody>) -> Self {
        let response = Some(response);
        let state = State::Refused { response };
        Self { state }
    }

    pub(super) fn waiting(
        question: Question,
        service: S,
        request: Request<ReqBody>,
        settings: Arc<Settings<H>>,
    ) -> Self {
        let pending = Some(Box::new(Pending {
            service,
            request,
            settings,
        }));
        let state = State::Waiting { question, pending };
        Self { state }
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
                StateProj::Waiting { question, pending } => {
                    let answer = ready!(question.as_mut().poll(cx));
                    let mut waited = pending.take().expect("not polled after completion");
                    match waited.settings.resume(&mut waited.request, answer) {
                        Next::Inner => State::Inner {
                            future: waited.service.call(waited.request),
                        },
                        Next::Refuse(response) => State::Refused {
                            response: Some(response),
                        },
                        Next::Wait(question) => State::Waiting {
                            question,
                            pending: Some(waited),
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
        f.write_str("jwt::ResponseFuture")
    }
}
