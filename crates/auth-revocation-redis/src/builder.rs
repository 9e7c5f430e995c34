//! Settings of a store.

use std::{fmt, sync::Arc, time::Duration};

use auth_core::{revocation::LANES, store::NoticeHub};
use moka::sync::Cache;
use tokio::{sync::Mutex, time::Instant};

use crate::{
    RedisStore,
    breaker::Breaker,
    check,
    connection::{Address, Connections},
    keys::Keys,
    reply::Failure,
    seen::Seen,
    store::{Background, Inner, Limits},
};

/// The realm of a store that was not given one.
const DEFAULT_REALM: &str = "default";
/// The first part of every key, unless set.
const DEFAULT_PREFIX: &str = "auth";
/// So many sessions' owners are remembered.
const REMEMBERED_OWNERS: u64 = 100_000;
/// How long the server may take to answer when a store is built.
const START: Duration = Duration::from_secs(5);

/// Builds a [`RedisStore`].
#[derive(Clone, Debug)]
#[must_use]
pub struct RedisStoreBuilder {
    address: Address,
    realm: String,
    prefix: String,
    pool: usize,
    limits: Limits,
    allows_eviction: bool,
}

impl RedisStore {
    /// A store on the server at `url`: `redis://[user:password@]host[:port][/database]`, or
    /// `rediss://` with the feature `tls-rustls`.
    pub fn builder(url: impl Into<String>) -> RedisStoreBuilder {
        RedisStoreBuilder {
            address: Address {
                url: url.into(),
                username: None,
                password: None,
            },
            realm: DEFAULT_REALM.to_owned(),
            prefix: DEFAULT_PREFIX.to_owned(),
            pool: 4,
            limits: Limits {
                read: Duration::from_millis(100),
                write: Duration::from_secs(2),
                replicas: None,
                denied_tokens_per_lane: 100_000,
            },
            allows_eviction: false,
        }
    }

    /// Asks the server whether it is there; gives how long its answer took.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](auth_core::Unavailable) if it does not answer within the deadline of reads,
    /// or has not been answering.
    pub async fn health(&self) -> Result<Duration, auth_core::Unavailable> {
        let began = Instant::now();
        let connection = self.inner.data.pick();
        let ping = connection.command(None, "PING", Vec::new(), self.inner.limits.read);
        match ping.await {
            Ok(_) => Ok(began.elapsed()),
            Err(failure) => Err(auth_core::StoreError::from(failure).into()),
        }
    }
}

impl RedisStoreBuilder {
    /// The namespace of the subjects: `default` unless set.
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = realm.into();
        self
    }

    /// The first part of every key: `auth` unless set. Stores of one deployment share it.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// The ACL user, instead of the URL's.
    pub fn username(mut self, username: impl Into<String>) -> Self {
        self.address.username = Some(username.into());
        self
    }

    /// The password, instead of the URL's.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.address.password = Some(password.into());
        self
    }

    /// How many connections there are, besides the one for revocations: 4 unless set.
    pub fn pool_size(mut self, connections: usize) -> Self {
        self.pool = connections;
        self
    }

    /// How long a verdict or a session may take: 100 ms unless set.
    pub fn read_deadline(mut self, deadline: Duration) -> Self {
        self.limits.read = deadline;
        self
    }

    /// How long a write or a list of logins may take: 2 s unless set.
    pub fn write_deadline(mut self, deadline: Duration) -> Self {
        self.limits.write = deadline;
        self
    }

    /// How many replicas must have a revocation before it is acknowledged. Unless set, one where
    /// any are attached, and none where there are none.
    pub fn wait_for_replicas(mut self, replicas: u32) -> Self {
        self.limits.replicas = Some(replicas);
        self
    }

    /// How many access tokens may be denied at once, about 100,000,000 unless set: a 1,024th of it in
    /// each lane. One more is refused ([`StoreError::Full`](auth_core::StoreError::Full)); none is
    /// ever forgotten before its time. Ending logins and subjects is not limited by it.
    pub fn max_denied_tokens(mut self, max: usize) -> Self {
        self.limits.denied_tokens_per_lane = max.div_ceil(usize::from(LANES));
        self
    }

    /// Accepts a server that drops any key when its memory is full (`allkeys-*`).
    ///
    /// Insecure: it drops revocations, too. What this process remembers of a lane that was dropped
    /// makes it refuse what is older; what it never saw it can not miss.
    pub fn insecure_allow_eviction(mut self) -> Self {
        self.allows_eviction = true;
        self
    }

    /// The store, connected and checked.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], each [kind](ConfigErrorKind) with one line that says what to do.
    pub async fn build(self) -> Result<RedisStore, ConfigError> {
        if self.realm.is_empty() {
            return Err(ConfigError::new(Cause::EmptyRealm));
        }
        if self.prefix.is_empty() || self.prefix.contains(['{', '}']) {
            return Err(ConfigError::new(Cause::BadPrefix));
        }
        if !self.address.is_of_one_server() {
            return Err(ConfigError::new(Cause::Url));
        }
        let breaker = Arc::new(Breaker::default());
        let open = |size| Connections::open(&self.address, size, Arc::clone(&breaker), START);
        let (data, revoking) = (open(self.pool).await?, open(1).await?);
        let keys = Keys {
            prefix: self.prefix,
        };
        let connection = data.pick();
        check::server(&connection, START, self.allows_eviction).await?;
        let shas = check::schema(&connection, START, &keys).await?;
        let inner = Inner {
            realm: self.realm,
            keys,
            data,
            revoking: Mutex::new(revoking),
            shas,
            seen: Seen::new(),
            hub: NoticeHub::default(),
            owners: Cache::new(REMEMBERED_OWNERS),
            limits: self.limits,
            background: Background::default(),
        };
        check::lanes(&inner).await?;
        Ok(RedisStore {
            inner: Arc::new(inner),
        })
    }
}

