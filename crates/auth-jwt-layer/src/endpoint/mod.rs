//! Ready-made services: what clients and other services ask of an issuer.

mod body;
mod introspect;
mod jwks;
mod params;
mod refresh;
mod response;
mod revoke;
mod service;

pub use body::EndpointBody;
pub use introspect::IntrospectService;
pub use jwks::JwksService;
pub use service::{Endpoint, EndpointFuture};

pub(crate) use params::Params;
pub(crate) use response::{bad_request, bad_request_because, no_store, unavailable};
pub(crate) use service::{Answer, Answering};
