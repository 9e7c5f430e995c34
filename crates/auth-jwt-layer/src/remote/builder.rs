//! Settings of keys elsewhere.

use std::{fmt, sync::Arc, time::Duration};

use auth_core::{Clock, SystemClock};

use super::{
    FetchKeys, RemoteKeys, RemoteKeysError, document::Origin, http::HttpClient, keys::Settings,
    state::Times,
};
use crate::{ConfigError, ConfigErrorKind};

/// Settings of [`RemoteKeys`].
#[must_use]
pub struct RemoteKeysBuilder {
    settings: Settings,
    client: Option<Arc<dyn FetchKeys>>,
    root_certificates: Option<Vec<u8>>,
}

impl RemoteKeysBuilder {
    pub(super) fn new(origin: Origin) -> Self {
        let settings = Settings {
            origin,
            client: Arc::new(HttpClient::default()),
            clock: Arc::new(SystemClock),
            times: Times {
                refresh_every: Duration::from_secs(15 * 60),
                cooldown: Duration::from_secs(30),
                stale_for: Duration::from_secs(24 * 60 * 60),
            },
            timeout: Duration::from_secs(2),
            allow_http: false,
            on_failure: None,
        };
        Self {
            settings,
            client: None,
            root_certificates: None,
        }
    }

    /// How often keys are fetched at least: every 15 minutes unless said otherwise, from 60 s to 24 h. A key that its
    /// issuer withdraws is used for so long.
    pub fn refresh_every(mut self, interval: Duration) -> Self {
        self.settings.times.refresh_every = interval;
        self
    }

    /// How often keys are fetched at most for tokens that name an unknown one, and how long after a failure the next
    /// one is tried: every 30 s unless said otherwise, at least 1 s.
    pub fn cooldown(mut self, interval: Duration) -> Self {
        self.settings.times.cooldown = interval;
        self
    }

    /// How long keys stay good while no new ones can be fetched: 24 hours unless said otherwise, and not shorter than
    /// they are refreshed.
    pub fn stale_for(mut self, at_most: Duration) -> Self {
        self.settings.times.stale_for = at_most;
        self
    }

    /// How long one response may take: 2 s unless said otherwise.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// Fetches by this client instead of our own, which speaks HTTP/1.1 and TLS, checks certificates against the
    /// system's roots and knows no proxies.
    pub fn fetch_with(mut self, client: impl FetchKeys) -> Self {
        self.client = Some(Arc::new(client));
        self
    }

    /// Whom the certificate of an `https` URL must come from: PEM, one or more certificates, instead of the system's.
    /// For our own client: one given by [`fetch_with`](Self::fetch_with) has its own.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates = Some(pem.into());
        self
    }

    /// Fetches by plain HTTP from other machines, too. (From this machine it is always allowed.)
    ///
    /// Insecure: whoever is on the way can put his own keys in the place of the issuer's, and so be anybody.
    pub fn insecure_allow_http(mut self) -> Self {
        self.settings.allow_http = true;
        self
    }

    /// Tells of failures, for logs. Must not block.
    pub fn on_failure(mut self, tell: impl Fn(&RemoteKeysError) + Send + Sync + 'static) -> Self {
        self.settings.on_failure = Some(Arc::new(tell));
        self
    }

    /// Tells the time by `clock` instead of the system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.settings.clock = Arc::new(clock);
        self
    }

    /// The keys. Nothing is fetched yet.
    ///
    /// # Errors
    ///
    /// [`ConfigErrorKind::KeyUrl`] for what is no URL to fetch keys from, [`ConfigErrorKind::KeyTimes`] for times that
    /// make no sense, and [`ConfigErrorKind::RootCertificates`] for certificates that can not be read or are for no
    /// client of ours.
    pub fn build(self) -> Result<RemoteKeys, ConfigError> {
        let mut settings = self.settings;
        if !settings.origin.is_safe(settings.allow_http) {
            return Err(ConfigErrorKind::KeyUrl.into());
        }
        let Times {
            refresh_every,
            cooldown,
            stale_for,
        } = settings.times;
        let minute = Duration::from_secs(60);
        let day = 24 * 60 * minute;
        if !(minute..=day).contains(&refresh_every)
            || cooldown < Duration::from_secs(1)
            || stale_for < refresh_every
            || settings.timeout.is_zero()
        {
            return Err(ConfigErrorKind::KeyTimes.into());
        }
        settings.client = match (self.client, self.root_certificates) {
            (Some(client), None) => client,
            (None, Some(pem)) => {
                let client = HttpClient::trusting(&pem);
                Arc::new(client.map_err(|_| ConfigErrorKind::RootCertificates)?)
            }
            (None, None) => settings.client,
            (Some(_), Some(_)) => return Err(ConfigErrorKind::RootCertificates.into()),
        };
        Ok(RemoteKeys::new(settings))
    }
}

impl fmt::Debug for RemoteKeysBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteKeysBuilder")
            .field("origin", &self.settings.origin)
            .field("times", &self.settings.times)
            .finish_non_exhaustive()
    }
}
