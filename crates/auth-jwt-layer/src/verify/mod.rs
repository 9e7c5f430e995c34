//! From the bytes of a token to checked claims.

mod builder;
mod cache;
mod claims;
mod compact;
mod header;
mod logout;
#[cfg(all(test, any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto")))]
mod public_vectors;
mod scopes;
#[cfg(all(test, any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto")))]
mod tests;
mod verified;
mod verifier;
mod witness;

pub use builder::VerifierBuilder;
pub use verified::Verified;
pub use verifier::{Verifier, VerifyError};

pub(crate) use logout::{LogoutToken, verify_logout};
pub(crate) use verifier::{Refusal, verify};
pub(crate) use witness::Witness;
