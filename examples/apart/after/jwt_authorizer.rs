use auth_layers::{
    Principal,
    jwt::{Algorithm, Claims, ConfigError, JwtLayer, KeySet, Verifier},
};
use axum::{Router, routing::get};
use serde::Deserialize;

#[derive(Deserialize)]
struct User {
    tenant: String,
}

async fn me(principal: Principal, Claims(user): Claims<User>) -> String {
    format!("{} of {}", principal.subject(), user.tenant)
}

pub fn app(pem: &str) -> Result<Router, ConfigError> {
    let keys = KeySet::builder()
        .pem(Algorithm::EdDsa, "key-1", pem)
        .build()?;
    let verifier = Verifier::builder("https://id.example", "api", keys)
        .accept_typ_jwt() // if its tokens are not of the type `at+jwt`
        .build()?;
    let tokens = JwtLayer::builder(verifier).required().build()?;
    Ok(Router::new().route("/me", get(me)).layer(tokens))
}
