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
//!
//! The service behind alone, for the demo on port 3000 and nginx as the guide to gateways has it:
//!
//! ```sh
//! cargo run -p auth-examples --example gateway behind 127.0.0.1:3001 \
//!     https://auth.demo http://127.0.0.1:3000/.well-known/jwks.json
//! ```

use std::{env, error::Error, sync::Arc};

use auth_layers::{
    Principal,
    jwt::{Issuer, JwtLayer, KeySource, RemoteKeys, SigningKeys, Verifier},
    memory::MemoryStore,
    session::{Login, Session, SessionError, SessionLayer},
};
use axum::{
    Form, Router,
    http::StatusCode,
    routing::{get, post},
};
use serde::Deserialize;
use tokio::net::TcpListener;
use tower::ServiceBuilder;
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

fn auth(issuer: Issuer, store: Arc<MemoryStore>) -> Result<Router, Box<dyn Error>> {
    let sessions = SessionLayer::builder(store.clone()).build()?;
    let tokens = JwtLayer::builder(issuer.verifier()?).store(store).build()?;
    let identify = ServiceBuilder::new().layer(tokens).layer(sessions.clone());
    let verify = issuer.forward_auth(UPSTREAM).behind(identify)?;
    let login = Router::new()
        .route("/login", post(login))
        .layer(sessions)
        .layer(CsrfLayer::new());
    Ok(login
        .route_service("/verify", verify)
        .route_service("/.well-known/jwks.json", issuer.jwks_service()))
}

async fn orders(principal: Principal) -> String {
    format!("the orders of {}\n", principal.subject())
}

/// The service behind. In earnest it is another process, and fetches the keys.
fn behind(issuer: &str, keys: impl Into<KeySource>) -> Result<Router, Box<dyn Error>> {
    let verifier = Verifier::builder(issuer, UPSTREAM, keys).build()?;
    let layer = JwtLayer::builder(verifier).required().build()?;
    Ok(Router::new().route("/orders", get(orders)).layer(layer))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    if let ["behind", address, issuer, jwks] = args[..] {
        let behind = behind(issuer, RemoteKeys::jwks(jwks).build()?)?;
        let listener = TcpListener::bind(address).await?;
        println!("listening on http://{}", listener.local_addr()?);
        return Ok(axum::serve(listener, behind).await?);
    }
    let store = Arc::new(MemoryStore::new());
    let keys = SigningKeys::builder().generate_ed25519("demo").build()?;
    let issuer = Issuer::builder(ISSUER, "auth", keys, store.clone()).build()?;

    let behind = behind(ISSUER, issuer.key_set())?;
    let upstream = args.get(1).unwrap_or(&"127.0.0.1:3001");
    let upstream = TcpListener::bind(upstream).await?;
    println!("the service behind: http://{}", upstream.local_addr()?);
    tokio::spawn(async move { axum::serve(upstream, behind).await });

    let address = args.first().unwrap_or(&"127.0.0.1:3000");
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, auth(issuer, store)?).await?;
    Ok(())
}
