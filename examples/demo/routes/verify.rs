//! For gateways: who is it, as a short assertion for the service behind.

use auth_layers::jwt::{AssertionError, EndpointBody};
use axum::{Router, body::Body, response::Response};
use tower::ServiceBuilder;

use crate::{app::App, problem};

/// By cookie or by token, with whatever method the request had.
pub(super) fn routes(app: &App) -> Result<Router<App>, AssertionError> {
    let identify = ServiceBuilder::new()
        .layer(app.tokens.clone())
        .layer(app.sessions.clone())
        // The layers here refuse with bodies of axum's.
        .map_response(|response: Response<EndpointBody>| response.map(Body::new));
    let verify = app
        .issuer
        .forward_auth(&app.assertion_audience)
        .rejections(problem::refusal::<EndpointBody>)
        .behind(identify)?;
    Ok(Router::new().route_service("/verify", verify))
}
