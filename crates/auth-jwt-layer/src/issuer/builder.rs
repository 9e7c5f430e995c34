//! The configuration of an issuer.

use std::{fmt, sync::Arc, time::Duration};

use auth_core::{
    Clock, EventSink, SystemClock,
    event::Events,
    revocation::MAX_LIFETIME,
    store::{Lifetimes, LoginLimit, Overflow, RefreshLogins},
};

use super::{
    Issuer, IssuerConfigError, IssuerConfigErrorKind, SigningKeys, SigningRing,
    access::MAX_ASSERTION_TTL, service::Config,
};
use crate::RefreshKeys;

/// Builds an [`Issuer`].
#[must_use]
pub struct IssuerBuilder {
    config: Config,
    client_id: Option<String>,
    signing: SigningKeys,
    signing_lead: Duration,
    refresh_keys: Option<RefreshKeys>,
}

impl IssuerBuilder {
    pub(super) fn new(
        issuer: String,
        audience: String,
        signing: SigningKeys,
        store: Arc<dyn RefreshLogins>,
    ) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Self {
            config: Config {
                issuer,
                audiences: vec![audience],
                client_id: String::new(),
                signing: SigningRing::new(&signing, SIGNING_LEAD, Duration::ZERO, clock.clone()),
                store,
                access_ttl: ACCESS_TTL,
                lifetimes: Lifetimes {
                    idle: Some(REFRESH_IDLE),
                    absolute: REFRESH_ABSOLUTE,
                },
                grace: GRACE,
                retry: Duration::ZERO,
                limit: None,
                clock,
                events: Events::default(),
            },
            client_id: None,
            signing,
            signing_lead: SIGNING_LEAD,
            refresh_keys: None,
        }
    }

    /// Another audience that its access tokens are for, too: `aud` is a list then. Services of one
    /// audience take them, and can hand them to those of the other, so name only what is one anyway.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.config.audiences.push(audience.into());
        self
    }

    /// How long access tokens live, before up to 5 % is taken off at random so that they do not all
    /// end at once. Default: 5 minutes.
    pub fn access_ttl(mut self, ttl: Duration) -> Self {
        self.config.access_ttl = ttl;
        self
    }

    /// A login ends when it was not refreshed for so long; None: it need not be. Default: 14 days.
    pub fn refresh_idle(mut self, idle: impl Into<Option<Duration>>) -> Self {
        self.config.lifetimes.idle = idle.into();
        self
    }

    /// A login ends so long after it began, however much it is refreshed. Default: 90 days.
    pub fn refresh_absolute(mut self, absolute: Duration) -> Self {
        self.config.lifetimes.absolute = absolute;
        self
    }

    /// For how long after a refresh the token it replaced still gets the same successor. It is for
    /// responses that were lost and tabs that refresh at once. Default: 30 seconds; at most 300.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.config.grace = grace;
        self
    }

    /// For how long a new signing key is published before it [signs](Issuer::rotate_signing_key): as
    /// long as anybody may keep the key set that he has fetched. Default: 1 hour; at least the 5
    /// minutes for which [`jwks_service`](Issuer::jwks_service) lets it be kept.
    pub fn signing_lead(mut self, lead: Duration) -> Self {
        self.signing_lead = lead;
        self
    }

    /// Also long after the [grace](Self::grace), a refresh token that was replaced still gets the same
    /// successor, as long as the successor and the access tokens that came with it were not presented
    /// anywhere: for clients that lose a response and come back late, such as apps on trains. Default:
    /// off; at most 24 hours.
    ///
    /// What it costs: a thief with a copy of the replaced token is noticed later, if the victim does
    /// nothing meanwhile. Refresh tokens count wherever an issuer sees them, access tokens where a
    /// [`JwtLayer`](crate::JwtLayer) takes them with a [verifier](Issuer::verifier) of this issuer, and at
    /// introspection; the store is told once a refresh. Services that verify by the key set alone can
    /// not tell anybody: do not use it with them.
    pub fn retry_lost_response(mut self, at_most: Duration) -> Self {
        self.config.retry = at_most;
        self
    }

    /// The keys behind refresh tokens. Required with a store that other processes use, too; other
    /// stores end with the process, and a key that does so is made up for them.
    pub fn refresh_keys(mut self, keys: RefreshKeys) -> Self {
        self.refresh_keys = Some(keys);
        self
    }

    /// The `client_id` of logins that name none. RFC 9068 requires the claim. Default: the audience,
    /// which is to say that the service is its own, only client.
    pub fn client_id(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = Some(client_id.into());
        self
    }

    /// How many logins, sessions included, a subject may have. Default: the store's own limit.
    pub fn max_logins(mut self, max: u32, overflow: Overflow) -> Self {
        self.config.limit = Some(LoginLimit { max, overflow });
        self
    }

    /// Where it takes the time of its access tokens from. The store has a clock of its own.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.config.clock = Arc::new(clock);
        self
    }

    /// Told of logins, logouts and refreshes, of refresh tokens that were reused, adopted or lost,
    /// and of what the store could not be asked.
    pub fn on_event(mut self, sink: impl EventSink) -> Self {
        self.config.events = Events::to(sink);
        self
    }

    /// The issuer.
    ///
    /// # Errors
    ///
    /// [`IssuerConfigError`] for a setting outside its limits, and for a shared store without
    /// refresh keys.
    pub fn build(self) -> Result<Issuer, IssuerConfigError> {
        let mut config = self.config;
        let first = || config.audiences[0].clone();
        config.client_id = self.client_id.unwrap_or_else(first);
        let Lifetimes { idle, absolute } = config.lifetimes;
        let lifetimes = Duration::from_secs(1)..=MAX_LIFETIME;
        let rows = [
            (config.issuer.is_empty(), IssuerConfigErrorKind::Issuer),
            (
                config.audiences.iter().any(String::is_empty),
                IssuerConfigErrorKind::Audience,
            ),
            (config.client_id.is_empty(), IssuerConfigErrorKind::ClientId),
            (
                !lifetimes.contains(&config.access_ttl),
                IssuerConfigErrorKind::AccessTtl,
            ),
            (
                idle.is_some_and(|idle| idle.is_zero()),
                IssuerConfigErrorKind::RefreshIdle,
            ),
            (
                absolute.is_zero() || absolute > MAX_LIFETIME,
                IssuerConfigErrorKind::RefreshAbsolute,
            ),
            (
                !(MIN_SIGNING_LEAD..=MAX_LIFETIME).contains(&self.signing_lead),
                IssuerConfigErrorKind::SigningLead,
            ),
            (config.retry > MAX_RETRY, IssuerConfigErrorKind::Retry),
            (config.grace > MAX_GRACE, IssuerConfigErrorKind::Grace),
            (
                config.limit.is_some_and(|limit| !limit.is_sound()),
                IssuerConfigErrorKind::MaxLogins,
            ),
        ];
        if let Some((_, kind)) = rows.into_iter().find(|(is_wrong, _)| *is_wrong) {
            return Err(kind.into());
        }
        let longest = config.access_ttl.max(MAX_ASSERTION_TTL);
        let (lead, keep) = (self.signing_lead, longest + MAX_LEEWAY);
        config.signing = SigningRing::new(&self.signing, lead, keep, Arc::clone(&config.clock));
        let refresh_keys = match self.refresh_keys {
            Some(keys) => keys,
            None if config.store.is_shared() => {
                return Err(IssuerConfigErrorKind::RefreshKeys.into());
            }
            None => RefreshKeys::generate(),
        };
        Ok(Issuer::new(config, refresh_keys))
    }
}

const ACCESS_TTL: Duration = Duration::from_secs(5 * 60);
const REFRESH_IDLE: Duration = Duration::from_secs(14 * 24 * 60 * 60);
const REFRESH_ABSOLUTE: Duration = Duration::from_secs(90 * 24 * 60 * 60);
const GRACE: Duration = Duration::from_secs(30);
const SIGNING_LEAD: Duration = Duration::from_secs(60 * 60);
/// The `max-age` of the published key set.
const MIN_SIGNING_LEAD: Duration = Duration::from_secs(300);
/// By how much a verifier's clock may be behind ours.
pub(super) const MAX_LEEWAY: Duration = Duration::from_secs(60);
const MAX_RETRY: Duration = Duration::from_secs(24 * 60 * 60);
const MAX_GRACE: Duration = Duration::from_secs(300);

impl fmt::Debug for IssuerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuerBuilder")
            .field("config", &self.config)
            .field("refresh_keys", &self.refresh_keys)
            .finish_non_exhaustive()
    }
}
