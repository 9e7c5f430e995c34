//! The application on our layers.

use std::sync::Arc;

use auth_layers::{
    Principal, RequireAuth, RequireScope,
    jwt::{JwtLayer, Verifier},
    session::{Login, Session, SessionError, SessionLayer},
    store::{Revocations, Sessions},
};
use axum::{Router, routing::get};

use super::{COUNT, HELLO, SUBJECT, Work, next_count};

async fn login(session: Session) -> Result<(), SessionError> {
    session.login(Login::new(SUBJECT).scopes(["read"]))?;
    session.data().await?.insert("count", &COUNT)
}

async fn read(session: Session) -> Result<String, SessionError> {
    let count: Option<u64> = session.data().await?.get("count")?;
    Ok(count.unwrap_or_default().to_string())
}

async fn untouched() -> &'static str {
    HELLO
}

async fn write(session: Session) -> Result<&'static str, SessionError> {
    session.data().await?.insert("count", &next_count())?;
    Ok(HELLO)
}

async fn who(principal: Principal) -> String {
    principal.subject().to_owned()
}

/// Behind the session layer.
pub fn sessions(store: Arc<dyn Sessions>, work: Work) -> Router {
    let router = match work {
        Work::Read => Router::new().route("/", get(read)),
        Work::Untouched => Router::new().route("/", get(untouched)),
        Work::Write => Router::new().route("/", get(write)),
    };
    let layer = SessionLayer::builder(store)
        .build()
        .expect("sound settings");
    router.route("/login", get(login)).layer(layer)
}

/// Behind the token layer, which asks `store` what was revoked.
pub fn tokens(verifier: Verifier, store: Arc<dyn Revocations>) -> Router {
    let layer = token_layer(verifier, store);
    Router::new().route("/", get(who)).layer(layer)
}

/// The same for callers that nothing identifies.
pub fn tokens_anonymous(verifier: Verifier, store: Arc<dyn Revocations>) -> Router {
    let layer = token_layer(verifier, store);
    Router::new().route("/", get(untouched)).layer(layer)
}

fn token_layer(verifier: Verifier, store: Arc<dyn Revocations>) -> JwtLayer {
    let layer = JwtLayer::builder(verifier).store(store);
    layer.build().expect("sound settings")
}

/// Behind both layers, and guards for an identity and a scope.
pub fn both<S: Sessions + Revocations>(verifier: Verifier, store: Arc<S>) -> Router {
    let sessions = SessionLayer::builder(store.clone());
    Router::new()
        .route("/", get(who))
        .route_layer(RequireScope::new("read"))
        .route_layer(RequireAuth::new())
        .layer(sessions.build().expect("sound settings"))
        .layer(token_layer(verifier, store))
}
