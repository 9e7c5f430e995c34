//! Errors as `application/problem+json` (RFC 9457), or as text for those who ask for HTML.

use std::borrow::Cow;

use auth_layers::{Rejection, rejection, session::SessionError};
use axum::{
    Json,
    body::Body,
    extract::Request,
    http::{HeaderValue, StatusCode, header, response},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::json;

/// An error of the demo's own routes.
#[derive(Debug)]
pub(crate) struct Problem(StatusCode, Cow<'static, str>);

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(status, detail.into())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "type": "about:blank",
            "title": self.0.canonical_reason(),
            "status": self.0.as_u16(),
            "detail": self.1,
        });
        let problem = [(header::CONTENT_TYPE, "application/problem+json")];
        (self.0, problem, body.to_string()).into_response()
    }
}

/// What could not be done with a session, and which field it is about.
pub(crate) fn of_session(error: SessionError) -> Response {
    let detail = error.to_string();
    let (mut head, _) = error.into_response().into_parts();
    let problem = Problem::new(head.status, detail).into_response();
    let (problem, body) = problem.into_parts();
    head.headers.extend(problem.headers);
    Response::from_parts(head, body)
}

/// An error of a token endpoint (RFC 6749 section 5.2).
#[derive(Debug)]
pub(crate) struct OAuthError(pub(crate) StatusCode, pub(crate) &'static str);

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let no_store = [(header::CACHE_CONTROL, "no-store")];
        (self.0, no_store, Json(json!({ "error": self.1 }))).into_response()
    }
}

/// The layers' refusals, with a problem as body.
pub(crate) fn refusal<B: Default + From<String>>(
    refusal: &Rejection,
    handled: Option<&response::Parts>,
) -> Response<B> {
    rejection::RejectionHandler::respond(&rejection::ProblemJson, refusal, handled)
}

/// A state-changing request from another site.
pub(crate) fn cross_site(_: tower_http::csrf::ProtectionError) -> Response {
    Problem::new(StatusCode::FORBIDDEN, "a request from another site").into_response()
}

/// Gives plain-text errors (of the framework, too) the form that the client asked for.
pub(crate) async fn in_the_form_asked_for(request: Request, next: Next) -> Response {
    let wants_html = request
        .headers()
        .get(header::ACCEPT)
        .is_some_and(|accept| accept.as_bytes().starts_with(b"text/html"));
    let response = next.run(request).await;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let is_json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|content_type| content_type.as_bytes().ends_with(b"json"));
    let (mut head, body) = response.into_parts();
    let title = status.canonical_reason().unwrap_or("Error");
    let (content_type, body) = if wants_html {
        let page = format!("<!doctype html><title>{title}</title><h1>{title}</h1>");
        ("text/html; charset=utf-8", Body::from(page))
    } else if is_json {
        return Response::from_parts(head, body);
    } else {
        let body = json!({ "type": "about:blank", "title": title, "status": status.as_u16() });
        ("application/problem+json", Body::from(body.to_string()))
    };
    head.headers.remove(header::CONTENT_LENGTH);
    let content_type = HeaderValue::from_static(content_type);
    head.headers.insert(header::CONTENT_TYPE, content_type);
    Response::from_parts(head, body)
}
