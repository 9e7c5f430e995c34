//! A single-page app that keeps its user logged in by refresh tokens, in several tabs at once.
//!
//! What the page does is in `page.html`: one refresh at a time in all tabs, the new refresh token kept
//! before the new access token is used, and 503 is no reason to log out. Where the server can be the
//! page's own, a cookie session is simpler and leaves scripts nothing to steal.
//!
//! ```sh
//! cargo run -p auth-examples --example spa_refresh
//! open http://127.0.0.1:3000 in two tabs
//! ```

use std::{env, error::Error, sync::Arc, time::Duration};

use auth_layers::{
    Principal,
    jwt::{Issuer, JwtLayer, SigningKeys, TokenLogin},
    memory::MemoryStore,
};
use axum::{
    Form, Json, Router,
    extract::State,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY},
    },
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use tokio::net::TcpListener;

const PAGE: &str = include_str!("page.html");
const SCRIPT: &str = include_str!("app.js");
/// The page runs its own script, and talks to its own server.
const POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; \
     style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(Deserialize)]
struct LoginForm {
    user: String,
}

/// A real application checks a password here.
async fn login(State(issuer): State<Issuer>, Form(form): Form<LoginForm>) -> Response {
    match issuer
        .login(TokenLogin::new(form.user).device("browser"))
        .await
    {
        Ok(tokens) => ([(CACHE_CONTROL, "no-store")], Json(tokens)).into_response(),
        Err(error) if error.is_unavailable() => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

async fn me(principal: Principal) -> String {
    principal.subject().to_owned()
}

async fn page() -> impl IntoResponse {
    ([(CONTENT_SECURITY_POLICY, POLICY)], Html(PAGE))
}

async fn script() -> impl IntoResponse {
    ([("content-type", "text/javascript; charset=utf-8")], SCRIPT)
}

fn router(issuer: Issuer, store: Arc<MemoryStore>) -> Result<Router, Box<dyn Error>> {
    let tokens = JwtLayer::builder(issuer.verifier()?).store(store).build()?;
    Ok(Router::new()
        .route("/api/me", get(me))
        .layer(tokens)
        // Outside of the token layer: clients send an expired token along with a refresh.
        .route("/token", post(login))
        .route_service("/token/refresh", issuer.refresh_service())
        .route_service("/token/revoke", issuer.revoke_service())
        .route("/", get(page))
        .route("/app.js", get(script))
        .with_state(issuer))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = Arc::new(MemoryStore::new());
    let keys = SigningKeys::builder().generate_ed25519("demo").build()?;
    let issuer = Issuer::builder("https://auth.example", "api", keys, store.clone())
        // Short, so that there is something to see.
        .access_ttl(Duration::from_secs(20))
        .build()?;

    let address = env::args().nth(1).unwrap_or("127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, router(issuer, store)?).await?;
    Ok(())
}
