//! The ring of keys behind refresh tokens.

use std::{collections::HashSet, fmt, sync::Arc};

use auth_core::{LoginId, random_bytes};
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The keys that refresh tokens are sealed and derived with: 32 random bytes each.
///
/// The first one makes new tokens; every one still opens its own. To rotate, put a new key in front
/// of the ring and keep the old one for as long as a refresh token may idle, then drop it. All
/// processes that share a store need the same ring: bring a new key to all of them as the second
/// one, and only then to the front.
///
/// Guard them as you guard signing keys: whoever knows one can make a token of the next generation
/// for a login whose id they know, which is taken for one that a failover lost.
///
/// Cheap to clone; Debug shows the keys' ids only.
#[derive(Clone)]
pub struct RefreshKeys(Arc<[RefreshKey]>);

impl RefreshKeys {
    /// One new key, which ends with the process: right for a store that ends with it, too.
    pub fn generate() -> Self {
        Self(Arc::new([RefreshKey::new(&random_bytes())]))
    }

    /// From the keys themselves, the one for new tokens first.
    ///
    /// # Errors
    ///
    /// [`RefreshKeysError`] when there is none, or one is there twice.
    pub fn from_keys<I>(keys: I) -> Result<Self, RefreshKeysError>
    where
        I: IntoIterator<Item = [u8; 32]>,
    {
        let numbered = keys.into_iter().zip(1..);
        Self::from_numbered(numbered.map(|(key, number)| Ok((number, key))))
    }

    /// From text, one key a line in base64 or base64url, padded or not, the one for new tokens
    /// first. Blank lines and lines that begin with `#` count for nothing.
    ///
    /// `openssl rand -base64 32` makes such a line.
    ///
    /// # Errors
    ///
    /// [`RefreshKeysError`] when a line is not 32 bytes of base64, when there is no key, or one is
    /// there twice.
    ///
    /// # Examples
    ///
    /// ```
    /// use auth_jwt_layer::RefreshKeys;
    ///
    /// let ring = "# 2025-11\n\
    ///             dGhlc2UgYXJlIDMyIGJ5dGVzLCBub3QgYXQgcmFuZG8=\n";
    /// assert!(RefreshKeys::from_base64_lines(ring).is_ok());
    /// assert!(RefreshKeys::from_base64_lines("c2hvcnQ=").is_err());
    /// ```
    pub fn from_base64_lines(text: &str) -> Result<Self, RefreshKeysError> {
        let lines = text.lines().map(str::trim).zip(1..);
        let keys = lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
        Self::from_numbered(keys.map(|(line, number)| {
            let key = decode(line).ok_or(RefreshKeysError::Format { line: number })?;
            Ok((number, key))
        }))
    }

    fn from_numbered<I>(keys: I) -> Result<Self, RefreshKeysError>
    where
        I: Iterator<Item = Result<(usize, [u8; 32]), RefreshKeysError>>,
    {
        let mut ids = HashSet::new();
        let mut ring = Vec::new();
        for key in keys {
            let (line, key) = key?;
            let key = RefreshKey::new(&key);
            if !ids.insert(key.id) {
                return Err(RefreshKeysError::Duplicate { line });
            }
            ring.push(key);
        }
        if ring.is_empty() {
            return Err(RefreshKeysError::Empty);
        }
        Ok(Self(ring.into()))
    }

    /// The one that makes new tokens.
    pub(crate) fn current(&self) -> &RefreshKey {
        // Every constructor sees to it that there is one.
        &self.0[0]
    }

    /// The one of that id, if it is still in the ring.
    pub(crate) fn get(&self, id: u32) -> Option<&RefreshKey> {
        self.0.iter().find(|key| key.id == id)
    }
}

impl fmt::Debug for RefreshKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.0.iter().map(|key| format!("{:08x}", key.id));
        f.debug_list().entries(ids).finish()
    }
}

/// Why a ring of refresh keys can not be made. Says where, never what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum RefreshKeysError {
    /// There is no key.
    Empty,
    /// Not base64 of 32 bytes.
    Format {
        /// The line, from 1.
        line: usize,
    },
    /// The same key as one before it.
    Duplicate {
        /// The line, or which key it is, from 1.
        line: usize,
    },
}

impl fmt::Display for RefreshKeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there is no refresh key"),
            Self::Format { line } => {
                write!(f, "refresh key {line}: not 32 bytes of base64")
            }
            Self::Duplicate { line } => write!(f, "refresh key {line}: there already"),
        }
    }
}

impl std::error::Error for RefreshKeysError {}

/// One key of the ring, split into a key for each use, so that no use says anything of another.
#[derive(Clone)]
pub(crate) struct RefreshKey {
    id: u32,
    mac: Hmac<Sha256>,
    next: Hmac<Sha256>,
}

