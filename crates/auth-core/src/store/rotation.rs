//! The rule of rotation: what becomes of a refresh token that is presented.

use super::{RefreshHash, Rotation};
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
    /// Whether an access token that came with the current token was presented somewhere: then it
    /// has arrived.
    pub is_known_to_have_arrived: bool,
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
pub fn rotation_step(state: &RotationState, rotation: &Rotation, now: Timestamp) -> RotationStep {
    let presented = &rotation.presented;
    // Once the current token is presented, it is the previous one: then it has arrived.
    let lenient = match state.is_known_to_have_arrived {
        true => rotation.grace,
        false => rotation.grace.max(rotation.retry),
    };
    let current = state.generation;
    let generation = presented.generation;
    if generation == current {
        if presented.hash == state.current {
            RotationStep::Advance
        } else {
            RotationStep::DataLoss
        }
    } else if generation.checked_add(1) == Some(current) && now < state.rotated_at.plus(lenient) {
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
            is_known_to_have_arrived: false,
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
            is_known_to_have_arrived: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{LoginId, revocation::Lane};

    const NOW: Timestamp = Timestamp::from_secs(1_000);
    const GRACE: Duration = Duration::from_secs(30);

    fn hash(n: u8) -> RefreshHash {
        RefreshHash::from_bytes([n; 32])
    }

    fn successor(n: u8) -> Successor {
        let derivation = Derivation {
            nonce: [0; 16],
            key_id: 1,
        };
        let hash = hash(n);
        Successor { hash, derivation }
    }

    /// Generation 5 is current with hash 5, 4 was rotated at NOW with hash 4.
    fn state() -> RotationState {
        let presented = Presented {
            generation: 4,
            hash: hash(4),
        };
        RotationState::advanced(&presented, &successor(5), NOW)
    }

    fn presenting(generation: u64, hash: RefreshHash) -> Rotation {
        Rotation {
            lane: Lane::new(0).expect("a lane"),
            login: LoginId::from_bytes([0; 16]),
            presented: Presented { generation, hash },
            successor: successor(9),
            grace: GRACE,
            retry: Duration::ZERO,
        }
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
            let rotation = presenting(generation, hash);
            assert_eq!(rotation_step(&state(), &rotation, now), expected, "{row}");
        }
    }

    #[test]
    fn a_lost_response_may_be_asked_for_again_until_something_of_it_arrives() {
        use RotationStep::{Advance, DataLoss, Replay, Reuse};
        const HOUR: Duration = Duration::from_secs(3_600);
        let ms = Duration::from_millis(1);
        let rows = [
            (
                "previous, after the grace",
                4,
                hash(4),
                GRACE,
                false,
                Replay,
            ),
            ("at the end", 4, hash(4), HOUR - ms, false, Replay),
            ("after it", 4, hash(4), HOUR, false, Reuse),
            (
                "arrived, within the grace",
                4,
                hash(4),
                GRACE - ms,
                true,
                Replay,
            ),
            ("arrived, after the grace", 4, hash(4), GRACE, true, Reuse),
            ("another hash", 4, hash(9), GRACE, false, DataLoss),
            ("older", 3, hash(3), GRACE, false, Reuse),
            ("current", 5, hash(5), GRACE, false, Advance),
            ("current, arrived", 5, hash(5), GRACE, true, Advance),
        ];
        for (row, generation, hash, after, arrived, expected) in rows {
            let state = RotationState {
                is_known_to_have_arrived: arrived,
                ..state()
            };
            let rotation = Rotation {
                retry: HOUR,
                ..presenting(generation, hash)
            };
            let step = rotation_step(&state, &rotation, NOW.plus(after));
            assert_eq!(step, expected, "{row}");
        }
        // A shorter time than the grace takes nothing off it.
        let rotation = Rotation {
            retry: ms,
            ..presenting(4, hash(4))
        };
        assert_eq!(rotation_step(&state(), &rotation, NOW.plus(ms)), Replay);
    }

    #[test]
    fn without_a_grace_a_replay_is_reuse() {
        let rotation = Rotation {
            grace: Duration::ZERO,
            ..presenting(4, hash(4))
        };
        let step = rotation_step(&state(), &rotation, NOW);
        assert_eq!(step, RotationStep::Reuse);
    }

    #[test]
    fn the_first_token_has_no_previous_one() {
        let first = RotationState::first(hash(1), NOW);
        // Generation 0 is never issued; with a good MAC it would mean data loss.
        assert_eq!(
            rotation_step(&first, &presenting(0, hash(0)), NOW),
            RotationStep::DataLoss
        );
    }
}
