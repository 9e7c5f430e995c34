use axum::{Router, routing::get};
use jwt_authorizer::{IntoLayer, JwtAuthorizer, JwtClaims, Validation, error::InitError};
use serde::Deserialize;

#[derive(Clone, Deserialize)]
struct User {
    sub: String,
    tenant: String,
}

async fn me(JwtClaims(user): JwtClaims<User>) -> String {
    format!("{} of {}", user.sub, user.tenant)
}

pub async fn app(pem: &str) -> Result<Router, InitError> {
    let validation = Validation::new()
        .iss(&["https://id.example"])
        .aud(&["api"])
        .nbf(true);
    let auth = JwtAuthorizer::<User>::from_ed_pem_text(pem)
        .validation(validation)
        .build()
        .await?;
    Ok(Router::new().route("/me", get(me)).layer(auth.into_layer()))
}
