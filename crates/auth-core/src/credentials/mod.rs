//! Credentials in request headers: found in one pass over bytes, exactly one, bounded, redacted.

mod bearer;
mod cookie;

pub use bearer::{BearerToken, MalformedAuthorization, bearer_token, has_bearer};
pub use cookie::{CookieLookup, MAX_COOKIE_BYTES, MAX_COOKIES, find_cookie};
