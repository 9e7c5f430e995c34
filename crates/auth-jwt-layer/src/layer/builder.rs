//! The layer and its settings.

use std::{fmt, sync::Arc};

use auth_core::{
    Authority, EventSink, OutagePolicy, event::Events, rejection::DefaultRejections,
    store::Revocations,
};
use tower_layer::Layer;

use super::{Jwt, examine::Examiner};
use crate::{ConfigError, Verifier};

/// Identifies callers by their bearer tokens.
///
/// 1. No `Authorization: Bearer`, nor a [cookie](JwtLayerBuilder::cookie) if that was asked for: the caller is whoever other layers find, and the request goes on.
/// 2. A malformed header is refused (400), and so is a token that the [`Verifier`] of
///    its issuer refuses (401).
/// 3. With a [store](JwtLayerBuilder::store), a revoked token is refused (401); where the store can
///    not tell, the answer is 503 or what the [outage policy](JwtLayerBuilder::outage) says.
/// 4. Otherwise the token's principal is the request's [`Caller`](auth_core::Caller), whatever
///    cookies came along.
///
/// Tokens in the query are never looked at (RFC 9700 section 4.3.2): they end up in logs.
///
/// Token endpoints stand outside this layer: clients send expired tokens along with a refresh.
#[must_use]
pub struct JwtLayer<H = DefaultRejections>(pub(super) Arc<Settings<H>>);

pub(super) struct Settings<H> {
    pub(super) examiner: Examiner,
    pub(super) on_invalid: OnInvalid,
    pub(super) required: bool,
    pub(super) challenge_realm: Arc<str>,
    pub(super) authority: Arc<Authority>,
    pub(super) rejections: H,
}

/// What happens to a request whose token is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum OnInvalid {
    /// It is refused at once.
    #[default]
    Refuse,
    /// It goes on, as nobody's: guards and handlers refuse it where they must. A cookie that came
    /// along does not count.
    Anonymous,
}

/// Settings of a [`JwtLayer`].
#[must_use]
pub struct JwtLayerBuilder<H = DefaultRejections> {
    verifiers: Vec<Verifier>,
    store: Option<Arc<dyn Revocations>>,
    cookie: Option<String>,
    outage: OutagePolicy,
    on_invalid: OnInvalid,
    required: bool,
    challenge_realm: Arc<str>,
    events: Events,
    rejections: H,
}

impl JwtLayer {
    /// Takes what `verifier` accepts.
    pub fn builder(verifier: Verifier) -> JwtLayerBuilder {
        JwtLayerBuilder {
            verifiers: vec![verifier],
            store: None,
            cookie: None,
            outage: OutagePolicy::default(),
            on_invalid: OnInvalid::default(),
            required: false,
            challenge_realm: "auth".into(),
            events: Events::default(),
            rejections: DefaultRejections,
        }
    }
}

impl<H> JwtLayerBuilder<H> {
    /// Also takes what `verifier` accepts, which is for another issuer.
    ///
    /// A token's `iss` decides which verifier it is for, before any key is tried: keys of one issuer never verify
    /// tokens of another. Each verifier has its own audiences, types, limits, scopes and realm.
    pub fn trust(mut self, verifier: Verifier) -> Self {
        self.verifiers.push(verifier);
        self
    }

    /// Asks `store` whether a token was revoked. Tokens must then have `jti` and `iat`, and those that live for
    /// longer than the 400 days that stores remember are refused.
    pub fn store(mut self, store: Arc<dyn Revocations>) -> Self {
        self.store = Some(store);
        self
    }

    /// Takes the token from this cookie, too, where there is no bearer in the `Authorization` header: `__Host-token`,
    /// say. The application sets the cookie, as `Secure`, `HttpOnly` and `SameSite=Lax` or stricter.
    ///
    /// A browser sends a cookie along with what other sites make it send. Whoever takes tokens from one needs
    /// protection against cross-site request forgery, such as tower-http's `CsrfLayer`, around this layer.
    ///
    /// A token that is refused is refused wherever it came from. For pages that anybody may see, where a browser
    /// comes with a cookie that has expired, there is [`OnInvalid::Anonymous`].
    pub fn cookie(mut self, name: impl Into<String>) -> Self {
        self.cookie = Some(name.into());
        self
    }

    /// What to answer when the store can not tell.
    pub fn outage(mut self, policy: OutagePolicy) -> Self {
        self.outage = policy;
        self
    }

    /// What happens to a request whose token is refused.
    pub fn on_invalid(mut self, on_invalid: OnInvalid) -> Self {
        self.on_invalid = on_invalid;
        self
    }

    /// Refuses callers that nothing identified so far: no token here, and no layer outside of this
    /// one. Where a session layer stands inside of this one, use
    /// [`RequireAuth`](auth_core::RequireAuth) behind both.
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// The `realm` that challenges name.
    pub fn challenge_realm(mut self, realm: &str) -> Self {
        self.challenge_realm = realm.into();
        self
    }

    /// Told of refusals, here and by guards further in, and of what could not be asked.
    pub fn on_event(mut self, sink: impl EventSink) -> Self {
        self.events = Events::to(sink);
        self
    }

    /// Refuses with responses of `handler`'s.
    pub fn rejections<H2>(self, handler: H2) -> JwtLayerBuilder<H2> {
        JwtLayerBuilder {
            verifiers: self.verifiers,
            store: self.store,
            cookie: self.cookie,
            outage: self.outage,
            on_invalid: self.on_invalid,
            required: self.required,
            challenge_realm: self.challenge_realm,
            events: self.events,
            rejections: handler,
        }
    }

    /// The layer.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for two verifiers of one issuer, for the name of no cookie, and when a store is attached but a verifier is to take
    /// tokens that live for longer than stores remember.
    pub fn build(self) -> Result<JwtLayer<H>, ConfigError> {
        let mut authority = Authority::new(Arc::clone(&self.challenge_realm))
            .store(self.store.clone())
            .outage(self.outage)
            .events(self.events.clone());
        if let Some(verifier) = self.verifiers.first() {
            authority = authority.clock(verifier.shared_clock());
        }
        let examiner = Examiner::new(self.verifiers, self.store, self.cookie, self.outage)?;
        let examiner = examiner.telling(self.events);
        Ok(JwtLayer(Arc::new(Settings {
            examiner,
            on_invalid: self.on_invalid,
            required: self.required,
            challenge_realm: self.challenge_realm,
            authority: Arc::new(authority),
            rejections: self.rejections,
        })))
    }
}

impl<H> Clone for JwtLayer<H> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S, H> Layer<S> for JwtLayer<H> {
    type Service = Jwt<S, H>;

    fn layer(&self, inner: S) -> Self::Service {
        Jwt::new(inner, Arc::clone(&self.0))
    }
}

impl<H> fmt::Debug for JwtLayer<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JwtLayer")
    }
}

impl<H> fmt::Debug for JwtLayerBuilder<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JwtLayerBuilder")
    }
}
