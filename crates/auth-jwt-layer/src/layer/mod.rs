//! The Tower layer: a bearer token in, a principal out.

mod builder;
mod examine;
mod future;
mod policy;
mod service;

pub use builder::{JwtLayer, JwtLayerBuilder, OnInvalid};
pub use future::ResponseFuture;
pub use service::Jwt;

pub(crate) use examine::foreign_realm;
