//! Behind a gateway: one service that knows who is calling, and one that only believes its signature.
//!
//! A gateway (nginx's `auth_request`, Envoy's `ext_authz`) asks `GET /verify` with the request's own
//! headers, and hands the assertion that comes back on to the service behind, as a bearer token. That
//! one has the public keys and no store, and knows nothing of cookies.
//!
//! ```sh
//! cargo run -p auth-examples --example gateway
//! curl -c jar -d user=alice http://127.0.0.1:3000/login
//! assertion=$(curl -si -b jar http://127.0.0.1:3000/verify | sed -n 's/^x-auth-assertion: //p' | tr -d '\r')
//! curl -H "Authorization: Bearer $assertion" http://127.0.0.1:3001/orders
//! ```

use std::{env, error::Error, sync::Arc, time::Duration};

use auth_layers::{
    Principal, RequireAuth,
    jwt::{Issuer, JwtLayer, KeySet, SigningKeys, Verifier},
    memory::MemoryStore,
    session::{Login, Session, SessionError, SessionLayer},
};
use axum::{
    Form, Router,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use serde::Deserialize;
use tokio::net::TcpListener;
use tower_http::csrf::CsrfLayer;

const ISSUER: &str = "https://auth.example";
/// Whom assertions are for: the services behind. Access tokens are for somebody else.
const UPSTREAM: &str = "upstream";

#[derive(Deserialize)]
struct LoginForm {
    user: String,
}

/// A real application checks a password here.
async fn login(session: Session, Form(form): Form<LoginForm>) -> Result<StatusCode, SessionError> {
    session.login(Login::new(form.user))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn verify(State(issuer): State<Issuer>, principal: Principal) -> Response {
    match issuer.assertion(&principal, UPSTREAM, Duration::from_secs(60)) {
        Ok(assertion) => ([("x-auth-assertion", assertion)], "").into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// Gateways know 200, 401, 403 and 503: no gRPC, whose refusals are 200, and no 400.
async fn for_gateways(mut request: Request, next: Next) -> Response {
    request.headers_mut().remove(header::CONTENT_TYPE);
    let mut response = next.run(request).await;
    if response.status() == StatusCode::BAD_REQUEST {
        *response.status_mut() = StatusCode::UNAUTHORIZED;
    }
    response
}

fn auth(issuer: Issuer, store: Arc<MemoryStore>) -> Result<Router, Box<dyn Error>> {
    let sessions = SessionLayer::builder(store.clone()).build()?;
    let tokens = JwtLayer::builder(issuer.verifier()?).store(store).build()?;
    let verify = Router::new()
        // With whatever method the request had. CSRF is not checked: nothing is changed here.
        .route("/verify", any(verify))
        .layer(RequireAuth::new())
        .layer(tokens)
        .layer(sessions.clone())
        .layer(middleware::from_fn(for_gateways));
    let login = Router::new()
        .route("/login", post(login))
        .layer(sessions)
        .layer(CsrfLayer::new());
    Ok(verify
        .merge(login)
        .route_service("/.well-known/jwks.json", issuer.jwks_service())
        .with_state(issuer))
}

async fn orders(principal: Principal) -> String {
    format!("the orders of {}\n", principal.subject())
}

/// The service behind. In earnest it fetches the keys: `RemoteKeys::jwks(".../.well-known/jwks.json")`.
fn behind(jwks: &str) -> Result<Router, Box<dyn Error>> {
    let keys = KeySet::builder().jwks(jwks).build()?;
    let verifier = Verifier::builder(ISSUER, UPSTREAM, keys).build()?;
    let layer = JwtLayer::builder(verifier).required().build()?;
    Ok(Router::new().route("/orders", get(orders)).layer(layer))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = Arc::new(MemoryStore::new());
    let keys = SigningKeys::builder().generate_ed25519("demo").build()?;
    let issuer = Issuer::builder(ISSUER, "auth", keys, store.clone()).build()?;

    let behind = behind(&issuer.jwks())?;
    let upstream = env::args().nth(2).unwrap_or("127.0.0.1:3001".to_owned());
    let upstream = TcpListener::bind(upstream).await?;
    println!("the service behind: http://{}", upstream.local_addr()?);
    tokio::spawn(async move { axum::serve(upstream, behind).await });

    let address = env::args().nth(1).unwrap_or("127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, auth(issuer, store)?).await?;
    Ok(())
}
