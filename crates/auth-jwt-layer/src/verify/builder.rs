//! Making a verifier.

use std::{sync::Arc, time::Duration};

use auth_core::{Clock, SystemClock};

use super::{Verifier, Witness, scopes::ScopePaths};
use crate::{ConfigError, ConfigErrorKind, KeySource};

/// The greatest leeway: 60 s.
const MAX_LEEWAY: Duration = Duration::from_secs(60);
/// The longest token, in bytes: 8 KiB.
const MAX_SIZE: usize = 8 * 1024;
/// Settings of a [`Verifier`].
#[derive(Clone, Debug)]
#[must_use]
pub struct VerifierBuilder(Settings);

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) issuer: Box<str>,
    pub(super) audiences: Vec<Box<str>>,
    pub(super) keys: KeySource,
    pub(super) leeway: Duration,
    pub(super) plain_jwt: bool,
    pub(super) max_lifetime: Option<Duration>,
    pub(super) size_limit: usize,
    pub(super) require_token_id: bool,
    pub(super) own: bool,
    pub(super) provider_sessions: bool,
    pub(super) realm: Option<Box<str>>,
    pub(super) scopes_at: ScopePaths,
    /// In bytes, if that was said.
    pub(super) cache: Option<usize>,
    pub(super) witness: Option<Arc<dyn Witness>>,
    pub(super) clock: Arc<dyn Clock>,
}

impl VerifierBuilder {
    pub(super) fn new(issuer: &str, audience: &str, keys: KeySource) -> Self {
        Self(Settings {
            issuer: issuer.into(),
            audiences: vec![audience.into()],
            keys,
            leeway: Duration::from_secs(30),
            plain_jwt: false,
            max_lifetime: None,
            size_limit: MAX_SIZE,
            require_token_id: false,
            own: false,
            provider_sessions: false,
            realm: None,
            scopes_at: ScopePaths::default(),
            cache: None,
            witness: None,
            clock: Arc::new(SystemClock),
        })
    }

    /// Another audience whose tokens are taken.
    pub fn audience(mut self, audience: &str) -> Self {
        self.0.audiences.push(audience.into());
        self
    }

    /// How far clocks may differ: 30 s unless said otherwise, at most 60 s.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.0.leeway = leeway;
        self
    }

    /// Also takes tokens of the type `JWT`, or of none: for issuers that do not follow RFC 9068.
    /// Such a token may have been meant for something else, an ID token for one.
    pub fn accept_typ_jwt(mut self) -> Self {
        self.0.plain_jwt = true;
        self
    }

    /// Refuses tokens that live longer than this, from `iat`, or without it from now, to `exp`.
    pub fn max_lifetime(mut self, max: Duration) -> Self {
        self.0.max_lifetime = Some(max);
        self
    }

    /// The longest token, in bytes; at most 8 KiB, which is the default.
    pub fn size_limit(mut self, bytes: usize) -> Self {
        self.0.size_limit = bytes;
        self
    }

    /// Requires `jti` and `iat`, as every check against a store does.
    pub fn require_token_id(mut self) -> Self {
        self.0.require_token_id = true;
        self
    }

    /// Declares the issuer to be our own: its `sid`, `gen` and `ver` are believed.
    pub fn own(mut self) -> Self {
        self.0.own = true;
        self
    }

    /// The realm that the subjects of somebody else's tokens belong to in a store; their issuer, unless said
    /// otherwise. Tokens of our own always belong to the store's realm.
    ///
    /// A revocation has to name that realm, too. Those that the store's own calls make, such as
    /// [`revoke_subject`](auth_core::store::Revocations::revoke_subject), name the store's.
    pub fn realm(mut self, realm: &str) -> Self {
        self.0.realm = Some(realm.into());
        self
    }

    /// Takes the `sid` of somebody else's tokens for the session at their OpenID provider, and has the layer's store
    /// asked whether the provider has ended it: for providers that tell a
    /// [`BackChannelLogout`](crate::BackChannelLogout). It is one more question to the store for each such token, and a
    /// token with a `sid` that lives for more than the 24 hours for which that is remembered is refused.
    ///
    /// Without it, the provider can take back everything of a subject, but no single session.
    pub fn provider_sessions(mut self) -> Self {
        self.0.provider_sessions = true;
        self
    }

    /// Where the scopes are, instead of in `scope`: a path of member names, such as `["realm_access", "roles"]`
    /// (Keycloak) or `["https://example.com/roles"]`. A text of scopes or a list of them is looked for there.
    pub fn scopes_at<I: IntoIterator<Item: Into<Box<str>>>>(mut self, path: I) -> Self {
        self.0.scopes_at = ScopePaths::only(path);
        self
    }

    /// Another place where scopes are; what is at either counts.
    pub fn more_scopes_at<I: IntoIterator<Item: Into<Box<str>>>>(mut self, path: I) -> Self {
        self.0.scopes_at = self.0.scopes_at.and(path);
        self
    }

    /// Remembers verified tokens, in at most so many bytes of memory, zero for none. 8 MiB where keys are public,
    /// which is about 4,000 tokens, and none where they are secrets, which are quick to verify by.
    ///
    /// A token that is remembered is refused all the same when it has expired, was revoked, or its key is gone.
    pub fn cache(mut self, max_bytes: usize) -> Self {
        self.0.cache = Some(max_bytes);
        self
    }

    /// Shows `witness` each token that proves somebody.
    pub(crate) fn witness(mut self, witness: Option<Arc<dyn Witness>>) -> Self {
        self.0.witness = witness;
        self
    }

    /// Tells the time by `clock` instead of the system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.0.clock = Arc::new(clock);
        self
    }

    /// The verifier.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for settings that weaken it, or make no sense.
    pub fn build(self) -> Result<Verifier, ConfigError> {
        let settings = self.0;
        let nameless = |names: &[Box<str>]| names.iter().any(|name| name.is_empty());
        let faults = [
            (settings.issuer.is_empty(), ConfigErrorKind::Issuer),
            (nameless(&settings.audiences), ConfigErrorKind::Audience),
            (settings.leeway > MAX_LEEWAY, ConfigErrorKind::Leeway),
            (
                settings.max_lifetime == Some(Duration::ZERO),
                ConfigErrorKind::MaxLifetime,
            ),
            (
                !(1..=MAX_SIZE).contains(&settings.size_limit),
                ConfigErrorKind::SizeLimit,
            ),
            (!settings.scopes_at.are_sound(), ConfigErrorKind::ScopePath),
            (
                settings
                    .realm
                    .as_ref()
                    .is_some_and(|realm| settings.own || realm.is_empty()),
                ConfigErrorKind::Realm,
            ),
        ];
        match faults.into_iter().find(|(is_fault, _)| *is_fault) {
            Some((_, kind)) => Err(kind.into()),
            None => Ok(Verifier::new(settings)),
        }
    }
}
