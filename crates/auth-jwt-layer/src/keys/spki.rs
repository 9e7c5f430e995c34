//! Public keys in DER: `SubjectPublicKeyInfo` (RFC 5280 section 4.1), and an RSA key's PKCS #1.

use crate::{Algorithm, ConfigErrorKind};

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
const OID: u8 = 0x06;

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// The key's own bytes: PKCS #1 for RSA, the uncompressed point for EC, 32 bytes for Ed25519.
pub(super) fn key_of(spki: &[u8], algorithm: Algorithm) -> Result<&[u8], ConfigErrorKind> {
    let malformed = ConfigErrorKind::KeyFormat;
    let (spki, rest) = element(spki, SEQUENCE).ok_or(malformed)?;
    let (names, key) = element(spki, SEQUENCE).ok_or(malformed)?;
    let (key, end) = element(key, BIT_STRING).ok_or(malformed)?;
    let (oid, parameters) = element(names, OID).ok_or(malformed)?;
    // A bit string begins with the number of its unused bits.
    let ([0, key @ ..], [], []) = (key, end, rest) else {
        return Err(malformed);
    };
    let curve = element(parameters, OID).map(|(curve, _)| curve);
    let fits = match algorithm {
        Algorithm::Es256 => oid == EC && curve == Some(P256),
        Algorithm::Es384 => oid == EC && curve == Some(P384),
        Algorithm::EdDsa => oid == ED25519 && key.len() == 32,
        _ => algorithm.is_rsa() && oid == RSA,
    };
    if fits {
        Ok(key)
    } else {
        Err(ConfigErrorKind::KeyMismatch)
    }
}

/// The contents of the element at the front, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = der.strip_prefix(&[tag])?.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 | 0x82 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 3))?;
            let length = bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            (length, rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}
