//! Logins as the layers make them, straight at a store: for tests of stores that fail.

use std::time::Duration;

use auth_core::{
    LoginId, Scopes, StoreError, Timestamp, random_bytes,
    revocation::{Lane, Op, Query},
    store::{
        Admission, Admitted, Commit, CommitOutcome, Derivation, Establish, Established,
        FieldChange, FieldValue, Lifetimes, LoginChange, LoginKind, Presented, RefreshGrant,
        RefreshHash, RefreshRecord, RefreshStart, Rotation, SessionKey, SessionLogin, Store,
        Successor,
    },
};

/// Their limits: 30 min idle, 12 h in all.
pub const LIMITS: Lifetimes = Lifetimes {
    idle: Some(Duration::from_secs(1_800)),
    absolute: Duration::from_secs(43_200),
};

/// The key of the ring that successors are derived with.
const KEY_ID: u32 = 7;

/// A session that somebody is logged in to.
#[derive(Clone, Debug)]
pub struct Session {
    /// Who.
    pub subject: String,
    /// The login.
    pub login: LoginId,
    /// Where the session is.
    pub key: SessionKey,
    /// The epoch that the login is of.
    pub version: u64,
}

/// A login with tokens, by its refresh token.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Who.
    pub subject: String,
    /// The login.
    pub login: LoginId,
    /// The subject's lane.
    pub lane: Lane,
    /// The epoch that the login was of when it began.
    pub version: u64,
    /// The refresh token that was handed out last.
    pub current: Presented,
}

impl Session {
    /// Logs in, to a session of its own.
    ///
    /// # Errors
    ///
    /// As the store's: it is not known how much of it has happened.
    ///
    /// # Panics
    ///
    /// When the store refuses, which has no reason to.
    pub async fn log_in(store: &dyn Store, subject: &str) -> Result<Self, StoreError> {
        let key = SessionKey {
            lane: Lane::random(),
            hash: random_bytes(),
        };
        let admission = admission(subject, LoginKind::Session, Some(key));
        let Admitted::Yes { version, .. } = store.admit(&admission).await? else {
            panic!("there is no limit");
        };
        let login = SessionLogin {
            login: admission.login,
            subject: subject.into(),
            version,
            auth_time: Timestamp::default(),
            scopes: Scopes::parse("read"),
            persistent: false,
        };
        let establish = Establish {
            old: None,
            new: key,
            login: LoginChange::Set(login),
            keep_data: true,
            changes: Vec::new(),
            lifetimes: admission.lifetimes,
            op: Op::random(),
        };
        let established = store.establish(&establish).await?;
        assert!(
            matches!(established, Established::Done(_)),
            "{established:?}"
        );
        Ok(Self {
            subject: admission.subject,
            login: admission.login,
            key,
            version,
        })
    }

    /// Asks about a token of this login.
    pub fn query(&self, store: &dyn Store) -> Query {
        Query::own(store.realm(), &self.subject, &self.login, self.version)
    }

    /// Sets one field of its data to a JSON text.
    ///
    /// # Errors
    ///
    /// As the store's.
    pub async fn set(
        &self,
        store: &dyn Store,
        name: &str,
        json: &str,
    ) -> Result<CommitOutcome, StoreError> {
        let change = FieldChange {
            name: name.into(),
            value: Some(FieldValue::from_json(json)),
            expected: None,
        };
        let commit = Commit {
            key: self.key,
            changes: vec![change],
            op: Op::random(),
        };
        store.commit(&commit).await
    }
}

impl Tokens {
    /// Logs in.
    ///
    /// # Errors
    ///
    /// As the store's: it is not known whether it has happened.
    ///
    /// # Panics
    ///
    /// When the store refuses, which has no reason to.
    pub async fn log_in(store: &dyn Store, subject: &str) -> Result<Self, StoreError> {
        let start = RefreshStart {
            admission: admission(subject, LoginKind::Token, None),
            grant: RefreshGrant {
                client_id: Some("app".to_owned()),
                scopes: Scopes::parse("read"),
                auth_time: None,
                claims: None,
            },
            hash: RefreshHash::from_bytes(random_bytes()),
        };
        let Admitted::Yes { version, .. } = store.start(&start).await? else {
            panic!("there is no limit");
        };
        Ok(Self {
            lane: Lane::of(store.realm(), subject),
            subject: start.admission.subject,
            login: start.admission.login,
            version,
            current: Presented {
                generation: 1,
                hash: start.hash,
            },
        })
    }

    /// Asks about its access token named `jti`.
    pub fn query(&self, store: &dyn Store, jti: &str) -> Query {
        Query::own(store.realm(), &self.subject, &self.login, self.version).token("iss", jti)
    }

    /// Presents the token that it has, as an issuer does: with a successor of its own.
    pub fn rotation(&self) -> Rotation {
        let derivation = Derivation {
            nonce: random_bytes(),
            key_id: KEY_ID,
        };
        Rotation {
            lane: self.lane,
            login: self.login,
            presented: self.current,
            successor: Successor {
                hash: derived(self.current, &derivation),
                derivation,
            },
            grace: Duration::from_secs(300),
            retry: Duration::ZERO,
        }
    }

    /// Takes the successor that the store says the current token has.
    ///
    /// # Panics
    ///
    /// When that is not what the store holds: a fork.
    pub fn advance(&mut self, record: &RefreshRecord) {
        let derivation = record.rotation.derived.expect("it was rotated");
        let successor = Presented {
            generation: self.current.generation + 1,
            hash: derived(self.current, &derivation),
        };
        let rotation = &record.rotation;
        assert_eq!(rotation.generation, successor.generation, "{rotation:?}");
        assert!(rotation.current == successor.hash, "a fork: {rotation:?}");
        self.current = successor;
        self.version = record.version;
    }
}

/// Without limits, and from a phone.
pub fn admission(subject: &str, kind: LoginKind, session: Option<SessionKey>) -> Admission {
    Admission {
        subject: subject.to_owned(),
        login: LoginId::random(),
        kind,
        device: Some("a phone".to_owned()),
        lifetimes: LIMITS,
        since: None,
        limit: None,
        session,
        op: Op::random(),
    }
}

/// Not as hard to guess as a real one, and as sure: another nonce, another token.
fn derived(token: Presented, derivation: &Derivation) -> RefreshHash {
    let mut bytes = *token.hash.as_bytes();
    bytes.rotate_left(1);
    for (byte, nonce) in bytes.iter_mut().zip(derivation.nonce) {
        *byte ^= nonce;
    }
    RefreshHash::from_bytes(bytes)
}
