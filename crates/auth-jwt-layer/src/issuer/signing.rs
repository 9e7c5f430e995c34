//! The keys an issuer signs with.

use std::{fmt, sync::Arc};

use auth_core::random_bytes;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::EncodingKey;
use serde::Serialize;

use super::{jwk::PublicJwk, pkcs8};
use crate::{Algorithm, ConfigError, ConfigErrorKind, KeySet, keys::backend};

/// The keys an issuer signs with: the first signs, and tokens of all of them verify.
///
/// An issuer changes to another key while it runs:
/// [`rotate_signing_key`](crate::Issuer::rotate_signing_key). To do it by restarts instead, add the new
/// key as the second one everywhere (it is then published), make it the first one when every verifier
/// has fetched it, and drop the old one when its last token has expired.
///
/// Cheap to clone; Debug shows ids and algorithms only.
#[derive(Clone)]
pub struct SigningKeys(Arc<Inner>);

struct Inner {
    keys: Vec<Arc<SigningKey>>,
    published: Published,
}

/// What others get to see of keys.
#[derive(Clone)]
pub(super) struct Published {
    pub(super) key_set: KeySet,
    /// The JWK set.
    pub(super) jwks: String,
}

/// One key to sign with.
pub(super) struct SigningKey {
    kid: String,
    algorithm: Algorithm,
    key: EncodingKey,
    /// None of a secret.
    public: Option<PublicJwk>,
    /// The encoded header of its access tokens, with the dot after it.
    header: String,
}

/// The backend could not sign.
#[derive(Clone, Copy, Debug)]
pub(super) struct SigningFailed;

impl SigningKeys {
    /// Begins without a key.
    pub fn builder() -> SigningKeysBuilder {
        SigningKeysBuilder { keys: Vec::new() }
    }

    /// The one that signs first.
    pub(super) fn keys(&self) -> &[Arc<SigningKey>] {
        &self.0.keys
    }

    pub(super) fn published(&self) -> &Published {
        &self.0.published
    }
}

impl SigningKey {
    pub(super) fn kid(&self) -> &str {
        &self.kid
    }

    /// Whether it is that very key, for that algorithm.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.algorithm == other.algorithm
            && match (&self.public, &other.public) {
                (Some(one), Some(two)) => one == two,
                (None, None) => self.key.as_bytes() == other.key.as_bytes(),
                _ => false,
            }
    }

    /// Signs `claims`, one JSON object, as a token of the type `at+jwt`.
    pub(super) fn sign(&self, claims: &[u8]) -> Result<String, SigningFailed> {
        // The backend's signers can not be shared between threads, so one is made for each token:
        // about as long as the signature itself takes.
        let backend = backend().ok_or(SigningFailed)?;
        let signer = (backend.signer_factory)(&self.algorithm.in_backend(), &self.key)
            .map_err(|_| SigningFailed)?;
        let mut token = self.header.clone();
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = signer
            .try_sign(token.as_bytes())
            .map_err(|_| SigningFailed)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.0.keys.iter();
        f.debug_map()
            .entries(keys.map(|key| (&key.kid, key.algorithm)))
            .finish()
    }
}

/// So that a token's header stays short, in bytes.
const MAX_KEY_ID: usize = 255;

/// Builds [`SigningKeys`].
#[derive(Clone)]
#[must_use]
pub struct SigningKeysBuilder {
    keys: Vec<(String, Material)>,
}

#[derive(Clone)]
enum Material {
    Pem(Option<Algorithm>, Vec<u8>),
    Ed25519(Vec<u8>),
    Secret(Algorithm, Vec<u8>),
}

impl SigningKeysBuilder {
    /// Adds a private key in PKCS #8 PEM, for the one algorithm it is to sign with.
    pub fn pem(self, algorithm: Algorithm, kid: &str, pem: impl AsRef<[u8]>) -> Self {
        self.add(kid, Material::Pem(Some(algorithm), pem.as_ref().to_vec()))
    }

    /// Adds a private key in PKCS #8 PEM, for the algorithm that goes with its type: `EdDSA` for
    /// Ed25519, `ES256` for P-256, `ES384` for P-384, `RS256` for RSA.
    pub fn private_pem(self, kid: &str, pem: impl AsRef<[u8]>) -> Self {
        self.add(kid, Material::Pem(None, pem.as_ref().to_vec()))
    }

    /// Adds a secret, for one of the `Hs` algorithms, at least as long as its hash. Whoever verifies
    /// with it can also sign; it is never published.
    pub fn secret(self, algorithm: Algorithm, kid: &str, secret: impl AsRef<[u8]>) -> Self {
        self.add(kid, Material::Secret(algorithm, secret.as_ref().to_vec()))
    }

