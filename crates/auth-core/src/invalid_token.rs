//! Why a token was refused.

use std::fmt;

/// Why a token was refused, from a small fixed vocabulary.
///
/// [`description`](Self::description) is what a client may be told; it never quotes the token.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum InvalidToken {
    /// Not a compact JWS of canonical base64url parts with JSON objects in them.
    Malformed,
    /// Longer than the size cap.
    TooLarge,
    /// Its `alg` is not the one algorithm of the key it names.
    Algorithm,
    /// No key of this issuer answers to it.
    Key,
    /// The signature does not verify.
    Signature,
    /// Its `typ` says that it is another kind of token (RFC 9068 section 4).
    Type,
    /// It has critical extensions (RFC 7515 section 4.1.11); none is understood.
    Critical,
    /// A required claim is missing, or a claim is of the wrong JSON type or out of range.
    Claims,
    /// Its `exp` has passed.
    Expired,
    /// Its `nbf` or `iat` is in the future.
    NotYetValid,
    /// Its `iss` is not one that is trusted here.
    Issuer,
    /// Its `aud` does not name this service.
    Audience,
    /// It was revoked: itself, its login, its subject, or everything.
    Revoked,
}

impl InvalidToken {
    /// The word used in logs, metrics and by the `verify` tool.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::TooLarge => "too-large",
            Self::Algorithm => "algorithm",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Type => "type",
            Self::Critical => "critical",
            Self::Claims => "claims",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Revoked => "revoked",
        }
    }

    /// What the challenge says as `error_description` (RFC 6750 section 3).
    pub const fn description(self) -> &'static str {
        match self {
            Self::Malformed | Self::TooLarge => "the token is malformed",
            Self::Algorithm | Self::Key | Self::Signature => "the signature is invalid",
            Self::Type | Self::Critical => "the token is of another kind",
            Self::Claims => "the claims are invalid",
            Self::Expired => "the token expired",
            Self::NotYetValid => "the token is not valid yet",
            Self::Issuer => "the issuer is not trusted",
            Self::Audience => "the token is for another audience",
            Self::Revoked => "the token was revoked",
        }
    }
}

impl fmt::Display for InvalidToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.description())
    }
}

impl std::error::Error for InvalidToken {}
