//! One refresh token.

use auth_core::{
    LoginId, random_bytes,
    revocation::Lane,
    store::{Derivation, RefreshHash},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::Mac;
use sha2::{Digest, Sha256};

use super::{RefreshKeys, keys::RefreshKey};

/// What secret scanners know it by.
const PREFIX: &str = "art_";
const VERSION: u8 = 1;
/// Version, key id, lane, login, generation, secret: all that the MAC is over.
const UNSEALED: usize = 1 + 4 + 2 + 16 + 8 + 32;
const TAG: usize = 16;
const SEALED: usize = UNSEALED + TAG;
/// 79 bytes in base64url.
const ENCODED: usize = 106;

/// What a refresh token says. Secret: no Debug.
pub(crate) struct RefreshToken {
    pub(crate) lane: Lane,
    pub(crate) login: LoginId,
    pub(crate) generation: u64,
    secret: [u8; 32],
}

/// A refresh token as it is handed out, and as a store knows it.
pub(crate) struct Sealed {
    pub(crate) text: String,
    pub(crate) hash: RefreshHash,
}

/// A refresh token that was presented, and that a key of the ring sealed.
pub(crate) struct Opened {
    pub(crate) token: RefreshToken,
    pub(crate) hash: RefreshHash,
}

impl RefreshToken {
    /// The first token of a login.
    pub(crate) fn first(lane: Lane, login: LoginId) -> Self {
        Self {
            lane,
            login,
            generation: 1,
            secret: random_bytes(),
        }
    }

    /// The token that succeeds this one by `derivation`, sealed with the key that it names: the same
    /// bytes every time. None if that key has left the ring, or for the last of all generations.
    pub(crate) fn successor(&self, derivation: &Derivation, keys: &RefreshKeys) -> Option<Sealed> {
        let key = keys.get(derivation.key_id)?;
        let nonce = &derivation.nonce;
        let successor = Self {
            generation: self.generation.checked_add(1)?,
            secret: key.next_secret(&self.login, self.generation, nonce, &self.secret),
            ..*self
        };
        Some(successor.seal(key))
    }

    /// Writes it down.
    pub(crate) fn seal(&self, key: &RefreshKey) -> Sealed {
        let mut bytes = Vec::with_capacity(SEALED);
        bytes.push(VERSION);
        bytes.extend(key.id().to_be_bytes());
        bytes.extend(self.lane.index().to_be_bytes());
        bytes.extend(self.login.as_bytes());
        bytes.extend(self.generation.to_be_bytes());
        bytes.extend(self.secret);
        let tag = key.mac(&bytes).finalize().into_bytes();
        bytes.extend(&tag[..TAG]);
        let mut text = String::with_capacity(PREFIX.len() + ENCODED);
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(&bytes, &mut text);
        let hash = hash(&bytes);
        Sealed { text, hash }
    }

    /// Reads one that was presented. None unless it is, byte for byte, what [`seal`](Self::seal)
    /// wrote with a key of the ring.
    pub(crate) fn open(text: &[u8], keys: &RefreshKeys) -> Option<Opened> {
        let encoded = text.strip_prefix(PREFIX.as_bytes())?;
        if encoded.len() != ENCODED {
            return None;
        }
        // Canonical only: this engine refuses padding and trailing bits.
        let bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
        let (unsealed, tag) = bytes.split_at_checked(UNSEALED)?;
        let mut rest = unsealed;
        if take::<1>(&mut rest)? != [VERSION] {
            return None;
        }
        let key = keys.get(u32::from_be_bytes(take(&mut rest)?))?;
        // In constant time. Nothing after it is believed before it.
        key.mac(unsealed).verify_truncated_left(tag).ok()?;
        let token = Self {
            lane: Lane::new(u16::from_be_bytes(take(&mut rest)?))?,
            login: LoginId::from_bytes(take(&mut rest)?),
            generation: u64::from_be_bytes(take(&mut rest)?),
            secret: take(&mut rest)?,
        };
        let hash = hash(&bytes);
        Some(Opened { token, hash })
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

fn hash(bytes: &[u8]) -> RefreshHash {
    RefreshHash::from_bytes(Sha256::digest(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(keys: &[u8]) -> RefreshKeys {
        RefreshKeys::from_keys(keys.iter().map(|&key| [key; 32])).unwrap()
    }

    fn token() -> RefreshToken {
        RefreshToken {
            lane: Lane::new(1023).unwrap(),
            login: LoginId::from_bytes([0xa5; 16]),
            generation: 7,
            secret: [0x5a; 32],
        }
    }

    fn derivation(keys: &RefreshKeys) -> Derivation {
        Derivation {
            nonce: [9; 16],
            key_id: keys.current().id(),
        }
    }

    #[test]
    fn what_was_sealed_opens() {
        let keys = ring(&[1]);
        let sealed = token().seal(keys.current());
        assert_eq!(sealed.text.len(), 110);
        let opened = RefreshToken::open(sealed.text.as_bytes(), &keys).unwrap();
        assert_eq!(opened.hash, sealed.hash);
        assert_eq!(opened.token.lane, token().lane);
        assert_eq!(opened.token.login, token().login);
        assert_eq!(opened.token.generation, 7);
        assert_eq!(opened.token.secret, token().secret);
    }

    #[test]
    fn anything_else_does_not_open() {
        let keys = ring(&[1]);
        let good = token().seal(keys.current()).text;
        let resealed = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = URL_SAFE_NO_PAD.decode(&good[PREFIX.len()..]).unwrap();
            bytes.truncate(UNSEALED);
            change(&mut bytes);
            let tag = keys.current().mac(&bytes).finalize().into_bytes();
            bytes.extend(&tag[..TAG]);
            format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
        };
        assert_eq!(resealed(&|_| {}), good);
        // The last character carries 2 bits of the tag: the 4 below them have to be zero.
        let last = good.chars().last().unwrap();
        let looser = char::from(last as u8 + 1);
        let rows = [
            ("empty", String::new()),
            ("the prefix alone", PREFIX.to_owned()),
            ("no prefix", good[4..].to_owned()),
            ("another prefix", good.replacen("art_", "ART_", 1)),
            ("one short", good[..109].to_owned()),
            ("one more", format!("{good}A")),
            ("padded", format!("{good}==")),
            ("trailing bits", format!("{}{looser}", &good[..109])),
            ("a space after", format!("{good} ")),
            ("a line end after", format!("{good}\n")),
            ("another version, sealed", resealed(&|bytes| bytes[0] = 2)),
            ("an unknown key, sealed", resealed(&|bytes| bytes[1] ^= 1)),
            ("lane 1024, sealed", resealed(&|bytes| bytes[5] = 4)),
            (
                "a field less, sealed",
                resealed(&|bytes| bytes.truncate(UNSEALED - 1)),
            ),
            ("a field more, sealed", resealed(&|bytes| bytes.push(0))),
        ];
        for (row, text) in rows {
            assert!(
                RefreshToken::open(text.as_bytes(), &keys).is_none(),
                "{row}"
            );
        }
        assert!(RefreshToken::open(good.as_bytes(), &ring(&[2])).is_none());
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let keys = ring(&[1]);
        let good = token().seal(keys.current()).text.into_bytes();
        for at in 0..good.len() {
            for flip in 1..=255 {
                let mut changed = good.clone();
                changed[at] ^= flip;
                assert!(RefreshToken::open(&changed, &keys).is_none(), "{at} {flip}");
            }
        }
    }

    #[test]
    fn a_successor_is_the_same_bytes_every_time() {
        let keys = ring(&[1]);
        let first = token().successor(&derivation(&keys), &keys).unwrap();
        let again = token().successor(&derivation(&keys), &keys).unwrap();
        assert_eq!(first.text, again.text);
        assert_eq!(first.hash, again.hash);
        let opened = RefreshToken::open(first.text.as_bytes(), &keys).unwrap();
        assert_eq!(opened.token.generation, 8);
        assert_eq!(opened.token.login, token().login);
        assert_ne!(opened.token.secret, token().secret);
    }

    #[test]
    fn a_successor_outlives_the_rotation_of_the_ring() {
        let (before, after, retired) = (ring(&[1]), ring(&[2, 1]), ring(&[2]));
        let derivation = derivation(&before);
        let first = token().successor(&derivation, &before).unwrap();
        let again = token().successor(&derivation, &after).unwrap();
        assert_eq!(first.text, again.text);
        assert!(token().successor(&derivation, &retired).is_none());
    }

    #[test]
    fn generations_do_not_wrap() {
        let keys = ring(&[1]);
        let last = RefreshToken {
            generation: u64::MAX,
            ..token()
        };
        assert!(last.successor(&derivation(&keys), &keys).is_none());
    }

    /// Fixed for ever: other nodes and other versions compute the same. Computed with Python's hmac.
    #[test]
    fn tokens_are_what_other_nodes_write() {
        let keys = ring(&[1]);
        assert_eq!(
            token().seal(keys.current()).text,
            "art_AaUl-4ID_6WlpaWlpaWlpaWlpaWlpaUAAAAAAAAAB1paWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa2RshT_Hd1szeTl1XWiJy5Q"
        );
        let successor = token().successor(&derivation(&keys), &keys).unwrap();
        assert_eq!(
            successor.text,
            "art_AaUl-4ID_6WlpaWlpaWlpaWlpaWlpaUAAAAAAAAACK0ir3R-qSeArrHjp7KHrk6u_63U9XyZsZLGtEsF2NG_zjRzfrqavfQWWfpYoU8W8g"
        );
    }
}
