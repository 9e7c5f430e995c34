//! Private keys in PKCS #8 (RFC 5958), as PEM (RFC 7468).
//!
//! Reads no more than it takes to know a key's type and to find the RSA key within: the rest is the
//! backend's to check.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{Algorithm, error::ConfigErrorKind};

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// An Ed25519 key of this form is these bytes and the 32 of the seed (RFC 8410 section 7).
const ED25519_HEAD: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// The DER of a PEM file with one unencrypted private key; text around it counts for nothing.
pub(super) fn from_pem(pem: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(pem).ok()?;
    let (_, rest) = text.split_once(BEGIN)?;
    let (body, rest) = rest.split_once(END)?;
    if rest.contains(BEGIN) {
        return None;
    }
    let body: String = body.split_ascii_whitespace().collect();
    STANDARD.decode(body).ok()
}

/// An Ed25519 key from its seed.
pub(super) fn ed25519(seed: &[u8; 32]) -> Vec<u8> {
    [&ED25519_HEAD[..], seed].concat()
}

/// The algorithm that a key of this type usually signs with.
pub(super) fn usual_algorithm(der: &[u8]) -> Option<Algorithm> {
    let key = PrivateKey::parse(der)?;
    match (key.kind, key.curve) {
        (ED25519, _) => Some(Algorithm::EdDsa),
        (EC, Some(P256)) => Some(Algorithm::Es256),
        (EC, Some(P384)) => Some(Algorithm::Es384),
        (RSA, _) => Some(Algorithm::Rs256),
        _ => None,
    }
}

/// What the backend wants to have of the key: all of it, or the PKCS #1 key within for RSA.
///
/// # Errors
///
/// `KeyFormat` when it is no private key, `KeyMismatch` when it is not one for `algorithm`.
pub(super) fn for_backend(der: &[u8], algorithm: Algorithm) -> Result<&[u8], ConfigErrorKind> {
    let key = PrivateKey::parse(der).ok_or(ConfigErrorKind::KeyFormat)?;
    let fits = match algorithm {
        Algorithm::Es256 => key.kind == EC && key.curve == Some(P256),
        Algorithm::Es384 => key.kind == EC && key.curve == Some(P384),
        Algorithm::EdDsa => key.kind == ED25519,
        _ => algorithm.is_rsa() && key.kind == RSA,
    };
    match fits {
        false => Err(ConfigErrorKind::KeyMismatch),
        true if key.kind == RSA => Ok(key.content),
        true => Ok(der),
    }
}

struct PrivateKey<'d> {
    kind: &'d [u8],
    curve: Option<&'d [u8]>,
    content: &'d [u8],
}

impl<'d> PrivateKey<'d> {
    fn parse(der: &'d [u8]) -> Option<Self> {
        let mut outer = der;
        let mut info = read(&mut outer, SEQUENCE)?;
        if !outer.is_empty() {
            return None;
        }
        read(&mut info, INTEGER)?;
        let mut algorithm = read(&mut info, SEQUENCE)?;
        let kind = read(&mut algorithm, OBJECT_IDENTIFIER)?;
        let curve = read(&mut algorithm, OBJECT_IDENTIFIER);
        let content = read(&mut info, OCTET_STRING)?;
        Some(Self {
            kind,
            curve,
            content,
        })
    }
}

/// Takes one element of type `tag` off the front, and returns its content.
fn read<'d>(from: &mut &'d [u8], tag: u8) -> Option<&'d [u8]> {
    let (&[first, length], mut rest) = from.split_first_chunk()?;
    if first != tag {
        return None;
    }
    let length = match length {
        0..=0x7f => usize::from(length),
        0x81..=0x83 => {
            let (digits, after) = rest.split_at_checked(usize::from(length & 0x7f))?;
            rest = after;
            digits.iter().fold(0, |n, &d| n << 8 | usize::from(d))
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    *from = rest;
    Some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pem(der: &[u8]) -> String {
        format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(der))
    }

    #[test]
    fn one_key_is_found_in_its_file() {
        let key = ed25519(&[7; 32]);
        let good = pem(&key);
        let rows = [
            ("as written", good.clone(), true),
            ("CRLF", good.replace('\n', "\r\n"), true),
            ("text around it", format!("my key\n{good}# end\n"), true),
            ("two keys", good.repeat(2), false),
            ("no end", good.replace(END, ""), false),
            ("no base64", good.replace("MC4C", "M!4C"), false),
            ("a public key", good.replace("PRIVATE", "PUBLIC"), false),
            (
                "encrypted",
                good.replace("PRIVATE", "ENCRYPTED PRIVATE"),
                false,
            ),
            ("nothing", String::new(), false),
        ];
        for (row, text, found) in rows {
            let expected = found.then(|| key.clone());
            assert_eq!(from_pem(text.as_bytes()), expected, "{row}");
        }
        assert_eq!(from_pem(b"\xff"), None);
    }

    #[test]
    fn a_key_fits_its_own_algorithm_only() {
        let key = ed25519(&[7; 32]);
        assert_eq!(for_backend(&key, Algorithm::EdDsa), Ok(&key[..]));
        for other in [Algorithm::Es256, Algorithm::Rs256, Algorithm::Hs256] {
            let mismatch = Err(ConfigErrorKind::KeyMismatch);
            assert_eq!(for_backend(&key, other), mismatch, "{other}");
        }
    }

    #[test]
    fn no_cut_or_changed_length_is_read_beyond_its_end() {
        let key = ed25519(&[7; 32]);
        for end in 0..key.len() {
            assert!(PrivateKey::parse(&key[..end]).is_none(), "{end}");
        }
        for at in 0..key.len() {
            for byte in [0, 0x7f, 0x80, 0x81, 0x83, 0x84, 0xff] {
                let mut changed = key.clone();
                changed[at] = byte;
                // Whatever it says, it does not panic.
                let _ = PrivateKey::parse(&changed);
            }
        }
        assert!(PrivateKey::parse(&[&key[..], &[0]].concat()).is_none());
    }
}
