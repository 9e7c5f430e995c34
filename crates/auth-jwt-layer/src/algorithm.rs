//! The signature algorithms.

use std::{fmt, str::FromStr};

use jsonwebtoken as jwt;

use crate::error::{ConfigError, ConfigErrorKind};

/// A signature algorithm for JWTs (RFC 7518 section 3, RFC 8037 section 3.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC with SHA-256, under a secret of at least 32 bytes.
    Hs256,
    /// HMAC with SHA-384, under a secret of at least 48 bytes.
    Hs384,
    /// HMAC with SHA-512, under a secret of at least 64 bytes.
    Hs512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// Ed25519. Read as `EdDSA` (RFC 8037) and as `Ed25519` (RFC 9864), written as `EdDSA`.
    EdDsa,
}

impl Algorithm {
    /// The name in an `alg` header or JWK member.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// Whether whoever can verify can also sign.
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Self::Hs256 | Self::Hs384 | Self::Hs512)
    }

    /// The algorithm of that name; names are case-sensitive (RFC 7515 section 4.1.1).
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "HS256" => Self::Hs256,
            "HS384" => Self::Hs384,
            "HS512" => Self::Hs512,
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "EdDSA" | "Ed25519" => Self::EdDsa,
            _ => return None,
        })
    }

    /// The shortest secret, in bytes: the hash's length (RFC 7518 section 3.2). None for the asymmetric ones.
    pub(crate) const fn shortest_secret(self) -> Option<usize> {
        match self {
            Self::Hs256 => Some(32),
            Self::Hs384 => Some(48),
            Self::Hs512 => Some(64),
            _ => None,
        }
    }

    pub(crate) const fn is_rsa(self) -> bool {
        matches!(
            self,
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 | Self::Ps384 | Self::Ps512
        )
    }

    /// The same in the signature library's vocabulary.
    pub(crate) const fn in_backend(self) -> jwt::Algorithm {
        match self {
            Self::Hs256 => jwt::Algorithm::HS256,
            Self::Hs384 => jwt::Algorithm::HS384,
            Self::Hs512 => jwt::Algorithm::HS512,
            Self::Rs256 => jwt::Algorithm::RS256,
            Self::Rs384 => jwt::Algorithm::RS384,
            Self::Rs512 => jwt::Algorithm::RS512,
            Self::Ps256 => jwt::Algorithm::PS256,
            Self::Ps384 => jwt::Algorithm::PS384,
            Self::Ps512 => jwt::Algorithm::PS512,
            Self::Es256 => jwt::Algorithm::ES256,
            Self::Es384 => jwt::Algorithm::ES384,
            Self::EdDsa => jwt::Algorithm::EdDSA,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// From the name, case-sensitive.
impl FromStr for Algorithm {
    type Err = ConfigError;

    fn from_str(name: &str) -> Result<Self, ConfigError> {
        Self::from_name(name).ok_or_else(|| ConfigErrorKind::Algorithm.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_and_no_other_spelling_does() {
        use Algorithm::*;
        for algorithm in [
            Hs256, Hs384, Hs512, Rs256, Rs384, Rs512, Ps256, Ps384, Ps512, Es256, Es384, EdDsa,
        ] {
            assert_eq!(
                algorithm.as_str().parse::<Algorithm>().ok(),
                Some(algorithm)
            );
            assert!(Algorithm::from_name(&algorithm.as_str().to_lowercase()).is_none());
        }
        assert_eq!(Algorithm::from_name("Ed25519"), Some(EdDsa));
        for name in ["none", "", "HS256 ", "ES256K", "ES512", "Ed448"] {
            assert!(Algorithm::from_name(name).is_none(), "{name:?}");
        }
    }
}