    /// Adds a new Ed25519 key, which ends with the process: for demonstrations and tests.
    pub fn generate_ed25519(self, kid: &str) -> Self {
        let key = pkcs8::ed25519(&random_bytes());
        self.add(kid, Material::Ed25519(key))
    }

    fn add(mut self, kid: &str, material: Material) -> Self {
        self.keys.push((kid.to_owned(), material));
        self
    }

    /// Reads the keys, and has each sign something.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for a key that can not be read, is too weak or is not one of its algorithm,
    /// an id that is empty, over 255 bytes long or there twice, secrets beside private keys, or no key at all.
    pub fn build(self) -> Result<SigningKeys, ConfigError> {
        let backend = backend().ok_or(ConfigErrorKind::NoBackend)?;
        let mut keys = Vec::with_capacity(self.keys.len());
        for (kid, material) in self.keys {
            let about = |kind: ConfigErrorKind| ConfigError::from(kind).about_key(Some(&kid));
            if kid.len() > MAX_KEY_ID {
                return Err(about(ConfigErrorKind::KeyId));
            }
            let (algorithm, key) = material.read().map_err(about)?;
            let public = PublicJwk::of(key.as_bytes(), algorithm, &kid, &backend.key_utils)
                .map_err(|_| about(ConfigErrorKind::KeyFormat))?;
            let key = SigningKey::new(kid.clone(), algorithm, key, public);
            key.sign(b"{}")
                .map_err(|_| about(ConfigErrorKind::KeyFormat))?;
            keys.push(Arc::new(key));
        }
        let published = publish(keys.iter().map(|key| &**key))?;
        Ok(SigningKeys(Arc::new(Inner { keys, published })))
    }
}

/// What others get to see of `keys`.
pub(super) fn publish<'k>(
    keys: impl Iterator<Item = &'k SigningKey>,
) -> Result<Published, ConfigError> {
    let mut key_set = KeySet::builder();
    let mut public = Vec::new();
    for key in keys {
        match &key.public {
            Some(jwk) => public.push(jwk),
            None => key_set = key_set.secret(key.algorithm, &key.kid, key.key.as_bytes()),
        }
    }
    let set = JwkSet { keys: &public };
    let jwks = serde_json::to_string(&set).map_err(|_| ConfigErrorKind::KeyFormat)?;
    if !public.is_empty() {
        key_set = key_set.jwks(&jwks);
    }
    let key_set = key_set.build()?;
    Ok(Published { key_set, jwks })
}

impl fmt::Debug for SigningKeysBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.keys.iter().map(|(kid, _)| kid);
        f.debug_set().entries(ids).finish()
    }
}

impl Material {
    fn read(self) -> Result<(Algorithm, EncodingKey), ConfigErrorKind> {
        let (algorithm, der) = match self {
            Self::Secret(algorithm, secret) => {
                let shortest = algorithm.shortest_secret();
                return match shortest.ok_or(ConfigErrorKind::KeyMismatch)? {
                    shortest if secret.len() < shortest => Err(ConfigErrorKind::WeakKey),
                    _ => Ok((algorithm, EncodingKey::from_secret(&secret))),
                };
            }
            Self::Pem(algorithm, pem) => {
                let der = pkcs8::from_pem(&pem).ok_or(ConfigErrorKind::KeyFormat)?;
                let algorithm = algorithm.or_else(|| pkcs8::usual_algorithm(&der));
                (algorithm.ok_or(ConfigErrorKind::KeyFormat)?, der)
            }
            Self::Ed25519(der) => (Algorithm::EdDsa, der),
        };
        let key = pkcs8::for_backend(&der, algorithm)?;
        let key = match algorithm {
            Algorithm::EdDsa => EncodingKey::from_ed_der(key),
            Algorithm::Es256 | Algorithm::Es384 => EncodingKey::from_ec_der(key),
            _ => EncodingKey::from_rsa_der(key),
        };
        Ok((algorithm, key))
    }
}

impl SigningKey {
    fn new(kid: String, algorithm: Algorithm, key: EncodingKey, public: Option<PublicJwk>) -> Self {
        let header = Header {
            alg: algorithm.as_str(),
            typ: "at+jwt",
            kid: &kid,
        };
        let header = serde_json::to_vec(&header).expect("strings are JSON");
        let header = format!("{}.", URL_SAFE_NO_PAD.encode(header));
        Self {
            kid,
            algorithm,
            key,
            public,
            header,
        }
    }
}

#[derive(Serialize)]
struct Header<'k> {
    alg: &'static str,
    typ: &'static str,
    kid: &'k str,
}

#[derive(Serialize)]
struct JwkSet<'k> {
    keys: &'k [&'k PublicJwk],
}
