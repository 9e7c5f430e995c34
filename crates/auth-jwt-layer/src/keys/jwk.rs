//! JSON web keys (RFC 7517), and what they say they are for.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use serde::Deserialize;

use super::{
    builder::{curve_key, rsa_key},
    secret::checked_secret,
};
use crate::{Algorithm, ConfigErrorKind};

/// A JWK set. Keys that can not be read are skipped (RFC 7517 section 5).
#[derive(Deserialize)]
pub(super) struct JwkSet {
    pub(super) keys: Vec<serde_json::Value>,
}

/// A JWK, as far as it concerns us.
#[derive(Deserialize)]
pub(super) struct Jwk {
    kty: String,
    pub(super) kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    k: Option<String>,
    d: Option<serde_json::Value>,
    p: Option<serde_json::Value>,
    q: Option<serde_json::Value>,
}

impl Jwk {
    pub(super) fn is_secret(&self) -> bool {
        self.kty == "oct"
    }

    /// The algorithm and the key.
    ///
    /// The curve decides for EC and OKP; an RSA key without `alg` is one for RS256. `use`, `key_ops`
    /// and `alg` must agree.
    pub(super) fn read(&self) -> Result<(Algorithm, DecodingKey), ConfigErrorKind> {
        let unusable = ConfigErrorKind::UnusableKey;
        let verifies = self
            .key_ops
            .as_ref()
            .is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        if self.usage.as_deref().is_some_and(|usage| usage != "sig") || !verifies {
            return Err(unusable);
        }
        if self.d.is_some() || self.p.is_some() || self.q.is_some() {
            return Err(ConfigErrorKind::PrivateKey);
        }
        let named = match &self.alg {
            Some(name) => Some(Algorithm::from_name(name).ok_or(unusable)?),
            None => None,
        };
        let (algorithm, key) = match (&*self.kty, self.crv.as_deref()) {
            ("RSA", _) => {
                let algorithm = named.unwrap_or(Algorithm::Rs256);
                let (n, e) = (bytes(&self.n)?, bytes(&self.e)?);
                (algorithm, rsa_key(&n, &e)?)
            }
            ("EC", Some("P-256")) => (Algorithm::Es256, self.point(Algorithm::Es256)?),
            ("EC", Some("P-384")) => (Algorithm::Es384, self.point(Algorithm::Es384)?),
            ("OKP", Some("Ed25519")) => {
                let key = curve_key(Algorithm::EdDsa, &bytes(&self.x)?)?;
                (Algorithm::EdDsa, key)
            }
            ("oct", _) => {
                let algorithm = named.ok_or(unusable)?;
                let secret = bytes(&self.k)?;
                (algorithm, checked_secret(algorithm, &secret)?)
            }
            _ => return Err(unusable),
        };
        let family_fits = match &*self.kty {
            "RSA" => algorithm.is_rsa(),
            "oct" => algorithm.is_symmetric(),
            _ => named.is_none_or(|named| named == algorithm),
        };
        if family_fits {
            Ok((algorithm, key))
        } else {
            Err(ConfigErrorKind::KeyMismatch)
        }
    }

    fn point(&self, algorithm: Algorithm) -> Result<DecodingKey, ConfigErrorKind> {
        let (x, y) = (bytes(&self.x)?, bytes(&self.y)?);
        // Each is as long as the field's numbers (RFC 7518 section 6.2.1.2): no moving bytes from one to the other.
        if x.len() != y.len() {
            return Err(ConfigErrorKind::KeyFormat);
        }
        curve_key(algorithm, &[&[4][..], &x, &y].concat())
    }
}

fn bytes(member: &Option<String>) -> Result<Vec<u8>, ConfigErrorKind> {
    let text = member.as_deref().ok_or(ConfigErrorKind::KeyFormat)?;
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| ConfigErrorKind::KeyFormat)
}
