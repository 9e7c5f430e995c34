//! The application on the session crates of others, each on its own store in memory.

use std::{collections::HashMap, convert::Infallible, sync::Arc};

use axum::{Router, routing::get};
use axum_login::{AuthManagerLayerBuilder, AuthSession, AuthUser, AuthnBackend, UserId};
use axum_session::{SessionConfig, SessionMode, SessionNullPool};
use tower_sessions::{Session, SessionManagerLayer, SessionStore};
use tower_sessions_014 as tower_sessions_of_login;

use super::{COUNT, HELLO, SUBJECT, Work, next_count};

/// tower-sessions 0.15.
pub fn tower_sessions(store: impl SessionStore + Clone, work: Work) -> Router {
    let router = Router::new().route(
        "/login",
        get(|session: Session| async move {
            session.insert("subject", SUBJECT).await.expect("saved");
            session.insert("count", COUNT).await.expect("saved");
        }),
    );
    let router = match work {
        Work::Read => router.route(
            "/",
            get(|session: Session| async move {
                let count: Option<u64> = session.get("count").await.expect("loaded");
                count.unwrap_or_default().to_string()
            }),
        ),
        Work::Untouched => router.route("/", get(|| async { HELLO })),
        Work::Write => router.route(
            "/",
            get(|session: Session| async move {
                session.insert("count", next_count()).await.expect("saved");
                HELLO
            }),
        ),
    };
    router.layer(SessionManagerLayer::new(store))
}

/// tower-sessions 0.14, for the stores that are of it.
pub fn tower_sessions_014(
    store: impl tower_sessions_of_login::SessionStore + Clone,
    work: Work,
) -> Router {
    type Session = tower_sessions_of_login::Session;
    let router = Router::new().route(
        "/login",
        get(|session: Session| async move {
            session.insert("subject", SUBJECT).await.expect("saved");
            session.insert("count", COUNT).await.expect("saved");
        }),
    );
    assert_eq!(work, Work::Read, "nothing else is asked of it");
    let router = router.route(
        "/",
        get(|session: Session| async move {
            let count: Option<u64> = session.get("count").await.expect("loaded");
            count.unwrap_or_default().to_string()
        }),
    );
    router.layer(tower_sessions_of_login::SessionManagerLayer::new(store))
}

#[derive(Clone, Debug)]
struct User {
    id: String,
    password_hash: Vec<u8>,
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

/// One user, in memory: a database would be on top of what is measured.
#[derive(Clone, Debug)]
struct Backend(Arc<HashMap<String, User>>);

impl Backend {
    fn new() -> Self {
        let user = User {
            id: SUBJECT.to_owned(),
            password_hash: vec![7; 32],
        };
        Self(Arc::new([(user.id.clone(), user)].into()))
    }
}

impl AuthnBackend for Backend {
    type User = User;
    type Credentials = String;
    type Error = Infallible;

    async fn authenticate(&self, id: String) -> Result<Option<User>, Infallible> {
        Ok(self.0.get(&id).cloned())
    }

    async fn get_user(&self, id: &UserId<Self>) -> Result<Option<User>, Infallible> {
        Ok(self.0.get(id).cloned())
    }
}

/// axum-login 0.18, over tower-sessions 0.14.
pub fn axum_login(work: Work) -> Router {
    type Auth = AuthSession<Backend>;
    let router = Router::new().route(
        "/login",
        get(|mut auth: Auth| async move {
            let user = auth.authenticate(SUBJECT.to_owned()).await.expect("found");
            let user = user.expect("a user");
            auth.login(&user).await.expect("logged in");
            auth.session.insert("count", COUNT).await.expect("saved");
        }),
    );
    let router = match work {
        Work::Read => router.route(
            "/",
            get(|auth: Auth| async move {
                assert!(auth.user.is_some());
                let count: Option<u64> = auth.session.get("count").await.expect("loaded");
                count.unwrap_or_default().to_string()
            }),
        ),
        Work::Untouched => router.route("/", get(|| async { HELLO })),
        Work::Write => router.route(
            "/",
            get(|auth: Auth| async move {
                let session = &auth.session;
                session.insert("count", next_count()).await.expect("saved");
                HELLO
            }),
        ),
    };
    let store = tower_sessions_of_login::MemoryStore::default();
    let sessions = tower_sessions_of_login::SessionManagerLayer::new(store);
    router.layer(AuthManagerLayerBuilder::new(Backend::new(), sessions).build())
}

/// axum_session 0.22. `manual`: no session is made for a request that comes without one.
pub async fn axum_session(work: Work, manual: bool) -> Router {
    type Session = axum_session::Session<SessionNullPool>;
    let router = Router::new().route(
        "/login",
        get(move |session: Session| async move {
            if manual {
                session.create_data();
            }
            session.set("subject", SUBJECT);
            session.set("count", COUNT);
        }),
    );
    let router = match work {
        Work::Read => router.route(
            "/",
            get(|session: Session| async move {
                let count: u64 = session.get("count").unwrap_or_default();
                count.to_string()
            }),
        ),
        Work::Untouched => router.route("/", get(|| async { HELLO })),
        Work::Write => router.route(
            "/",
            get(|session: Session| async move {
                session.set("count", next_count());
                HELLO
            }),
        ),
    };
    let mode = match manual {
        true => SessionMode::Manual,
        false => SessionMode::Persistent,
    };
    let config = SessionConfig::default().with_mode(mode);
    let store = axum_session::SessionStore::<SessionNullPool>::new(None, config).await;
    let store = store.expect("a store in memory");
    router.layer(axum_session::SessionLayer::new(store))
}
