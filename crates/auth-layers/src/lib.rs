//! Server-side sessions, JWTs, and taking either back, as Tower layers.
//!
//! One dependency for all of it: this crate only re-exports the others, by feature.
//!
//! | module | feature | what it is |
//! |---|---|---|
//! | the root | | [`Principal`], [`Caller`], the guards, rejections, [`Clock`] |
//! | [`store`], [`revocation`] | | what a store is, and the rules it keeps |
//! | `session` | `session` (default) | cookie sessions |
//! | `jwt` | `jwt` (default) | tokens: verifier, layer, issuer, refresh tokens |
//! | `memory` | `revocation-memory` (default) | the embedded store |
//! | `redis` | `revocation-redis` | the store on Redis or Valkey |
//!
//! ```
//! # #[cfg(all(feature = "session", feature = "jwt", feature = "revocation-memory"))]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::{convert::Infallible, sync::Arc};
//!
//! use auth_layers::{
//!     RequireAuth,
//!     jwt::{Issuer, JwtLayer, SigningKeys, TokenLogin},
//!     memory::MemoryStore,
//!     session::SessionLayer,
//!     store::Revocations,
//! };
//! use http::{Request, Response, StatusCode};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! let store = Arc::new(MemoryStore::new());
//! let keys = SigningKeys::builder().generate_ed25519("2026-11").build()?;
//! let issuer = Issuer::builder("https://auth.example", "api", keys, store.clone()).build()?;
//!
//! // Apps come with tokens, browsers with cookies. Their order does not matter.
//! let service = ServiceBuilder::new()
//!     .layer(JwtLayer::builder(issuer.verifier()?).store(store.clone()).build()?)
//!     .layer(SessionLayer::builder(store.clone()).build()?)
//!     .layer(RequireAuth::new())
//!     .service_fn(|_: Request<String>| async {
//!         Ok::<_, Infallible>(Response::new("hello".to_owned()))
//!     });
//!
//! // Somebody with a token gets in ...
//! let tokens = issuer.login(TokenLogin::new("alice")).await?;
//! let request = || {
//!     Request::builder()
//!         .header("authorization", format!("Bearer {}", tokens.access_token()))
//!         .body(String::new())
//! };
//! let response = service.clone().oneshot(request()?).await?;
//! assert_eq!(response.status(), StatusCode::OK);
//!
//! // ... and is out when that was taken back, though the token's signature is as good as ever.
//! store.revoke_subject("alice").await?;
//! let response = service.oneshot(request()?).await?;
//! assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "session", feature = "jwt", feature = "revocation-memory")))]
//! # fn main() {}
//! ```
//!
//! # How it decides
//!
//! 1. What the application [vouches](Caller::vouch) for counts before all else, then a bearer token,
//!    then the session: with a bearer present the cookie counts as absent.
//! 2. A bearer that is no good is refused at once; a session that is not known is nobody's.
//! 3. The store is asked last. One that can not tell is 503, never 401, and no cookie is touched.
//! 4. A session is loaded when a guard, an extractor or the handler asks who is calling, and not before.
//! 5. Guards refuse by [one table](RejectionKind), in HTTP or in gRPC as the request speaks.
//!
//! # What to know before deploying it
//!
//! - Stack layers that identify outside of guards, and token endpoints outside of the token layer:
//!   clients send an expired token along with a refresh.
//! - A cookie is sent along by other sites, too: stack protection against cross-site request forgery
//!   around whatever takes one, say tower-http's `CsrfLayer`.
//! - Several processes need a store that they share, and with it the same signing and refresh keys.
//! - Tokens are checked against a store only where the layer was given one; elsewhere they are good
//!   until they expire.
//!
//! # Cancel safety
//!
//! A request that is dropped before its session's commit has changed nothing; what acts at once (a
//! log-out, a revocation) has happened or not, and never by halves. Methods say so where there is more to say.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `session`, `jwt`, `revocation-memory` (default) | the modules of the table above |
//! | `revocation-redis` | the module `redis` |
//! | `redis-tls-rustls` | TLS to Redis |
//! | `jwt-aws-lc` | signatures by AWS-LC: what `jwt` stands for |
//! | `jwt-rust-crypto` | signatures by the RustCrypto crates, where there is no C compiler |
//! | `jwt-remote-keys` | keys that are fetched from where an issuer publishes them |
//! | `axum` | extractors |
//! | `metrics`, `tracing` | [events](event) as counters, and as log records |
//! | `full` | all of these but `jwt-rust-crypto` and `redis-tls-rustls` |
//!
//! A feature adds API and changes no behaviour.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub use auth_core::*;

#[cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
pub use auth_jwt_layer as jwt;
#[cfg(feature = "revocation-memory")]
pub use auth_revocation_memory as memory;
#[cfg(feature = "revocation-redis")]
pub use auth_revocation_redis as redis;
#[cfg(feature = "session")]
pub use auth_session_layer as session;
