//! The role that keeps refresh logins, and the rule of their rotation.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use subtle::ConstantTimeEq;

use super::{Admission, Admitted, FieldValue, Logins};
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

/// Where the rotation of a refresh login stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RotationState {
    /// The generation of the current token, from 1.
    pub generation: u64,
    /// The hash of the current token.
    pub current: RefreshHash,
    /// The hash of the token before it, if there was one.
    pub previous: Option<RefreshHash>,
    /// How the current token was derived from the previous one.
    pub derived: Option<Derivation>,
    /// When that happened.
    pub rotated_at: Timestamp,
}

/// What it takes, besides the key ring and the presented token, to compute its successor again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Derivation {
    /// The random `r` of this rotation.
    pub nonce: [u8; 16],
    /// The key of the ring that it was derived with.
    pub key_id: u32,
}

/// A token that was presented to be rotated. Its MAC was checked before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Presented {
    /// The generation it says it is.
    pub generation: u64,
    /// Its hash.
    pub hash: RefreshHash,
}

/// The token that would succeed the presented one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Successor {
    /// Its hash.
    pub hash: RefreshHash,
    /// How it was derived.
    pub derivation: Derivation,
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

/// What a rotation has to do, decided from the record alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RotationStep {
    /// Make the successor the current token.
    Advance,
    /// The same, one generation later: the store had lost one rotation.
    Adopt,
    /// Give the stored successor once more.
    Replay,
    /// End the login: the token was reused.
    Reuse,
    /// End the login: data was lost.
    DataLoss,
    /// Refuse, and change nothing.
    Ahead,
}

/// The rule of rotation, for a record that is alive and not revoked. Its order matters.
pub fn rotation_step(
    state: &RotationState,
    presented: &Presented,
    grace: Duration,
    now: Timestamp,
) -> RotationStep {
    let current = state.generation;
    let generation = presented.generation;
    if generation == current {
        if presented.hash == state.current {
            RotationStep::Advance
        } else {
            RotationStep::DataLoss
        }
    } else if generation.checked_add(1) == Some(current) && now < state.rotated_at.plus(grace) {
        if Some(presented.hash) == state.previous {
            RotationStep::Replay
        } else {
            RotationStep::DataLoss
        }
    } else if generation < current {
        RotationStep::Reuse
    } else if current.checked_add(1) == Some(generation) {
        RotationStep::Adopt
    } else {
        RotationStep::Ahead
    }
}

impl RotationState {
    /// A login's first token.
    pub fn first(hash: RefreshHash, now: Timestamp) -> Self {
        Self {
            generation: 1,
            current: hash,
            previous: None,
            derived: None,
            rotated_at: now,
        }
    }

    /// After an [`Advance`](RotationStep::Advance) or an [`Adopt`](RotationStep::Adopt) of
    /// `presented`.
    pub fn advanced(presented: &Presented, successor: &Successor, now: Timestamp) -> Self {
        Self {
            generation: presented.generation.saturating_add(1),
            current: successor.hash,
            previous: Some(presented.hash),
            derived: Some(successor.derivation),
            rotated_at: now,
        }
    }
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
    /// absent, over or revoked is [`Rotated::Invalid`]; all else is [`rotation_step`].
    ///
    /// # Errors
    ///
    /// [`StoreError`]; made again with the same token it gives the same successor.
    async fn rotate(&self, rotation: &Rotation) -> Result<Rotated, StoreError>;

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

    const NOW: Timestamp = Timestamp::from_secs(1_000);
    const GRACE: Duration = Duration::from_secs(30);

    fn hash(n: u8) -> RefreshHash {
        RefreshHash::from_bytes([n; 32])
    }

    /// Generation 5 is current with hash 5, 4 was rotated at NOW with hash 4.
    fn state() -> RotationState {
        let presented = Presented {
            generation: 4,
            hash: hash(4),
        };
        let derivation = Derivation {
            nonce: [0; 16],
            key_id: 1,
        };
        let successor = Successor {
            hash: hash(5),
            derivation,
        };
        RotationState::advanced(&presented, &successor, NOW)
    }

    #[test]
    fn the_cases_in_the_order_of_the_design() {
        use RotationStep::{Adopt, Advance, Ahead, DataLoss, Replay, Reuse};
        let just_before = NOW.plus(GRACE).minus(Duration::from_millis(1));
        let rows = [
            ("current", 5, hash(5), NOW, Advance),
            (
                "current, long after",
                5,
                hash(5),
                NOW.plus(GRACE * 100),
                Advance,
            ),
            ("previous within the grace", 4, hash(4), NOW, Replay),
            (
                "previous at the end of the grace",
                4,
                hash(4),
                just_before,
                Replay,
            ),
            (
                "previous after the grace",
                4,
                hash(4),
                NOW.plus(GRACE),
                Reuse,
            ),
            (
                "previous within the grace, when the clock stepped back",
                4,
                hash(4),
                NOW.minus(GRACE),
                Replay,
            ),
            ("older, even within the grace", 3, hash(3), NOW, Reuse),
            ("much older", 0, hash(0), NOW, Reuse),
            ("one lost rotation", 6, hash(6), NOW, Adopt),
            ("current with another hash", 5, hash(9), NOW, DataLoss),
            ("previous with another hash", 4, hash(9), NOW, DataLoss),
            ("two ahead", 7, hash(7), NOW, Ahead),
            ("as far ahead as can be", u64::MAX, hash(7), NOW, Ahead),
        ];
        for (row, generation, hash, now, expected) in rows {
            let presented = Presented { generation, hash };
            assert_eq!(
                rotation_step(&state(), &presented, GRACE, now),
                expected,
                "{row}"
            );
        }
    }

    #[test]
    fn without_a_grace_a_replay_is_reuse() {
        let presented = Presented {
            generation: 4,
            hash: hash(4),
        };
        let step = rotation_step(&state(), &presented, Duration::ZERO, NOW);
        assert_eq!(step, RotationStep::Reuse);
    }

    #[test]
    fn the_first_token_has_no_previous_one() {
        let first = RotationState::first(hash(1), NOW);
        let presented = Presented {
            generation: 0,
            hash: hash(0),
        };
        // Generation 0 is never issued; with a good MAC it would mean data loss.
        assert_eq!(
            rotation_step(&first, &presented, GRACE, NOW),
            RotationStep::DataLoss
        );
    }

    #[test]
    fn hashes_are_not_shown() {
        assert_eq!(format!("{:?}", hash(7)), "RefreshHash(…)");
    }
}
