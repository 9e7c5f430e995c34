//! Public keys that were parsed once, and not for every signature.

#[cfg(feature = "jwt-aws-lc")]
use aws_lc_rs::signature as aws;
use jsonwebtoken::DecodingKey;

use crate::Algorithm;

/// A key as the backend wants it, where the backend keeps one: the verifiers of jsonwebtoken parse
/// theirs for each signature, which is microseconds for RSA and the curves.
pub(super) struct Prepared {
    #[cfg(feature = "jwt-aws-lc")]
    key: Option<aws::ParsedPublicKey>,
}

impl Prepared {
    #[cfg(feature = "jwt-aws-lc")]
    pub(super) fn of(algorithm: Algorithm, key: &DecodingKey) -> Self {
        let rule: &'static dyn aws::VerificationAlgorithm = match algorithm {
            Algorithm::Rs256 => &aws::RSA_PKCS1_2048_8192_SHA256,
            Algorithm::Rs384 => &aws::RSA_PKCS1_2048_8192_SHA384,
            Algorithm::Rs512 => &aws::RSA_PKCS1_2048_8192_SHA512,
            Algorithm::Ps256 => &aws::RSA_PSS_2048_8192_SHA256,
            Algorithm::Ps384 => &aws::RSA_PSS_2048_8192_SHA384,
            Algorithm::Ps512 => &aws::RSA_PSS_2048_8192_SHA512,
            Algorithm::Es256 => &aws::ECDSA_P256_SHA256_FIXED,
            Algorithm::Es384 => &aws::ECDSA_P384_SHA384_FIXED,
            Algorithm::EdDsa => &aws::ED25519,
            // A secret is no public key.
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => return Self { key: None },
        };
        // An RSA key of a JWK is two numbers, and left to jsonwebtoken.
        let bytes = key.try_get_as_bytes().ok();
        let parsed = bytes.map(|bytes| aws::ParsedPublicKey::new(rule, bytes));
        Self {
            key: parsed.and_then(Result::ok),
        }
    }

    #[cfg(not(feature = "jwt-aws-lc"))]
    pub(super) fn of(_: Algorithm, _: &DecodingKey) -> Self {
        Self {}
    }

    /// Whether `signature` over `message` is this key's; None if it was not prepared.
    #[cfg(feature = "jwt-aws-lc")]
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> Option<bool> {
        let key = self.key.as_ref()?;
        Some(key.verify_sig(message, signature).is_ok())
    }

    #[cfg(not(feature = "jwt-aws-lc"))]
    pub(super) fn verifies(&self, _: &[u8], _: &[u8]) -> Option<bool> {
        None
    }
}
