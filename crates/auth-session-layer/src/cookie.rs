//! The session's cookie: its settings, and how it is written.

mod check;

use std::{borrow::Cow, time::Duration};

use auth_core::{
    credentials::{CookieLookup, find_cookie},
    revocation::MAX_LIFETIME,
};
use http::{HeaderMap, HeaderValue};
use tower_cookies::cookie::{Cookie, SameSite as CookieSameSite, time};

use crate::{id::SessionId, transport::Received};

/// How the session's cookie is named and with which attributes it is sent.
///
/// The default is `__Host-id` with `Secure`, `HttpOnly`, `Path=/` and `SameSite=Lax`, without
/// `Domain` and, but for [persistent](crate::Login::persistent) logins, without `Max-Age`.
/// `HttpOnly` can not be switched off. Settings that contradict each other are an error when the
/// layer is built, not a cookie that browsers drop.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub struct CookieConfig {
    name: Cow<'static, str>,
    path: Cow<'static, str>,
    domain: Option<String>,
    same_site: SameSite,
    secure: bool,
    partitioned: bool,
    old: Vec<OldCookie>,
}

/// A name that the cookie had before, for [`CookieConfig::also_read`]; made of the name alone, or with
/// where it was sent.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub struct OldCookie {
    name: Cow<'static, str>,
    path: Cow<'static, str>,
    domain: Option<String>,
}

impl OldCookie {
    /// A cookie with `Path=/` and no `Domain`.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self {
            name: name.into(),
            path: Cow::Borrowed("/"),
            domain: None,
        }
    }

    /// The `Path` it was set with: browsers remove no other.
    pub fn path(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.path = path.into();
        self
    }

    /// The `Domain` it was set with.
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }
}

impl From<&'static str> for OldCookie {
    fn from(name: &'static str) -> Self {
        Self::new(name)
    }
}

/// With which requests of other sites the cookie comes along (RFC 6265bis section 4.1.2.7).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum SameSite {
    /// With none of them, not even when a link is followed.
    Strict,
    /// With navigations that only read.
    #[default]
    Lax,
    /// With all of them. Needs protection against cross-site request forgery.
    None,
}

impl Default for CookieConfig {
    fn default() -> Self {
        Self {
            name: Cow::Borrowed("__Host-id"),
            path: Cow::Borrowed("/"),
            domain: None,
            same_site: SameSite::Lax,
            secure: true,
            partitioned: false,
            old: Vec::new(),
        }
    }
}

