//! The rule of rotation: what becomes of a refresh token that is presented.

use std::time::Duration;

use super::RefreshHash;
use crate::Timestamp;

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
}