impl RefreshKey {
    fn new(key: &[u8; 32]) -> Self {
        let root = keyed(key);
        let [a, b, c, d, ..] = labelled(&root, b"auth-layers refresh: id");
        Self {
            id: u32::from_be_bytes([a, b, c, d]),
            mac: keyed(&labelled(&root, b"auth-layers refresh: mac")),
            next: keyed(&labelled(&root, b"auth-layers refresh: next")),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// The MAC over `message`, to be finished or compared.
    pub(crate) fn mac(&self, message: &[u8]) -> Hmac<Sha256> {
        self.mac.clone().chain_update(message)
    }

    /// The secret that succeeds `secret`, of `generation`, under the random `nonce` of the rotation.
    pub(crate) fn next_secret(
        &self,
        login: &LoginId,
        generation: u64,
        nonce: &[u8; 16],
        secret: &[u8; 32],
    ) -> [u8; 32] {
        let mut next = self.next.clone();
        let generation = generation.to_be_bytes();
        let parts: [&[u8]; 5] = [b"next", login.as_bytes(), &generation, nonce, secret];
        for part in parts {
            next.update(&(part.len() as u64).to_be_bytes());
            next.update(part);
        }
        next.finalize().into_bytes().into()
    }
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

fn labelled(key: &Hmac<Sha256>, label: &[u8]) -> [u8; 32] {
    key.clone()
        .chain_update(label)
        .finalize()
        .into_bytes()
        .into()
}

fn decode(line: &str) -> Option<[u8; 32]> {
    let lenient =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let decoded = [alphabet::STANDARD, alphabet::URL_SAFE]
        .iter()
        .find_map(|alphabet| GeneralPurpose::new(alphabet, lenient).decode(line).ok())?;
    decoded.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STANDARD: &str = "//////////////////////////////////////////8=";
    const URL_SAFE: &str = "__________________________________________8";

    #[test]
    fn a_ring_is_read_line_by_line() {
        use RefreshKeysError::{Duplicate, Empty, Format};
        let other = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let rows = [
            ("one", STANDARD.to_owned(), Ok(1)),
            ("url-safe", URL_SAFE.to_owned(), Ok(1)),
            ("two", format!("{STANDARD}\n{other}\n"), Ok(2)),
            (
                "comments, blanks, spaces and CRLF",
                format!("# new\r\n\r\n  {STANDARD} \r\n# old\r\n{other}"),
                Ok(2),
            ),
            ("nothing", String::new(), Err(Empty)),
            ("comments only", "# none\n\n".to_owned(), Err(Empty)),
            (
                "31 bytes",
                format!("{STANDARD}\nAAAA"),
                Err(Format { line: 2 }),
            ),
            ("33 bytes", "A".repeat(44), Err(Format { line: 1 })),
            (
                "no base64",
                format!("# secret\n{}", "!".repeat(43)),
                Err(Format { line: 2 }),
            ),
            (
                "the same key in another spelling",
                format!("{STANDARD}\n{other}\n{URL_SAFE}"),
                Err(Duplicate { line: 3 }),
            ),
        ];
        for (row, text, expected) in rows {
            let ring = RefreshKeys::from_base64_lines(&text);
            assert_eq!(ring.map(|ring| ring.0.len()), expected, "{row}");
        }
    }

    #[test]
    fn both_ways_make_the_same_ring() {
        let (a, b) = ([0xff; 32], [0; 32]);
        let ring = RefreshKeys::from_keys([a, b]).unwrap();
        let text = RefreshKeys::from_base64_lines(STANDARD).unwrap();
        assert_eq!(ring.current().id, text.current().id);
        assert!(ring.get(RefreshKey::new(&b).id).is_some());
        assert!(text.get(RefreshKey::new(&b).id).is_none());
        assert_eq!(
            RefreshKeys::from_keys([a, b, a]).unwrap_err(),
            RefreshKeysError::Duplicate { line: 3 }
        );
    }

    #[test]
    fn keys_are_not_shown() {
        let shown = format!("{:?}", RefreshKeys::from_keys([[0xff; 32]]).unwrap());
        assert_eq!(shown.len(), "[\"00000000\"]".len(), "{shown}");
        let error = RefreshKeys::from_base64_lines("c2VjcmV0").unwrap_err();
        assert!(!format!("{error:?} {error}").contains("c2Vj"));
    }

    /// Every part of what a successor follows from changes it.
    #[test]
    fn a_successor_follows_from_all_its_parts() {
        let key = RefreshKey::new(&[1; 32]);
        let (login, other) = (LoginId::from_bytes([1; 16]), LoginId::from_bytes([2; 16]));
        let next = |key: &RefreshKey, login, generation, nonce, secret| {
            key.next_secret(login, generation, &[nonce; 16], &[secret; 32])
        };
        let reference = next(&key, &login, 1, 1, 1);
        assert_eq!(next(&key.clone(), &login, 1, 1, 1), reference);
        let others = [
            next(&RefreshKey::new(&[2; 32]), &login, 1, 1, 1),
            next(&key, &other, 1, 1, 1),
            next(&key, &login, 2, 1, 1),
            next(&key, &login, 1, 2, 1),
            next(&key, &login, 1, 1, 2),
        ];
        assert!(others.iter().all(|other| *other != reference));
    }
}
