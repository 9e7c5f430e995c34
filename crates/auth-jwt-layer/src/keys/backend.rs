//! The crypto backend: used directly, so that no provider has to be installed for the process.

use jsonwebtoken::crypto::CryptoProvider;

/// The backend that is switched on; AWS-LC where both are.
pub(crate) fn backend() -> Option<&'static CryptoProvider> {
    #[cfg(feature = "jwt-aws-lc")]
    return Some(&jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER);
    #[cfg(all(feature = "jwt-rust-crypto", not(feature = "jwt-aws-lc")))]
    return Some(&jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER);
    #[cfg(not(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto")))]
    None
}
