//! Why a stream ended.

use std::fmt;

/// How a login ended under what was going on in its name. The error of a body that broke off.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum LoginEnd {
    /// It was revoked: the token, the login, the subject, or everything. gRPC 16.
    Revoked,
    /// The token expired, or the session did. gRPC 16.
    Expired,
    /// The store can not tell any more whether it is good. gRPC 14.
    Unavailable,
}

impl LoginEnd {
    /// The word used in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Unavailable => "unavailable",
        }
    }

    /// What a client may be told.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Revoked => "the login ended",
            Self::Expired => "the login expired",
            Self::Unavailable => "try again later",
        }
    }

    /// The gRPC status code.
    pub const fn grpc_status(self) -> u8 {
        match self {
            Self::Revoked | Self::Expired => 16,
            Self::Unavailable => 14,
        }
    }
}

impl fmt::Display for LoginEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for LoginEnd {}
