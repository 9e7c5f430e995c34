//! The service that the layer makes.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{EndingBody, layer::Settings};
use crate::{Caller, rejection::Protocol};

/// The service that [`EndWithLogin`](super::EndWithLogin) makes.
#[derive(Clone)]
pub struct EndsWithLogin<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S> EndsWithLogin<S> {
    pub(super) fn new(inner: S, settings: Arc<Settings>) -> Self {
        Self { inner, settings }
    }
}

impl<S: fmt::Debug> fmt::Debug for EndsWithLogin<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndsWithLogin")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for EndsWithLogin<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Body,
{
    type Response = Response<EndingBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let watch = request.extensions().get::<Caller>().map(|caller| {
            let protocol = Protocol::of(request.method(), request.headers());
            Watch {
                caller: caller.clone(),
                settings: Arc::clone(&self.settings),
                is_grpc: protocol.is_grpc() && !protocol.is_grpc_web(),
            }
        });
        ResponseFuture {
            future: self.inner.call(request),
            watch,
        }
    }
}

struct Watch {
    caller: Caller,
    settings: Arc<Settings>,
    is_grpc: bool,
}

pin_project! {
    /// The response of [`EndsWithLogin`].
    pub struct ResponseFuture<F> {
        #[pin]
        future: F,
        watch: Option<Watch>,
    }
}

impl<F, ResBody, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<ResBody>, E>>,
    ResBody: Body,
{
    type Output = Result<Response<EndingBody<ResBody>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.future.poll(cx))?;
        let watch = this.watch.take();
        Poll::Ready(Ok(response.map(|body| match watch {
            Some(watch) if watch.is_worth_it(&body) => {
                EndingBody::watched(body, watch.caller, watch.settings, watch.is_grpc)
            }
            _ => EndingBody::unwatched(body),
        })))
    }
}

impl Watch {
    /// Whether the body may go on for long, and somebody was identified who reads it.
    fn is_worth_it(&self, body: &impl Body) -> bool {
        let is_bounded = body.is_end_stream() || body.size_hint().exact().is_some();
        !is_bounded && matches!(self.caller.peek(), Ok(Some(_)))
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stream::ResponseFuture")
    }
}
