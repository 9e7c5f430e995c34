//! The session's cookie: its settings, and how it is written.

use std::{borrow::Cow, time::Duration};

use auth_core::revocation::MAX_LIFETIME;
use http::HeaderValue;
use tower_cookies::cookie::{Cookie, SameSite as CookieSameSite, time};

use crate::{ConfigError, ConfigErrorKind, id::SessionId};

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

    /// Sends the cookie without `Secure`, for development over plain HTTP.
    ///
    /// Insecure: everybody on the way can read it. Needs a name without `__Host-` and `__Secure-`.
    pub fn insecure_without_secure(mut self) -> Self {
        self.secure = false;
        self
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let has_prefix = |prefix: &str| {
            // Browsers compare prefixes without regard to case.
            let start = self.name.as_bytes().get(..prefix.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
        };
        let path_byte = |b: u8| matches!(b, b' '..=b'~') && b != b';';
        let wrong = if !is_name(&self.name) {
            ConfigErrorKind::CookieName
        } else if !self.path.starts_with('/') || !self.path.bytes().all(path_byte) {
            ConfigErrorKind::CookiePath
        } else if self.domain.as_deref().is_some_and(|d| !is_domain(d)) {
            ConfigErrorKind::CookieDomain
        } else if has_prefix("__Host-")
            && (!self.secure || self.path != "/" || self.domain.is_some())
        {
            ConfigErrorKind::HostPrefix
        } else if (has_prefix("__Secure-") || has_prefix("__Http-")) && !self.secure {
            ConfigErrorKind::SecurePrefix
        } else if self.same_site == SameSite::None && !self.secure {
            ConfigErrorKind::SameSiteNoneInsecure
        } else {
            return Ok(());
        };
        Err(wrong.into())
    }

    pub(crate) fn cookie_name(&self) -> &str {
        &self.name
    }

    /// `Set-Cookie` with the id; `lasts` is how long it outlives the browser, if it does.
    pub(crate) fn set(&self, id: &SessionId, lasts: Option<Duration>) -> HeaderValue {
        self.header(id.encode(), lasts.map(|lasts| lasts.min(MAX_LIFETIME)))
    }

    /// `Set-Cookie` that removes it: the same attributes, or browsers keep the one they have.
    pub(crate) fn removal(&self) -> HeaderValue {
        self.header(String::new(), Some(Duration::ZERO))
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

/// A token of RFC 9110 section 5.6.2.
fn is_name(name: &str) -> bool {
    (1..=128).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

fn is_domain(domain: &str) -> bool {
    domain.len() <= 253
        && domain.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
}

#[cfg(test)]
mod tests {
    use auth_core::revocation::Lane;

    use super::*;

    #[test]
    fn contradictory_settings_are_refused() {
        use ConfigErrorKind as Kind;
        let new = CookieConfig::new;
        let rows = [
            ("the default", new(), None),
            ("Strict", new().same_site(SameSite::Strict), None),
            ("None", new().same_site(SameSite::None), None),
            (
                "__Host- without Secure",
                new().insecure_without_secure(),
                Some(Kind::HostPrefix),
            ),
            (
                "__Host- with a path",
                new().path("/a"),
                Some(Kind::HostPrefix),
            ),
            (
                "__Host- with a domain",
                new().domain("example.com"),
                Some(Kind::HostPrefix),
            ),
            (
                "__Host- in another case",
                new().name("__hOST-id").path("/a"),
                Some(Kind::HostPrefix),
            ),
            (
                "__Secure- with path and domain",
                new().name("__Secure-id").path("/a").domain("example.com"),
                None,
            ),
            (
                "__Secure- without Secure",
                new().name("__Secure-id").insecure_without_secure(),
                Some(Kind::SecurePrefix),
            ),
            (
                "__Http- without Secure",
                new().name("__Http-id").insecure_without_secure(),
                Some(Kind::SecurePrefix),
            ),
            (
                "None without Secure",
                new()
                    .name("id")
                    .same_site(SameSite::None)
                    .insecure_without_secure(),
                Some(Kind::SameSiteNoneInsecure),
            ),
            (
                "plain, for development",
                new().name("id").insecure_without_secure(),
                None,
            ),
            ("no name", new().name(""), Some(Kind::CookieName)),
            ("name with =", new().name("a=b"), Some(Kind::CookieName)),
            ("name with ;", new().name("a;b"), Some(Kind::CookieName)),
            ("name with space", new().name("a b"), Some(Kind::CookieName)),
            (
                "name not ASCII",
                new().name("\u{e4}"),
                Some(Kind::CookieName),
            ),
            (
                "relative path",
                new().name("id").path("a"),
                Some(Kind::CookiePath),
            ),
            (
                "path with attributes",
                new().name("id").path("/; Domain=evil"),
                Some(Kind::CookiePath),
            ),
            (
                "path with a line break",
                new().name("id").path("/\r\nx: y"),
                Some(Kind::CookiePath),
            ),
            (
                "empty domain",
                new().name("id").domain(""),
                Some(Kind::CookieDomain),
            ),
            (
                "leading dot",
                new().name("id").domain(".example.com"),
                Some(Kind::CookieDomain),
            ),
            (
                "domain with attributes",
                new().name("id").domain("a; Path=/"),
                Some(Kind::CookieDomain),
            ),
        ];
        for (row, config, expected) in rows {
            let found = config.check().err().map(|error| error.kind());
            assert_eq!(found, expected, "{row}");
        }
    }

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
    fn max_age_is_never_more_than_400_days() {
        let id = SessionId::random_in(Lane::random());
        let header = CookieConfig::default().set(&id, Some(Duration::MAX));
        let text = header.to_str().expect("ASCII");
        assert!(text.ends_with("Max-Age=34560000"), "{text}");
    }
}
