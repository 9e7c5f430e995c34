//! On whose word a layer identifies callers.

use std::{fmt, sync::Arc};

use crate::{Clock, OutagePolicy, SystemClock, event::Events, store::Revocations};

/// On whose word a layer identifies callers: what the layer leaves with every request's
/// [`Caller`](crate::Caller), for those who have something to say or to ask about it later. For
/// authors of layers; one is made when the layer is built, and shared by all requests.
#[must_use]
pub struct Authority {
    realm: Arc<str>,
    store: Option<Arc<dyn Revocations>>,
    outage: OutagePolicy,
    clock: Arc<dyn Clock>,
    events: Events,
}

impl Authority {
    /// Begins with the realm that challenges name.
    pub fn new(challenge_realm: impl Into<Arc<str>>) -> Self {
        Self {
            realm: challenge_realm.into(),
            store: None,
            outage: OutagePolicy::default(),
            clock: Arc::new(SystemClock),
            events: Events::default(),
        }
    }

    /// The store that the layer asks whether a credential was revoked.
    pub fn store(mut self, store: Option<Arc<dyn Revocations>>) -> Self {
        self.store = store;
        self
    }

    /// What to make of a store that can not tell.
    pub fn outage(mut self, policy: OutagePolicy) -> Self {
        self.outage = policy;
        self
    }

    /// What tells when a credential expires.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Where to tell of what happens to its callers further in.
    pub fn events(mut self, events: Events) -> Self {
        self.events = events;
        self
    }

    pub(crate) fn realm(&self) -> &Arc<str> {
        &self.realm
    }

    pub(crate) fn asks(&self) -> Option<&Arc<dyn Revocations>> {
        self.store.as_ref()
    }

    pub(crate) fn outage_policy(&self) -> OutagePolicy {
        self.outage
    }

    pub(crate) fn tells_time(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(crate) fn hears(&self) -> &Events {
        &self.events
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("realm", &self.realm)
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}
