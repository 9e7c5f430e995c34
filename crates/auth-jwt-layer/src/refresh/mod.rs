//! Refresh tokens: their form, and how one follows from another.
//!
//! ```text
//! art_ base64url( version 1 | key id 4 | lane 2 | login 16 | generation 8 | secret 32 | MAC 16 )
//! ```
//!
//! Numbers are big-endian; the text has no padding and is 110 characters long. The MAC is the first
//! half of HMAC-SHA-256 over all before it, so that a token nobody issued is refused without asking
//! a store. A store sees the SHA-256 of the 79 bytes and nothing else.

mod keys;
mod token;

pub use keys::{RefreshKeys, RefreshKeysError};
pub(crate) use token::{Opened, RefreshToken, Sealed};
