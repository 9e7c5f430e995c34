use std::time::{SystemTime, UNIX_EPOCH};

use axum::{
    Form, Json, Router,
    extract::{FromRef, FromRequestParts, State},
    http::{StatusCode, header::AUTHORIZATION, request::Parts},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode, errors::Error,
};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Credentials {
    user: String,
    password: String,
}

#[derive(Serialize)]
struct Answer {
    access_token: String,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    exp: u64,
    tenant: String,
}

#[derive(Clone)]
struct Keys {
    signing: EncodingKey,
    verifying: DecodingKey,
}

impl<S: Send + Sync> FromRequestParts<S> for Claims
where
    Keys: FromRef<S>,
{
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, StatusCode> {
        let keys = Keys::from_ref(state);
        let header = parts.headers.get(AUTHORIZATION);
        let token = header.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let token = token.ok_or(StatusCode::UNAUTHORIZED)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&["https://shop.example"]);
        validation.set_audience(&["api"]);
        match decode::<Self>(token, &keys.verifying, &validation) {
            Ok(token) => Ok(token.claims),
            Err(_) => Err(StatusCode::UNAUTHORIZED),
        }
    }
}

async fn log_in(State(keys): State<Keys>, Form(form): Form<Credentials>) -> Response {
    if form.password != "wonderland" {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let claims = Claims {
        iss: "https://shop.example".to_owned(),
        aud: "api".to_owned(),
        sub: form.user,
        exp: now.map_or(0, |now| now.as_secs()) + 300,
        tenant: "acme".to_owned(),
    };
    match encode(&Header::new(Algorithm::EdDSA), &claims, &keys.signing) {
        Ok(access_token) => Json(Answer { access_token }).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn me(claims: Claims) -> String {
    format!("{} of {}", claims.sub, claims.tenant)
}

pub fn app(private_pem: &str, public_pem: &str) -> Result<Router, Error> {
    let keys = Keys {
        signing: EncodingKey::from_ed_pem(private_pem.as_bytes())?,
        verifying: DecodingKey::from_ed_pem(public_pem.as_bytes())?,
    };
    Ok(Router::new()
        .route("/login", post(log_in))
        .route("/me", get(me))
        .with_state(keys))
}
