use std::{convert::Infallible, error::Error, sync::Arc};

use auth_layers::{
    CurrentUser, Principal, RequireScope, UserLoader,
    memory::MemoryStore,
    session::{Login, Session, SessionError, SessionLayer},
};
use axum::{
    Form, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;

#[derive(Clone, Debug)]
pub struct User {
    id: String,
    name: String,
    permissions: Vec<String>,
}

#[derive(Deserialize)]
pub struct Credentials {
    user: String,
    password: String,
}

/// Yours: a pool of connections.
#[derive(Clone)]
pub struct Db;

impl Db {
    async fn find(&self, id: &str) -> Option<User> {
        let (name, permissions) = match id {
            "alice" => ("Alice", vec![]),
            "adam" => ("Adam", vec!["users".to_owned()]),
            _ => return None,
        };
        Some(User {
            id: id.to_owned(),
            name: name.to_owned(),
            permissions,
        })
    }

    /// The same code as before, of no trait.
    async fn authenticate(&self, form: Credentials) -> Option<User> {
        let user = self.find(&form.user).await;
        user.filter(|_| form.password == "wonderland")
    }
}

impl UserLoader for Db {
    type User = User;
    type Error = Infallible;

    /// What was `get_user`.
    async fn load_user(&self, principal: &Principal) -> Result<Option<User>, Infallible> {
        Ok(self.find(principal.subject()).await)
    }
}

async fn log_in(State(db): State<Db>, session: Session, Form(form): Form<Credentials>) -> Response {
    let Some(user) = db.authenticate(form).await else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    match session.login(Login::new(user.id).scopes(user.permissions)) {
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => error.into_response(),
    }
}

async fn log_out(session: Session) -> Result<StatusCode, SessionError> {
    session.logout().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn me(CurrentUser(user): CurrentUser<Db>) -> String {
    user.name
}

async fn users() -> &'static str {
    "Alice, Adam"
}

pub fn app(db: Db) -> Result<Router, Box<dyn Error>> {
    let sessions = SessionLayer::builder(Arc::new(MemoryStore::new())).build()?;
    Ok(Router::new()
        .route("/users", get(users))
        .route_layer(RequireScope::new("users"))
        .route("/login", post(log_in))
        .route("/logout", post(log_out))
        .route("/me", get(me))
        .with_state(db)
        .layer(sessions))
}
