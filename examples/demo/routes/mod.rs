//! The routes, and the layers around them.

mod api;
mod meta;
mod page;
mod session;
mod token;
mod verify;

use std::time::Duration;

use auth_layers::{
    RequireAuth, RequireFresh, RequireScope,
    jwt::{AssertionError, EndpointBody},
};
use axum::{
    Router,
    http::{StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use metrics_exporter_prometheus::PrometheusHandle;
use tower::ServiceBuilder;
use tower_http::csrf::CsrfLayer;

use crate::{
    app::{App, Refuse},
    problem::{self, Problem},
};

/// The store can not tell.
fn unavailable() -> Response {
    let retry = [(header::RETRY_AFTER, "1")];
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "try again later");
    (retry, problem).into_response()
}

/// The store did not make a revocation: whoever asked for it must know.
fn not_done() -> Response {
    let retry = [(header::RETRY_AFTER, "1")];
    let problem = Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "this was not done, try again",
    );
    (retry, problem).into_response()
}

pub(crate) fn router(app: App, metrics: PrometheusHandle) -> Result<Router, AssertionError> {
    // For every route by which somebody may be somebody.
    let identify = ServiceBuilder::new()
        .layer(app.tokens.clone())
        .layer(app.sessions.clone());

    let refuse = problem::refusal::<EndpointBody>;
    let may_introspect = RequireScope::with_rejections("admin", refuse);
    let identified = Router::new()
        .merge(session_routes())
        .merge(api_routes())
        .route_service(
            "/token/introspect",
            app.issuer.introspect_service(may_introspect),
        )
        .route("/public", get(meta::public))
        .layer(identify)
        .layer(CsrfLayer::new().with_rejection_response(problem::cross_site));

    // Outside of the token layer: clients send expired tokens along with a refresh.
    let mut tokens = Router::new()
        .route("/token/login", post(token::login))
        .route_service(
            "/token/refresh",
            // Long enough to say of what is much too long for a token that it is none.
            app.issuer.refresh_service().max_body(256 * 1024),
        )
        .route_service("/token/revoke", app.issuer.revoke_service())
        .route_service("/.well-known/jwks.json", app.issuer.jwks_service());

    if let Some(logouts) = &app.logouts {
        tokens = tokens.route_service("/backchannel-logout", logouts.service());
    }

    Ok(Router::new()
        .merge(identified)
        .merge(verify::routes(&app)?)
        .merge(tokens)
        .merge(page::routes())
        .route("/healthz", get(meta::healthz))
        .route("/metrics", get(move || meta::metrics(metrics)))
        .layer(middleware::from_fn(problem::in_the_form_asked_for))
        .layer(middleware::from_fn(meta::count))
        .with_state(app))
}

fn session_routes() -> Router<App> {
    Router::new()
        .route("/session/login", post(session::login))
        .route("/session/logout", post(session::logout))
        .route(
            "/session/data/{key}",
            get(session::read)
                .put(session::write)
                .delete(session::remove),
        )
}

fn api_routes() -> Router<App> {
    let refuse = problem::refusal as Refuse;
    let anybody = Router::new()
        .route("/api/me", get(api::me))
        .route("/api/logins", get(api::logins).delete(api::end_others))
        .route("/api/logins/{login}", delete(api::end_login))
        .route("/api/logout-everywhere", post(api::logout_everywhere))
        .route_layer(RequireAuth::with_rejections(refuse));
    let fresh = Router::new()
        .route("/api/password", post(api::password))
        .route_layer(RequireFresh::with_rejections(
            Duration::from_secs(300),
            refuse,
        ));
    let admin = Router::new()
        .route("/api/admin", get(api::admin))
        .route("/api/revoke-subject/{subject}", post(api::revoke_subject))
        .route("/api/revoke-all", post(api::revoke_all))
        .route_layer(RequireScope::with_rejections("admin", refuse));
    anybody.merge(fresh).merge(admin)
}
