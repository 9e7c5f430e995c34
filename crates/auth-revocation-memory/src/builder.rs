//! Settings of a store.

use std::{fmt, io, sync::Arc};

use auth_core::{Clock, EventSink, SystemClock, event::Events};

use crate::{MemoryStore, janitor::Janitor, store::Inner};

/// The realm of a store that was not given one.
const DEFAULT_REALM: &str = "default";

/// How many tokens may be denied at once, unless set otherwise: some 60 MB.
const DEFAULT_MAX_DENIED_TOKENS: usize = 1_000_000;

/// Builds a [`MemoryStore`].
#[derive(Clone, Debug)]
#[must_use]
pub struct MemoryStoreBuilder {
    realm: String,
    clock: Arc<dyn Clock>,
    max_denied_tokens: usize,
    trust_before_start: bool,
    events: Events,
}

impl MemoryStoreBuilder {
    pub(crate) fn new() -> Self {
        Self {
            realm: DEFAULT_REALM.to_owned(),
            clock: Arc::new(SystemClock),
            max_denied_tokens: DEFAULT_MAX_DENIED_TOKENS,
            trust_before_start: false,
            events: Events::default(),
        }
    }

    /// The namespace of the subjects: `default` unless set.
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = realm.into();
        self
    }

    /// What tells the time: the [`SystemClock`] unless set.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// How many access tokens may be denied at once, 1,000,000 unless set. One more is refused
    /// ([`StoreError::Full`](auth_core::StoreError::Full)); none is ever forgotten before its time.
    /// Ending logins and subjects is not limited by it.
    pub fn max_denied_tokens(mut self, max: usize) -> Self {
        self.max_denied_tokens = max;
        self
    }

    /// Accepts tokens from before this store was made.
    ///
    /// Insecure: what had been revoked before a restart is good again after it, as long as its
    /// tokens last. Without this all of them are refused.
    pub fn insecure_trust_before_start(mut self) -> Self {
        self.trust_before_start = true;
        self
    }

    /// Told of revocations.
    pub fn on_event(mut self, sink: impl EventSink) -> Self {
        self.events = Events::to(sink);
        self
    }

    /// The store.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the realm is empty, or the thread that cleans up can not be started.
    pub fn build(self) -> Result<MemoryStore, ConfigError> {
        if self.realm.is_empty() {
            return Err(ConfigError(Cause::EmptyRealm));
        }
        let inner = Arc::new(Inner::new(
            self.realm,
            self.clock,
            self.max_denied_tokens,
            self.trust_before_start,
            self.events,
        ));
        let janitor = Janitor::start(&inner).map_err(|e| ConfigError(Cause::Thread(e)))?;
        Ok(MemoryStore::from_parts(inner, janitor))
    }
}

/// Why a store could not be built.
#[derive(Debug)]
pub struct ConfigError(Cause);

#[derive(Debug)]
enum Cause {
    EmptyRealm,
    Thread(io::Error),
}

/// The kinds of [`ConfigError`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ConfigErrorKind {
    /// The realm is empty.
    EmptyRealm,
    /// The operating system gave no thread for cleaning up.
    Thread,
}

impl ConfigError {
    /// Its kind.
    pub fn kind(&self) -> ConfigErrorKind {
        match self.0 {
            Cause::EmptyRealm => ConfigErrorKind::EmptyRealm,
            Cause::Thread(_) => ConfigErrorKind::Thread,
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Cause::EmptyRealm => "the realm is empty",
            Cause::Thread(_) => "the thread that cleans up could not be started",
        })
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Cause::EmptyRealm => None,
            Cause::Thread(error) => Some(error),
        }
    }
}
