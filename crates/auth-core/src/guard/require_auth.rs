//! `RequireAuth`.

use std::{fmt, sync::Arc};

use tower_layer::Layer;

use super::{
    Guard,
    login_page::LoginPage,
    service::{Policy, Settings},
};
use crate::rejection::DefaultRejections;

/// Refuses callers that nothing identified.
///
/// Stack it inside the session and token layers.
#[must_use]
pub struct RequireAuth<H = DefaultRejections>(Arc<Settings<H>>);

impl RequireAuth {
    /// Refuses by the response table.
    pub fn new() -> Self {
        Self::with_rejections(DefaultRejections)
    }
}

impl Default for RequireAuth {
    fn default() -> Self {
        Self::new()
    }
}

impl<H> RequireAuth<H> {
    /// Refuses with responses of `handler`'s.
    pub fn with_rejections(handler: H) -> Self {
        Self(Arc::new(Settings {
            policy: Policy::Anybody,
            login_page: None,
            only_path: None,
            handler,
        }))
    }
}

impl<H: Clone> RequireAuth<H> {
    /// Sends browsers to the page `path` where only cookies serve: a GET navigation is answered
    /// 303, with the page it wanted as `next`, a path on this same origin.
    ///
    /// The page must not trust `next`, which comes back through the browser: it sends people to
    /// [`local_path(next)`](super::local_path).
    pub fn login_page(self, path: impl Into<String>) -> Self {
        Self(Arc::new(Settings {
            policy: Policy::Anybody,
            login_page: Some(LoginPage(path.into())),
            only_path: None,
            handler: self.0.handler.clone(),
        }))
    }
}

impl<H> Clone for RequireAuth<H> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<H> fmt::Debug for RequireAuth<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequireAuth")
    }
}

impl<S, H> Layer<S> for RequireAuth<H> {
    type Service = Guard<S, H>;

    fn layer(&self, inner: S) -> Self::Service {
        Guard::new(inner, Arc::clone(&self.0))
    }
}
