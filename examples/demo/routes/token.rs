//! Tokens: log in, refresh, revoke, introspect.

use auth_layers::{
    Scopes,
    jwt::{RefreshError, TokenLogin, Tokens},
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

#[derive(Deserialize)]
pub(super) struct RefreshForm {
    refresh_token: String,
    scope: Option<String>,
}

pub(super) async fn refresh(
    State(app): State<App>,
    FormOrJson(form): FormOrJson<RefreshForm>,
) -> Response {
    let Ok(scopes) = form.scope.as_deref().map(str::parse::<Scopes>).transpose() else {
        return invalid_scope();
    };
    let refreshed = app
        .issuer
        .refresh(form.refresh_token.as_bytes(), scopes.as_ref())
        .await;
    let error = match refreshed {
        Ok(tokens) => return answer(&tokens),
        Err(RefreshError::Unavailable(_)) => return unavailable(),
        Err(RefreshError::InvalidScope) => "invalid_scope",
        Err(_) => "invalid_grant",
    };
    OAuthError(StatusCode::BAD_REQUEST, error).into_response()
}

#[derive(Deserialize)]
pub(super) struct TokenForm {
    token: String,
}

/// RFC 7009: a token that is no good needs no revocation, so that is a success, too.
pub(super) async fn revoke(
    State(app): State<App>,
    FormOrJson(form): FormOrJson<TokenForm>,
) -> Response {
    let revoked = match app.verifier.verify(form.token.as_bytes()) {
        Ok(token) => {
            let id = token.token_id().unwrap_or_default();
            let store = &app.store;
            store
                .revoke_token(token.issuer(), id, token.subject(), token.expires_at())
                .await
        }
        Err(_) => app.issuer.revoke_refresh_token(form.token.as_bytes()).await,
    };
    match revoked {
        Ok(()) => StatusCode::OK.into_response(),
        Err(_) => super::not_done(),
    }
}

/// RFC 7662, for callers with the scope `admin`.
pub(super) async fn introspect(
    State(app): State<App>,
    FormOrJson(form): FormOrJson<TokenForm>,
) -> Response {
    match app.issuer.introspect(form.token.as_bytes()).await {
        Ok(answer) => Json(answer).into_response(),
        Err(_) => unavailable(),
    }
}

pub(super) async fn jwks(State(app): State<App>) -> impl IntoResponse {
    let json = [(header::CONTENT_TYPE, "application/jwk-set+json")];
    (json, app.issuer.jwks())
}
