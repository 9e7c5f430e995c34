//! Taking credentials back: where revocations are kept, and the rule that reads them.
//!
//! State is kept in 1,024 [lanes](Lane). A lane's revocations are one record: an epoch for all, an
//! epoch per subject (the "versioned claim"), the logins that were ended and the tokens that were
//! denied. Each revocation is one atomic step on it. [`judge`] is the rule; every store uses it or
//! says the same in its own language, and the contract suite holds it to that.

mod lane;
mod op;
mod record;
mod verdict;

pub(crate) use lane::digest;
pub use lane::{LANES, Lane, LoginKey, Place, SubjectKey, TokenKey};
pub use op::Op;
pub use record::{DenylistFull, ENTRY_MARGIN, LaneRecord, MAX_LIFETIME, Recorded};
pub(crate) use verdict::provider_session;
pub use verdict::{Entries, FOREIGN_SKEW_MS, Query, Standing, SubjectEpoch, Verdict, judge};