/// Why a store could not be built.
#[derive(Debug)]
pub struct ConfigError(Cause);

#[derive(Debug)]
pub(crate) enum Cause {
    EmptyRealm,
    BadPrefix,
    Url,
    Cluster,
    Unreachable(String),
    Auth(String),
    Forbidden(String),
    TooOld(String),
    Evicts(String),
    Clock(Duration),
    Schema(String),
    Refused(String),
}

/// The kinds of [`ConfigError`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ConfigErrorKind {
    /// The realm is empty.
    EmptyRealm,
    /// The prefix is empty or has a brace in it.
    BadPrefix,
    /// The URL is not that of one server, `redis://` or `rediss://`.
    Url,
    /// The server is a node of a cluster.
    Cluster,
    /// Nothing answers there.
    Unreachable,
    /// The user or the password is wrong.
    Auth,
    /// The user may not do what the store has to do.
    Forbidden,
    /// The server is older than 7.0.
    TooOld,
    /// The server drops keys when its memory is full.
    Evicts,
    /// The clocks of the server and this machine are 30 s apart or more.
    Clock,
    /// What is stored there was written by another version.
    Schema,
    /// The server refused for another reason.
    Refused,
}

impl ConfigError {
    pub(crate) fn new(cause: Cause) -> Self {
        Self(cause)
    }

    /// Its kind.
    pub fn kind(&self) -> ConfigErrorKind {
        match self.0 {
            Cause::EmptyRealm => ConfigErrorKind::EmptyRealm,
            Cause::BadPrefix => ConfigErrorKind::BadPrefix,
            Cause::Url => ConfigErrorKind::Url,
            Cause::Cluster => ConfigErrorKind::Cluster,
            Cause::Unreachable(_) => ConfigErrorKind::Unreachable,
            Cause::Auth(_) => ConfigErrorKind::Auth,
            Cause::Forbidden(_) => ConfigErrorKind::Forbidden,
            Cause::TooOld(_) => ConfigErrorKind::TooOld,
            Cause::Evicts(_) => ConfigErrorKind::Evicts,
            Cause::Clock(_) => ConfigErrorKind::Clock,
            Cause::Schema(_) => ConfigErrorKind::Schema,
            Cause::Refused(_) => ConfigErrorKind::Refused,
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Cause::EmptyRealm => f.write_str("the realm is empty"),
            Cause::BadPrefix => f.write_str("the key prefix is empty or has a brace in it"),
            Cause::Url => {
                f.write_str("the URL is not that of one Redis server, redis:// or rediss://")
            }
            Cause::Cluster => {
                f.write_str("the Redis server is a node of a cluster: one server is needed")
            }
            Cause::Unreachable(why) => write!(f, "the Redis server can not be reached: {why}"),
            Cause::Auth(why) => write!(f, "the Redis server refused the user or password: {why}"),
            Cause::Forbidden(why) => write!(f, "the Redis user lacks a right: {why}"),
            Cause::TooOld(version) => {
                write!(
                    f,
                    "the Redis server is version {version}, and 7.0 or later is needed"
                )
            }
            Cause::Evicts(policy) => write!(
                f,
                "the Redis server drops keys when its memory is full (maxmemory-policy {policy}): set noeviction"
            ),
            Cause::Clock(apart) => write!(
                f,
                "the Redis server's clock is {} s away from this machine's",
                apart.as_secs()
            ),
            Cause::Schema(version) => {
                write!(
                    f,
                    "what is stored there has schema version {version}, not 1"
                )
            }
            Cause::Refused(why) => write!(f, "the Redis server refused: {why}"),
        }
    }
}

impl std::error::Error for ConfigError {}

impl From<Failure> for ConfigError {
    fn from(failure: Failure) -> Self {
        Self(match failure {
            Failure::NoAnswer(why) => Cause::Unreachable(why),
            Failure::Refused { code, text } => match code.as_str() {
                "NOAUTH" | "WRONGPASS" => Cause::Auth(text),
                "NOPERM" => Cause::Forbidden(text),
                _ => Cause::Refused(text),
            },
        })
    }
}
