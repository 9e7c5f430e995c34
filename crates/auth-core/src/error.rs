//! What can go wrong between a layer and its store.

use std::{fmt, time::Duration};

/// The store can not tell: it is down, too slow, or has lost data.
///
/// It never means that a credential is bad: answer 503, never 401.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unavailable {
    retry_after: Duration,
}

impl Unavailable {
    /// To be tried again after `retry_after`.
    pub const fn retry_after(retry_after: Duration) -> Self {
        Self { retry_after }
    }

    /// What `Retry-After` should say, in whole seconds, at least one.
    pub fn retry_after_secs(&self) -> u64 {
        let whole = self.retry_after.as_secs();
        let up = u64::from(self.retry_after.subsec_nanos() > 0);
        (whole + up).max(1)
    }
}

impl Default for Unavailable {
    fn default() -> Self {
        Self::retry_after(Duration::from_secs(1))
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store can not tell")
    }
}

impl std::error::Error for Unavailable {}

/// A transition that a store did not make. Unless it says otherwise nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// The store could not be asked, or did not answer in time: the transition may or may not have
    /// happened. Made again with the same `op` it happens once.
    Unavailable(Unavailable),
    /// A limit of the store is reached: it refuses to take more rather than forget something.
    Full,
    /// The store holds something there that it can not read.
    Unreadable,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unavailable(_) => "the store is unavailable",
            Self::Full => "the store is full",
            Self::Unreadable => "the store's record can not be read",
        })
    }
}

impl std::error::Error for StoreError {}

impl From<Unavailable> for StoreError {
    fn from(unavailable: Unavailable) -> Self {
        Self::Unavailable(unavailable)
    }
}

impl From<StoreError> for Unavailable {
    /// For reads: whatever went wrong, the store could not tell.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(unavailable) => unavailable,
            _ => Self::default(),
        }
    }
}
