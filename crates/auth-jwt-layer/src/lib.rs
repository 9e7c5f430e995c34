//! Bearer JWTs for Tower services.
//!
//! - A [`Verifier`], over the [`KeySet`] of one issuer, turns the bytes of a token into [`Verified`]
//!   claims, or one word why not.
//! - [`JwtLayer`] makes that the request's caller, and asks a store whether the token was revoked.
//! - [`Claims`] are what else the token says, as a type of your own.
//! - An [`Issuer`] makes access tokens, and rotates the refresh tokens beside them.
//! - [`BackChannelLogout`] hears of logouts from the OpenID providers that users log in at.
//! - [`ForwardAuth`] tells gateways who is calling, as a signature that the services behind believe.
//!
//! ```
//! # #[cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::{convert::Infallible, sync::Arc};
//!
//! use auth_core::RequireAuth;
//! use auth_jwt_layer::{Issuer, JwtLayer, SigningKeys, TokenLogin};
//! use auth_revocation_memory::MemoryStore;
//! use http::{Request, Response, StatusCode};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! let store = Arc::new(MemoryStore::new());
//! let keys = SigningKeys::builder().generate_ed25519("2026-11").build()?;
//! let issuer = Issuer::builder("https://auth.example", "api", keys, store.clone()).build()?;
//! let service = ServiceBuilder::new()
//!     .layer(JwtLayer::builder(issuer.verifier()?).store(store).build()?)
//!     .layer(RequireAuth::new())
//!     .service_fn(|_: Request<String>| async {
//!         Ok::<_, Infallible>(Response::new("your orders".to_owned()))
//!     });
//! let with = |token: &str| {
//!     Request::builder()
//!         .header("authorization", format!("Bearer {token}"))
//!         .body(String::new())
//! };
//!
//! // After a password was checked:
//! let tokens = issuer.login(TokenLogin::new("alice")).await?;
//! let accepted = service.clone().oneshot(with(tokens.access_token())?).await?;
//! assert_eq!(accepted.status(), StatusCode::OK);
//!
//! // An unsecured JWT (RFC 7519 section 6.1) is not a token.
//! let unsecured = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.e30.";
//! let refused = service.oneshot(with(unsecured)?).await?;
//! assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
//! # Ok(())
//! # }
//! # #[cfg(not(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto")))]
//! # fn main() {}
//! ```
//!
//! # What is checked, in this order
//!
//! 1. Size: at most 8 KiB, before anything is read.
//! 2. Shape: three canonical base64url parts without padding (RFC 7515 section 7.1).
//! 3. Header: one JSON object without duplicate members; no `crit`, `b64`, `zip` or `enc`; `typ` is `at+jwt`
//!    (RFC 9068 section 4). Keys that the header brings along (`jwk`, `jku`, `x5u`, `x5c`) are ignored.
//! 4. Issuer: `iss` chooses the verifier, where there are several, and is believed for nothing else yet.
//! 5. Key: the one that `kid` names among that issuer's, used with the one algorithm it was configured for.
//! 6. Signature. Nothing else in the claims is looked at before it.
//! 7. Claims: one JSON object without duplicate members; `iss`, `aud`, `sub` and `exp` always, and every known claim
//!    of the right type and in range.
//!
//! # What to know before deploying it
//!
//! - Without a [store](JwtLayerBuilder::store) a token is good until it expires. With one, tokens need `jti` and `iat`,
//!   and a store that can not tell is 503, or what the [outage policy](JwtLayerBuilder::outage) says.
//! - Token endpoints stand outside of the layer: clients send an expired token along with a refresh.
//! - Processes that share a store need the same [`RefreshKeys`] and signing keys.
//! - Tokens from a [cookie](JwtLayerBuilder::cookie) need protection against cross-site request forgery around the layer.
//! - Clocks of issuer and verifier may differ by the [leeway](VerifierBuilder::leeway): 30 s, at most 60 s.
//!
//! # Cancel safety
//!
//! The layer may be dropped at any time: it changes nothing. A login or a refresh that was dropped may have happened;
//! the same refresh token then gets the same successor again, within the [grace](IssuerBuilder::grace).
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `jwt-aws-lc` (default) | signatures by AWS-LC |
//! | `jwt-rust-crypto` | signatures by the RustCrypto crates |
//! | `jwt-remote-keys` | `RemoteKeys`: keys fetched from where their issuer publishes them; needs Tokio |
//! | `axum` | the extractor [`Claims`] |
//!
//! With both backends, AWS-LC is used. With neither, every key set fails to build ([`ConfigErrorKind::NoBackend`]).

#![cfg_attr(docsrs, feature(doc_cfg))]

mod algorithm;
#[cfg(feature = "axum")]
mod axum;
mod back_channel;
mod base64url;
mod endpoint;
mod error;
mod forward_auth;
mod issuer;
mod json;
mod keys;
mod layer;
mod refresh;
#[cfg(feature = "jwt-remote-keys")]
mod remote;
mod typed;
mod verify;

pub use algorithm::Algorithm;
pub use back_channel::{BackChannelLogout, BackChannelLogoutBuilder};
pub use endpoint::{Endpoint, EndpointBody, EndpointFuture, IntrospectService, JwksService};
pub use error::{ConfigError, ConfigErrorKind};
pub use forward_auth::{AssertService, ForwardAuth, ForwardAuthFuture, ForwardAuthService};
pub use issuer::{
    AssertionError, ClaimsError, Introspection, Issuer, IssuerBuilder, IssuerConfigError,
    IssuerConfigErrorKind, LoginError, RefreshError, SigningKeys, SigningKeysBuilder, TokenLogin,
    Tokens,
};
pub use keys::{KeySet, KeySetBuilder, KeySource, LiveKeys};
pub use layer::{Jwt, JwtLayer, JwtLayerBuilder, OnInvalid, ResponseFuture};
pub use refresh::{RefreshKeys, RefreshKeysError};
#[cfg(feature = "jwt-remote-keys")]
pub use remote::{BoxError, FetchKeys, RemoteKeys, RemoteKeysBuilder, RemoteKeysError};
pub use typed::{Claims, NoClaims};
pub use verify::{Verified, Verifier, VerifierBuilder, VerifyError};
