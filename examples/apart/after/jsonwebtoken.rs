use std::{error::Error, sync::Arc};

use auth_layers::{
    Principal,
    jwt::{Claims, Issuer, JwtLayer, SigningKeys, TokenLogin},
    memory::MemoryStore,
};
use axum::{
    Form, Json, Router,
    extract::State,
    http::{StatusCode, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Credentials {
    user: String,
    password: String,
}

#[derive(Serialize, Deserialize)]
struct Ours {
    tenant: String,
}

async fn log_in(State(issuer): State<Issuer>, Form(form): Form<Credentials>) -> Response {
    if form.password != "wonderland" {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let ours = Ours {
        tenant: "acme".to_owned(),
    };
    match issuer.login(TokenLogin::new(form.user).claims(ours)).await {
        Ok(tokens) => ([(CACHE_CONTROL, "no-store")], Json(tokens)).into_response(),
        Err(error) if error.is_unavailable() => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

async fn me(principal: Principal, Claims(ours): Claims<Ours>) -> String {
    format!("{} of {}", principal.subject(), ours.tenant)
}

pub fn app(private_pem: &str) -> Result<Router, Box<dyn Error>> {
    let store = Arc::new(MemoryStore::new());
    let keys = SigningKeys::builder()
        .private_pem("2026-11", private_pem)
        .build()?;
    let issuer = Issuer::builder("https://shop.example", "api", keys, store.clone()).build()?;
    let tokens = JwtLayer::builder(issuer.verifier()?).store(store).build()?;
    Ok(Router::new()
        .route("/me", get(me))
        .layer(tokens)
        // Outside of the layer: clients send an old token along.
        .route("/login", post(log_in))
        .route_service("/refresh", issuer.refresh_service())
        .route_service("/revoke", issuer.revoke_service())
        .with_state(issuer))
}
