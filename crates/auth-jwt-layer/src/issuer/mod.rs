//! Issues access tokens, and rotates the refresh tokens beside them.

mod access;
mod arrivals;
mod builder;
mod claims;
mod error;
mod introspection;
mod jwk;
mod login;
mod pkcs8;
mod revocation;
mod ring;
mod rotation;
mod service;
mod signing;
mod tokens;

pub use builder::IssuerBuilder;
pub use error::{
    AssertionError, ClaimsError, IssuerConfigError, IssuerConfigErrorKind, LoginError, RefreshError,
};
pub use introspection::Introspection;
pub use login::TokenLogin;
pub use service::Issuer;
pub use signing::{SigningKeys, SigningKeysBuilder};
pub use tokens::Tokens;

pub(crate) use ring::SigningRing;
