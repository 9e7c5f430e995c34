//! For gateways: who is it, as a short assertion for the service behind.

use std::time::Duration;

use auth_layers::Principal;
use axum::{
    extract::State,
    http::{HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};

use crate::app::App;

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

/// A gateway takes anything but 200, 401, 403 and 503 for a fault of ours: a request that can not
/// be read is a request from nobody.
pub(super) async fn known_to_gateways(mut response: Response) -> Response {
    if response.status() == StatusCode::BAD_REQUEST {
        *response.status_mut() = StatusCode::UNAUTHORIZED;
    }
    response
}
