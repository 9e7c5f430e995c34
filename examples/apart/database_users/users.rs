//! The users, in SQLite: nothing here knows of sessions, but for the one query that `CurrentUser` makes.

use std::{num::NonZero, sync::Arc, thread::available_parallelism};

use argon2::{
    Argon2, PasswordHasher,
    password_hash::{PasswordVerifier, phc::PasswordHash},
};
use auth_layers::{Principal, UserLoader};
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use sqlx::{SqlitePool, sqlite::SqlitePoolOptions};
use tokio::sync::Semaphore;

/// One row, without the password.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) name: String,
}

impl User {
    /// Who that is in sessions: the number, for names may change.
    pub(crate) fn subject(&self) -> String {
        self.id.to_string()
    }
}

/// The table of users.
#[derive(Clone)]
pub(crate) struct Users {
    pool: SqlitePool,
    /// The hash of a password that nobody has.
    nobody: Arc<str>,
    /// argon2 takes 19 MiB and a core: so many at once, and the others wait.
    at_once: Arc<Semaphore>,
}

impl Users {
    pub(crate) async fn open(url: &str) -> Result<Self, sqlx::Error> {
        // One connection that is kept: each connection to `:memory:` has a database of its own.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None);
        let pool = pool.connect(url).await?;
        // A number is never used again: what is left of a deleted user's logins is nobody else's.
        let table = "CREATE TABLE IF NOT EXISTS users (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL UNIQUE,
            password TEXT NOT NULL
        ) STRICT";
        sqlx::query(table).execute(&pool).await?;
        let at_once = available_parallelism().map_or(2, NonZero::get);
        Ok(Self {
            pool,
            nobody: hash("nobody's password").into(),
            at_once: Arc::new(Semaphore::new(at_once)),
        })
    }

    /// False if there is a user of that name already.
    pub(crate) async fn add(&self, name: &str, password: String) -> Result<bool, DbError> {
        let hash = self.slowly(move || hash(&password)).await;
        let added = sqlx::query("INSERT INTO users (name, password) VALUES (?, ?)")
            .bind(name)
            .bind(hash)
            .execute(&self.pool)
            .await;
        match added {
            Ok(_) => Ok(true),
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) async fn named(&self, name: &str) -> Result<Option<User>, DbError> {
        let row = sqlx::query_as("SELECT id, name FROM users WHERE name = ?")
            .bind(name)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|(id, name)| User { id, name }))
    }

    /// Whether that is the user's password by now.
    pub(crate) async fn check(&self, user: &User, password: String) -> Result<bool, DbError> {
        let row: Option<(String,)> = sqlx::query_as("SELECT password FROM users WHERE id = ?")
            .bind(user.id)
            .fetch_optional(&self.pool)
            .await?;
        let Some((hash,)) = row else {
            return Ok(false);
        };
        Ok(self.slowly(move || verify(&hash, &password)).await)
    }

    /// Takes as long as [`check`](Self::check): who is a user can not be told by the time.
    pub(crate) async fn check_nobody(&self, password: String) {
        let hash = Arc::clone(&self.nobody);
        self.slowly(move || verify(&hash, &password)).await;
    }

    /// False if the old password is wrong, or is not the user's any more by the time of the change.
    pub(crate) async fn change_password(
        &self,
        user: &User,
        old: String,
        new: String,
    ) -> Result<bool, DbError> {
        let (was,): (String,) = sqlx::query_as("SELECT password FROM users WHERE id = ?")
            .bind(user.id)
            .fetch_one(&self.pool)
            .await?;
        let hashed = was.clone();
        let change = move || verify(&hashed, &old).then(|| hash(&new));
        let Some(new) = self.slowly(change).await else {
            return Ok(false);
        };
        let change = "UPDATE users SET password = ? WHERE id = ? AND password = ?";
        let changed = sqlx::query(change)
            .bind(new)
            .bind(user.id)
            .bind(was)
            .execute(&self.pool)
            .await?;
        Ok(changed.rows_affected() == 1)
    }

    pub(crate) async fn delete(&self, user: &User) -> Result<(), DbError> {
        let deleted = sqlx::query("DELETE FROM users WHERE id = ?").bind(user.id);
        deleted.execute(&self.pool).await?;
        Ok(())
    }

    /// Runs on a thread where it holds up nobody.
    async fn slowly<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let turn = self.at_once.acquire().await;
        let _turn = turn.expect("the semaphore is never closed");
        let done = tokio::task::spawn_blocking(work).await;
        done.expect("hashing does not panic, and is not cancelled")
    }
}

impl UserLoader for Users {
    type User = User;
    type Error = DbError;

    async fn load_user(&self, principal: &Principal) -> Result<Option<User>, DbError> {
        let row = sqlx::query_as("SELECT id, name FROM users WHERE id = ?")
            .bind(principal.subject().parse::<i64>().unwrap_or_default())
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|(id, name)| User { id, name }))
    }
}

/// The database failed. Clients are told no more than that.
pub(crate) struct DbError;

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        eprintln!("the database failed: {error}");
        Self
    }
}

impl IntoResponse for DbError {
    fn into_response(self) -> Response {
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

fn hash(password: &str) -> String {
    Argon2::default()
        .hash_password(password.as_bytes())
        .expect("argon2 hashes any password")
        .to_string()
}

fn verify(hash: &str, password: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| {
        Argon2::default()
            .verify_password(password.as_bytes(), &hash)
            .is_ok()
    })
}
