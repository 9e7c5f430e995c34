//! Refusals: why, and the response that says so.

mod challenge;
mod grpc;
mod handler;
mod http_response;
mod kind;
mod protocol;

pub use challenge::Challenge;
pub use handler::{DefaultRejections, ProblemJson, RejectionHandler, reject};
pub use kind::{Rejection, RejectionKind};
pub use protocol::Protocol;
