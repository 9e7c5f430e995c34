//! An axum service whose users are in a database: SQLite through sqlx, passwords hashed by argon2.
//!
//! The database knows users; the store knows who is logged in. `CurrentUser` brings both together, by a
//! query that runs when a handler asks for the user. A new password ends all logins but the one that
//! set it, and a login with the old one that is under way at that moment comes to nothing.
//!
//! ```sh
//! cargo run --manifest-path examples/apart/Cargo.toml
//! curl -d user=alice -d password='down the rabbit hole' http://127.0.0.1:3000/users
//! curl -c jar -d user=alice -d password='down the rabbit hole' http://127.0.0.1:3000/login
//! curl -b jar http://127.0.0.1:3000/me
//! curl -b jar -d old='down the rabbit hole' -d new='through the looking glass' http://127.0.0.1:3000/password
//! ```
//!
//! Arguments: where to listen (`127.0.0.1:3000`), and the database (`sqlite::memory:`; a file is
//! `sqlite:users.db?mode=rwc`).

mod users;

use std::{env, error::Error, sync::Arc};

use auth_layers::{
    CurrentUser,
    memory::MemoryStore,
    session::{Login, Session, SessionLayer},
    store::Store,
};
use axum::{
    Form, Router,
    extract::{FromRef, State},
    http::StatusCode,
    response::Result,
    routing::{get, post},
};
use serde::Deserialize;
use tokio::net::TcpListener;
use tower_http::csrf::CsrfLayer;

use crate::users::Users;

/// What handlers share.
#[derive(Clone)]
struct App {
    users: Users,
    store: Arc<dyn Store>,
}

/// `CurrentUser<Users>` finds its loader by this.
impl FromRef<App> for Users {
    fn from_ref(app: &App) -> Self {
        app.users.clone()
    }
}

#[derive(Deserialize)]
struct Credentials {
    user: String,
    password: String,
}

#[derive(Deserialize)]
struct NewPassword {
    old: String,
    new: String,
}

async fn register(State(app): State<App>, Form(form): Form<Credentials>) -> Result<StatusCode> {
    if form.user.is_empty() || is_too_short(&form.password) {
        return Ok(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let is_new = app.users.add(&form.user, form.password).await?;
    Ok(if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::CONFLICT
    })
}

async fn login(
    State(app): State<App>,
    session: Session,
    Form(form): Form<Credentials>,
) -> Result<StatusCode> {
    let Some(user) = app.users.named(&form.user).await? else {
        app.users.check_nobody(form.password).await;
        return Ok(StatusCode::UNAUTHORIZED);
    };
    // Before the password is looked at: if it is changed meanwhile, this login is refused.
    let since = app.store.epoch(&user.subject()).await;
    let since = since.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    if !app.users.check(&user, form.password).await? {
        return Ok(StatusCode::UNAUTHORIZED);
    }
    session.login(Login::new(user.subject()).since(since))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn logout(session: Session) -> Result<StatusCode> {
    session.logout().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn me(CurrentUser(user): CurrentUser<Users>) -> String {
    user.name
}

async fn change_password(
    State(app): State<App>,
    CurrentUser(user): CurrentUser<Users>,
    session: Session,
    Form(form): Form<NewPassword>,
) -> Result<StatusCode> {
    if is_too_short(&form.new) {
        return Ok(StatusCode::UNPROCESSABLE_ENTITY);
    }
    if !app.users.change_password(&user, form.old, form.new).await? {
        return Ok(StatusCode::FORBIDDEN);
    }
    // If this fails the new password holds all the same, and /logout-others is what to try again.
    end_others(session).await
}

async fn end_others(session: Session) -> Result<StatusCode> {
    session.end_other_logins().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn delete_me(
    State(app): State<App>,
    CurrentUser(user): CurrentUser<Users>,
) -> Result<StatusCode> {
    app.users.delete(&user).await?;
    let ended = app.store.revoke_subject(&user.subject()).await;
    ended.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(StatusCode::NO_CONTENT)
}

/// NIST 800-63B-4, section 3.1.1.2: 15 characters, where the password is all that is asked for.
fn is_too_short(password: &str) -> bool {
    password.chars().count() < 15
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or("127.0.0.1:3000".to_owned());
    let database = arguments.next().unwrap_or("sqlite::memory:".to_owned());

    let store = Arc::new(MemoryStore::new());
    let users = Users::open(&database).await?;
    let app = Router::new()
        .route("/users", post(register))
        .route("/login", post(login))
        .route("/logout", post(logout))
        .route("/logout-others", post(end_others))
        .route("/password", post(change_password))
        .route("/me", get(me).delete(delete_me))
        .with_state(App {
            users,
            store: store.clone(),
        })
        .layer(SessionLayer::builder(store).build()?)
        .layer(CsrfLayer::new());

    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
