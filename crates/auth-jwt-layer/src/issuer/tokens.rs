//! What a client gets.

use std::{fmt, time::Duration};

use auth_core::{LoginId, Scopes};
use serde::{Serialize, Serializer, ser::SerializeMap};

/// An access token and the refresh token for the next one.
///
/// Serializes as the successful response of RFC 6749 section 5.1, which is to be sent with
/// `Cache-Control: no-store`. Debug shows neither token.
#[derive(Clone)]
pub struct Tokens {
    pub(super) access_token: String,
    pub(super) refresh_token: String,
    pub(super) expires_in: Duration,
    pub(super) scope: Scopes,
    pub(super) login: LoginId,
    pub(super) ended: Vec<LoginId>,
}

impl Tokens {
    /// The access token, a JWT.
    pub fn access_token(&self) -> &str {
        &self.access_token
    }

    /// The refresh token, to be used once: the response to that brings the next one.
    pub fn refresh_token(&self) -> &str {
        &self.refresh_token
    }

    /// How long the access token lives from now on, in whole seconds.
    pub fn expires_in(&self) -> Duration {
        self.expires_in
    }

    /// What the access token may do.
    pub fn scope(&self) -> &Scopes {
        &self.scope
    }

    /// The login that the tokens belong to.
    pub fn login(&self) -> LoginId {
        self.login
    }

    /// The logins that were ended to make room for this one.
    pub fn ended(&self) -> &[LoginId] {
        &self.ended
    }
}

impl Serialize for Tokens {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("access_token", &self.access_token)?;
        map.serialize_entry("token_type", "Bearer")?;
        map.serialize_entry("expires_in", &self.expires_in.as_secs())?;
        map.serialize_entry("refresh_token", &self.refresh_token)?;
        if !self.scope.is_empty() {
            map.serialize_entry("scope", self.scope.as_str())?;
        }
        map.end()
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("login", &self.login)
            .field("scope", &self.scope)
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tokens(scope: &str) -> Tokens {
        Tokens {
            access_token: "access-secret".to_owned(),
            refresh_token: "refresh-secret".to_owned(),
            expires_in: Duration::from_secs(299),
            scope: Scopes::parse(scope),
            login: LoginId::from_bytes([1; 16]),
            ended: Vec::new(),
        }
    }

    #[test]
    fn serialized_as_rfc_6749_says() {
        let expected = json!({
            "access_token": "access-secret",
            "token_type": "Bearer",
            "expires_in": 299,
            "refresh_token": "refresh-secret",
            "scope": "read write",
        });
        let written = serde_json::to_value(tokens("read write")).unwrap();
        assert_eq!(written, expected);
        let without = serde_json::to_value(tokens("")).unwrap();
        assert!(without.get("scope").is_none());
    }

    #[test]
    fn tokens_are_not_shown() {
        assert!(!format!("{:?}", tokens("read")).contains("secret"));
    }
}
