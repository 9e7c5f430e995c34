//! The receiver and its settings.

use std::{fmt, sync::Arc};

use auth_core::{EventSink, event::Events, store::Logins};

use super::receive::Receiver;
use crate::{ConfigError, ConfigErrorKind, Endpoint, Verifier};

/// Receives logout tokens of OpenID providers (OpenID Connect Back-Channel Logout 1.0): what makes a
/// logout there a logout here.
///
/// A provider posts a logout token to [`service`](Self::service), which ends
///
/// | the token names | our logins that end | tokens of that provider's that are refused |
/// |---|---|---|
/// | a session (`sid`), and the user or not | those that began with that session | those with that `sid`, where verifiers have [`provider_sessions`](crate::VerifierBuilder::provider_sessions) |
/// | a user (`sub`) only | everything of each subject of ours that has logged in as that user | all of that user's that were issued so far |
///
/// Our logins are those that were begun with a [`ProviderLogin`](auth_core::ProviderLogin): sessions by
/// `Login::provider`, tokens by [`TokenLogin::provider`](crate::TokenLogin::provider). A provider can
/// end no others: its `alice` is not ours, and not another provider's.
///
/// # What is checked (section 2.6)
///
/// 1. The token is one that the [`Verifier`] of its issuer finds well made and signed, with `typ`
///    `logout+jwt`. Only the settings of the verifier that say whose tokens it takes, when and how long
///    they may be hold here; its audience is the client id that the provider knows us by.
/// 2. `iss`, `aud`, `iat`, `exp` and `jti` are there and good, it lives for at most 24 hours, and there is
///    `sub` or `sid`, or both.
/// 3. `events` is an object with the member for logouts, an object, too; and there is no `nonce`.
/// 4. Its `jti` was not heard before, by any process that shares the store, while it could be accepted.
///
/// # Examples
///
/// ```
/// # #[cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
///
/// use auth_jwt_layer::{BackChannelLogout, KeySet, Verifier};
/// use auth_revocation_memory::MemoryStore;
/// use http::Request;
/// use tower::ServiceExt;
///
/// # let jwks = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"1",
/// #     "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
/// let store = Arc::new(MemoryStore::new());
/// // In earnest `RemoteKeys::discover(issuer)`, the same as for the provider's other tokens.
/// let keys = KeySet::builder().jwks(jwks).build()?;
/// let provider = Verifier::builder("https://id.example/realms/shop", "shop-web", keys);
/// let logouts = BackChannelLogout::builder(provider.build()?, store).build()?;
///
/// // No logout token is not a good one.
/// let post = Request::post("/backchannel-logout")
///     .header("content-type", "application/x-www-form-urlencoded")
///     .body("logout_token=e30.e30.e30".to_owned())?;
/// let response = logouts.service().oneshot(post).await?;
/// assert_eq!(response.status(), 400);
/// # Ok(())
/// # }
/// # #[cfg(not(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto")))]
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct BackChannelLogout(Arc<Receiver>);

/// Settings of a [`BackChannelLogout`].
#[must_use]
pub struct BackChannelLogoutBuilder {
    verifiers: Vec<Verifier>,
    store: Arc<dyn Logins>,
    plain_jwt: bool,
    events: Events,
}

impl BackChannelLogout {
    /// Takes the logout tokens of the issuer of `verifier`, whose audience is the client id that the
    /// provider knows us by. What they end is in `store`, the one that the layers have.
    pub fn builder(verifier: Verifier, store: Arc<dyn Logins>) -> BackChannelLogoutBuilder {
        BackChannelLogoutBuilder {
            verifiers: vec![verifier],
            store,
            plain_jwt: false,
            events: Events::default(),
        }
    }

    /// The endpoint that providers post to: their `backchannel_logout_uri`. It stands outside of the
    /// layers that identify callers, and of protection against cross-site request forgery: a provider
    /// is no browser.
    ///
    /// It takes `logout_token`, as an [`Endpoint`] takes its parameters.
    ///
    /// | answer | |
    /// |---|---|
    /// | 200 | what the token names has ended, if it was there |
    /// | 400 | `invalid_request`, with an `error_description`: it is no good logout token, or was heard before |
    /// | 503 | with `Retry-After`: it may not have ended, or the keys can not be fetched; the same token is good for another try |
    ///
    /// Section 2.8 knows 400 for all that fails. 503 is what a provider that tries again should hear:
    /// the token is good.
    pub fn service(&self) -> Endpoint {
        Endpoint::new(Arc::clone(&self.0))
    }
}

impl BackChannelLogoutBuilder {
    /// Also takes those of another issuer. Which one it is, a token's `iss` says, before any key is tried.
    pub fn trust(mut self, verifier: Verifier) -> Self {
        self.verifiers.push(verifier);
        self
    }

    /// Also takes tokens of the type `JWT`, or of none: for providers that do not follow the
    /// recommendation of section 2.4, such as Keycloak before 25. What such a token may be mistaken for,
    /// `events` and `nonce` rule out.
    pub fn accept_typ_jwt(mut self) -> Self {
        self.plain_jwt = true;
        self
    }

    /// Told of what providers end, of tokens that were refused, and of keys that could not be had.
    pub fn on_event(mut self, sink: impl EventSink) -> Self {
        self.events = Events::to(sink);
        self
    }

    /// The receiver.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for two verifiers of one issuer.
    pub fn build(self) -> Result<BackChannelLogout, ConfigError> {
        for (number, verifier) in self.verifiers.iter().enumerate() {
            let mut before = self.verifiers[..number].iter();
            if before.any(|other| other.issuer() == verifier.issuer()) {
                return Err(ConfigErrorKind::DuplicateIssuer.into());
            }
        }
        Ok(BackChannelLogout(Arc::new(Receiver {
            verifiers: self.verifiers.into(),
            store: self.store,
            plain_jwt: self.plain_jwt,
            events: self.events,
        })))
    }
}

impl fmt::Debug for BackChannelLogout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BackChannelLogout")
    }
}

impl fmt::Debug for BackChannelLogoutBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BackChannelLogoutBuilder")
    }
}
