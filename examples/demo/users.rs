//! The users: what an application keeps in its database.

use std::{collections::HashMap, num::NonZero, thread::available_parallelism};

use argon2::{
    Argon2, PasswordHasher,
    password_hash::{PasswordVerifier, phc::PasswordHash},
};
use auth_layers::Scopes;
use tokio::sync::Semaphore;

/// Checks passwords, and knows what each user may do.
#[derive(Debug)]
pub(crate) struct Users {
    hashed: HashMap<&'static str, (String, Scopes)>,
    /// For names that nobody has: so that these take as long as the others.
    nobody: String,
    load_users: u32,
    /// argon2 takes 19 MiB and a core: so many at once, and the others wait.
    at_once: Semaphore,
}

impl Users {
    /// alice and admin, and `load_users` more.
    pub(crate) fn new(load_users: u32) -> Self {
        Self {
            hashed: HashMap::from([
                ("alice", (hash("wonderland"), Scopes::parse("read"))),
                (
                    "admin",
                    (hash("root-of-trust"), Scopes::parse("read admin")),
                ),
            ]),
            nobody: hash("nobody's password"),
            load_users,
            at_once: Semaphore::new(available_parallelism().map_or(2, NonZero::get)),
        }
    }

    /// What the user may do, if the password is right. Slow on purpose, so it runs on a thread
    /// where it holds up nobody.
    pub(crate) async fn check(&self, user: &str, password: &str) -> Option<Scopes> {
        if self.is_load_user(user) {
            // Compared directly: load tests measure the auth layers, not argon2.
            return (user == password).then(|| Scopes::parse("read"));
        }
        let (hash, scopes) = match self.hashed.get(user) {
            Some((hash, scopes)) => (hash.clone(), Some(scopes.clone())),
            None => (self.nobody.clone(), None),
        };
        let password = password.to_owned();
        let _turn = self.at_once.acquire().await.ok()?;
        let right = tokio::task::spawn_blocking(move || verify(&hash, &password)).await;
        scopes.filter(|_| right.unwrap_or(false))
    }

    fn is_load_user(&self, user: &str) -> bool {
        user.strip_prefix("user-")
            // Only as it is written without sign or leading zeros: each user has one name.
            .filter(|number| !number.starts_with(['0', '+']))
            .and_then(|number| number.parse().ok())
            .is_some_and(|number| (1..=self.load_users).contains(&number))
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
