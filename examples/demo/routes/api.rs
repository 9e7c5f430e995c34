//! What a logged-in user may see and do.

use auth_layers::{LoginId, Principal, StoreError, Timestamp, revocation::Op, store::Revocation};
use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{not_done, unavailable};
use crate::{app::App, problem::Problem};

pub(super) async fn me(principal: Principal) -> Json<Value> {
    Json(json!({
        "subject": principal.subject(),
        "login": principal.login().map(|login| login.to_string()),
        "kind": principal.kind().as_str(),
        "scopes": principal.scopes().iter().collect::<Vec<_>>(),
        "auth_time": principal.auth_time().map(Timestamp::as_secs),
        "expires_at": principal.expires_at().map(Timestamp::as_secs),
    }))
}

pub(super) async fn admin(principal: Principal) -> Json<Value> {
    Json(json!({ "hello": principal.subject() }))
}

/// As many as a page of devices shows; the index holds 1,000.
const PAGE: usize = 1_000;

pub(super) async fn logins(
    State(app): State<App>,
    principal: Principal,
) -> Result<Json<Value>, Response> {
    if app.is_foreign(&principal) {
        return Ok(Json(json!([])));
    }
    let page = app.store.logins(principal.subject(), None, PAGE).await;
    let page = page.map_err(|_| unavailable())?;
    let logins: Vec<_> = page
        .logins
        .into_iter()
        .map(|info| {
            json!({
                "login": info.login.to_string(),
                "kind": info.kind.as_str(),
                "device": info.device,
                "created_at": info.created_at.as_secs(),
                "last_seen_at": info.last_seen_at.as_secs(),
                "current": Some(info.login) == principal.login(),
            })
        })
        .collect();
    Ok(Json(Value::Array(logins)))
}

pub(super) async fn end_login(
    State(app): State<App>,
    principal: Principal,
    Path(login): Path<String>,
) -> Result<Response, Response> {
    if app.is_foreign(&principal) {
        return Err(no_such_login());
    }
    let subject = principal.subject();
    let page = app.store.logins(subject, None, PAGE).await;
    let page = page.map_err(|_| unavailable())?;
    let listed = login
        .parse::<LoginId>()
        .ok()
        .filter(|login| page.logins.iter().any(|info| info.login == *login));
    let Some(login) = listed else {
        return Err(no_such_login());
    };
    Ok(done(app.store.end_login(subject, login).await))
}

fn no_such_login() -> Response {
    Problem::new(StatusCode::NOT_FOUND, "no such login").into_response()
}

pub(super) async fn end_others(
    State(app): State<App>,
    principal: Principal,
) -> Result<Response, Response> {
    let Some(keep) = principal.login() else {
        return Err(Problem::new(StatusCode::CONFLICT, "this is no login").into_response());
    };
    Ok(done(
        app.store.end_other_logins(principal.subject(), keep).await,
    ))
}

pub(super) async fn logout_everywhere(
    State(app): State<App>,
    principal: Principal,
) -> Result<Response, Response> {
    Ok(revoke(&app, principal.realm(), principal.subject()).await)
}

/// Where a real application stores the new password; then nobody stays logged in with the old one.
pub(super) async fn password(
    state: State<App>,
    principal: Principal,
) -> Result<Response, Response> {
    end_others(state, principal).await
}

pub(super) async fn revoke_subject(
    State(app): State<App>,
    Path(subject): Path<String>,
    Query(of): Query<Of>,
) -> Result<Response, Response> {
    Ok(revoke(&app, of.realm.as_deref(), &subject).await)
}

/// Whose subject: without a realm one of ours, or else that of the issuer named.
#[derive(Deserialize)]
pub(super) struct Of {
    realm: Option<String>,
}

async fn revoke(app: &App, realm: Option<&str>, subject: &str) -> Response {
    let realm = realm.unwrap_or(app.store.realm());
    let revocation = Revocation::subject(realm, subject);
    done(app.store.revoke(Op::random(), &revocation).await)
}

pub(super) async fn revoke_all(State(app): State<App>) -> Result<Response, Response> {
    Ok(done(app.store.revoke_all().await))
}

fn done(revoked: Result<(), StoreError>) -> Response {
    match revoked {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(_) => not_done(),
    }
}
