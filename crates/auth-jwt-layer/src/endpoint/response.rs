//! What all answers have in common.

use auth_core::Unavailable;
use http::{
    HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER},
};
use serde::Serialize;

use super::EndpointBody;

/// Without a body, and for nobody to keep.
pub(crate) fn no_store(status: StatusCode) -> Response<EndpointBody> {
    let mut response = Response::new(EndpointBody::default());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Something as JSON, for nobody to keep (RFC 6749 section 5.1).
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response<EndpointBody> {
    let body = serde_json::to_string(body).expect("our own answers are JSON");
    let mut response = no_store(status);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *response.body_mut() = body.into();
    response
}

/// An error in the form of RFC 6749 section 5.2.
pub(super) fn error(status: StatusCode, code: &'static str) -> Response<EndpointBody> {
    #[derive(Serialize)]
    struct Error {
        error: &'static str,
    }
    json(status, &Error { error: code })
}

/// The client's fault.
pub(crate) fn bad_request(code: &'static str) -> Response<EndpointBody> {
    error(StatusCode::BAD_REQUEST, code)
}

/// The client's fault, and which: from a small fixed vocabulary.
pub(crate) fn bad_request_because(description: &'static str) -> Response<EndpointBody> {
    #[derive(Serialize)]
    struct Error {
        error: &'static str,
        error_description: &'static str,
    }
    let error = Error {
        error: "invalid_request",
        error_description: description,
    };
    json(StatusCode::BAD_REQUEST, &error)
}

/// The store can not tell, or did not do it: never the client's fault.
pub(crate) fn unavailable(unavailable: Unavailable) -> Response<EndpointBody> {
    let mut response = error(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable");
    let after = unavailable.retry_after_secs();
    response.headers_mut().insert(RETRY_AFTER, after.into());
    response
}
