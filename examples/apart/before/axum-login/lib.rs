use std::{collections::HashSet, convert::Infallible};

use axum::{
    Form, Router,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use axum_login::{
    AuthManagerLayerBuilder, AuthSession, AuthUser, AuthnBackend, AuthzBackend, UserId,
    permission_required,
};
use serde::Deserialize;
use tower_sessions::{MemoryStore, SessionManagerLayer};

#[derive(Clone, Debug)]
pub struct User {
    id: String,
    name: String,
    password_hash: Vec<u8>,
    permissions: HashSet<String>,
}

impl AuthUser for User {
    type Id = String;

    fn id(&self) -> String {
        self.id.clone()
    }

    fn session_auth_hash(&self) -> &[u8] {
        &self.password_hash
    }
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
            "alice" => ("Alice", HashSet::new()),
            "adam" => ("Adam", HashSet::from(["users".to_owned()])),
            _ => return None,
        };
        Some(User {
            id: id.to_owned(),
            name: name.to_owned(),
            password_hash: b"of wonderland".to_vec(),
            permissions,
        })
    }
}

impl AuthnBackend for Db {
    type User = User;
    type Credentials = Credentials;
    type Error = Infallible;

    async fn authenticate(&self, form: Credentials) -> Result<Option<User>, Infallible> {
        let user = self.find(&form.user).await;
        Ok(user.filter(|_| form.password == "wonderland"))
    }

    async fn get_user(&self, id: &UserId<Self>) -> Result<Option<User>, Infallible> {
        Ok(self.find(id).await)
    }
}

impl AuthzBackend for Db {
    type Permission = String;

    async fn get_user_permissions(&self, user: &User) -> Result<HashSet<String>, Infallible> {
        Ok(user.permissions.clone())
    }
}

async fn log_in(mut auth: AuthSession<Db>, Form(form): Form<Credentials>) -> StatusCode {
    match auth.authenticate(form).await {
        Ok(Some(user)) => match auth.login(&user).await {
            Ok(()) => StatusCode::NO_CONTENT,
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
        },
        Ok(None) => StatusCode::UNAUTHORIZED,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

async fn log_out(mut auth: AuthSession<Db>) -> StatusCode {
    match auth.logout().await {
        Ok(_) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

async fn me(auth: AuthSession<Db>) -> Response {
    match auth.user {
        Some(user) => user.name.into_response(),
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}

async fn users() -> &'static str {
    "Alice, Adam"
}

pub fn app(db: Db) -> Router {
    let sessions = SessionManagerLayer::new(MemoryStore::default());
    Router::new()
        .route("/users", get(users))
        .route_layer(permission_required!(Db, "users"))
        .route("/login", post(log_in))
        .route("/logout", post(log_out))
        .route("/me", get(me))
        .layer(AuthManagerLayerBuilder::new(db, sessions).build())
}
