//! What the example programs share.

use auth_layers::Principal;

/// The Whoami service of `proto/whoami.proto`, as generated.
#[allow(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    clippy::all
)]
pub mod whoami {
    tonic::include_proto!("auth.demo.v1");
}

/// Says who a principal is, in the words of the protocol.
pub fn identity(principal: &Principal) -> whoami::Identity {
    let secs = |at: auth_layers::Timestamp| i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
    whoami::Identity {
        subject: principal.subject().to_owned(),
        login: principal.login().map(|l| l.to_string()).unwrap_or_default(),
        kind: principal.kind().as_str().to_owned(),
        scopes: principal.scopes().iter().map(str::to_owned).collect(),
        auth_time: principal.auth_time().map(secs).unwrap_or_default(),
        expires_at: principal.expires_at().map(secs).unwrap_or_default(),
    }
}

/// The code in the README and the guides, compiled and run as tests.
#[cfg(doctest)]
mod guides;
