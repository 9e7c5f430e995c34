//! What can go wrong with a session, and with a layer's settings.

use std::{fmt, sync::Arc};

use auth_core::{
    Challenge, Rejection, RejectionKind, Unavailable,
    rejection::Protocol,
    store::{MAX_DATA_BYTES, MAX_FIELD_BYTES, MAX_FIELDS},
};
use http::StatusCode;

/// Something that could not be done with a session. See [`kind`](Self::kind).
///
/// It holds no value of any field, not even in its Debug.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionError {
    kind: SessionErrorKind,
    field: Option<Arc<str>>,
    limit: Option<SizeLimit>,
}

/// What a field is too large for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SizeLimit {
    FieldBytes,
    Fields,
    DataBytes,
}

/// The kinds of [`SessionError`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SessionErrorKind {
    /// The store can not tell, or a login or logout could not be made: nothing was changed. Answer
    /// 503.
    Unavailable(Unavailable),
    /// The store did not confirm that the changes were saved.
    CommitFailed,
    /// The session ended, or another request gave it a new id, while this one ran or within the 60 s
    /// before: nothing was changed, nothing comes back to life.
    Ended,
    /// Other requests kept changing the same fields: nothing was changed.
    Contended,
    /// The subject's logins were revoked after the epoch that the login was to be valid
    /// [`since`](crate::Login::since): what was proven then does not count any more.
    Moved,
    /// The subject has as many logins as are allowed.
    TooManyLogins,
    /// A field, or all of them together, would be larger than a session may be, or there would be too
    /// many; the error's text says which.
    TooLarge,
    /// The name of a field is empty or longer than 255 bytes.
    InvalidName,
    /// A field's value can not be written as JSON, or what is there is of another type.
    InvalidValue,
    /// The subject is empty, or the limits of the login are no limits: zero, or longer than 400
    /// days.
    InvalidLogin,
    /// Nobody is logged in who could prove again who they are.
    NotLoggedIn,
    /// The request came with a bearer token: its session cookie counts as absent.
    BearerPresent,
    /// The head of the response has gone out: no cookie can be sent any more.
    Late,
}

impl SessionError {
    pub(crate) fn in_field(kind: SessionErrorKind, name: &str) -> Self {
        Self {
            kind,
            field: Some(name.into()),
            limit: None,
        }
    }

    pub(crate) fn too_large(limit: SizeLimit, name: &str) -> Self {
        Self {
            limit: Some(limit),
            ..Self::in_field(SessionErrorKind::TooLarge, name)
        }
    }

    /// Its kind.
    pub fn kind(&self) -> SessionErrorKind {
        self.kind
    }

    /// The name of the field it is about, if it is about one.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// The row of the response table that answers it.
    pub fn rejection(&self) -> RejectionKind {
        match self.kind {
            SessionErrorKind::Unavailable(unavailable) => RejectionKind::Unavailable(unavailable),
            // `Moved` is a conflict with a revocation, not missing credentials: 409, without a
            // challenge. Whoever tries again is checked against what holds now.
            SessionErrorKind::Ended | SessionErrorKind::Contended | SessionErrorKind::Moved => {
                RejectionKind::SessionEnded
            }
            SessionErrorKind::TooManyLogins => RejectionKind::TooManyLogins,
            SessionErrorKind::NotLoggedIn => RejectionKind::Unauthenticated,
            _ => RejectionKind::CommitFailed,
        }
    }
}

impl SessionError {
    /// The HTTP status that answers it: that of its row of the response table, unless the client
    /// asked for what a session can not hold (413, 400), or for a session beside a bearer token
    /// (400).
    pub fn status(&self) -> StatusCode {
        match self.kind {
            SessionErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            SessionErrorKind::InvalidName
            | SessionErrorKind::InvalidLogin
            | SessionErrorKind::BearerPresent => StatusCode::BAD_REQUEST,
            _ => {
                let row = self.rejection();
                Rejection::new(row, Protocol::HTTP, Challenge::default()).status()
            }
        }
    }
}

