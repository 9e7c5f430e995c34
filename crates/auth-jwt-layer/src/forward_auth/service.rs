//! The outermost part: what gateways can read.

use std::{
    fmt,
    task::{Context, Poll},
};

use http::{
    HeaderName, HeaderValue, Request, Response, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER},
};
use tower_service::Service;

use super::ForwardAuthFuture;

/// The endpoint that gateways ask, see [`ForwardAuth`](super::ForwardAuth).
#[derive(Clone)]
pub struct ForwardAuthService<S> {
    pub(super) inner: S,
    pub(super) header: HeaderName,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for ForwardAuthService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Default,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = ForwardAuthFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        // By it alone layers would know a request to be gRPC.
        request.headers_mut().remove(CONTENT_TYPE);
        ForwardAuthFuture {
            inner: self.inner.call(request),
            header: self.header.clone(),
        }
    }
}

/// The response as gateways know them: exactly 200, 401, 403 or 503.
pub(super) fn for_gateways<B: Default>(response: Response<B>, header: &HeaderName) -> Response<B> {
    let status = match response.status() {
        StatusCode::OK if response.headers().contains_key(header) => return response,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::SERVICE_UNAVAILABLE => {
            return response;
        }
        // A credential that can not be read identifies nobody.
        StatusCode::BAD_REQUEST => StatusCode::UNAUTHORIZED,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    let (mut head, _) = response.into_parts();
    head.status = status;
    head.headers.remove(CONTENT_TYPE);
    head.headers.remove(CONTENT_LENGTH);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let after = HeaderValue::from_static("1");
        head.headers.entry(RETRY_AFTER).or_insert(after);
    }
    Response::from_parts(head, B::default())
}

impl<S> fmt::Debug for ForwardAuthService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForwardAuthService")
    }
}
