//! The one service behind the endpoints that take parameters.

use std::{
    convert::Infallible,
    fmt,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Buf;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header::ALLOW};
use http_body::Body;
use tower_service::Service;

use super::{EndpointBody, Params, bad_request, no_store, params::ParamsError, response::error};

/// The longest body that is read, in bytes, unless said otherwise: 16 KiB. A token has at most 8.
const MAX_BODY: usize = 16 * 1024;

/// A ready-made endpoint, made by an [`Issuer`](crate::Issuer): a service for requests with any body.
///
/// It takes a `POST` of a form, or of a JSON object of texts, of at most 16 KiB
/// unless [said otherwise](Self::max_body). What is wrong with a
/// request is said as RFC 6749 section 5.2 says it, `{"error":"invalid_request"}`:
///
/// 1. Another method: 405.
/// 2. A body that is too long: 413; one of another type: 415; one that can not be read, or has a
///    parameter twice: 400.
///
/// No answer may be stored by caches. How long a client may take to send its body is for the server to
/// say. Cheap to clone.
///
/// # Cancel safety
///
/// What was asked for may have happened when the future is dropped, as with the method that the
/// endpoint stands for.
#[derive(Clone)]
pub struct Endpoint {
    answer: Arc<dyn Answer>,
    max_body: usize,
}

/// The answer of an endpoint, while it is being made.
pub(crate) type Answering<'a> = Pin<Box<dyn Future<Output = Response<EndpointBody>> + Send + 'a>>;

/// What an endpoint does with its parameters.
pub(crate) trait Answer: Send + Sync + 'static {
    /// The answer.
    fn answer(&self, params: Params) -> Answering<'_>;
}

impl Endpoint {
    pub(crate) fn new(answer: impl Answer) -> Self {
        Self {
            answer: Arc::new(answer),
            max_body: MAX_BODY,
        }
    }

    /// The longest body that is read, in bytes, instead of 16 KiB.
    #[must_use]
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }
}

impl<B> Service<Request<B>> for Endpoint
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    type Response = Response<EndpointBody>;
    type Error = Infallible;
    type Future = EndpointFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> EndpointFuture {
        let Self { answer, max_body } = self.clone();
        EndpointFuture(Box::pin(async move {
            let (head, body) = request.into_parts();
            match params(&head.method, &head.headers, body, max_body).await {
                Ok(params) => answer.answer(params).await,
                Err(refusal) => refusal,
            }
        }))
    }
}

async fn params<B: Body>(
    method: &Method,
    headers: &HeaderMap,
    body: B,
    max_body: usize,
) -> Result<Params, Response<EndpointBody>> {
    if method != Method::POST {
        return Err(not_allowed("POST"));
    }
    let body = read(body, max_body).await?;
    Params::read(headers, &body).map_err(|why| match why {
        ParamsError::Malformed => bad_request("invalid_request"),
        ParamsError::ContentType => error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request"),
    })
}

async fn read<B: Body>(body: B, max: usize) -> Result<Vec<u8>, Response<EndpointBody>> {
    let too_large = || error(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request");
    if body.size_hint().lower() > max as u64 {
        return Err(too_large());
    }
    let mut body = pin!(body);
    let mut read = Vec::new();
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let frame = frame.map_err(|_| bad_request("invalid_request"))?;
        // Trailers say nothing here.
        let Ok(mut data) = frame.into_data() else {
            continue;
        };
        if data.remaining() > max - read.len() {
            return Err(too_large());
        }
        while data.has_remaining() {
            let chunk = data.chunk();
            let length = chunk.len();
            read.extend_from_slice(chunk);
            data.advance(length);
        }
    }
    Ok(read)
}

/// 405 (RFC 9110 section 15.5.6).
pub(super) fn not_allowed(allowed: &'static str) -> Response<EndpointBody> {
    let mut response = no_store(StatusCode::METHOD_NOT_ALLOWED);
    let headers = response.headers_mut();
    headers.insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Endpoint")
    }
}

/// The future of an [`Endpoint`].
pub struct EndpointFuture(Answering<'static>);

impl Future for EndpointFuture {
    type Output = Result<Response<EndpointBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(Ok)
    }
}

impl fmt::Debug for EndpointFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EndpointFuture")
    }
}
