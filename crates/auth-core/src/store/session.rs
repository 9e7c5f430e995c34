//! The role that keeps sessions.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{FieldChange, Fields, Logins};
use crate::{
    LoginId, Scopes, StoreError, Timestamp,
    revocation::{Lane, Op},
};

/// Where a session's record is: its lane, and the SHA-256 of its id. The id itself never comes here.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionKey {
    /// The lane that the id was born with.
    pub lane: Lane,
    /// SHA-256 of the id's bytes.
    pub hash: [u8; 32],
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionKey({:?}, …)", self.lane)
    }
}

/// How long a login may last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lifetimes {
    /// It ends when it was not used for so long, and at most one [touch interval](touch_interval)
    /// later, since not every use is recorded. None: it need not be used.
    pub idle: Option<Duration>,
    /// It ends so long after it began, however much it is used.
    pub absolute: Duration,
}

impl Lifetimes {
    /// What NIST SP 800-63B-4 asks of assurance level 1: 30 days, however seldom it is used.
    pub const AAL1: Self = Self {
        idle: None,
        absolute: Duration::from_secs(30 * 24 * 60 * 60),
    };

    /// What it asks of level 2: 24 hours, and an hour without use.
    pub const AAL2: Self = Self {
        idle: Some(Duration::from_secs(60 * 60)),
        absolute: Duration::from_secs(24 * 60 * 60),
    };

    /// What it asks of level 3: 12 hours, and 15 minutes without use.
    pub const AAL3: Self = Self {
        idle: Some(Duration::from_secs(15 * 60)),
        absolute: Duration::from_secs(12 * 60 * 60),
    };
}

/// How often reading a session is recorded as activity: every tenth of the idle limit, and every
/// 60 s if that is sooner, or if there is none.
pub fn touch_interval(idle: Duration) -> Duration {
    (idle / 10).min(Duration::from_secs(60))
}

/// So long a store knows that an id was replaced, or that its session was ended.
pub const TOMBSTONE: Duration = Duration::from_secs(60);

/// A session as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionRecord {
    /// When its present login, or without one the session itself, began.
    pub created_at: Timestamp,
    /// When it was last used, to within the [touch interval](touch_interval).
    pub last_seen_at: Timestamp,
    /// When it ends, however much it is used.
    pub absolute_end: Timestamp,
    /// It ends when it was not used for so long.
    pub idle: Option<Duration>,
    /// Who is logged in, if anybody is.
    pub login: Option<SessionLogin>,
    /// Its data.
    pub fields: Fields,
}

impl SessionRecord {
    /// When it ends if it is not used again: after the idle limit and one touch interval (so that
    /// a use that was not recorded still counts in full), and at the absolute end at the latest.
    pub fn expires_at(&self) -> Timestamp {
        match self.idle {
            Some(idle) => self
                .last_seen_at
                .plus(idle)
                .plus(touch_interval(idle))
                .min(self.absolute_end),
            None => self.absolute_end,
        }
    }

    /// Whether it is over.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at()
    }

    /// Whether a use at `now` is to be recorded.
    pub fn touch_is_due(&self, now: Timestamp) -> bool {
        // Without an idle limit it is for the list of logins only.
        let interval = touch_interval(self.idle.unwrap_or(Duration::MAX));
        now >= self.last_seen_at.plus(interval)
    }
}

/// Who is logged in to a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionLogin {
    /// The login's public id.
    pub login: LoginId,
    /// Who.
    pub subject: Box<str>,
    /// The version that the admission gave.
    pub version: u64,
    /// When the user proved who they are.
    pub auth_time: Timestamp,
    /// What the session may do.
    pub scopes: Scopes,
    /// Whether the cookie outlives the browser ("remember me").
    pub persistent: bool,
}

/// What is under a key.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Load {
    /// A session that is alive: not expired, and its login, if it has one, not revoked.
    Live(Arc<SessionRecord>),
    /// The id was replaced by another within the last 60 s.
    Gone,
    /// The session was ended, or its login revoked, within the last 60 s.
    Ended,
    /// Nothing: never made, expired, or ended longer ago.
    Absent,
}

/// Changes to a session's data, under the id it has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Commit {
    /// Which session.
    pub key: SessionKey,
    /// The fields that changed, each name once.
    pub changes: Vec<FieldChange>,
    /// Names this command.
    pub op: Op,
}

/// What became of a [`Commit`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CommitOutcome {
    /// Done: the session as it is now.
    Done(Arc<SessionRecord>),
    /// A field was not as expected, and nothing was changed: the session as it is now.
    Conflict(Arc<SessionRecord>),
    /// There is no such session any more, and nothing was changed.
    Ended,
    /// The data would exceed its limits together with what other requests wrote; nothing was
    /// changed.
    TooLarge,
}

