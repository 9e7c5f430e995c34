//! The id of a session: what its cookie holds.

use std::fmt;

use auth_core::{random_bytes, revocation::Lane, store::SessionKey};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// Two bytes of lane and 256 random bits.
const BYTES: usize = 34;
/// The same in base64url.
const CHARS: usize = 46;

/// The id of a session, in the clear. It goes into the cookie and nowhere else; stores are given
/// its hash. Its Debug does not show it.
#[derive(Clone)]
pub(crate) struct SessionId([u8; BYTES]);

impl SessionId {
    /// A new one, for a record in `lane`.
    pub(crate) fn random_in(lane: Lane) -> Self {
        let mut id = [0; BYTES];
        id[..2].copy_from_slice(&lane.index().to_be_bytes());
        id[2..].copy_from_slice(&random_bytes::<{ BYTES - 2 }>());
        Self(id)
    }

    /// From a cookie's value: 46 characters of canonical base64url that begin with a lane.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        // The length first, so that garbage of any size costs nothing.
        if text.len() != CHARS {
            return None;
        }
        let mut id = [0; BYTES];
        let decoded = URL_SAFE_NO_PAD.decode_slice(text, &mut id).ok()?;
        let lane = Lane::new(u16::from_be_bytes([id[0], id[1]]));
        (decoded == BYTES && lane.is_some()).then_some(Self(id))
    }

    /// Where its record is.
    pub(crate) fn key(&self) -> SessionKey {
        let lane = u16::from_be_bytes([self.0[0], self.0[1]]);
        SessionKey {
            lane: Lane::new(lane).expect("checked when the id was made"),
            hash: Sha256::digest(self.0).into(),
        }
    }

    /// The cookie's value.
    pub(crate) fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(index: u16) -> Lane {
        Lane::new(index).expect("a lane")
    }

    #[test]
    fn an_id_survives_its_text_form_and_keeps_its_lane() {
        for index in [0, 1, 255, 256, 1023] {
            let id = SessionId::random_in(lane(index));
            let text = id.encode();
            assert_eq!(text.len(), CHARS);
            let again = SessionId::parse(text.as_bytes()).expect("canonical");
            assert_eq!(again.key(), id.key());
            assert_eq!(id.key().lane, lane(index));
        }
    }

    #[test]
    fn at_rest_there_is_only_the_sha_256() {
        // (printf '\0\5'; head -c 32 /dev/zero) | sha256sum
        let mut bytes = [0; BYTES];
        bytes[1] = 5;
        let hash = SessionId(bytes).key().hash;
        let hex: String = hash.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(
            hex,
            "761b901164ca83c83d4d6c931f4e291c010607cebe8d0196398dee91b8e5b773"
        );
    }

    #[test]
    fn anything_but_the_canonical_text_is_refused() {
        let good = SessionId([3; BYTES]).encode();
        assert!(SessionId::parse(good.as_bytes()).is_some());
        let rows = [
            ("empty", String::new()),
            ("short", good[..45].to_owned()),
            ("long", format!("{good}A")),
            ("padded", format!("{good}==")),
            ("quoted", format!("\"{good}\"")),
            ("standard alphabet", format!("{}+", &good[..45])),
            ("space inside", format!("{} {}", &good[..20], &good[21..])),
            ("not ASCII", "\u{e4}".repeat(23)),
            // 46 characters hold 276 bits, 272 of them the id.
            ("nonzero trailing bits", format!("{}x", &good[..45])),
            ("a lane that is none", format!("BAAA{}", &good[4..])),
        ];
        for (row, text) in rows {
            assert!(SessionId::parse(text.as_bytes()).is_none(), "{row}");
        }
    }

    #[test]
    fn ids_differ_and_are_not_shown() {
        let ids: std::collections::HashSet<_> = (0..100_000)
            .map(|_| SessionId::random_in(lane(7)).encode())
            .collect();
        assert_eq!(ids.len(), 100_000);
        let id = SessionId::random_in(lane(7));
        assert_eq!(format!("{id:?}"), "SessionId(…)");
    }
}
