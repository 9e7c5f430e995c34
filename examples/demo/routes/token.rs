//! Token logins. Everything else about tokens is a ready-made service of the issuer.

use auth_layers::{
    Scopes,
    jwt::{TokenLogin, Tokens},
};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{session::wrong_password, unavailable};
use crate::{app::App, form::FormOrJson, problem::OAuthError};

#[derive(Deserialize)]
pub(super) struct LoginForm {
    user: String,
    password: String,
    scope: Option<String>,
    device: Option<String>,
}

pub(super) async fn login(
    State(app): State<App>,
    FormOrJson(form): FormOrJson<LoginForm>,
) -> Result<Response, Response> {
    let since = app.store.epoch(&form.user).await;
    let since = since.map_err(|_| unavailable())?;
    let Some(allowed) = app.users.check(&form.user, &form.password).await else {
        return Err(wrong_password().into_response());
    };
    let scopes = match form.scope.as_deref().map(str::parse::<Scopes>) {
        None => allowed,
        Some(Ok(scopes)) if allowed.is_superset(&scopes) => scopes,
        Some(_) => return Err(invalid_scope()),
    };
    let mut login = TokenLogin::new(form.user).scopes(scopes).since(since);
    if let Some(device) = form.device {
        login = login.device(device);
    }
    match app.issuer.login(login).await {
        Ok(tokens) => Ok(answer(&tokens)),
        Err(error) if error.is_unavailable() => Err(unavailable()),
        // The password was reset while it was being checked.
        Err(_) => Err(wrong_password().into_response()),
    }
}

fn invalid_scope() -> Response {
    OAuthError(StatusCode::BAD_REQUEST, "invalid_scope").into_response()
}

/// RFC 6749 section 5.1.
fn answer(tokens: &Tokens) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(tokens)).into_response()
}
