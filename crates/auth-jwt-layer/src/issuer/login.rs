//! A login that asks for tokens.

use std::fmt;

use auth_core::{ProviderLogin, Scopes, Timestamp, store::Epoch};
use serde::Serialize;

use super::{ClaimsError, claims::Custom};

/// A login that asks for tokens: who, and what for. The application has checked the password.
#[derive(Clone)]
#[must_use]
pub struct TokenLogin {
    pub(super) subject: String,
    pub(super) scopes: Scopes,
    pub(super) client_id: Option<String>,
    pub(super) device: Option<String>,
    pub(super) since: Option<Epoch>,
    pub(super) auth_time: Option<Timestamp>,
    pub(super) claims: Result<Custom, ClaimsError>,
    pub(super) provider: Option<ProviderLogin>,
}

impl TokenLogin {
    /// Begins with the subject: whatever the application names its users by.
    pub fn new(subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            scopes: Scopes::default(),
            client_id: None,
            device: None,
            since: None,
            auth_time: None,
            claims: Ok(Custom::default()),
            provider: None,
        }
    }

    /// What its tokens may do. Default: nothing in particular.
    pub fn scopes(mut self, scopes: Scopes) -> Self {
        self.scopes = scopes;
        self
    }

    /// The OAuth client it is for. Default: the issuer's.
    pub fn client_id(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = Some(client_id.into());
        self
    }

    /// What the list of devices calls it. Cut to 255 bytes.
    pub fn device(mut self, device: impl Into<String>) -> Self {
        let mut device = device.into();
        let mut end = device.len().min(MAX_DEVICE_BYTES);
        while !device.is_char_boundary(end) {
            end -= 1;
        }
        device.truncate(end);
        self.device = Some(device);
        self
    }

    /// Refuse if the subject's revocations have moved since then: read
    /// [`epoch`](auth_core::store::Revocations::epoch) before checking the password.
    pub fn since(mut self, since: Epoch) -> Self {
        self.since = Some(since);
        self
    }

    /// When the user proved who they are. Default: now.
    pub fn auth_time(mut self, at: Timestamp) -> Self {
        self.auth_time = Some(at);
        self
    }

    /// It began with a login at somebody else's OpenID provider, which ends it by
    /// [back-channel logout](crate::BackChannelLogout). The subject has at most 255 bytes then.
    pub fn provider(mut self, provider: ProviderLogin) -> Self {
        self.provider = Some(provider);
        self
    }

    /// Claims of your own, for every access token of this login: whatever serializes to a JSON
    /// object. None may have the name of one that the issuer writes; the login says so.
    pub fn claims(mut self, claims: impl Serialize) -> Self {
        self.claims = Custom::new(&claims);
        self
    }
}

const MAX_DEVICE_BYTES: usize = 255;

impl fmt::Debug for TokenLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenLogin")
            .field("subject", &self.subject)
            .field("scopes", &self.scopes)
            .field("client_id", &self.client_id)
            .field("device", &self.device)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_labels_are_cut_between_characters() {
        let login = TokenLogin::new("alice").device("\u{e4}".repeat(200));
        assert_eq!(login.device.map(|device| device.len()), Some(254));
        let login = TokenLogin::new("alice").device("CLI");
        assert_eq!(login.device.as_deref(), Some("CLI"));
    }
}
