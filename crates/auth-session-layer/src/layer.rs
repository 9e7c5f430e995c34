//! The layer.

use std::{fmt, sync::Arc};

use auth_core::{policy::Policy, rejection::DefaultRejections, store::Sessions};
use tower_layer::Layer;

use crate::{
    SessionLayerBuilder, SessionManager,
    config::{Config, Settings},
};

/// Gives every request its [`Session`](crate::Session), and its
/// [`Caller`](auth_core::Caller) whom the session says it is. See the [crate](crate).
#[must_use]
pub struct SessionLayer<H = DefaultRejections> {
    settings: Arc<Settings<H>>,
}

impl SessionLayer {
    /// Begins with the store that keeps the sessions: an `Arc` of any.
    pub fn builder(store: Arc<dyn Sessions>) -> SessionLayerBuilder {
        SessionLayerBuilder::new(store)
    }
}

impl<H> SessionLayer<H> {
    /// What it does, as it is configured, for OWASP ASVS 5.0 V7, and what is left to the
    /// application. Its [report](Policy::report) is text.
    pub fn policy(&self) -> Policy {
        self.settings.config.policy()
    }

    pub(crate) fn new(config: Config, rejections: H) -> Self {
        let config = Arc::new(config);
        Self {
            settings: Arc::new(Settings { config, rejections }),
        }
    }
}

impl<H> Clone for SessionLayer<H> {
    fn clone(&self) -> Self {
        Self {
            settings: Arc::clone(&self.settings),
        }
    }
}

impl<S, H> Layer<S> for SessionLayer<H> {
    type Service = SessionManager<S, H>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionManager::new(inner, Arc::clone(&self.settings))
    }
}

impl<H> fmt::Debug for SessionLayer<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.config.fmt(f)
    }
}
