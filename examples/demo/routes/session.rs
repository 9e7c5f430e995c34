//! Cookie sessions: log in, log out, and data.

use auth_layers::session::{Login, Session};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    app::App,
    form::FormOrJson,
    problem::{self, Problem},
};

#[derive(Deserialize)]
pub(super) struct LoginForm {
    user: String,
    password: String,
    #[serde(default, deserialize_with = "bool_or_text")]
    remember: bool,
    device: Option<String>,
}

/// `true`, as JSON has it, or `"true"`, as forms do.
fn bool_or_text<'de, D: serde::Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum BoolOrText {
        Bool(bool),
        Text(String),
    }
    Ok(match BoolOrText::deserialize(value)? {
        BoolOrText::Bool(value) => value,
        BoolOrText::Text(text) => matches!(text.as_str(), "true" | "on" | "1"),
    })
}

pub(super) async fn login(
    State(app): State<App>,
    session: Session,
    FormOrJson(form): FormOrJson<LoginForm>,
) -> Result<StatusCode, Response> {
    // Read before the password is checked: if the password is reset meanwhile, the old one loses.
    let since = app.store.epoch(&form.user).await;
    let since = since.map_err(|_| super::unavailable())?;
    let Some(scopes) = app.users.check(&form.user, &form.password).await else {
        return Err(wrong_password().into_response());
    };
    let mut login = Login::new(form.user)
        .scopes(scopes.iter())
        .since(since)
        .persistent(form.remember);
    if let Some(device) = form.device {
        login = login.device(device);
    }
    session.login(login).map_err(problem::of_session)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) fn wrong_password() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "wrong user or password")
}

pub(super) async fn logout(session: Session) -> Result<StatusCode, Response> {
    session.logout().await.map_err(problem::of_session)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn read(session: Session, Path(key): Path<String>) -> Result<Response, Response> {
    let value = async { session.data().await?.get::<Value>(&key) };
    Ok(match value.await.map_err(problem::of_session)? {
        Some(value) => Json(value).into_response(),
        None => Problem::new(StatusCode::NOT_FOUND, "no such field").into_response(),
    })
}

pub(super) async fn write(
    session: Session,
    Path(key): Path<String>,
    Json(value): Json<Value>,
) -> Result<StatusCode, Response> {
    let written = async { session.data().await?.insert(&key, &value) };
    written.await.map_err(problem::of_session)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn remove(
    session: Session,
    Path(key): Path<String>,
) -> Result<StatusCode, Response> {
    let removed = async { session.data().await?.remove(&key) };
    removed.await.map_err(problem::of_session)?;
    Ok(StatusCode::NO_CONTENT)
}
