//! Users log in at an OpenID provider, and a logout there is one here (OpenID Connect Back-Channel
//! Logout): sessions that began with an ID token, and the provider's own access tokens.
//!
//! ```sh
//! cargo run -p auth-examples --example oidc_login 127.0.0.1:3000 https://id.example/realms/shop shop-web
//! curl -c jar -d id_token=… http://127.0.0.1:3000/login
//! curl -b jar http://127.0.0.1:3000/me
//! # The provider posts logout tokens to http://…/backchannel-logout, and then:
//! curl -i -b jar http://127.0.0.1:3000/me
//! ```
//!
//! A fourth argument is the URL of a Redis that several such processes share.

use std::{env, error::Error, sync::Arc};

use auth_layers::{
    Principal, ProviderLogin, RequireAuth,
    jwt::{BackChannelLogout, JwtLayer, RemoteKeys, Verifier, VerifyError},
    memory::MemoryStore,
    redis::RedisStore,
    session::{Login, Session, SessionLayer},
    store::Store,
};
use axum::{
    Form, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower_http::csrf::CsrfLayer;

#[derive(Deserialize)]
struct LoginForm {
    id_token: String,
}

/// What a login needs to know of an ID token besides who it is.
#[derive(Deserialize)]
struct IdToken {
    sid: Option<String>,
}

/// A page posts the ID token that the provider gave it. By the code flow it comes from the provider's
/// token endpoint; either way the application also checks that its `nonce` is the one it has sent.
async fn login(
    State(id_tokens): State<Verifier>,
    session: Session,
    Form(form): Form<LoginForm>,
) -> Result<StatusCode, Response> {
    let verified = id_tokens.verify_or_fetch(form.id_token.as_bytes()).await;
    let verified = verified.map_err(|error| match error {
        VerifyError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        _ => StatusCode::UNAUTHORIZED.into_response(),
    })?;
    let claims: IdToken = verified
        .claims()
        .map_err(|_| StatusCode::UNAUTHORIZED.into_response())?;
    // What the provider calls the user and the session, so that it can end this.
    let mut provider = ProviderLogin::new(verified.issuer(), verified.subject());
    if let Some(sid) = claims.sid {
        provider = provider.session(sid);
    }
    // Here a user is called as the only provider calls them. An application with several, or with
    // accounts of its own, looks its name up by issuer and subject.
    let login = Login::new(verified.subject()).provider(provider);
    session.login(login).map_err(IntoResponse::into_response)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn me(principal: Principal) -> String {
    format!("{} by {}\n", principal.subject(), principal.kind().as_str())
}

fn router(issuer: &str, client_id: &str, store: Arc<dyn Store>) -> Result<Router, Box<dyn Error>> {
    // Fetched once, for all kinds of tokens.
    let keys = RemoteKeys::discover(issuer).build()?;
    let ours = || Verifier::builder(issuer, client_id, keys.clone());

    let sessions = SessionLayer::builder(store.clone()).build()?;
    // Access tokens are of the type `at+jwt`; Keycloak's need `accept_typ_jwt`, too.
    let access_tokens = ours().provider_sessions().build()?;
    let tokens = JwtLayer::builder(access_tokens)
        .store(store.clone())
        .build()?;
    let logouts = BackChannelLogout::builder(ours().build()?, store).build()?;

    let me = Router::new()
        .route("/me", get(me))
        .route_layer(RequireAuth::new())
        .layer(ServiceBuilder::new().layer(tokens).layer(sessions.clone()));
    let login = Router::new()
        .route("/login", post(login))
        .layer(sessions)
        .with_state(ours().accept_typ_jwt().build()?);
    Ok(me
        .merge(login)
        .layer(CsrfLayer::new())
        // Outside of all layers: a provider is no browser, and no user.
        .route_service("/backchannel-logout", logouts.service()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [address, issuer, client_id, redis @ ..] = &args[..] else {
        return Err("usage: oidc_login ADDRESS ISSUER CLIENT-ID [REDIS-URL]".into());
    };
    let store: Arc<dyn Store> = match redis.first() {
        Some(url) => Arc::new(RedisStore::builder(url).build().await?),
        None => Arc::new(MemoryStore::new()),
    };
    let app = router(issuer, client_id, store)?;
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
