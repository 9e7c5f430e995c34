//! The vocabulary of the auth layers.

mod clock;
mod error;
mod invalid_token;
mod login_id;
mod principal;
mod random;
pub mod revocation;
mod scopes;
pub mod store;

pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use error::{StoreError, Unavailable};
pub use invalid_token::InvalidToken;
pub use login_id::{LoginId, ParseLoginIdError};
pub use principal::{Principal, PrincipalKind, PrincipalParts};
pub use random::random_bytes;
pub use revocation::Verdict;
pub use scopes::Scopes;

/// Stands in until `Caller` is there.
pub struct Caller;
impl Caller {
    /// x
    pub fn vouch() {}
}
