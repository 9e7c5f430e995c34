//! Keys that are fetched from where their issuer publishes them.

mod builder;
mod document;
mod error;
mod fetch;
mod http;
mod keys;
mod state;

pub use builder::RemoteKeysBuilder;
pub use error::RemoteKeysError;
pub use fetch::{BoxError, FetchKeys};
pub use keys::RemoteKeys;

/// The longest document: 64 KiB.
const MAX_BYTES: usize = 64 * 1024;
