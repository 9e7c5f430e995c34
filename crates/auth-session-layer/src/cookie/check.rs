//! Settings of a cookie that can not work.

use super::{CookieConfig, SameSite};
use crate::{ConfigError, ConfigErrorKind};

impl CookieConfig {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        self.check_where(&self.name, &self.path, self.domain.as_deref())?;
        if self.same_site == SameSite::None && !self.secure {
            return Err(ConfigErrorKind::SameSiteNoneInsecure.into());
        }
        if self.partitioned && !self.secure {
            return Err(ConfigErrorKind::PartitionedInsecure.into());
        }
        for (at, old) in self.old.iter().enumerate() {
            // It is removed with these attributes: a browser has to take them.
            self.check_where(&old.name, &old.path, old.domain.as_deref())?;
            let before = &self.old[..at];
            if old.name == self.name || before.iter().any(|other| other.name == old.name) {
                return Err(ConfigErrorKind::SameName.into());
            }
        }
        Ok(())
    }

    fn check_where(&self, name: &str, path: &str, domain: Option<&str>) -> Result<(), ConfigError> {
        let has_prefix = |prefix: &str| {
            // Browsers compare prefixes without regard to case.
            let start = name.as_bytes().get(..prefix.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
        };
        let path_byte = |b: u8| matches!(b, b' '..=b'~') && b != b';';
        let wrong = if !is_name(name) {
            ConfigErrorKind::CookieName
        } else if !path.starts_with('/') || !path.bytes().all(path_byte) {
            ConfigErrorKind::CookiePath
        } else if domain.is_some_and(|d| !is_domain(d)) {
            ConfigErrorKind::CookieDomain
        } else if has_prefix("__Host-") && (!self.secure || path != "/" || domain.is_some()) {
            ConfigErrorKind::HostPrefix
        } else if (has_prefix("__Secure-") || has_prefix("__Http-")) && !self.secure {
            ConfigErrorKind::SecurePrefix
        } else {
            return Ok(());
        };
        Err(wrong.into())
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
    use super::*;
    use crate::OldCookie;

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
            ("partitioned", new().partitioned(), None),
            (
                "partitioned without Secure",
                new().name("id").partitioned().insecure_without_secure(),
                Some(Kind::PartitionedInsecure),
            ),
            ("an old name", new().also_read("sid"), None),
            (
                "its own name as an old one",
                new().also_read("__Host-id"),
                Some(Kind::SameName),
            ),
            (
                "one old name twice",
                new()
                    .also_read("sid")
                    .also_read(OldCookie::new("sid").path("/app")),
                Some(Kind::SameName),
            ),
            (
                "an old name that is none",
                new().also_read("s id"),
                Some(Kind::CookieName),
            ),
            (
                "an old cookie that can not be removed",
                new().also_read(OldCookie::new("__Host-sid").path("/app")),
                Some(Kind::HostPrefix),
            ),
            (
                "an old path with attributes",
                new().also_read(OldCookie::new("sid").path("/; Domain=evil")),
                Some(Kind::CookiePath),
            ),
            (
                "an old domain with attributes",
                new().also_read(OldCookie::new("sid").domain("a; Path=/")),
                Some(Kind::CookieDomain),
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
}
