//! What gateways ask: who is calling, as a short assertion for the service behind.

mod assert;
mod builder;
mod future;
mod service;

pub use assert::AssertService;
pub use builder::ForwardAuth;
pub use future::ForwardAuthFuture;
pub use service::ForwardAuthService;
