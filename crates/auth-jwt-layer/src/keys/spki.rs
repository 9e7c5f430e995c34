//! Public keys in DER: `SubjectPublicKeyInfo` (RFC 5280 section 4.1), and an RSA key's PKCS #1.

use crate::{Algorithm, ConfigErrorKind};

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OID: u8 = 0x06;
const NULL: &[u8] = &[0x05, 0x00];

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// The key's own bytes: PKCS #1 for RSA, the point for EC, its encoding for Ed25519.
pub(super) fn key_of(spki: &[u8], algorithm: Algorithm) -> Result<&[u8], ConfigErrorKind> {
    let malformed = ConfigErrorKind::KeyFormat;
    let spki = whole(spki, SEQUENCE).ok_or(malformed)?;
    let (names, key) = element(spki, SEQUENCE).ok_or(malformed)?;
    let (oid, parameters) = element(names, OID).ok_or(malformed)?;
    // A bit string begins with the number of its unused bits.
    let Some([0, key @ ..]) = whole(key, BIT_STRING) else {
        return Err(malformed);
    };
    let curve = whole(parameters, OID);
    let fits = match algorithm {
        Algorithm::Es256 => oid == EC && curve == Some(P256),
        Algorithm::Es384 => oid == EC && curve == Some(P384),
        Algorithm::EdDsa => oid == ED25519 && parameters.is_empty(),
        _ => algorithm.is_rsa() && oid == RSA && parameters == NULL,
    };
    if fits {
        Ok(key)
    } else {
        Err(ConfigErrorKind::KeyMismatch)
    }
}

/// Modulus and exponent of a PKCS #1 key (RFC 8017 appendix A.1.1), big-endian.
pub(super) fn rsa_numbers(pkcs1: &[u8]) -> Option<(&[u8], &[u8])> {
    let (n, rest) = element(whole(pkcs1, SEQUENCE)?, INTEGER)?;
    let e = whole(rest, INTEGER)?;
    let positive = |number: &[u8]| number.first().is_some_and(|top| top & 0x80 == 0);
    (positive(n) && positive(e)).then_some((n, e))
}

/// Whether this has the form of a key in a file, or of a certificate: of any algorithm.
///
/// Of random bytes, fewer than one in 2^32 have.
pub(super) fn is_key_file(der: &[u8]) -> bool {
    let Some(inner) = whole(der, SEQUENCE) else {
        return false;
    };
    let is_public = element(inner, SEQUENCE).is_some_and(|(names, key)| {
        element(names, OID).is_some() && whole(key, BIT_STRING).is_some()
    });
    // PKCS #8 and PKCS #1 begin with their version.
    let is_private = element(inner, INTEGER).is_some_and(|(version, rest)| {
        matches!(version, [0 | 1]) && (element(rest, SEQUENCE).or(element(rest, INTEGER))).is_some()
    });
    let is_certificate = element(inner, SEQUENCE)
        .and_then(|(_, rest)| element(rest, SEQUENCE))
        .is_some_and(|(_, signature)| whole(signature, BIT_STRING).is_some());
    is_public || is_private || is_certificate || rsa_numbers(der).is_some()
}

/// The contents of the one element that this is.
fn whole(der: &[u8], tag: u8) -> Option<&[u8]> {
    let (contents, rest) = element(der, tag)?;
    rest.is_empty().then_some(contents)
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
