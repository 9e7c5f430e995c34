//! From the bytes of a token to checked claims.

mod builder;
mod claims;
mod compact;
mod header;
mod verified;
mod verifier;

pub use builder::VerifierBuilder;
pub use verified::Verified;
pub use verifier::Verifier;
