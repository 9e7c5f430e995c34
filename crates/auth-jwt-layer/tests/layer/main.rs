//! The layer, over the memory store and over one that says what it is told to.
#![cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]

mod asvs;
mod cached;
mod claims;
mod cookie;
mod events;
mod field;
mod foreign;
mod issuers;
mod outage;
mod readiness;
mod refusals;
#[cfg(feature = "jwt-remote-keys")]
mod remote;
mod revocation;
mod stacks;
mod support;
