//! The layer and its settings.

use std::{fmt, sync::Arc};

use auth_core::{OutagePolicy, rejection::DefaultRejections, store::Revocations};
use tower_layer::Layer;

use super::{Jwt, examine::Examiner};
use crate::{ConfigError, Verifier};

/// Identifies callers by their bearer tokens.
///
/// 1. No `Authorization: Bearer`: the caller is whoever other layers find, and the request goes on.
/// 2. A malformed header is refused (400), and so is a token that the [`Verifier`] refuses (401).
/// 3. With a [store](JwtLayerBuilder::store), a revoked token is refused (401); where the store can
///    not tell, the answer is 503 or what the [outage policy](JwtLayerBuilder::outage) says.
/// 4. Otherwise the token's principal is the request's [`Caller`](auth_core::Caller), whatever
///    cookies came along.
///
/// Token endpoints stand outside this layer: clients send expired tokens along with a refresh.
#[must_use]
pub struct JwtLayer<H = DefaultRejections>(Arc<Settings<H>>);

pub(super) struct Settings<H> {
    pub(super) examiner: Examiner,
    pub(super) on_invalid: OnInvalid,
    pub(super) required: bool,
    pub(super) challenge_realm: Arc<str>,
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
    verifier: Verifier,
    store: Option<Arc<dyn Revocations>>,
    realm: Option<String>,
    outage: OutagePolicy,
    on_invalid: OnInvalid,
    required: bool,
    challenge_realm: Arc<str>,
    rejections: H,
}

impl JwtLayer {
    /// Takes what `verifier` accepts.
    pub fn builder(verifier: Verifier) -> JwtLayerBuilder {
        JwtLayerBuilder {
            verifier,
            store: None,
            realm: None,
            outage: OutagePolicy::default(),
            on_invalid: OnInvalid::default(),
            required: false,
            challenge_realm: "auth".into(),
            rejections: DefaultRejections,
        }
    }
}

impl<H> JwtLayerBuilder<H> {
    /// Asks `store` whether a token was revoked. The verifier must then require `jti` and `iat`, and
    /// tokens that live for longer than the 400 days that stores remember are refused.
    pub fn store(mut self, store: Arc<dyn Revocations>) -> Self {
        self.store = Some(store);
        self
    }

    /// The realm that the subjects of somebody else's tokens belong to in the store; their issuer,
    /// unless said otherwise. Tokens of our own always belong to the store's realm.
    ///
    /// A revocation has to name that realm, too. Those that the store's own calls make, such as
    /// [`revoke_subject`](Revocations::revoke_subject), name the store's.
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = Some(realm.into());
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

    /// Refuses with responses of `handler`'s.
    pub fn rejections<H2>(self, handler: H2) -> JwtLayerBuilder<H2> {
        JwtLayerBuilder {
            verifier: self.verifier,
            store: self.store,
            realm: self.realm,
            outage: self.outage,
            on_invalid: self.on_invalid,
            required: self.required,
            challenge_realm: self.challenge_realm,
            rejections: handler,
        }
    }

    /// The layer.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when a store is attached but the verifier does not require `jti` and `iat`, or takes
    /// tokens that live for longer than stores remember.
    pub fn build(self) -> Result<JwtLayer<H>, ConfigError> {
        let examiner = Examiner::new(self.verifier, self.store, self.realm, self.outage)?;
        Ok(JwtLayer(Arc::new(Settings {
            examiner,
            on_invalid: self.on_invalid,
            required: self.required,
            challenge_realm: self.challenge_realm,
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
