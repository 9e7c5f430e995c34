//! Making a key set.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::DecodingKey;

use super::{
    Key, KeySet, backend, curve,
    jwk::{Jwk, JwkSet},
    prepared::Prepared,
    rsa,
    secret::checked_secret,
    spki,
};
use crate::{Algorithm, ConfigError, ConfigErrorKind};

/// Makes a [`KeySet`]; errors come from [`build`](Self::build).
#[derive(Default)]
#[must_use]
pub struct KeySetBuilder {
    keys: Vec<Key>,
    error: Option<ConfigError>,
}

impl fmt::Debug for KeySetBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.keys.iter().map(|key| (&key.kid, key.algorithm));
        f.debug_map().entries(keys).finish()
    }
}

impl KeySetBuilder {
    /// Adds a public key in PEM (`BEGIN PUBLIC KEY`, or `BEGIN RSA PUBLIC KEY`).
    pub fn pem(self, algorithm: Algorithm, kid: &str, pem: impl AsRef<[u8]>) -> Self {
        let key = from_pem(algorithm, pem.as_ref());
        self.add(algorithm, Some(kid), key)
    }

    /// Adds a public key in DER, a `SubjectPublicKeyInfo`.
    pub fn der(self, algorithm: Algorithm, kid: &str, der: impl AsRef<[u8]>) -> Self {
        let key = spki::key_of(der.as_ref(), algorithm).and_then(|key| public(algorithm, key));
        self.add(algorithm, Some(kid), key)
    }

    /// Adds a secret, at least as long as its hash. Whoever verifies with it can also sign.
    pub fn secret(self, algorithm: Algorithm, kid: &str, secret: impl AsRef<[u8]>) -> Self {
        let key = checked_secret(algorithm, secret.as_ref());
        self.add(algorithm, Some(kid), key)
    }

    /// Adds a secret without an id, for the only key of a set: it answers to tokens whatever `kid`
    /// they name.
    pub fn secret_without_kid(self, algorithm: Algorithm, secret: impl AsRef<[u8]>) -> Self {
        let key = checked_secret(algorithm, secret.as_ref());
        self.add(algorithm, None, key)
    }

    /// Adds one JWK. A secret (`oct`) must say its `alg`.
    pub fn jwk(self, json: &str) -> Self {
        match serde_json::from_str::<Jwk>(json) {
            Ok(jwk) => self.add_jwk(&jwk),
            Err(_) => self.fail(ConfigErrorKind::KeyFormat.into()),
        }
    }

    /// Adds the public keys of a JWK set. Keys of kinds that are not known, or not for signatures,
    /// or with a member of the wrong type, are skipped (RFC 7517 section 5). A broken, weak or private
    /// key is an error, and so is a secret, as nobody publishes one on purpose.
    pub fn jwks(mut self, json: &str) -> Self {
        let Ok(set) = serde_json::from_str::<JwkSet>(json) else {
            return self.fail(ConfigErrorKind::KeyFormat.into());
        };
        for key in set.keys {
            let Ok(jwk) = serde_json::from_value::<Jwk>(key) else {
                continue;
            };
            if jwk.is_secret() {
                let error = ConfigError::from(ConfigErrorKind::SymmetricKey);
                self = self.fail(error.about_key(jwk.kid.as_deref()));
            } else if !matches!(jwk.read(), Err(ConfigErrorKind::UnusableKey)) {
                self = self.add_jwk(&jwk);
            }
        }
        self
    }

    /// Adds those public keys of a JWK set that can be used: for a set that was fetched from somebody else, where what
    /// is wrong with one key is not the others' fault. Secrets, private, broken and weak keys are left out, and so is
    /// the second one of an id.
    pub fn published_jwks(self, json: &[u8]) -> Self {
        let Ok(set) = serde_json::from_slice::<JwkSet>(json) else {
            return self.fail(ConfigErrorKind::KeyFormat.into());
        };
        set.keys.into_iter().fold(self, |keys, key| {
            let Ok(jwk) = serde_json::from_value::<Jwk>(key) else {
                return keys;
            };
            let known = |kid: &Option<Box<str>>| kid.as_deref() == jwk.kid.as_deref();
            let usable = !jwk.is_secret()
                && jwk.kid.as_deref() != Some("")
                && !keys.keys.iter().any(|key| known(&key.kid))
                && jwk.read().is_ok();
            match usable {
                true => keys.add_jwk(&jwk),
                false => keys,
            }
        })
    }

