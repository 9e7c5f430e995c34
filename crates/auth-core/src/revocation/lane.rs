//! Lanes and the names of things in them.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::{LoginId, random_bytes};

/// How many lanes there are.
pub const LANES: u16 = 1024;

/// One of the 1,024 shards that all state is kept in.
///
/// A subject's revocations, refresh logins and index are in the lane that its name hashes to; a
/// session's record is in the random lane that its id was born with. What is in one lane changes in
/// one atomic step.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane(u16);

impl Lane {
    /// The lane of a subject: the first 10 bits of SHA-256 over (realm, subject).
    pub fn of(realm: &str, subject: &str) -> Self {
        Place::of(realm, subject).lane
    }

    /// A random one.
    pub fn random() -> Self {
        Self(u16::from_be_bytes(random_bytes()) % LANES)
    }

    /// The lane numbered `index`, if there is one.
    pub const fn new(index: u16) -> Option<Self> {
        if index < LANES {
            Some(Self(index))
        } else {
            None
        }
    }

    /// Its number, 0 to 1,023.
    pub const fn index(self) -> u16 {
        self.0
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..LANES).map(Self)
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lane({})", self.0)
    }
}

macro_rules! key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// The 128 bits.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// From its 128 bits, as a store kept them.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:032x})"), u128::from_be_bytes(self.0))
            }
        }
    };
}

key! {
    /// A subject within its lane: bits 128 to 255 of the hash that names the lane, SHA-256 over
    /// (realm, subject).
    SubjectKey
}
key! {
    /// A login: 128 bits of SHA-256 over (realm, subject, login id).
    LoginKey
}
key! {
    /// A token: 128 bits of SHA-256 over (issuer, jti). Never over the token's bytes or signature:
    /// those are malleable.
    TokenKey
}

impl LoginKey {
    /// The key of `login`, which belongs to `subject`.
    pub fn of(realm: &str, subject: &str, login: &LoginId) -> Self {
        let hash = digest(&[realm.as_bytes(), subject.as_bytes(), login.as_bytes()]);
        Self(first_half(&hash))
    }
}

impl TokenKey {
    /// The key of the token that `issuer` named `jti`.
    pub fn of(issuer: &str, jti: &str) -> Self {
        let hash = digest(&[issuer.as_bytes(), jti.as_bytes()]);
        Self(first_half(&hash))
    }
}

/// Where a subject's state is: its lane, and its key there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Place {
    /// The lane.
    pub lane: Lane,
    /// The subject's key within it.
    pub subject: SubjectKey,
}

impl Place {
    /// The place of `subject` in `realm`.
    pub fn of(realm: &str, subject: &str) -> Self {
        let hash = digest(&[realm.as_bytes(), subject.as_bytes()]);
        let lane = Lane(u16::from_be_bytes([hash[0], hash[1]]) >> 6);
        let mut key = [0; 16];
        key.copy_from_slice(&hash[16..]);
        Self {
            lane,
            subject: SubjectKey(key),
        }
    }
}

/// SHA-256 over the parts, each preceded by its length in bytes as 64 bits, big-endian: no two
/// different lists of parts are the same bytes.
pub(crate) fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn first_half(hash: &[u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    half
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fixed for ever: other nodes, other versions and other languages compute the same.
    #[test]
    fn names_are_what_other_nodes_compute() {
        // printf '\0\0\0\0\0\0\0\x04demo\0\0\0\0\0\0\0\x05alice' | sha256sum
        let hash = digest(&[b"demo", b"alice"]);
        let hex: String = hash.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(
            hex,
            "0cd7745e9dca0cf3ea1e941095aaee99cde458089b744604eb504846066f8e91"
        );
        let place = Place::of("demo", "alice");
        assert_eq!(
            place.lane.index(),
            u16::from(hash[0]) << 2 | u16::from(hash[1]) >> 6
        );
        assert_eq!(place.subject.as_bytes(), &hash[16..]);
    }

    #[test]
    fn parts_can_not_flow_into_each_other() {
        assert_ne!(TokenKey::of("ab", "c"), TokenKey::of("a", "bc"));
        assert_ne!(Place::of("", "ab"), Place::of("ab", ""));
    }

    #[test]
    fn lanes_are_1024_and_evenly_used() {
        assert_eq!(Lane::all().count(), 1024);
        assert!(Lane::new(1024).is_none());
        let mut used = [0u32; 1024];
        for n in 0..102_400 {
            used[usize::from(Lane::of("realm", &n.to_string()).index())] += 1;
        }
        // 100 expected in each; a fair hash stays well within six standard deviations.
        assert!(used.iter().all(|&n| (40..=160).contains(&n)), "{used:?}");
    }
}
