//! What a refusal asks for: `WWW-Authenticate` (RFC 9110 section 11.6.1).

use std::{fmt, sync::Arc};

use http::HeaderValue;

/// The scheme and realm that a refusal names in its challenge.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Challenge(Option<(Scheme, Arc<str>)>);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Scheme {
    Bearer,
    Session,
}

impl Challenge {
    /// Asks for a bearer token (RFC 6750 section 3).
    pub fn bearer(realm: Arc<str>) -> Self {
        Self(Some((Scheme::Bearer, realm)))
    }

    /// Asks for a session. Not a registered scheme: browsers ignore it, and RFC 9110 wants a
    /// challenge on every 401.
    pub fn session(realm: Arc<str>) -> Self {
        Self(Some((Scheme::Session, realm)))
    }

    /// Whether it asks for a session.
    pub fn is_session(&self) -> bool {
        matches!(self.0, Some((Scheme::Session, _)))
    }

    /// The header's value, with the parameters of a refusal.
    pub(super) fn header(&self, params: &[(&str, &str)]) -> HeaderValue {
        let (scheme, realm) = match &self.0 {
            Some((Scheme::Bearer, realm)) => ("Bearer", &**realm),
            Some((Scheme::Session, realm)) => ("Session", &**realm),
            // A guard without any layer around it: there is still something to say.
            None => ("Bearer", "auth"),
        };
        let mut text = format!("{scheme} realm={}", Quoted(realm));
        for (name, value) in params {
            text.push_str(&format!(", {name}={}", Quoted(value)));
        }
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("Bearer"))
    }
}

/// A quoted-string of printable ASCII; anything else is left out.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for c in self.0.chars().filter(|c| matches!(c, ' '..='~')) {
            if matches!(c, '"' | '\\') {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        f.write_str("\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_can_not_leave_their_quotes() {
        let challenge = Challenge::session("a\"b\\c\r\nd\u{e4}".into());
        assert_eq!(challenge.header(&[]), r#"Session realm="a\"b\\cd""#);
    }

    #[test]
    fn parameters_follow_the_realm() {
        let challenge = Challenge::bearer("shop".into());
        assert_eq!(
            challenge.header(&[("error", "invalid_token")]),
            r#"Bearer realm="shop", error="invalid_token""#
        );
    }
}
