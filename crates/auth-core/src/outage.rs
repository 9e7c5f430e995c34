//! What a layer answers when its store can not vouch.

use std::time::Duration;

/// What a layer answers when the store's verdict is `Unknown`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum OutagePolicy {
    /// 503 with `Retry-After`, no challenge, the cookie untouched; gRPC 14. The default.
    #[default]
    Closed,
    /// Identity is answered from the store's local copy while that is not older than `at_most`;
    /// a revocation that this process made or saw always wins. Session data never is. A store
    /// without a local copy answers as `Closed`.
    Stale {
        /// How old the copy may be.
        at_most: Duration,
    },
}
