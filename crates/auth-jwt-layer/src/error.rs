//! What can be wrong with a configuration.

use std::fmt;

/// A key set or a verifier that can not be built.
///
/// Says which key by its id, never what is in it.
pub struct ConfigError {
    kind: ConfigErrorKind,
    /// The `kid` of the key it is about.
    key_id: Option<Box<str>>,
}

impl ConfigError {
    /// What is wrong.
    pub fn kind(&self) -> ConfigErrorKind {
        self.kind
    }

    /// The `kid` of the key it is about, if it is about a key that has one.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    pub(crate) fn about_key(mut self, kid: Option<&str>) -> Self {
        self.key_id = kid.map(Into::into);
        self
    }
}

impl From<ConfigErrorKind> for ConfigError {
    fn from(kind: ConfigErrorKind) -> Self {
        Self { kind, key_id: None }
    }
}

impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigError")
            .field("kind", &self.kind)
            .field("key_id", &self.key_id)
            .finish()
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key_id {
            Some(kid) => write!(f, "{} (key {kid:?})", self.kind.as_str()),
            None => f.write_str(self.kind.as_str()),
        }
    }
}

impl std::error::Error for ConfigError {}

/// What is wrong with a configuration.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ConfigErrorKind {
    /// Neither `jwt-aws-lc` nor `jwt-rust-crypto` is switched on.
    NoBackend,
    /// No usable key is left.
    NoKeys,
    /// The key can not be read: not the PEM, DER, JWK or JWK set it should be, a certificate, or not a
    /// point of its curve.
    KeyFormat,
    /// The key's type or curve, or its `alg`, is not the algorithm's; or a key file in the place of a
    /// secret.
    KeyMismatch,
    /// An RSA key outside 2048 to 4096 bits or with a known weakness, an Ed25519 key of small order, or a
    /// secret shorter than its hash.
    WeakKey,
    /// A private key where a public one is wanted.
    PrivateKey,
    /// A JWK that is not for verifying signatures (`use`, `key_ops`), or of an unknown type, curve or algorithm.
    UnusableKey,
    /// A secret where public keys are wanted.
    SymmetricKey,
    /// Secrets and public keys in one set.
    MixedKeys,
    /// Two keys with the same `kid`, or two without one.
    DuplicateKey,
    /// An empty `kid`.
    KeyId,
    /// Not a URL that keys can be fetched from safely: `https`, or `http` on this machine.
    KeyUrl,
    /// Times for fetching keys that make no sense together.
    KeyTimes,
    /// No root certificates in PEM, or some for a client that has its own.
    RootCertificates,
    /// Not the name of a supported algorithm.
    Algorithm,
    /// An empty issuer.
    Issuer,
    /// An empty audience.
    Audience,
    /// A leeway over 60 seconds.
    Leeway,
    /// A greatest lifetime of zero, or of more than 400 days where a store is attached.
    MaxLifetime,
    /// A size limit of zero or over 8192 bytes.
    SizeLimit,
    /// A scope path that is empty, deeper than 8, or starts at a claim with a meaning of its own; or more than 8.
    ScopePath,
    /// An empty realm, or one for tokens of our own, which belong to their store's.
    Realm,
    /// The name of no cookie.
    CookieName,
    /// Two verifiers for one issuer.
    DuplicateIssuer,
}

impl ConfigErrorKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::NoBackend => {
                "no crypto backend: enable the feature jwt-aws-lc or jwt-rust-crypto"
            }
            Self::NoKeys => "the key set has no usable key",
            Self::KeyFormat => "the key can not be read",
            Self::KeyMismatch => "the key does not fit its algorithm",
            Self::WeakKey => "the key is too weak or too large",
            Self::PrivateKey => "a private key was given where a public one is wanted",
            Self::UnusableKey => "the key is not one to verify signatures with",
            Self::SymmetricKey => "a secret was given where public keys are wanted",
            Self::MixedKeys => "secrets and public keys do not go into one key set",
            Self::DuplicateKey => "two keys answer to the same id",
            Self::KeyId => "a key id is empty",
            Self::KeyUrl => "not a URL to fetch keys from: https, or http on this machine",
            Self::KeyTimes => "the times for fetching keys make no sense",
            Self::RootCertificates => {
                "the root certificates can not be read, or are for a client that has its own"
            }
            Self::Algorithm => "not a supported algorithm",
            Self::Issuer => "the issuer is empty",
            Self::Audience => "the audience is empty",
            Self::Leeway => "the leeway is longer than 60 seconds",
            Self::MaxLifetime => "the greatest lifetime is zero, or longer than a store remembers",
            Self::SizeLimit => "the size limit is not within 1 to 8192 bytes",
            Self::ScopePath => "the scope path is not usable",
            Self::Realm => "the realm is empty, or is given for tokens of our own",
            Self::CookieName => "not the name of a cookie",
            Self::DuplicateIssuer => "two verifiers are for the same issuer",
        }
    }
}
