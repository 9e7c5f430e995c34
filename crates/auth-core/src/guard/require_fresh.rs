//! `RequireFresh`.

use std::{fmt, sync::Arc, time::Duration};

use tower_layer::Layer;

use super::{
    Guard,
    service::{Policy, Settings},
};
use crate::{Clock, SystemClock, rejection::DefaultRejections};

/// Refuses callers who have not proven who they are for a while (RFC 9470), and callers that
/// nothing identified. For what needs a recent password: changing it, paying.
#[must_use]
pub struct RequireFresh<H = DefaultRejections>(Arc<Settings<H>>);

impl RequireFresh {
    /// Asks that the user logged in at most `max_age` ago; refuses by the response table.
    pub fn within(max_age: Duration) -> Self {
        Self::with_rejections(max_age, DefaultRejections)
    }
}

impl<H> RequireFresh<H> {
    /// Asks that the user logged in at most `max_age` ago; refuses with responses of `handler`'s.
    pub fn with_rejections(max_age: Duration, handler: H) -> Self {
        Self(Arc::new(Settings {
            policy: Policy::Fresh {
                max_age,
                clock: Arc::new(SystemClock),
            },
            login_page: None,
            only_path: None,
            handler,
        }))
    }
}

impl<H: Clone> RequireFresh<H> {
    /// Tells the time by `clock` instead of the system's.
    pub fn clock(self, clock: impl Clock) -> Self {
        let policy = match self.0.policy.clone() {
            Policy::Fresh { max_age, .. } => Policy::Fresh {
                max_age,
                clock: Arc::new(clock),
            },
            other => other,
        };
        Self(Arc::new(Settings {
            policy,
            login_page: None,
            only_path: None,
            handler: self.0.handler.clone(),
        }))
    }
}

impl<H> Clone for RequireFresh<H> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<H> fmt::Debug for RequireFresh<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequireFresh")
    }
}

impl<S, H> Layer<S> for RequireFresh<H> {
    type Service = Guard<S, H>;

    fn layer(&self, inner: S) -> Self::Service {
        Guard::new(inner, Arc::clone(&self.0))
    }
}
