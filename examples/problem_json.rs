//! Refusals in the application's own shape: `application/problem+json` (RFC 9457) with a type, an
//! instance of its own, and a link to where one logs in.
//!
//! `ProblemJson` is ready-made, and right for most; this is how to write another one. It may choose
//! the body and add headers. Status and challenge come from the table, which clients rely on.
//!
//! ```sh
//! cargo run -p auth-examples --example problem_json
//! curl -i http://127.0.0.1:3000/me
//! curl -i -H 'Authorization: Bearer x' http://127.0.0.1:3000/me
//! ```

use std::{env, error::Error, sync::Arc};

use auth_layers::{
    Principal, Rejection, RejectionHandler, RejectionKind, RequireAuth,
    jwt::{Issuer, JwtLayer, SigningKeys, TokenLogin},
    memory::MemoryStore,
    rejection::DefaultRejections,
};
use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Response, header::CONTENT_TYPE, response::Parts},
    routing::get,
};
use serde_json::json;
use tokio::net::TcpListener;

/// One type for all layers and guards of the service.
#[derive(Clone, Copy)]
struct Problems;

impl RejectionHandler<Body> for Problems {
    fn respond(&self, rejection: &Rejection, handled: Option<&Parts>) -> Response<Body> {
        // Status, challenge, Retry-After and what gRPC needs.
        let mut response: Response<Body> = DefaultRejections.respond(rejection, handled);
        if rejection.protocol().is_grpc() {
            return response;
        }
        let kind = match rejection.kind() {
            RejectionKind::Unauthenticated => "login-required",
            RejectionKind::InvalidToken(_) => "token",
            RejectionKind::InsufficientScope(_) => "scope",
            RejectionKind::Unavailable(_) => "unavailable",
            _ => "refused",
        };
        let problem = json!({
            "type": format!("https://errors.example/{kind}"),
            "title": rejection.message(),
            "status": rejection.status().as_u16(),
            "login": "https://app.example/login",
        });
        let json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        *response.body_mut() = problem.to_string().into();
        response
    }
}

async fn me(principal: Principal) -> String {
    format!("{}\n", principal.subject())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = Arc::new(MemoryStore::new());
    let keys = SigningKeys::builder().generate_ed25519("demo").build()?;
    let issuer = Issuer::builder("https://auth.example", "api", keys, store.clone()).build()?;
    let tokens = issuer.login(TokenLogin::new("alice")).await?;
    println!("token for alice: {}", tokens.access_token());

    let layer = JwtLayer::builder(issuer.verifier()?)
        .store(store)
        .rejections(Problems)
        .build()?;
    let app = Router::new()
        .route("/me", get(me))
        .route_layer(RequireAuth::with_rejections(Problems))
        .layer(layer);

    let address = env::args().nth(1).unwrap_or("127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
