//! Routes by role: what a role may do is decided at the login, as scopes; guards ask for scopes.
//!
//! A role that is taken away ends the logins that had it: scopes are fixed at the login.
//!
//! ```sh
//! cargo run -p auth-examples --example roles
//! curl -c jar -d user=erin http://127.0.0.1:3000/login      # an editor; adam is an admin
//! curl -b jar http://127.0.0.1:3000/articles
//! curl -b jar -X POST http://127.0.0.1:3000/articles
//! curl -i -b jar http://127.0.0.1:3000/users                # 403
//! ```

use std::{env, error::Error, sync::Arc};

use auth_layers::{
    Principal, RequireAuth, RequireScope, StoreError,
    memory::MemoryStore,
    session::{Login, Session, SessionLayer},
    store::Revocations,
};
use axum::{
    Form, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use tokio::net::TcpListener;
use tower_http::csrf::CsrfLayer;

/// What a role may do. In the database there are roles; guards know scopes only.
fn scopes_of(user: &str) -> Option<&'static [&'static str]> {
    match user {
        "rita" => Some(&["articles.read"]),
        "erin" => Some(&["articles.read", "articles.write"]),
        "adam" => Some(&["articles.read", "articles.write", "users"]),
        _ => None,
    }
}

#[derive(Deserialize)]
struct LoginForm {
    user: String,
}

/// A real application checks a password here.
async fn login(session: Session, Form(form): Form<LoginForm>) -> Response {
    let Some(scopes) = scopes_of(&form.user) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    match session.login(Login::new(form.user).scopes(scopes)) {
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => error.into_response(),
    }
}

async fn read(principal: Principal) -> String {
    format!("articles for {}\n", principal.subject())
}

async fn write() -> &'static str {
    "written\n"
}

async fn users() -> &'static str {
    "rita erin adam\n"
}

/// Where the role has just been taken away in the database: whoever had it logs in again.
async fn demote(
    State(store): State<Arc<MemoryStore>>,
    Path(user): Path<String>,
) -> Result<StatusCode, StatusCode> {
    let ended: Result<(), StoreError> = store.revoke_subject(&user).await;
    // Not known to have happened: an admin who is told "done" would not try again.
    ended.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(StatusCode::NO_CONTENT)
}

fn app(store: Arc<MemoryStore>) -> Result<Router, Box<dyn Error>> {
    let readers = Router::new()
        .route("/articles", get(read))
        .route_layer(RequireScope::new("articles.read"));
    let writers = Router::new()
        .route("/articles", post(write))
        .route_layer(RequireScope::new("articles.write"));
    // A whole part of the service: one guard around it, and none can be forgotten.
    let admins = Router::new()
        .route("/", get(users))
        .route("/{user}/demote", post(demote))
        .layer(RequireScope::new("users"));
    let anybody = Router::new()
        .route("/me", get(read))
        .route_layer(RequireAuth::new());
    Ok(Router::new()
        .route("/login", post(login))
        .merge(readers)
        .merge(writers)
        .merge(anybody)
        .nest("/users", admins)
        .with_state(store.clone())
        .layer(SessionLayer::builder(store).build()?)
        .layer(CsrfLayer::new()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = app(Arc::new(MemoryStore::new()))?;
    let address = env::args().nth(1).unwrap_or("127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
