//! Settings of a layer.

use std::{fmt, sync::Arc, time::Duration};

use auth_core::{
    Authority, Clock, EventSink, SystemClock,
    event::Events,
    rejection::DefaultRejections,
    revocation::MAX_LIFETIME,
    store::{Lifetimes, LoginLimit, Overflow, Sessions},
};

use crate::{
    ConfigError, ConfigErrorKind, CookieConfig, SessionLayer, SessionTransport, config::Config,
};

/// Builds a [`SessionLayer`].
#[must_use]
pub struct SessionLayerBuilder<H = DefaultRejections> {
    config: Config,
    rejections: H,
}

impl SessionLayerBuilder {
    pub(crate) fn new(store: Arc<dyn Sessions>) -> Self {
        Self {
            config: Config {
                authority: Arc::new(Authority::new(store.realm())),
                realm: store.realm().into(),
                store,
                lifetimes: Lifetimes {
                    idle: Some(Duration::from_secs(30 * 60)),
                    absolute: Duration::from_secs(12 * 60 * 60),
                },
                transport: SessionTransport::Cookie(CookieConfig::default()),
                eager: false,
                events: Events::default(),
                clear_site_data: false,
                login_limit: None,
                clock: Arc::new(SystemClock),
            },
            rejections: DefaultRejections,
        }
    }
}

impl<H> SessionLayerBuilder<H> {
    /// Both limits at once: say [`Lifetimes::AAL2`].
    pub fn lifetimes(mut self, lifetimes: Lifetimes) -> Self {
        self.config.lifetimes = lifetimes;
        self
    }

    /// Ends sessions that were not used for so long: 30 minutes unless set. None: never.
    pub fn idle(mut self, idle: Option<Duration>) -> Self {
        self.config.lifetimes.idle = idle;
        self
    }

    /// Ends sessions so long after they began, however much they are used: 12 hours unless set,
    /// at most 400 days. A login begins anew.
    pub fn absolute(mut self, absolute: Duration) -> Self {
        self.config.lifetimes.absolute = absolute;
        self
    }

    /// How the cookie is named and sent.
    pub fn cookie(self, cookie: CookieConfig) -> Self {
        self.transport(SessionTransport::Cookie(cookie))
    }

    /// How the id travels: in a cookie unless set.
    pub fn transport(mut self, transport: SessionTransport) -> Self {
        self.config.transport = transport;
        self
    }

    /// Whether the session is loaded before the inner service is called, so that the
    /// [`Principal`](auth_core::Principal) is in the request's extensions. If the store can not
    /// tell, the request is then answered 503.
    ///
    /// Off unless set: the session is loaded when somebody first asks, and only then.
    pub fn eager(mut self, eager: bool) -> Self {
        self.config.eager = eager;
        self
    }

    /// The realm that challenges name: the store's unless set.
    pub fn challenge_realm(mut self, realm: impl Into<Arc<str>>) -> Self {
        self.config.realm = realm.into();
        self
    }

    /// Told of logins, logouts, new ids and refusals, here and by guards further in, and of what
    /// could not be asked or saved.
    pub fn on_event(mut self, sink: impl EventSink) -> Self {
        self.config.events = Events::to(sink);
        self
    }

    /// Whether a logout sends `Clear-Site-Data: "cookies", "storage"`, unless the same response
    /// begins another session. It clears those of the whole site, ours or not.
    pub fn clear_site_data(mut self, clear: bool) -> Self {
        self.config.clear_site_data = clear;
        self
    }

    /// How many logins a subject may have at once, and what happens to one too many. No limit
    /// unless set.
    pub fn max_logins(mut self, max: u32, overflow: Overflow) -> Self {
        self.config.login_limit = Some(LoginLimit { max, overflow });
        self
    }

    /// What tells the time: the [`SystemClock`] unless set. When sessions end is for the store's
    /// clock to say; this one is for `Max-Age` and the throttle of touches.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.config.clock = Arc::new(clock);
        self
    }

    /// Who builds the responses to requests that are refused.
    pub fn rejections<H2>(self, rejections: H2) -> SessionLayerBuilder<H2> {
        SessionLayerBuilder {
            config: self.config,
            rejections,
        }
    }

    /// The layer.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for limits that are none, and for cookie settings that contradict each
    /// other.
    pub fn build(self) -> Result<SessionLayer<H>, ConfigError> {
        let Lifetimes { idle, absolute } = self.config.lifetimes;
        if absolute.is_zero() || idle.is_some_and(|idle| idle.is_zero()) {
            return Err(ConfigErrorKind::ZeroLifetime.into());
        }
        if absolute > MAX_LIFETIME {
            return Err(ConfigErrorKind::AbsoluteTooLong.into());
        }
        if idle.is_some_and(|idle| idle > absolute) {
            return Err(ConfigErrorKind::IdleExceedsAbsolute.into());
        }
        if self
            .config
            .login_limit
            .is_some_and(|limit| !limit.is_sound())
        {
            return Err(ConfigErrorKind::LoginLimit.into());
        }
        self.config.transport.check()?;
        let mut config = self.config;
        let authority = Authority::new(Arc::clone(&config.realm))
            .store(Some(config.store.clone()))
            .clock(Arc::clone(&config.clock))
            .events(config.events.clone());
        config.authority = Arc::new(authority);
        Ok(SessionLayer::new(config, self.rejections))
    }
}

impl<H> fmt::Debug for SessionLayerBuilder<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLayerBuilder")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
