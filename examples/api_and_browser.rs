//! One service for browsers and for API clients: pages by cookie session, `/api` by either kind of
//! login, and one "log out everywhere" for both.
//!
//! ```sh
//! cargo run -p auth-examples --example api_and_browser
//! curl -c jar -d user=alice http://127.0.0.1:3000/login            # a browser
//! curl -d user=alice http://127.0.0.1:3000/token                   # an app: access and refresh token
//! curl -b jar http://127.0.0.1:3000/api/me
//! curl -H 'Authorization: Bearer …' http://127.0.0.1:3000/api/me
//! curl -b jar -X POST http://127.0.0.1:3000/api/logout-everywhere  # ends both
//! ```

use std::{env, error::Error, sync::Arc};

use auth_layers::{
    Principal, RequireAuth,
    jwt::{Issuer, JwtLayer, SigningKeys, TokenLogin},
    memory::MemoryStore,
    session::{Login, Session, SessionError, SessionLayer},
    store::Store,
};
use axum::{
    Form, Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower_http::csrf::CsrfLayer;

#[derive(Clone)]
struct App {
    store: Arc<dyn Store>,
    issuer: Issuer,
}

/// A real application has a password here, and checks it in both places.
#[derive(Deserialize)]
struct LoginForm {
    user: String,
}

async fn login(session: Session, Form(form): Form<LoginForm>) -> Result<Redirect, SessionError> {
    session.login(Login::new(form.user).device("browser"))?;
    Ok(Redirect::to("/"))
}

async fn token(State(app): State<App>, Form(form): Form<LoginForm>) -> Response {
    let login = TokenLogin::new(form.user).device("app");
    match app.issuer.login(login).await {
        Ok(tokens) => ([(header::CACHE_CONTROL, "no-store")], Json(tokens)).into_response(),
        Err(error) if error.is_unavailable() => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

async fn page(principal: Principal) -> Html<String> {
    // Names come from users: what goes into a page is escaped.
    let name = principal.subject().replace('&', "&amp;");
    let name = name.replace('<', "&lt;").replace('>', "&gt;");
    Html(format!(
        "<!doctype html><title>Hello</title><h1>Hello {name}</h1>"
    ))
}

async fn login_page() -> Html<&'static str> {
    Html(
        "<!doctype html><title>Log in</title>\
         <form method=post action=/login><input name=user><button>Log in</button></form>",
    )
}

async fn me(principal: Principal) -> String {
    format!("{} by {}\n", principal.subject(), principal.kind().as_str())
}

async fn logout_everywhere(State(app): State<App>, principal: Principal) -> StatusCode {
    match app.store.revoke_subject(principal.subject()).await {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn router(app: App) -> Result<Router, Box<dyn Error>> {
    let sessions = SessionLayer::builder(app.store.clone()).build()?;
    let tokens = JwtLayer::builder(app.issuer.verifier()?)
        .store(app.store.clone())
        .build()?;

    let pages = Router::new()
        .route("/", get(page))
        .route_layer(RequireAuth::new().login_page("/login"))
        .route("/login", get(login_page).post(login))
        .layer(sessions.clone());
    let api = Router::new()
        .route("/api/me", get(me))
        .route("/api/logout-everywhere", post(logout_everywhere))
        .route_layer(RequireAuth::new())
        .layer(ServiceBuilder::new().layer(tokens).layer(sessions));
    // Outside of the token layer: clients send an expired token along with a refresh.
    let tokens = Router::new()
        .route("/token", post(token))
        .route_service("/token/refresh", app.issuer.refresh_service())
        .route_service("/token/revoke", app.issuer.revoke_service());
    Ok(Router::new()
        .merge(pages)
        .merge(api)
        .merge(tokens)
        .with_state(app)
        .layer(CsrfLayer::new()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let keys = SigningKeys::builder().generate_ed25519("demo").build()?;
    let issuer = Issuer::builder("https://auth.example", "api", keys, store.clone()).build()?;
    let app = router(App { store, issuer })?;

    let address = env::args().nth(1).unwrap_or("127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
