//! Claims that were checked.

use std::{
    any::Any,
    fmt,
    sync::{Arc, OnceLock},
};

use auth_core::{Caller, InvalidToken, Principal, Scopes, Timestamp};
use http::Extensions;
use serde::de::DeserializeOwned;

/// The claims of a token whose signature and claims were checked. Only a
/// [`Verifier`](crate::Verifier) makes one. Cheap to clone.
#[derive(Clone)]
pub struct Verified(Arc<Facts>);

/// What a token says, from its claims alone: nothing here depends on the time or on a store.
pub(super) struct Facts {
    pub(super) issuer: Box<str>,
    pub(super) subject: Box<str>,
    pub(super) token_id: Option<Box<str>>,
    pub(super) client_id: Option<Box<str>>,
    pub(super) session_id: Option<Box<str>>,
    pub(super) generation: Option<u64>,
    pub(super) version: Option<u64>,
    pub(super) scopes: Scopes,
    pub(super) issued_at: Option<Timestamp>,
    pub(super) not_before: Option<Timestamp>,
    pub(super) auth_time: Option<Timestamp>,
    pub(super) expires_at: Timestamp,
    pub(super) json: Box<[u8]>,
    /// In which realm it was asked whom it proves, and whom: None if nobody, as something is missing.
    pub(super) principal: OnceLock<(Option<Box<str>>, Option<Principal>)>,
}

impl Verified {
    pub(super) fn new(facts: Facts) -> Self {
        Self(Arc::new(facts))
    }

    /// The token that proved the caller of a request behind a [`JwtLayer`](crate::JwtLayer). None if it was no token,
    /// but a session, or nobody.
    pub fn from_extensions(extensions: &Extensions) -> Option<Self> {
        let caller = extensions.get::<Caller>()?;
        caller.token::<Facts>().map(Self)
    }

    /// For the request's [`Caller`].
    pub(crate) fn into_details(self) -> Arc<dyn Any + Send + Sync> {
        self.0
    }

    /// How many bytes it keeps, but for what is the same for all.
    pub(super) fn bytes(&self) -> usize {
        let Facts {
            issuer,
            subject,
            token_id,
            client_id,
            session_id,
            scopes,
            json,
            ..
        } = &*self.0;
        let optional = [token_id, client_id, session_id];
        let optional = optional.map(|text| text.as_ref().map_or(0, |text| text.len()));
        let texts = issuer.len() + subject.len() + scopes.as_str().len();
        // Its principal has them again.
        json.len() + 2 * (texts + optional.iter().sum::<usize>())
    }

    /// Whom it proves in a realm. Made at most once, as long as the realm is the same.
    pub(crate) fn principal(
        &self,
        realm: Option<&str>,
        make: impl Fn() -> Option<Principal>,
    ) -> Option<Principal> {
        let in_this_realm = || (realm.map(Into::into), make());
        let (of, principal) = self.0.principal.get_or_init(in_this_realm);
        match of.as_deref() == realm {
            true => principal.clone(),
            false => make(),
        }
    }

    /// `iss`.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// `sub`.
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// `jti`; there if the verifier requires it.
    pub fn token_id(&self) -> Option<&str> {
        self.0.token_id.as_deref()
    }

    /// `client_id`.
    pub fn client_id(&self) -> Option<&str> {
        self.0.client_id.as_deref()
    }

    /// `sid`: of our own tokens, the login it belongs to; of others, where that is
    /// [asked for](crate::VerifierBuilder::provider_sessions), the session at their provider.
    pub fn session_id(&self) -> Option<&str> {
        self.0.session_id.as_deref()
    }

    /// `gen`, the generation of the refresh token it came with: of our own tokens only.
    pub fn generation(&self) -> Option<u64> {
        self.0.generation
    }

    /// `ver`, its version: of our own tokens only.
    pub fn version(&self) -> Option<u64> {
        self.0.version
    }

    /// Its scopes, from where the verifier looks for them.
    pub fn scopes(&self) -> &Scopes {
        &self.0.scopes
    }

    /// `iat`; there if the verifier requires it.
    pub fn issued_at(&self) -> Option<Timestamp> {
        self.0.issued_at
    }

    /// `nbf`.
    pub fn not_before(&self) -> Option<Timestamp> {
        self.0.not_before
    }

    /// `auth_time`: when the user proved who they are.
    pub fn auth_time(&self) -> Option<Timestamp> {
        self.0.auth_time
    }

    /// `exp`.
    pub fn expires_at(&self) -> Timestamp {
        self.0.expires_at
    }

    /// All claims, as a type of your own.
    ///
    /// # Errors
    ///
    /// [`InvalidToken::Claims`] when the claims are not of that type.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, InvalidToken> {
        serde_json::from_slice(&self.0.json).map_err(|_| InvalidToken::Claims)
    }
}

/// Without the claims that are not listed above: they may be personal.
impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("issuer", &self.0.issuer)
            .field("subject", &self.0.subject)
            .field("session_id", &self.0.session_id)
            .field("scopes", &self.0.scopes)
            .field("expires_at", &self.0.expires_at)
            .finish_non_exhaustive()
    }
}
