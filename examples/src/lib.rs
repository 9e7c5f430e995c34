//! What the example programs share.

/// The Whoami service of `proto/whoami.proto`, as generated.
#[allow(missing_docs, missing_debug_implementations, unreachable_pub, clippy::all)]
pub mod whoami {
    tonic::include_proto!("auth.demo.v1");
}
