//! Making a verifier.

use std::{sync::Arc, time::Duration};

use auth_core::{Clock, SystemClock};

use super::Verifier;
use crate::{ConfigError, ConfigErrorKind, KeySet};

/// The greatest leeway: 60 s.
const MAX_LEEWAY: Duration = Duration::from_secs(60);
/// The longest token, in bytes: 8 KiB.
const MAX_SIZE: usize = 8 * 1024;
/// The deepest path to the scopes.
const MAX_PATH: usize = 8;
/// What has a meaning of its own (RFC 7519 section 4.1) and so is no place for scopes.
const REGISTERED: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/// Settings of a [`Verifier`].
#[derive(Clone, Debug)]
#[must_use]
pub struct VerifierBuilder(Settings);

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) issuer: Box<str>,
    pub(super) audience: Box<str>,
    pub(super) keys: KeySet,
    pub(super) leeway: Duration,
    pub(super) plain_jwt: bool,
    pub(super) max_lifetime: Option<Duration>,
    pub(super) size_limit: usize,
    pub(super) require_token_id: bool,
    pub(super) own: bool,
    pub(super) scopes_at: Vec<Box<str>>,
    pub(super) clock: Arc<dyn Clock>,
}

impl VerifierBuilder {
    pub(super) fn new(issuer: &str, audience: &str, keys: KeySet) -> Self {
        Self(Settings {
            issuer: issuer.into(),
            audience: audience.into(),
            keys,
            leeway: Duration::from_secs(30),
            plain_jwt: false,
            max_lifetime: None,
            size_limit: MAX_SIZE,
            require_token_id: false,
            own: false,
            scopes_at: vec!["scope".into()],
            clock: Arc::new(SystemClock),
        })
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

    /// Where the scopes are, a path of names such as `realm_access.roles`; `scope` by default.
    pub fn scopes_at(mut self, path: &str) -> Self {
        self.0.scopes_at = path.split('.').map(Into::into).collect();
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
        let path = &settings.scopes_at;
        let faults = [
            (settings.issuer.is_empty(), ConfigErrorKind::Issuer),
            (settings.audience.is_empty(), ConfigErrorKind::Audience),
            (settings.leeway > MAX_LEEWAY, ConfigErrorKind::Leeway),
            (
                settings.max_lifetime == Some(Duration::ZERO),
                ConfigErrorKind::MaxLifetime,
            ),
            (
                !(1..=MAX_SIZE).contains(&settings.size_limit),
                ConfigErrorKind::SizeLimit,
            ),
            (
                path.len() > MAX_PATH
                    || path.iter().any(|name| name.is_empty())
                    || REGISTERED.contains(&&*path[0]),
                ConfigErrorKind::ScopePath,
            ),
        ];
        match faults.into_iter().find(|(is_fault, _)| *is_fault) {
            Some((_, kind)) => Err(kind.into()),
            None => Ok(Verifier::new(settings)),
        }
    }
}
