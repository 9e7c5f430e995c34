//! What the cases are written with.

use std::{future::Future, panic::Location, sync::Arc, time::Duration};

use super::{Harness, family::ISSUER};
use crate::{
    LoginId, Scopes, StoreError, Timestamp, Verdict, random_bytes,
    revocation::{Lane, Op, Place, Query},
    store::{
        Admission, Admitted, Commit, CommitOutcome, Establish, Established, FieldChange,
        FieldValue, Lifetimes, Load, LoginChange, LoginKind, Revocation, SessionKey, SessionLogin,
        SessionRecord, Store,
    },
};

/// The limits of a login, where a case does not say: 30 min idle, 12 h in all.
pub(super) const LIMITS: Lifetimes = Lifetimes {
    idle: Some(Duration::from_secs(30 * 60)),
    absolute: Duration::from_secs(12 * 60 * 60),
};

pub(super) const MS: Duration = Duration::from_millis(1);
pub(super) const SECOND: Duration = Duration::from_secs(1);

/// A store, and power over its time.
#[derive(Clone)]
pub(super) struct World {
    pub(super) harness: Arc<dyn Harness>,
    pub(super) store: Arc<dyn Store>,
}

/// A session that somebody is logged in to.
#[derive(Clone, Debug)]
pub(super) struct LoggedIn {
    pub(super) subject: String,
    pub(super) login: LoginId,
    pub(super) key: SessionKey,
    pub(super) version: u64,
}

impl World {
    pub(super) fn new(harness: Arc<dyn Harness>) -> Self {
        let store = harness.store();
        Self { harness, store }
    }

    /// The same, as another node sees it.
    pub(super) fn other_node(&self) -> Self {
        Self {
            store: self.harness.other_node(),
            ..self.clone()
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.harness.now()
    }

    pub(super) async fn advance(&self, by: Duration) {
        self.harness.advance(by).await;
    }

    /// Goes to one millisecond before `limit`, or as near as the clock can be trusted.
    pub(super) async fn advance_to_just_before(&self, limit: Timestamp) {
        let to = limit.minus(MS).minus(self.harness.tolerance());
        self.advance(to.since(self.now())).await;
    }

    /// Goes to `limit` exactly, or as soon after as the clock can be trusted.
    pub(super) async fn advance_to(&self, limit: Timestamp) {
        let to = limit.plus(self.harness.tolerance());
        self.advance(to.since(self.now())).await;
    }

    /// Says whether the two are the same time, as far as the clock can be trusted.
    #[track_caller]
    pub(super) fn assert_same_time(&self, a: Timestamp, b: Timestamp) {
        let apart = a.since(b).max(b.since(a));
        assert!(apart <= self.harness.tolerance(), "{a:?} is not {b:?}");
    }

    pub(super) async fn settle(&self) {
        self.harness.settle().await;
    }

    /// So many times, and more with more effort.
    pub(super) fn times(&self, n: usize) -> usize {
        n * self.harness.effort().max(1)
    }

    pub(super) async fn verdict(&self, query: &Query) -> Verdict {
        let verdict = self.store.verdict(query).await;
        if let Some(now) = self.store.verdict_now(query) {
            assert_eq!(now, verdict, "verdict_now says something else");
        }
        verdict
    }

    pub(super) async fn revoke(&self, op: Op, revocation: &Revocation) {
        let revoked = self.store.revoke(op, revocation).await;
        revoked.expect("the store revokes");
    }

    /// Denies an access token of ours.
    pub(super) async fn deny(&self, jti: &str, subject: &str, exp: Timestamp) {
        let denied = self.store.revoke_token(ISSUER, jti, subject, exp).await;
        denied.expect("there is room");
    }

    pub(super) async fn end_login(&self, subject: &str, login: LoginId) {
        let ended = self.store.end_login(subject, login).await;
        ended.expect("the store ends the login");
    }

    pub(super) async fn end_others(&self, subject: &str, keep: LoginId) {
        let ended = self.store.end_other_logins(subject, keep).await;
        ended.expect("the store ends the others");
    }

    pub(super) async fn revoke_subject(&self, subject: &str) {
        let revoked = self.store.revoke_subject(subject).await;
        revoked.expect("the store revokes the subject");
    }

    pub(super) async fn admit(&self, admission: &Admission) -> Admitted {
        let admitted = self.store.admit(admission).await;
        admitted.expect("the store answers")
    }

    /// Logs in to a session that was not there before.
    pub(super) async fn log_in(&self, subject: &str) -> LoggedIn {
        self.log_in_with(subject, LIMITS).await
    }

    pub(super) async fn log_in_with(&self, subject: &str, lifetimes: Lifetimes) -> LoggedIn {
        let admission = Admission {
            lifetimes,
            ..admission(subject, LoginKind::Session)
        };
        let logged_in = self.log_in_by(&admission, None).await;
        logged_in.expect("it is let in")
    }

    /// Logs in by `admission`, to a fresh session or to one that is there.
    pub(super) async fn log_in_by(
        &self,
        admission: &Admission,
        old: Option<SessionKey>,
    ) -> Result<LoggedIn, Admitted> {
        let version = match self.admit(admission).await {
            Admitted::Yes { version, .. } => version,
            refused => return Err(refused),
        };
        let logged_in = LoggedIn {
            subject: admission.subject.clone(),
            login: admission.login,
            key: admission.session.expect("the admission of a session"),
            version,
        };
        let establish = Establish {
            old,
            lifetimes: admission.lifetimes,
            login: LoginChange::Set(logged_in.session_login()),
            ..fresh(logged_in.key)
        };
        self.establish(&establish).await;
        Ok(logged_in)
    }

    /// A session without a login.
    pub(super) async fn anonymous(&self) -> SessionKey {
        let key = session_key();
        self.establish(&fresh(key)).await;
        key
    }

    /// Establishes, which must succeed.
    pub(super) async fn establish(&self, establish: &Establish) -> Arc<SessionRecord> {
        match self.try_establish(establish).await {
            Established::Done(record) => record,
            other => panic!("not established: {other:?}"),
        }
    }

    pub(super) async fn try_establish(&self, establish: &Establish) -> Established {
        let established = self.store.establish(establish).await;
        established.expect("the store answers")
    }

    /// Loads while others may write.
    pub(super) async fn load_meanwhile(&self, key: &SessionKey) -> Load {
        self.store.load(key).await.expect("the store answers")
    }

    pub(super) async fn load(&self, key: &SessionKey) -> Load {
        let load = self.load_meanwhile(key).await;
        if let Some(now) = self.store.load_now(key) {
            assert_eq!(now, Ok(load.clone()), "load_now says something else");
        }
        load
    }

    /// The session, which must be alive.
    pub(super) async fn live(&self, key: &SessionKey) -> Arc<SessionRecord> {
        match self.load(key).await {
            Load::Live(record) => record,
            other => panic!("not alive: {other:?}"),
        }
    }

    /// Says whether there is no session any more, and none that goes on elsewhere.
    #[track_caller]
    pub(super) fn assert_over<'a>(&'a self, key: &'a SessionKey) -> impl Future<Output = ()> + 'a {
        let caller = Location::caller();
        async move {
            let load = self.load(key).await;
            let is_over = matches!(load, Load::Absent | Load::Ended);
            assert!(is_over, "at {caller}: {load:?}");
        }
    }

    pub(super) async fn is_live(&self, key: &SessionKey) -> bool {
        matches!(self.load(key).await, Load::Live(_))
    }

    pub(super) async fn commit(&self, commit: &Commit) -> CommitOutcome {
        let committed = self.store.commit(commit).await;
        committed.expect("the store answers")
    }

    /// Sets fields to JSON texts.
    pub(super) async fn set(&self, key: &SessionKey, fields: &[(&str, &str)]) -> CommitOutcome {
        let changes = fields.iter().map(|(name, json)| put(name, json)).collect();
        self.commit(&commit(*key, changes)).await
    }

    /// Touches, and waits until that has happened.
    pub(super) async fn touch(&self, key: &SessionKey) {
        self.store.touch(key);
        self.settle().await;
    }

    pub(super) async fn end(&self, key: &SessionKey) {
        let ended: Result<(), StoreError> = self.store.end(key).await;
        ended.expect("the store ends the session");
    }
}

impl LoggedIn {
    pub(super) fn session_login(&self) -> SessionLogin {
        SessionLogin {
            login: self.login,
            subject: self.subject.as_str().into(),
            version: self.version,
            auth_time: Timestamp::default(),
            scopes: Scopes::parse("read write"),
            persistent: true,
        }
    }

