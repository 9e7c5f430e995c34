//! Secrets.

use jsonwebtoken::DecodingKey;
use serde_json::Value;

use super::spki;
use crate::{Algorithm, ConfigErrorKind};

/// A secret as long as its hash, at least (RFC 7518 section 3.2), and none that everybody has.
pub(super) fn checked_secret(
    algorithm: Algorithm,
    secret: &[u8],
) -> Result<DecodingKey, ConfigErrorKind> {
    match algorithm.shortest_secret() {
        None => Err(ConfigErrorKind::KeyMismatch),
        // A public key in the place of a secret: anybody could sign (RFC 8725 section 2.1).
        Some(_) if is_pem(secret) || is_json(secret) || spki::is_key_file(secret) => {
            Err(ConfigErrorKind::KeyMismatch)
        }
        Some(shortest) if secret.len() < shortest => Err(ConfigErrorKind::WeakKey),
        Some(_) => Ok(DecodingKey::from_secret(secret)),
    }
}

/// Wherever it begins.
fn is_pem(secret: &[u8]) -> bool {
    const PEM: &[u8] = b"-----BEGIN ";
    secret.windows(PEM.len()).any(|at| at == PEM)
}

/// A JWK, a set or a list of them: no object and no list is a secret.
fn is_json(secret: &[u8]) -> bool {
    let text = secret.strip_prefix(b"\xef\xbb\xbf").unwrap_or(secret);
    matches!(
        serde_json::from_slice(text.trim_ascii()),
        Ok(Value::Object(_) | Value::Array(_))
    )
}