impl CookieConfig {
    /// The default settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// The cookie's name. Two layers in one service need two names.
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into();
        self
    }

    /// The path under which the cookie is sent. Anything but `/` needs a name without `__Host-`.
    pub fn path(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.path = path.into();
        self
    }

    /// Sends the cookie to this domain and all below it: every one of them can then set it, too.
    /// Needs a name without `__Host-`.
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// With which requests of other sites the cookie comes along.
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// Keeps one cookie for each site that embeds this one (CHIPS): for what runs in the frames of
    /// others, usually with [`SameSite::None`].
    pub fn partitioned(mut self) -> Self {
        self.partitioned = true;
        self
    }

    /// Also reads the cookie under a name that it had before, while browsers move to the new one:
    ///
    /// - Where there is one of the new name, it counts, good or bad, and the old ones do not.
    /// - Two cookies of one old name are no cookie of it, as with the new one.
    /// - The next response to a request that used the session sets it under the new name, and
    ///   removes the old one. The id stays: other requests on their way still find it.
    ///
    /// A name without `__Host-` can be set by every host of the same site: read it for as long as
    /// old cookies may live, and no longer.
    ///
    /// ```
    /// use auth_session_layer::{CookieConfig, OldCookie};
    ///
    /// let cookie = CookieConfig::new()
    ///     .also_read("sid")
    ///     .also_read(OldCookie::new("connect.sid").path("/app"));
    /// ```
    pub fn also_read(mut self, old: impl Into<OldCookie>) -> Self {
        self.old.push(old.into());
        self
    }

    /// Sends the cookie without `Secure`, for development over plain HTTP.
    ///
    /// Insecure: everybody on the way can read it. Needs a name without `__Host-` and `__Secure-`.
    pub fn insecure_without_secure(mut self) -> Self {
        self.secure = false;
        self
    }

    /// What a request came with. The new name decides where it is there; of the old ones the first
    /// that is good.
    pub(crate) fn read(&self, headers: &HeaderMap) -> Received {
        let ours = find_cookie(headers, &self.name);
        let mut received = Received::of(ours);
        for old in &self.old {
            let found = find_cookie(headers, &old.name);
            if found == CookieLookup::None {
                continue;
            }
            received.is_there = true;
            received.stale.push(self.old_removal(old));
            if ours == CookieLookup::None && received.id.is_none() {
                let Received { id, .. } = Received::of(found);
                received.is_ambiguous |= found == CookieLookup::Ambiguous;
                received.is_ambiguous &= id.is_none();
                received.is_renamed = id.is_some();
                received.id = id;
            }
        }
        received
    }

    /// `Set-Cookie` with the id; `lasts` is how long it outlives the browser, if it does.
    pub(crate) fn set(&self, id: &SessionId, lasts: Option<Duration>) -> HeaderValue {
        self.header(id.encode(), lasts.map(|lasts| lasts.min(MAX_LIFETIME)))
    }

    /// `Set-Cookie` that removes it: the same attributes, or browsers keep the one they have.
    pub(crate) fn removal(&self) -> HeaderValue {
        self.header(String::new(), Some(Duration::ZERO))
    }

    /// `Set-Cookie` that removes what was set under an old name.
    fn old_removal(&self, old: &OldCookie) -> HeaderValue {
        let like_ours = Self {
            name: old.name.clone(),
            path: old.path.clone(),
            domain: old.domain.clone(),
            partitioned: false,
            old: Vec::new(),
            ..*self
        };
        like_ours.removal()
    }

    fn header(&self, value: String, max_age: Option<Duration>) -> HeaderValue {
        let mut cookie = Cookie::build((&*self.name, value))
            .path(&*self.path)
            .http_only(true)
            .secure(self.secure)
            .same_site(match self.same_site {
                SameSite::Strict => CookieSameSite::Strict,
                SameSite::Lax => CookieSameSite::Lax,
                SameSite::None => CookieSameSite::None,
            });
        if self.partitioned {
            cookie = cookie.partitioned(true);
        }
        if let Some(domain) = &self.domain {
            cookie = cookie.domain(domain.as_str());
        }
        if let Some(max_age) = max_age {
            // At most 400 days: far within what either type holds.
            let secs = i64::try_from(max_age.as_secs()).unwrap_or(i64::MAX);
            cookie = cookie.max_age(time::Duration::seconds(secs));
        }
        let mut header = HeaderValue::try_from(cookie.to_string())
            .expect("name, path and domain were checked, the value is base64url");
        header.set_sensitive(true);
        header
    }
}

#[cfg(test)]
mod tests {
    use auth_core::revocation::Lane;

    use super::*;

    #[test]
    fn the_cookie_has_the_attributes_that_were_set() {
        let id = SessionId::random_in(Lane::random());
        let text = |header: HeaderValue| {
            assert!(header.is_sensitive());
            header.to_str().expect("ASCII").to_owned()
        };
        let config = CookieConfig::default();
        assert_eq!(
            text(config.set(&id, None)),
            format!(
                "__Host-id={}; HttpOnly; SameSite=Lax; Secure; Path=/",
                id.encode()
            )
        );
        assert_eq!(
            text(config.removal()),
            "__Host-id=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0"
        );
        let config = CookieConfig::new()
            .name("id")
            .path("/app")
            .domain("example.com")
            .same_site(SameSite::Strict)
            .insecure_without_secure();
        assert_eq!(
            text(config.set(&id, Some(Duration::from_secs(90)))),
            format!(
                "id={}; HttpOnly; SameSite=Strict; Path=/app; Domain=example.com; Max-Age=90",
                id.encode()
            )
        );
    }

    #[test]
    fn a_partitioned_cookie_is_set_and_removed_as_one() {
        let config = CookieConfig::new().same_site(SameSite::None).partitioned();
        let removal = config.removal();
        assert_eq!(
            removal,
            "__Host-id=; HttpOnly; SameSite=None; Partitioned; Secure; Path=/; Max-Age=0"
        );
    }

    #[test]
    fn max_age_is_never_more_than_400_days() {
        let id = SessionId::random_in(Lane::random());
        let header = CookieConfig::default().set(&id, Some(Duration::MAX));
        let text = header.to_str().expect("ASCII");
        assert!(text.ends_with("Max-Age=34560000"), "{text}");
    }
}
