//! For gateways: who is it, as a short assertion for the service behind.

use std::time::Duration;

use auth_layers::Principal;
use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header::CONTENT_TYPE},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{app::App, problem::Problem};

const ASSERTION: &str = "x-auth-assertion";

pub(super) async fn verify(State(app): State<App>, principal: Principal) -> Response {
    let ttl = Duration::from_secs(60);
    let assertion = app
        .issuer
        .assertion(&principal, &app.assertion_audience, ttl);
    match assertion
        .ok()
        .and_then(|jwt| HeaderValue::try_from(jwt).ok())
    {
        Some(mut jwt) => {
            jwt.set_sensitive(true);
            ([(ASSERTION, jwt)], "").into_response()
        }
        None => super::unavailable(),
    }
}

/// A gateway takes anything but 200, 401, 403 and 503 for a fault of ours, and 200 for a yes: so a
/// request that can not be read is a request from nobody, and no request is answered as gRPC is,
/// where a refusal has the status 200.
pub(super) async fn for_gateways(mut request: Request, next: Next) -> Response {
    request.headers_mut().remove(CONTENT_TYPE);
    let response = next.run(request).await;
    match response.status() {
        StatusCode::BAD_REQUEST => {
            Problem::new(StatusCode::UNAUTHORIZED, "malformed Authorization header").into_response()
        }
        _ => response,
    }
}
