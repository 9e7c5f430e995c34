//! Why a request was refused.

use std::{fmt, time::Duration};

use http::StatusCode;

use super::{Challenge, Protocol};
use crate::{InvalidToken, Scopes, Unavailable};

/// A refusal: why, in which protocol, and what it asks for. It is put into the extensions of the
/// response that says so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rejection {
    kind: RejectionKind,
    protocol: Protocol,
    challenge: Challenge,
}

/// Why a request was refused. Each kind is one row of the response table.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum RejectionKind {
    /// It has no credentials. 401, gRPC 16.
    Unauthenticated,
    /// Its `Authorization` header can not be read. 400, gRPC 16.
    InvalidRequest,
    /// Its token is no good. 401, gRPC 16.
    InvalidToken(InvalidToken),
    /// It may not do this without these scopes. 403, gRPC 7.
    InsufficientScope(Scopes),
    /// Its user must have proven who they are within this time. 401, gRPC 16.
    InsufficientAuthentication(Duration),
    /// The store or the key set can not tell. 503, gRPC 14.
    Unavailable(Unavailable),
    /// Its session ended, or got another id, while it ran. 409, gRPC 10.
    SessionEnded,
    /// The session could not be saved after the handler ran. 500, gRPC 13.
    CommitFailed,
    /// The subject has as many logins as are allowed. 403, gRPC 9.
    TooManyLogins,
}

impl RejectionKind {
    /// The word used in logs and metrics: of a token that is no good,
    /// [why](InvalidToken::as_str).
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::InvalidRequest => "invalid-request",
            Self::InvalidToken(why) => why.as_str(),
            Self::InsufficientScope(_) => "insufficient-scope",
            Self::InsufficientAuthentication(_) => "insufficient-authentication",
            Self::Unavailable(_) => "unavailable",
            Self::SessionEnded => "session-ended",
            Self::CommitFailed => "commit-failed",
            Self::TooManyLogins => "too-many-logins",
        }
    }
}

impl Rejection {
    /// A refusal of a request that speaks `protocol`.
    pub fn new(kind: RejectionKind, protocol: Protocol, challenge: Challenge) -> Self {
        Self {
            kind,
            protocol,
            challenge,
        }
    }

    /// Why.
    pub fn kind(&self) -> &RejectionKind {
        &self.kind
    }

    /// What the request speaks.
    pub fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    pub(super) fn challenge_source(&self) -> &Challenge {
        &self.challenge
    }

    /// The HTTP status. (A gRPC refusal is sent with 200.)
    pub fn status(&self) -> StatusCode {
        match self.kind {
            RejectionKind::Unauthenticated
            | RejectionKind::InvalidToken(_)
            | RejectionKind::InsufficientAuthentication(_) => StatusCode::UNAUTHORIZED,
            RejectionKind::InvalidRequest => StatusCode::BAD_REQUEST,
            RejectionKind::InsufficientScope(_) | RejectionKind::TooManyLogins => {
                StatusCode::FORBIDDEN
            }
            RejectionKind::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            RejectionKind::SessionEnded => StatusCode::CONFLICT,
            RejectionKind::CommitFailed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The gRPC status code.
    pub fn grpc_status(&self) -> u8 {
        match self.kind {
            RejectionKind::Unauthenticated
            | RejectionKind::InvalidRequest
            | RejectionKind::InvalidToken(_)
            | RejectionKind::InsufficientAuthentication(_) => 16,
            RejectionKind::InsufficientScope(_) => 7,
            RejectionKind::Unavailable(_) => 14,
            RejectionKind::SessionEnded => 10,
            RejectionKind::CommitFailed => 13,
            RejectionKind::TooManyLogins => 9,
        }
    }

    /// What a client may be told, and all that it is told.
    pub fn message(&self) -> &'static str {
        match &self.kind {
            RejectionKind::Unauthenticated => "authentication required",
            RejectionKind::InvalidRequest => "malformed Authorization header",
            RejectionKind::InvalidToken(why) => why.description(),
            RejectionKind::InsufficientScope(_) => "insufficient scope",
            RejectionKind::InsufficientAuthentication(_) => "a more recent login is required",
            RejectionKind::Unavailable(_) => "try again later",
            RejectionKind::SessionEnded => "the session ended or changed meanwhile",
            RejectionKind::CommitFailed => "the session could not be saved",
            RejectionKind::TooManyLogins => "too many logins",
        }
    }

    /// The error code of RFC 6750 section 3.1 and RFC 9470 section 3, where there is one.
    pub fn error_code(&self) -> Option<&'static str> {
        match self.kind {
            RejectionKind::InvalidRequest => Some("invalid_request"),
            RejectionKind::InvalidToken(_) => Some("invalid_token"),
            RejectionKind::InsufficientScope(_) => Some("insufficient_scope"),
            RejectionKind::InsufficientAuthentication(_) => {
                Some("insufficient_user_authentication")
            }
            _ => None,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for Rejection {}
