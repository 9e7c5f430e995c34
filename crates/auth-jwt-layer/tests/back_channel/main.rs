//! Logouts that somebody else's OpenID provider tells of.
#![allow(clippy::unwrap_used)] // In helpers, too.
#![cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]

#[path = "../issuer_support/mod.rs"]
mod issuer_support;

mod ends;
mod races;
mod replay;
mod requests;
mod support;
mod tokens;
