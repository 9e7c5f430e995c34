//! The layer and its settings.

use std::{fmt, sync::Arc, time::Duration};

use tower_layer::Layer;

use super::{EndsWithLogin, watch::Patience};
use crate::Timer;

/// How often a store is asked again, whatever it told meanwhile, unless set otherwise.
pub const ASK_EVERY: Duration = Duration::from_secs(5);

/// How long a stream goes on whose store can not tell, unless set otherwise.
pub const KEEP_UNVOUCHED: Duration = Duration::from_secs(30);

/// The shortest time between two questions.
const SHORTEST: Duration = Duration::from_millis(100);

/// Ends the bodies of responses with the login of whoever reads them, by the rules of
/// [`stream`](crate::stream).
///
/// Stack it inside the session and token layers and a guard: it watches over callers who were
/// identified when the head of the response comes, and leaves everybody else's responses alone. So
/// it does with bodies of a known length, and one that is there at once, such as that of a unary
/// gRPC method, costs no more than a look.
///
/// ```
/// use auth_core::{EndWithLogin, RequireAuth};
/// use tower::ServiceBuilder;
///
/// let stack = ServiceBuilder::new()
///     // The session and token layers come here.
///     .layer(RequireAuth::new())
///     .layer(EndWithLogin::new(tokio::time::sleep));
/// # let _ = stack;
/// ```
///
/// gRPC-Web has its trailers in the body: translate it further out, as tonic-web does.
///
/// The upgraded connection of a WebSocket is no body: see [`Caller::ended`](crate::Caller::ended).
#[derive(Clone)]
#[must_use]
pub struct EndWithLogin(Arc<Settings>);

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) timer: Arc<dyn Timer>,
    pub(super) patience: Patience,
}

impl EndWithLogin {
    /// Waits by `timer`: with tokio, `EndWithLogin::new(tokio::time::sleep)`.
    pub fn new(timer: impl Timer) -> Self {
        Self(Arc::new(Settings {
            timer: Arc::new(timer),
            patience: Patience::DEFAULT,
        }))
    }

    /// How often the store is asked again, whatever it told meanwhile: every 5 s unless set, at
    /// least 100 ms apart. It is by this that a revocation by another process is found out where
    /// the store does not hear of it.
    pub fn ask_every(self, interval: Duration) -> Self {
        self.with(|patience| patience.ask_every = interval.max(SHORTEST))
    }

    /// How long a stream goes on whose store can not tell: 30 s unless set.
    pub fn keep_unvouched(self, at_most: Duration) -> Self {
        self.with(|patience| patience.keep_unvouched = at_most)
    }

    fn with(self, set: impl FnOnce(&mut Patience)) -> Self {
        let mut settings = Settings::clone(&self.0);
        set(&mut settings.patience);
        Self(Arc::new(settings))
    }
}

impl<S> Layer<S> for EndWithLogin {
    type Service = EndsWithLogin<S>;

    fn layer(&self, inner: S) -> Self::Service {
        EndsWithLogin::new(inner, Arc::clone(&self.0))
    }
}

impl fmt::Debug for EndWithLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EndWithLogin")
            .field(&self.0.patience)
            .finish()
    }
}
