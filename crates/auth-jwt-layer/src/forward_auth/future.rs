//! The response of the endpoint.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderName, Response};
use pin_project_lite::pin_project;

use super::service::for_gateways;

pin_project! {
    /// The future of a [`ForwardAuthService`](super::ForwardAuthService).
    pub struct ForwardAuthFuture<F> {
        #[pin]
        pub(super) inner: F,
        pub(super) header: HeaderName,
    }
}

impl<F, B, E> Future for ForwardAuthFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Default,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(cx))?;
        Poll::Ready(Ok(for_gateways(response, this.header)))
    }
}

impl<F> fmt::Debug for ForwardAuthFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForwardAuthFuture")
    }
}
