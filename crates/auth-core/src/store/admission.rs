//! The role that knows a subject's logins: it lets new ones in, and lists them.

use async_trait::async_trait;

use super::{Lifetimes, Revocations, SessionKey};
use crate::{LoginId, StoreError, Timestamp, revocation::Op};

/// Where a subject's revocations stood at some moment: the version a login made then would get.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Epoch(u64);

impl Epoch {
    /// For authors of stores: from the version.
    pub const fn new(version: u64) -> Self {
        Self(version)
    }

    /// The version.
    pub const fn version(self) -> u64 {
        self.0
    }
}

/// What kind of login it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum LoginKind {
    /// A cookie session.
    Session,
    /// A family of tokens.
    Token,
}

impl LoginKind {
    /// `session` or `token`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Token => "token",
        }
    }
}

/// A login that asks to be let in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Admission {
    /// Who logs in.
    pub subject: String,
    /// The new login's public id.
    pub login: LoginId,
    /// What kind it is.
    pub kind: LoginKind,
    /// What the list of devices calls it, at most 255 bytes.
    pub device: Option<String>,
    /// How long it may last.
    pub lifetimes: Lifetimes,
    /// Refuse if the subject's revocations have moved since then.
    pub since: Option<Epoch>,
    /// How many logins the subject may have.
    pub limit: Option<LoginLimit>,
    /// For a session: where its record will be, so that the list can say when it was last seen.
    /// Without one, the entry of a session is a note: it stays in the list until its absolute end or
    /// until it is withdrawn, whatever is revoked. [`provider`](crate::provider) keeps its links so.
    pub session: Option<SessionKey>,
    /// Names this command.
    pub op: Op,
}

/// A subject's list holds at most so many logins; what is older leaves the list, and lives on.
pub const MAX_LISTED_LOGINS: usize = 1_000;

/// How many logins a subject may have at once, the new one included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoginLimit {
    /// At least 1, and below [`MAX_LISTED_LOGINS`]: what is not listed is not counted.
    pub max: u32,
    /// What happens to one too many.
    pub overflow: Overflow,
}

impl LoginLimit {
    /// Whether a store can keep to it.
    pub fn is_sound(&self) -> bool {
        self.max > 0 && usize::try_from(self.max).is_ok_and(|max| max < MAX_LISTED_LOGINS)
    }
}

/// What happens when a subject has too many logins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Overflow {
    /// The one created first is ended.
    EndOldest,
    /// The new one is refused.
    Refuse,
}

/// What became of an [`Admission`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Admitted {
    /// It is in.
    Yes {
        /// The version its credentials carry.
        version: u64,
        /// The logins that were ended to make room.
        ended: Vec<LoginId>,
    },
    /// The subject's revocations moved since `since`: nothing was changed.
    Moved,
    /// The limit is reached: nothing was changed.
    TooMany,
}

/// One entry of a subject's list of logins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoginInfo {
    /// Its public id.
    pub login: LoginId,
    /// What kind it is.
    pub kind: LoginKind,
    /// The label it was given.
    pub device: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to within the touch interval.
    pub last_seen_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
}

/// One page of a subject's logins, the newest first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LoginPage {
    /// The logins.
    pub logins: Vec<LoginInfo>,
    /// Where the next page begins, if there is one.
    pub next: Option<LoginId>,
}

/// Knows a subject's logins.
///
/// The index serves lists and limits only, at most 1,000 logins a subject; whether a credential is
/// good never rests on it.
#[async_trait]
pub trait Logins: Revocations {
    /// The first step of a session's login, in the subject's lane: checks `since`, enforces the
    /// limit, enters the index, and hands out the version.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; made again with the same `op` it happens once.
    async fn admit(&self, admission: &Admission) -> Result<Admitted, StoreError>;

    /// Begins to take back an admission whose second step failed. Does not wait; may fail, which
    /// leaves an entry in the list until it is next read.
    fn withdraw(&self, subject: &str, login: LoginId);

    /// The subject's logins that are alive, of both kinds, the newest first: up to `limit`, after
    /// the one named `after`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store can not tell.
    async fn logins(
        &self,
        subject: &str,
        after: Option<LoginId>,
        limit: usize,
    ) -> Result<LoginPage, StoreError>;
}
