//! The ready-made services, asked as clients ask them.
#![allow(clippy::unwrap_used)] // In helpers, too.
#![cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]

#[path = "../issuer_support/mod.rs"]
mod issuer_support;

mod forward_auth;
mod introspect;
mod jwks;
mod refresh;
mod requests;
mod revoke;
mod support;
