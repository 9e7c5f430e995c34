//! Asking an endpoint.

use std::convert::Infallible;

use auth_jwt_layer::EndpointBody;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use serde_json::Value;
use tower::{Service, ServiceExt};

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    head: http::HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Refused as RFC 6749 section 5.2 says.
    #[track_caller]
    pub(crate) fn assert_error(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.json(), serde_json::json!({ "error": code }));
        assert_eq!(self.header("cache-control"), Some("no-store"));
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert_eq!(self.header("retry-after").is_some(), status == 503);
    }
}

pub(crate) fn post(content_type: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let request = Request::post("/").header("content-type", content_type);
    request.body(Full::new(body.into())).unwrap()
}

pub(crate) fn form(body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    post(FORM, body)
}

pub(crate) async fn ask<S, B>(service: S, request: Request<B>) -> Answer
where
    S: Service<Request<B>, Response = Response<EndpointBody>, Error = Infallible>,
{
    let (head, body) = service.oneshot(request).await.unwrap().into_parts();
    Answer {
        status: head.status,
        head: head.headers,
        body: body.into_bytes(),
    }
}
