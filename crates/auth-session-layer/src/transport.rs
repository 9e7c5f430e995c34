//! How a session's id travels: in a cookie, or in a header of the application's own.

use auth_core::{Timestamp, credentials::CookieLookup, store::SessionRecord};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{self, SET_COOKIE},
};

use crate::{ConfigError, ConfigErrorKind, CookieConfig, id::SessionId};

/// How a session's id travels between client and server.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SessionTransport {
    /// In a cookie: for browsers.
    Cookie(CookieConfig),
    /// In a header of this name, say `x-session-id`: for clients that keep no cookies.
    ///
    /// The request's header is read as strictly as the cookie: one only, and exactly the id. The
    /// response carries it wherever it would set the cookie, and an empty one where it would remove
    /// it: the client keeps what it was sent last.
    ///
    /// No browser sends such a header by itself: there is no risk of cross-site request forgery.
    /// And no browser protects it: a script that keeps the id can lose it to any other script on the
    /// page. In browsers, use the cookie. (Scripts of other origins see the response's header only
    /// where `Access-Control-Expose-Headers` names it.)
    Header(HeaderName),
}

impl SessionTransport {
    /// In a header of this name.
    ///
    /// # Panics
    ///
    /// If it is no name of a header in lower case.
    pub fn header(name: &'static str) -> Self {
        Self::Header(HeaderName::from_static(name))
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        match self {
            Self::Cookie(cookie) => cookie.check(),
            Self::Header(name) if TAKEN.contains(name) => Err(ConfigErrorKind::HeaderName.into()),
            Self::Header(_) => Ok(()),
        }
    }

    pub(crate) fn read(&self, headers: &HeaderMap) -> Received {
        match self {
            Self::Cookie(cookie) => cookie.read(headers),
            Self::Header(name) => {
                let mut values = headers.get_all(name).iter();
                Received::of(match (values.next(), values.next()) {
                    (None, _) => CookieLookup::None,
                    (Some(value), None) => CookieLookup::One(value.as_bytes()),
                    (Some(_), Some(_)) => CookieLookup::Ambiguous,
                })
            }
        }
    }

    /// What tells the client of the session `record`, which is under `id`.
    pub(crate) fn set(
        &self,
        id: &SessionId,
        record: &SessionRecord,
        now: Timestamp,
    ) -> HeaderValue {
        match self {
            Self::Cookie(cookie) => {
                let is_persistent = record.login.as_ref().is_some_and(|login| login.persistent);
                cookie.set(id, is_persistent.then(|| record.absolute_end.since(now)))
            }
            Self::Header(_) => {
                let mut value = HeaderValue::try_from(id.encode()).expect("it is base64url");
                value.set_sensitive(true);
                value
            }
        }
    }

    /// What tells the client to forget it.
    pub(crate) fn removal(&self) -> HeaderValue {
        match self {
            Self::Cookie(cookie) => cookie.removal(),
            Self::Header(_) => HeaderValue::from_static(""),
        }
    }

    /// Puts into a response what [`set`](Self::set) or [`removal`](Self::removal) made.
    pub(crate) fn write(&self, headers: &mut HeaderMap, value: HeaderValue) {
        match self {
            // Others set cookies, too.
            Self::Cookie(_) => drop(headers.append(SET_COOKIE, value)),
            Self::Header(name) => drop(headers.insert(name, value)),
        }
    }
}

/// Headers that mean something else.
const TAKEN: [HeaderName; 14] = [
    header::ACCEPT,
    header::AUTHORIZATION,
    header::CACHE_CONTROL,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::COOKIE,
    header::HOST,
    header::ORIGIN,
    header::SET_COOKIE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::USER_AGENT,
    header::WWW_AUTHENTICATE,
];

/// What a request came with.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) id: Option<SessionId>,
    /// Whether there was anything under our name, or an old one, good or bad.
    pub(crate) is_there: bool,
    /// Whether there were several, so that it can not be told which is ours.
    pub(crate) is_ambiguous: bool,
    /// Whether the id came under an old name.
    pub(crate) is_renamed: bool,
    /// What removes the cookies of old names that came along.
    pub(crate) stale: Vec<HeaderValue>,
}

impl Received {
    pub(crate) fn of(found: CookieLookup<'_>) -> Self {
        Self {
            id: match found {
                CookieLookup::One(value) => SessionId::parse(value),
                CookieLookup::None | CookieLookup::Ambiguous => None,
            },
            is_there: found != CookieLookup::None,
            is_ambiguous: found == CookieLookup::Ambiguous,
            is_renamed: false,
            stale: Vec::new(),
        }
    }

    /// Nothing: where it is not to be looked at.
    pub(crate) fn nothing() -> Self {
        Self::of(CookieLookup::None)
    }
}
