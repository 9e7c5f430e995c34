//! `RequireScope`.

use std::{fmt, sync::Arc};

use tower_layer::Layer;

use super::{
    Guard,
    service::{Policy, Settings},
};
use crate::{Scopes, rejection::DefaultRejections};

/// Refuses callers without all of these scopes (403, RFC 6750 section 3.1), and callers that
/// nothing identified (401).
#[must_use]
pub struct RequireScope<H = DefaultRejections>(Arc<Settings<H>>);

impl RequireScope {
    /// Asks for every one of `scopes`, separated by spaces; refuses by the response table.
    pub fn new(scopes: &str) -> Self {
        Self::with_rejections(scopes, DefaultRejections)
    }
}

impl<H> RequireScope<H> {
    /// Asks for every one of `scopes`, separated by spaces; refuses with responses of `handler`'s.
    ///
    /// # Panics
    ///
    /// If one of them is not a scope token of RFC 6749 section 3.3, or there is none: a guard that
    /// asks for nothing is a mistake.
    pub fn with_rejections(scopes: &str, handler: H) -> Self {
        let parsed = Scopes::parse(scopes);
        assert!(
            !parsed.is_empty() && parsed.iter().count() == scopes.split_whitespace().count(),
            "scopes are tokens of RFC 6749 section 3.3, at least one and each once: {scopes:?}"
        );
        Self(Arc::new(Settings {
            policy: Policy::Scopes(parsed),
            login_page: None,
            only_path: None,
            handler,
        }))
    }
}

impl<H: Clone> RequireScope<H> {
    /// Guards one gRPC method only, such as `/package.Service/Method`; others pass.
    ///
    /// For gRPC, where a method has exactly one path. An HTTP router may answer several spellings
    /// of a path: there, put the guard around the route.
    pub fn grpc_method(self, path: impl Into<String>) -> Self {
        Self(Arc::new(Settings {
            policy: self.0.policy.clone(),
            login_page: None,
            only_path: Some(path.into()),
            handler: self.0.handler.clone(),
        }))
    }
}

impl<H> Clone for RequireScope<H> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<H> fmt::Debug for RequireScope<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequireScope")
    }
}

impl<S, H> Layer<S> for RequireScope<H> {
    type Service = Guard<S, H>;

    fn layer(&self, inner: S) -> Self::Service {
        Guard::new(inner, Arc::clone(&self.0))
    }
}