impl From<SessionErrorKind> for SessionError {
    fn from(kind: SessionErrorKind) -> Self {
        Self {
            kind,
            field: None,
            limit: None,
        }
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = &self.field {
            write!(f, "session field {field:?}: ")?;
        }
        if let Some(limit) = self.limit {
            return limit.fmt(f);
        }
        f.write_str(match self.kind {
            SessionErrorKind::Unavailable(_) => "the session store can not tell",
            SessionErrorKind::CommitFailed => "the session could not be saved",
            SessionErrorKind::Ended => "the session ended or got another id meanwhile",
            SessionErrorKind::Contended => "other requests keep changing the same fields",
            SessionErrorKind::Moved => "the subject was revoked while it logged in",
            SessionErrorKind::TooManyLogins => "the subject has too many logins",
            SessionErrorKind::TooLarge => "too large for a session",
            SessionErrorKind::InvalidName => "not a field's name",
            SessionErrorKind::InvalidValue => "the value is not JSON of that type",
            SessionErrorKind::InvalidLogin => "not a valid login",
            SessionErrorKind::NotLoggedIn => "nobody is logged in",
            SessionErrorKind::BearerPresent => "a bearer token is present, the session is not",
            SessionErrorKind::Late => "the head of the response has gone out",
        })
    }
}

impl fmt::Display for SizeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const KIB: usize = 1024;
        match self {
            Self::FieldBytes => write!(f, "larger than {} KiB of JSON", MAX_FIELD_BYTES / KIB),
            Self::Fields => write!(f, "a session has at most {MAX_FIELDS} fields"),
            Self::DataBytes => write!(
                f,
                "names and values of all fields would be larger than {} KiB",
                MAX_DATA_BYTES / KIB
            ),
        }
    }
}

impl std::error::Error for SessionError {}

/// Why a layer could not be built. See [`kind`](Self::kind).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError(ConfigErrorKind);

/// The kinds of [`ConfigError`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ConfigErrorKind {
    /// The idle or the absolute limit is zero.
    ZeroLifetime,
    /// The absolute limit exceeds 400 days, for which stores remember revocations.
    AbsoluteTooLong,
    /// The idle limit exceeds the absolute one.
    IdleExceedsAbsolute,
    /// The limit of logins is zero, or not below the 1,000 that a list holds.
    LoginLimit,
    /// The cookie's name is not a token of at most 128 characters (RFC 6265 section 4.1.1).
    CookieName,
    /// The cookie's path does not begin with `/`, or holds what no path may.
    CookiePath,
    /// The cookie's domain is not a domain name.
    CookieDomain,
    /// `__Host-` needs Secure, Path=/ and no Domain (RFC 6265bis section 4.1.3.2).
    HostPrefix,
    /// `__Secure-` and `__Http-` need Secure (RFC 6265bis section 4.1.3.1).
    SecurePrefix,
    /// SameSite=None needs Secure: browsers drop such a cookie otherwise.
    SameSiteNoneInsecure,
    /// Partitioned needs Secure: browsers drop such a cookie otherwise.
    PartitionedInsecure,
    /// Two of the names that the cookie has and had are the same.
    SameName,
    /// The header that is to hold the id means something else.
    HeaderName,
}

impl ConfigError {
    /// Its kind.
    pub fn kind(&self) -> ConfigErrorKind {
        self.0
    }
}

impl From<ConfigErrorKind> for ConfigError {
    fn from(kind: ConfigErrorKind) -> Self {
        Self(kind)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            ConfigErrorKind::ZeroLifetime => "a lifetime is zero",
            ConfigErrorKind::AbsoluteTooLong => "the absolute lifetime exceeds 400 days",
            ConfigErrorKind::IdleExceedsAbsolute => "the idle lifetime exceeds the absolute one",
            ConfigErrorKind::LoginLimit => "the limit of logins is not within 1 to 999",
            ConfigErrorKind::CookieName => "not a cookie name",
            ConfigErrorKind::CookiePath => "not a cookie path",
            ConfigErrorKind::CookieDomain => "not a cookie domain",
            ConfigErrorKind::HostPrefix => "`__Host-` needs Secure, Path=/ and no Domain",
            ConfigErrorKind::SecurePrefix => "`__Secure-` and `__Http-` need Secure",
            ConfigErrorKind::SameSiteNoneInsecure => "SameSite=None needs Secure",
            ConfigErrorKind::PartitionedInsecure => "Partitioned needs Secure",
            ConfigErrorKind::SameName => "two names of the cookie are the same",
            ConfigErrorKind::HeaderName => "the header means something else",
        })
    }
}

impl std::error::Error for ConfigError {}
