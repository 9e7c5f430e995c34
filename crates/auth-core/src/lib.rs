//! The vocabulary of the auth layers.

#[cfg(feature = "axum")]
mod axum;
mod caller;
mod clock;
pub mod credentials;
mod error;
mod event;
pub mod guard;
mod invalid_token;
mod login_id;
mod outage;
mod principal;
mod random;
pub mod rejection;
pub mod revocation;
mod scopes;
pub mod store;

pub use caller::{Caller, NotResolved, SessionSource, TokenOutcome};
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use error::{StoreError, Unavailable};
pub use event::{Event, EventSink};
pub use guard::{RequireAuth, RequireFresh, RequireScope};
pub use invalid_token::InvalidToken;
pub use login_id::{LoginId, ParseLoginIdError};
pub use outage::OutagePolicy;
pub use principal::{Principal, PrincipalKind, PrincipalParts};
pub use random::random_bytes;
pub use rejection::{Challenge, Rejection, RejectionHandler, RejectionKind};
pub use revocation::Verdict;
pub use scopes::Scopes;