/// A session that begins, or goes on under a new id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Establish {
    /// The id it had, if it was there before. It is dead at once, and `Gone` for 60 s.
    pub old: Option<SessionKey>,
    /// The id it gets, in the same lane as the old one.
    pub new: SessionKey,
    /// Who is logged in afterwards.
    pub login: LoginChange,
    /// Whether the data it had stays.
    pub keep_data: bool,
    /// Changes made to the data on top of that, each name once. What a change expects is compared
    /// with the data that stays.
    pub changes: Vec<FieldChange>,
    /// How long it may last from now on; a rotation ([`LoginChange::Keep`] or
    /// [`Confirm`](LoginChange::Confirm) with an old id) keeps
    /// the limits and the absolute end it has.
    pub lifetimes: Lifetimes,
    /// Names this command.
    pub op: Op,
}

/// Who is logged in after an [`Establish`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum LoginChange {
    /// Whoever was.
    Keep,
    /// Whoever was, and has just proven again who they are: `auth_time` becomes the store's now.
    Confirm,
    /// This one, admitted just before. `auth_time` and `created_at` become the store's now.
    Set(SessionLogin),
    /// Nobody.
    Clear,
}

/// What became of an [`Establish`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Established {
    /// Done: the session as it is now.
    Done(Arc<SessionRecord>),
    /// A field was not as expected, and nothing was changed: the session as it is now.
    Conflict(Arc<SessionRecord>),
    /// The old id is no session any more (it expired, was ended, or another request replaced it);
    /// nothing was changed.
    Ended,
    /// The data would exceed its limits; nothing was changed.
    TooLarge,
}

/// Keeps sessions.
#[async_trait]
pub trait Sessions: Logins {
    /// What is under `key`, where this process knows it without asking anybody.
    fn load_now(&self, key: &SessionKey) -> Option<Result<Load, StoreError>> {
        let _ = key;
        None
    }

    /// What is under `key`, judged: a session whose login was revoked has ended.
    ///
    /// That it has is known for 60 s from the revocation, or where the store does not know when that
    /// was, from the first load that finds it so. It is for those who come too late, not a second
    /// denylist: nothing is safe because of it, and nothing outlives it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store can not tell, which includes a login whose verdict is Unknown.
    async fn load(&self, key: &SessionKey) -> Result<Load, StoreError>;

    /// Begins to record that the session was used now. Does not wait, may fail, changes nothing
    /// else, and never brings back a session that has ended.
    fn touch(&self, key: &SessionKey);

    /// Changes the data of a session that is alive. That counts as a use of it.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; made again with the same `op` it happens once.
    async fn commit(&self, commit: &Commit) -> Result<CommitOutcome, StoreError>;

    /// Begins a session, or moves one to a new id, in one step.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; made again with the same `op` it happens once.
    async fn establish(&self, establish: &Establish) -> Result<Established, StoreError>;

    /// Deletes a session, whether or not it is there. If it was, it has `Ended` for 60 s.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it is not known to be gone.
    async fn end(&self, key: &SessionKey) -> Result<(), StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_at_the_sooner_of_its_limits() {
        let secs = Timestamp::from_secs;
        let mut record = SessionRecord {
            created_at: secs(0),
            last_seen_at: secs(100),
            absolute_end: secs(10_000),
            idle: Some(Duration::from_secs(100)),
            login: None,
            fields: Fields::new(),
        };
        // 100 s of idleness and a touch interval of 10 s.
        assert!(!record.is_expired(Timestamp::from_millis(209_999)));
        assert!(record.is_expired(secs(210)));
        assert!(!record.touch_is_due(Timestamp::from_millis(109_999)));
        assert!(record.touch_is_due(secs(110)));
        record.last_seen_at = secs(9_990);
        assert!(!record.is_expired(Timestamp::from_millis(9_999_999)));
        assert!(record.is_expired(secs(10_000)));
        record.idle = None;
        record.last_seen_at = secs(0);
        assert!(!record.is_expired(Timestamp::from_millis(9_999_999)));
        assert!(record.is_expired(secs(10_000)));
        assert!(!record.touch_is_due(secs(59)));
        assert!(record.touch_is_due(secs(60)));
    }

    #[test]
    fn the_touch_interval_is_a_tenth_of_the_idle_limit_up_to_a_minute() {
        assert_eq!(
            touch_interval(Duration::from_secs(2)),
            Duration::from_millis(200)
        );
        assert_eq!(
            touch_interval(Duration::from_secs(1800)),
            Duration::from_secs(60)
        );
    }
}
