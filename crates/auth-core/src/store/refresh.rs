//! The role that keeps refresh logins.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use subtle::ConstantTimeEq;

use super::{Admission, Admitted, FieldValue, Logins, Presented, RotationState, Successor};
use crate::{LoginId, Scopes, StoreError, Timestamp, revocation::Lane};

/// SHA-256 of a refresh token: all that a store ever sees of it. Compared in constant time.
#[derive(Clone, Copy)]
pub struct RefreshHash([u8; 32]);

impl RefreshHash {
    /// From the 32 bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for RefreshHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for RefreshHash {}

impl fmt::Debug for RefreshHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshHash(…)")
    }
}

/// What a refresh login may do: fixed at the login.
#[derive(Clone, PartialEq, Debug)]
pub struct RefreshGrant {
    /// The OAuth client it was granted to.
    pub client_id: Option<String>,
    /// The scopes it was granted.
    pub scopes: Scopes,
    /// When the user proved who they are; None becomes the store's now.
    pub auth_time: Option<Timestamp>,
    /// The issuer's own claims for every access token of it: a JSON object.
    pub claims: Option<FieldValue>,
}

/// A token login that begins.
#[derive(Clone, PartialEq, Debug)]
pub struct RefreshStart {
    /// Who wants in, as what.
    pub admission: Admission,
    /// What it may do.
    pub grant: RefreshGrant,
    /// The hash of its first refresh token, generation 1.
    pub hash: RefreshHash,
}

/// A refresh login as it is stored.
#[derive(Clone, PartialEq, Debug)]
pub struct RefreshRecord {
    /// Whose it is.
    pub subject: String,
    /// Its public id.
    pub login: LoginId,
    /// What it may do; `auth_time` is set.
    pub grant: RefreshGrant,
    /// What the list of devices calls it.
    pub device: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last advanced.
    pub last_seen_at: Timestamp,
    /// When it ends, however much it is used.
    pub absolute_end: Timestamp,
    /// It ends when it was not advanced for so long.
    pub idle: Option<Duration>,
    /// The version of its credentials; becomes current at each advance.
    pub version: u64,
    /// Where its rotation stands.
    pub rotation: RotationState,
}

impl RefreshRecord {
    /// When it ends if it is not advanced again.
    pub fn expires_at(&self) -> Timestamp {
        match self.idle {
            Some(idle) => self.last_seen_at.plus(idle).min(self.absolute_end),
            None => self.absolute_end,
        }
    }

    /// Whether it is over.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at()
    }
}

/// A refresh.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rotation {
    /// The lane of the login, from the token.
    pub lane: Lane,
    /// The login, from the token.
    pub login: LoginId,
    /// The token.
    pub presented: Presented,
    /// Its successor, should it become the current one.
    pub successor: Successor,
    /// For how long after a rotation the previous token still gets the same successor.
    pub grace: Duration,
    /// For how long it does so while nothing of the successor is known to have arrived anywhere;
    /// zero for no longer than the grace.
    pub retry: Duration,
}

/// What became of a [`Rotation`].
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Rotated {
    /// The successor is the current token now.
    Advanced {
        /// The login as it is now.
        record: RefreshRecord,
        /// Whether the presented token was one that the store had lost to a failover.
        adopted: bool,
    },
    /// The presented token was rotated a moment ago: its successor is the one derived by
    /// `record.rotation.derived`, and still the current token.
    Replayed {
        /// The login, unchanged.
        record: RefreshRecord,
    },
    /// There is no such login, or it is over, or revoked.
    Invalid,
    /// The token was rotated long ago: somebody has a copy. The login is ended.
    Reused {
        /// Whose login.
        subject: String,
    },
    /// The right generation with another hash: the store has lost data. The login is ended.
    DataLost {
        /// Whose login.
        subject: String,
    },
    /// A generation further ahead than one lost rotation explains. Nothing was changed.
    Ahead {
        /// Whose login.
        subject: String,
    },
}

/// Keeps refresh logins. They live in their subject's lane, so that each transition sees its
/// revocations in the same step.
#[async_trait]
pub trait RefreshLogins: Logins {
    /// Begins a token login: admission and record in one step.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; made again with the same `op` it happens once.
    async fn start(&self, start: &RefreshStart) -> Result<Admitted, StoreError>;

    /// Rotates a refresh token, in one step over the lane's revocations and the login's record:
    /// absent, over or revoked is [`Rotated::Invalid`]; all else is
    /// [`rotation_step`](super::rotation_step).
    ///
    /// # Errors
    ///
    /// [`StoreError`]; made again with the same token it gives the same successor.
    async fn rotate(&self, rotation: &Rotation) -> Result<Rotated, StoreError>;

    /// Notes that the client has got the answer of the rotation to `generation`, because an access
    /// token of it was presented. Says nothing of another generation, and brings no login back. Need
    /// not have happened when it returns, and may fail: a replay is then [retried](Rotation::retry)
    /// for longer.
    fn arrived(&self, lane: Lane, login: LoginId, generation: u64);

    /// The login, if it is alive and not revoked. Changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store can not tell.
    async fn refresh_login(
        &self,
        lane: Lane,
        login: LoginId,
    ) -> Result<Option<RefreshRecord>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_not_shown() {
        let hash = RefreshHash::from_bytes([7; 32]);
        assert_eq!(format!("{hash:?}"), "RefreshHash(…)");
    }
}
