//! What an issuer can not do, and why.

use std::fmt;

use auth_core::Unavailable;

/// An issuer that can not be built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IssuerConfigError {
    kind: IssuerConfigErrorKind,
}

impl IssuerConfigError {
    /// What is wrong.
    pub fn kind(&self) -> IssuerConfigErrorKind {
        self.kind
    }
}

impl From<IssuerConfigErrorKind> for IssuerConfigError {
    fn from(kind: IssuerConfigErrorKind) -> Self {
        Self { kind }
    }
}

impl fmt::Debug for IssuerConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IssuerConfigError")
            .field(&self.kind)
            .finish()
    }
}

impl fmt::Display for IssuerConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            IssuerConfigErrorKind::Issuer => "the issuer is empty",
            IssuerConfigErrorKind::Audience => "the audience is empty",
            IssuerConfigErrorKind::ClientId => "the client id is empty",
            IssuerConfigErrorKind::AccessTtl => {
                "access tokens live for less than a second or more than 400 days"
            }
            IssuerConfigErrorKind::RefreshIdle => "refresh logins may not idle at all",
            IssuerConfigErrorKind::RefreshAbsolute => {
                "refresh logins last not at all or more than 400 days"
            }
            IssuerConfigErrorKind::Grace => "the grace is longer than 300 seconds",
            IssuerConfigErrorKind::Retry => "lost responses are retried for more than 24 hours",
            IssuerConfigErrorKind::MaxLogins => "no login is allowed",
            IssuerConfigErrorKind::SigningLead => {
                "new signing keys are published for less than 5 minutes before they sign"
            }
            IssuerConfigErrorKind::RefreshKeys => {
                "the store is shared, and there are no refresh keys to share"
            }
        })
    }
}

impl std::error::Error for IssuerConfigError {}

/// What is wrong with an issuer's configuration.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum IssuerConfigErrorKind {
    /// An empty issuer.
    Issuer,
    /// An empty audience.
    Audience,
    /// An empty client id.
    ClientId,
    /// Access tokens for less than 1 s or more than the 400 days that stores remember.
    AccessTtl,
    /// An idle limit of zero.
    RefreshIdle,
    /// An absolute limit of zero or more than the 400 days that stores remember.
    RefreshAbsolute,
    /// A grace of more than 300 s.
    Grace,
    /// Lost responses that are retried for more than 24 hours.
    Retry,
    /// A limit of zero logins.
    MaxLogins,
    /// A lead of new signing keys of less than 5 minutes or more than 400 days.
    SigningLead,
    /// No refresh keys, with a store that other processes use, too.
    RefreshKeys,
}

/// A login that got no tokens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum LoginError {
    /// The subject's revocations moved since `since`: check the password again.
    Moved,
    /// The subject has as many logins as it may.
    TooMany,
    /// What the tokens were to say can not be written into them.
    Claims(ClaimsError),
    /// The store could not be asked, or the tokens not be signed: 503, try again.
    Unavailable(Unavailable),
}

impl LoginError {
    /// Whether it is worth another try: the store could not be asked, or the tokens not be signed.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Moved => "the subject was revoked meanwhile",
            Self::TooMany => "the subject has too many logins",
            Self::Claims(_) => "the login's claims can not be written into a token",
            Self::Unavailable(_) => "the login could not be made",
        })
    }
}

impl std::error::Error for LoginError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Claims(claims) => Some(claims),
            Self::Unavailable(unavailable) => Some(unavailable),
            _ => None,
        }
    }
}

impl From<ClaimsError> for LoginError {
    fn from(claims: ClaimsError) -> Self {
        Self::Claims(claims)
    }
}

impl From<Unavailable> for LoginError {
    fn from(unavailable: Unavailable) -> Self {
        Self::Unavailable(unavailable)
    }
}

/// What can not be written into a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ClaimsError {
    /// An empty subject, or one of more than 1,024 bytes.
    Subject,
    /// An empty client id, or one of more than 1,024 bytes.
    ClientId,
    /// Claims of your own that are no JSON object.
    NotAnObject,
    /// A claim of your own that is one of the issuer's.
    Registered,
    /// More than 64 claims of your own, or some 30 levels deep, or all claims together longer than
    /// 5,120 bytes: no verifier would take the token.
    TooLarge,
}

impl fmt::Display for ClaimsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Subject => "the subject is empty or longer than 1,024 bytes",
            Self::ClientId => "the client id is empty or longer than 1,024 bytes",
            Self::NotAnObject => "the claims are no JSON object",
            Self::Registered => "a claim has the name of one that the issuer writes",
            Self::TooLarge => "the claims are too many, too deep or too long",
        })
    }
}

impl std::error::Error for ClaimsError {}

/// A refresh that got no tokens. The first two are error codes of RFC 6749 section 5.2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum RefreshError {
    /// `invalid_grant`: log in again.
    InvalidGrant,
    /// `invalid_scope`: more was asked for than was granted.
    InvalidScope,
    /// The store could not be asked, or the token not be signed: 503. The same refresh token is good
    /// for another try.
    Unavailable(Unavailable),
}

impl fmt::Display for RefreshError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidGrant => "the refresh token is not valid",
            Self::InvalidScope => "more scopes were asked for than were granted",
            Self::Unavailable(_) => "the refresh could not be made",
        })
    }
}

impl std::error::Error for RefreshError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unavailable(unavailable) => Some(unavailable),
            _ => None,
        }
    }
}

impl From<Unavailable> for RefreshError {
    fn from(unavailable: Unavailable) -> Self {
        Self::Unavailable(unavailable)
    }
}

/// An assertion that was not made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum AssertionError {
    /// The audience is empty, or the one of the access tokens: those can be revoked, assertions not.
    Audience,
    /// It would live for less than 1 s or more than 300 s.
    Lifetime,
    /// The principal belongs to another [realm](auth_core::Principal::realm) than the issuer's store: whoever
    /// believes the assertion would take them for our subject of that name.
    Foreign,
    /// It could not be signed.
    Signing,
}

impl fmt::Display for AssertionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Audience => "the audience is empty or the one of the access tokens",
            Self::Lifetime => "the assertion would not live from 1 to 300 seconds",
            Self::Foreign => "the principal is of another issuer's",
            Self::Signing => "the assertion could not be signed",
        })
    }
}

impl std::error::Error for AssertionError {}
