//! What the tests are written with.

use std::{sync::Arc, time::Duration};

use auth_core::{
    LoginId, ManualClock, Scopes, Timestamp, random_bytes,
    revocation::{Lane, Op},
    store::{
        Admission, Admitted, Commit, Establish, Established, FieldChange, FieldValue, Lifetimes,
        Load, LoginChange, LoginKind, Logins, Presented, RefreshGrant, RefreshHash, RefreshLogins,
        RefreshStart, Revocations, SessionKey, SessionLogin, Sessions,
    },
};
use auth_revocation_memory::MemoryStore;

pub(crate) const START: Timestamp = Timestamp::from_secs(1_800_000_000);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const IDLE: Duration = Duration::from_secs(1_000);
pub(crate) const LIMITS: Lifetimes = Lifetimes {
    idle: Some(IDLE),
    absolute: Duration::from_secs(10_000),
};
/// The idle limit and the touch interval.
pub(crate) const UNTOUCHED: Duration = Duration::from_secs(1_060);

pub(crate) fn store() -> (Arc<MemoryStore>, ManualClock) {
    let clock = ManualClock::new(START);
    let store = MemoryStore::builder().clock(clock.clone()).build();
    (Arc::new(store.expect("the settings are good")), clock)
}

/// The store's futures never wait.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut cx) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("a future of the memory store waited"),
    }
}

pub(crate) fn session_key() -> SessionKey {
    SessionKey {
        lane: Lane::random(),
        hash: random_bytes(),
    }
}

pub(crate) fn admission(subject: &str, kind: LoginKind, session: Option<SessionKey>) -> Admission {
    Admission {
        subject: subject.to_owned(),
        login: LoginId::random(),
        kind,
        device: None,
        lifetimes: LIMITS,
        since: None,
        limit: None,
        session,
        op: Op::random(),
    }
}

pub(crate) fn log_in(store: &MemoryStore, subject: &str) -> (SessionKey, LoginId) {
    let new = session_key();
    let admission = admission(subject, LoginKind::Session, Some(new));
    let Ok(Admitted::Yes { version, .. }) = now(store.admit(&admission)) else {
        panic!("not let in");
    };
    let login = SessionLogin {
        login: admission.login,
        subject: subject.into(),
        version,
        auth_time: START,
        scopes: Scopes::default(),
        persistent: false,
    };
    let established = now(store.establish(&Establish {
        login: LoginChange::Set(login),
        ..establish(None, new)
    }));
    assert!(matches!(established, Ok(Established::Done(_))));
    (new, admission.login)
}

pub(crate) fn establish(old: Option<SessionKey>, new: SessionKey) -> Establish {
    Establish {
        old,
        new,
        login: LoginChange::Keep,
        keep_data: true,
        changes: Vec::new(),
        lifetimes: LIMITS,
        op: Op::random(),
    }
}

pub(crate) fn start(store: &MemoryStore, subject: &str) -> (Lane, LoginId, Presented) {
    let start = RefreshStart {
        admission: admission(subject, LoginKind::Token, None),
        grant: RefreshGrant {
            client_id: None,
            scopes: Scopes::default(),
            auth_time: None,
            claims: None,
        },
        hash: RefreshHash::from_bytes(random_bytes()),
    };
    let started = now(store.start(&start));
    assert!(matches!(started, Ok(Admitted::Yes { .. })), "{started:?}");
    let presented = Presented {
        generation: 1,
        hash: start.hash,
    };
    let lane = Lane::of(store.realm(), subject);
    (lane, start.admission.login, presented)
}

pub(crate) fn commit(key: SessionKey) -> Commit {
    let change = FieldChange {
        name: "a".into(),
        value: Some(FieldValue::from_json("1")),
        expected: None,
    };
    Commit {
        key,
        changes: vec![change],
        op: Op::random(),
    }
}

pub(crate) fn is_live(store: &MemoryStore, key: &SessionKey) -> bool {
    matches!(now(store.load(key)), Ok(Load::Live(_)))
}
