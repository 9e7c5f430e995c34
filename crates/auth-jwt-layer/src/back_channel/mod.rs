//! Hearing of logouts at somebody else's OpenID provider.

mod builder;
mod receive;

pub use builder::{BackChannelLogout, BackChannelLogoutBuilder};
