//! The vocabulary of the auth layers: who the caller is, how that is refused, and what a store is.
//!
//! Services use it through the layers; it is a crate of its own so that sessions, tokens and stores
//! need not know each other, and so that a store or a layer can be written by somebody else. It has
//! no async runtime, no crypto backend and no framework in it.
//!
//! # How a request walks through
//!
//! ```text
//! request -> session layer / token layer   find the credential: one pass, exactly one, bounded
//!               join the request's Caller  the first layer makes it, the others share it
//!               prove the credential       a token at once, a session when somebody first asks
//!               ask the store              last: Active, Revoked or Unknown
//!         -> guards                        resolve the Caller; nobody -> refused, handler not called
//!         -> handler                       takes the Principal
//! ```
//!
//! # The rules
//!
//! 1. A layer proves; a [`Principal`] can neither be deserialised nor changed.
//! 2. A bearer token wins over a cookie: with one present, the session counts as absent.
//! 3. A store that can not tell is neither "active" nor "revoked": the answer is 503, never 401,
//!    and no cookie is touched.
//! 4. A refusal is a response, in the shape that the request speaks (HTTP or gRPC), by
//!    [one table](rejection::RejectionKind); its reason is in the response's extensions.
//! 5. [`revocation::judge`] alone says what is revoked, and [`store::rotation_step`] what becomes of
//!    a refresh token.
//!
//! # Example
//!
//! ```
//! use auth_core::{Caller, Principal, PrincipalParts, RequireAuth};
//! use http::{Request, Response, StatusCode};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), std::convert::Infallible> {
//! let service = RequireAuth::new().layer(service_fn(|request: Request<()>| async move {
//!     let principal = request.extensions().get::<Principal>();
//!     let subject = principal.map(|p| p.subject().to_owned()).unwrap_or_default();
//!     Ok::<_, std::convert::Infallible>(Response::new(subject))
//! }));
//!
//! // Nobody said who this is: refused, and the service is not called.
//! let response = service.clone().oneshot(Request::new(())).await?;
//! assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
//!
//! // The application vouches for this one by a scheme of its own.
//! let mut request = Request::new(());
//! let principal = Principal::vouched(PrincipalParts::new("a machine"));
//! Caller::vouch(request.extensions_mut(), principal);
//! assert_eq!(service.oneshot(request).await?.body(), "a machine");
//! # Ok(())
//! # }
//! ```
//!
//! # What to know before deploying it
//!
//! - Guards read what layers found: stack them inside of those. A guard without a layer around it refuses
//!   everybody, an extractor answers 500.
//! - Headers and extensions that a request came with prove nothing: the first layer puts a fresh [`Caller`]
//!   in the place of any other.
//! - Whoever calls [`Principal::vouched`] is believed. Behind a gateway verify a signature before that, and
//!   not a plain header.
//! - What [`Caller::ended`] tells of revocations by other processes depends on the store.
//!
//! # Cancel safety
//!
//! [`Caller::principal`], [`Caller::user`] and [`Caller::ended`] may be dropped and begun again. Of a store's
//! transitions each is made whole or not at all; made again with the same command, it is made once.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `axum` | extractors: [`Caller`], [`Principal`], `Option<Principal>`, `CurrentUser` |
//! | `metrics` | [`MetricsEvents`](event): events as counters |
//! | `tracing` | [`TracingEvents`](event): events as log records |
//! | `contract-suite` | `contract`: the tests that every store has to pass |

#![cfg_attr(docsrs, feature(doc_cfg))]

mod authority;
#[cfg(feature = "axum")]
mod axum;
mod caller;
mod clock;
#[cfg(feature = "contract-suite")]
pub mod contract;
pub mod credentials;
mod error;
pub mod event;
pub mod guard;
mod invalid_token;
mod login_id;
mod outage;
pub mod policy;
mod principal;
pub mod provider;
mod random;
pub mod rejection;
pub mod revocation;
mod scopes;
pub mod store;
pub mod stream;
mod user;

pub use authority::Authority;
#[cfg(feature = "axum")]
pub use axum::{CurrentUser, MissingLayer};
pub use caller::{Caller, NotResolved, SessionSource, TokenOutcome};
pub use clock::{Clock, ManualClock, Sleep, SystemClock, Timer, Timestamp};
pub use error::{StoreError, Unavailable};
#[cfg(feature = "metrics")]
pub use event::MetricsEvents;
#[cfg(feature = "tracing")]
pub use event::TracingEvents;
pub use event::{Event, EventSink};
pub use guard::{RequireAuth, RequireFresh, RequireScope};
pub use invalid_token::InvalidToken;
pub use login_id::{LoginId, ParseLoginIdError};
pub use outage::OutagePolicy;
pub use principal::{Principal, PrincipalKind, PrincipalParts};
pub use provider::ProviderLogin;
pub use random::random_bytes;
pub use rejection::{Challenge, Rejection, RejectionHandler, RejectionKind};
pub use revocation::Verdict;
pub use scopes::{MAX_SCOPE_BYTES, MAX_SCOPES, ParseScopesError, Scopes};
pub use stream::{EndWithLogin, LoginEnd};
pub use user::{UserError, UserLoader};