    /// Asks about a token of this login.
    pub(super) fn query(&self, world: &World) -> Query {
        Query::own(
            world.store.realm(),
            &self.subject,
            &self.login,
            self.version,
        )
    }
}

/// An admission like any other; a session's says where its record will be.
pub(super) fn admission(subject: &str, kind: LoginKind) -> Admission {
    Admission {
        subject: subject.to_owned(),
        login: LoginId::random(),
        kind,
        device: Some(format!("device of {subject}")),
        lifetimes: LIMITS,
        since: None,
        limit: None,
        session: (kind == LoginKind::Session).then(session_key),
        op: Op::random(),
    }
}

/// A session that begins, without a login.
pub(super) fn fresh(key: SessionKey) -> Establish {
    Establish {
        old: None,
        new: key,
        login: LoginChange::Keep,
        keep_data: true,
        changes: Vec::new(),
        lifetimes: LIMITS,
        op: Op::random(),
    }
}

/// A session that goes on under a new id.
pub(super) fn renewed(old: SessionKey) -> Establish {
    Establish {
        old: Some(old),
        ..fresh(next_key(&old))
    }
}

pub(super) fn session_key() -> SessionKey {
    SessionKey {
        lane: Lane::random(),
        hash: random_bytes(),
    }
}

/// Another key in the same lane.
pub(super) fn next_key(key: &SessionKey) -> SessionKey {
    SessionKey {
        hash: random_bytes(),
        ..*key
    }
}

pub(super) fn commit(key: SessionKey, changes: Vec<FieldChange>) -> Commit {
    Commit {
        key,
        changes,
        op: Op::random(),
    }
}

pub(super) fn json(text: &str) -> FieldValue {
    FieldValue::from_json(text)
}

pub(super) fn put(name: &str, text: &str) -> FieldChange {
    FieldChange {
        name: name.into(),
        value: Some(json(text)),
        expected: None,
    }
}

pub(super) fn remove(name: &str) -> FieldChange {
    FieldChange {
        name: name.into(),
        value: None,
        expected: None,
    }
}

/// What a field is, as JSON text.
pub(super) fn field<'a>(record: &'a SessionRecord, name: &str) -> Option<&'a str> {
    record.fields.get(name)
}

/// Another subject whose state is in the same lane.
pub(super) fn neighbour(realm: &str, subject: &str) -> String {
    let lane = Lane::of(realm, subject);
    (0..)
        .map(|n| format!("neighbour {n}"))
        .find(|name| name != subject && Place::of(realm, name).lane == lane)
        .expect("one in 1,024 names is in any lane")
}
