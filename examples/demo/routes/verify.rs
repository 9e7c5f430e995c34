//! For gateways: who is it, as a short assertion for the service behind.

use std::time::Duration;

use auth_layers::Principal;
use axum::{
    extract::{Request, State},
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_TYPE, WWW_AUTHENTICATE},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{app::App, problem::Problem};

const ASSERTION: &str = "x-auth-assertion";

pub(super) async fn verify(State(app): State<App>, principal: Principal) -> Response {
    if app.is_foreign(&principal) {
        // Behind the gateway it would be our subject of that name.
        return Problem::new(StatusCode::FORBIDDEN, "of another issuer").into_response();
    }
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
    if response.status() != StatusCode::BAD_REQUEST {
        return response;
    }
    let detail = "malformed Authorization header";
    let mut nobody = Problem::new(StatusCode::UNAUTHORIZED, detail).into_response();
    if let Some(challenge) = response.headers().get(WWW_AUTHENTICATE) {
        let headers = nobody.headers_mut();
        headers.insert(WWW_AUTHENTICATE, challenge.clone());
    }
    nobody
}
