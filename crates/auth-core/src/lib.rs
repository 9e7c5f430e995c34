//! The vocabulary of the auth layers.

mod clock;
mod invalid_token;

pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use invalid_token::InvalidToken;
