//! Claims that were checked.

use std::fmt;

use auth_core::{InvalidToken, Scopes, Timestamp};
use serde::de::DeserializeOwned;

/// The claims of a token whose signature and claims were checked. Only a
/// [`Verifier`](crate::Verifier) makes one.
#[derive(Clone, PartialEq)]
pub struct Verified {
    pub(super) issuer: Box<str>,
    pub(super) subject: Box<str>,
    pub(super) token_id: Option<Box<str>>,
    pub(super) client_id: Option<Box<str>>,
    pub(super) session_id: Option<Box<str>>,
    pub(super) generation: Option<u64>,
    pub(super) version: Option<u64>,
    pub(super) scopes: Scopes,
    pub(super) issued_at: Option<Timestamp>,
    pub(super) auth_time: Option<Timestamp>,
    pub(super) expires_at: Timestamp,
    pub(super) json: Box<[u8]>,
}

impl Verified {
    /// `iss`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// `sub`.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// `jti`; there if the verifier requires it.
    pub fn token_id(&self) -> Option<&str> {
        self.token_id.as_deref()
    }

    /// `client_id`.
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// `sid`, the login it belongs to: of our own tokens only.
    pub fn session_id(&self) -> Option<&str> {
        self.session_id.as_deref()
    }

    /// `gen`, the generation of the refresh token it came with: of our own tokens only.
    pub fn generation(&self) -> Option<u64> {
        self.generation
    }

    /// `ver`, its version: of our own tokens only.
    pub fn version(&self) -> Option<u64> {
        self.version
    }

    /// Its scopes, from where the verifier looks for them.
    pub fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// `iat`; there if the verifier requires it.
    pub fn issued_at(&self) -> Option<Timestamp> {
        self.issued_at
    }

    /// `auth_time`: when the user proved who they are.
    pub fn auth_time(&self) -> Option<Timestamp> {
        self.auth_time
    }

    /// `exp`.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// All claims, as a type of your own.
    ///
    /// # Errors
    ///
    /// [`InvalidToken::Claims`] when the claims are not of that type.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, InvalidToken> {
        serde_json::from_slice(&self.json).map_err(|_| InvalidToken::Claims)
    }
}

/// Without the claims that are not listed above: they may be personal.
impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("issuer", &self.issuer)
            .field("subject", &self.subject)
            .field("session_id", &self.session_id)
            .field("scopes", &self.scopes)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