    fn add_jwk(self, jwk: &Jwk) -> Self {
        let kid = jwk.kid.as_deref();
        match jwk.read() {
            Ok((algorithm, key)) => self.add(algorithm, kid, Ok(key)),
            Err(kind) => self.fail(ConfigError::from(kind).about_key(kid)),
        }
    }

    fn add(
        mut self,
        algorithm: Algorithm,
        kid: Option<&str>,
        key: Result<DecodingKey, ConfigErrorKind>,
    ) -> Self {
        let key = match key {
            _ if kid == Some("") => Err(ConfigErrorKind::KeyId),
            _ if self.keys.iter().any(|known| known.kid.as_deref() == kid) => {
                Err(ConfigErrorKind::DuplicateKey)
            }
            _ if self
                .keys
                .iter()
                .any(|k| k.algorithm.is_symmetric() != algorithm.is_symmetric()) =>
            {
                Err(ConfigErrorKind::MixedKeys)
            }
            key => key,
        };
        match key {
            Ok(key) => {
                let kid = kid.map(Into::into);
                let prepared = Prepared::of(algorithm, &key);
                self.keys.push(Key {
                    kid,
                    algorithm,
                    key,
                    prepared,
                });
                self
            }
            Err(kind) => self.fail(ConfigError::from(kind).about_key(kid)),
        }
    }

    fn fail(mut self, error: ConfigError) -> Self {
        self.error.get_or_insert(error);
        self
    }

    /// The key set.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] about the first key that can not be used, or when there is none.
    pub fn build(self) -> Result<KeySet, ConfigError> {
        if backend().is_none() {
            return Err(ConfigErrorKind::NoBackend.into());
        }
        match self.error {
            Some(error) => Err(error),
            None if self.keys.is_empty() => Err(ConfigErrorKind::NoKeys.into()),
            None => Ok(KeySet(self.keys.into())),
        }
    }
}

fn from_pem(algorithm: Algorithm, pem: &[u8]) -> Result<DecodingKey, ConfigErrorKind> {
    let malformed = ConfigErrorKind::KeyFormat;
    let text = std::str::from_utf8(pem).map_err(|_| malformed)?.trim();
    let begin = text.strip_prefix("-----BEGIN ").ok_or(malformed)?;
    let (label, rest) = begin.split_once("-----").ok_or(malformed)?;
    if label.ends_with("PRIVATE KEY") {
        return Err(ConfigErrorKind::PrivateKey);
    }
    let body = rest
        .strip_suffix(&format!("-----END {label}-----"))
        .ok_or(malformed)?;
    let body: String = body.split_ascii_whitespace().collect();
    let der = STANDARD.decode(body).map_err(|_| malformed)?;
    match label {
        "PUBLIC KEY" => public(algorithm, spki::key_of(&der, algorithm)?),
        "RSA PUBLIC KEY" if algorithm.is_rsa() => public(algorithm, &der),
        "RSA PUBLIC KEY" => Err(ConfigErrorKind::KeyMismatch),
        _ => Err(malformed),
    }
}

/// A key in the form of its type: PKCS #1 for RSA, the point for EC, its encoding for Ed25519.
fn public(algorithm: Algorithm, key: &[u8]) -> Result<DecodingKey, ConfigErrorKind> {
    if algorithm.is_rsa() {
        let (n, e) = spki::rsa_numbers(key).ok_or(ConfigErrorKind::KeyFormat)?;
        return rsa_key(n, e);
    }
    curve_key(algorithm, key)
}

pub(super) fn rsa_key(n: &[u8], e: &[u8]) -> Result<DecodingKey, ConfigErrorKind> {
    rsa::checked(n, e)?;
    let (n, e) = (rsa::trimmed(n), rsa::trimmed(e));
    Ok(DecodingKey::from_rsa_raw_components(n, e))
}

pub(super) fn curve_key(algorithm: Algorithm, key: &[u8]) -> Result<DecodingKey, ConfigErrorKind> {
    curve::checked(algorithm, key)?;
    Ok(match algorithm {
        Algorithm::EdDsa => DecodingKey::from_ed_der(key),
        _ => DecodingKey::from_ec_der(key),
    })
}
