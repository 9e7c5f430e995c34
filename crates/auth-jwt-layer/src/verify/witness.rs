//! Who sees the tokens that proved somebody.

use std::fmt;

use super::Verified;

/// Is shown each token that proved somebody: valid, and not revoked. Called in the request's path.
pub(crate) trait Witness: fmt::Debug + Send + Sync + 'static {
    /// Takes notice of it.
    fn presented(&self, token: &Verified);
}
