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
//! The crypto backend is `jwt-aws-lc` (which `jwt` stands for) or `jwt-rust-crypto`; `axum` adds
//! extractors, `jwt-remote-keys` keys that are fetched from where an issuer publishes them,
//! `redis-tls-rustls` TLS to Redis, and `metrics` and `tracing` what can be made of [events](event).

pub use auth_core::*;

#[cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
pub use auth_jwt_layer as jwt;
#[cfg(feature = "revocation-memory")]
pub use auth_revocation_memory as memory;
#[cfg(feature = "revocation-redis")]
pub use auth_revocation_redis as redis;
#[cfg(feature = "session")]
pub use auth_session_layer as session;
