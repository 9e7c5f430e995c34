//! Settings of a store.

use std::{fmt, sync::Arc, time::Duration};

use auth_core::{EventSink, event::Events, revocation::LANES, store::NoticeHub};
use moka::sync::Cache;
use tokio::time::Instant;

use crate::{
    RedisStore,
    address::{Address, Credentials, Mode},
    check,
    client::Words,
    connection::Connection,
    error::{Cause, ConfigError},
    join,
    keys::Keys,
    replica::{self, Following, Freshness, Replica},
    seen::Seen,
    servers::Servers,
    store::{Background, Inner, Limits},
    tls::Tls,
};

/// The realm of a store that was not given one.
const DEFAULT_REALM: &str = "default";
/// The first part of every key, unless set.
const DEFAULT_PREFIX: &str = "auth";
/// So many sessions' owners are remembered.
const REMEMBERED_OWNERS: u64 = 100_000;
/// How long the server may take to answer when a store is built.
const START: Duration = Duration::from_secs(5);

/// No deadline is longer: what has not been answered by then never is.
const LONGEST: Duration = Duration::from_secs(3_600);
/// Fresher than within this a copy would hardly ever be.
pub(crate) const FRESHEST: Duration = Duration::from_millis(100);

/// Builds a [`RedisStore`].
#[derive(Clone)]
#[must_use]
pub struct RedisStoreBuilder {
    url: String,
    username: Option<String>,
    password: Option<String>,
    root_certificates: Option<Vec<u8>>,
    realm: String,
    prefix: String,
    pool: usize,
    limits: Limits,
    allows_eviction: bool,
    freshness: Freshness,
    events: Events,
}

/// Shows no URL: it may hold a password.
impl fmt::Debug for RedisStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStoreBuilder")
            .field("realm", &self.realm)
            .field("prefix", &self.prefix)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl RedisStore {
    /// A store on the servers at `url`:
    ///
    /// | URL | servers |
    /// |---|---|
    /// | `redis://[[user]:password@]host[:port][/database]` | one |
    /// | `redis-cluster://host[:port]?node=host:port&node=…` | a cluster, of which some nodes are named |
    /// | `redis-sentinel://host[:port][/database]?node=host:port&sentinelServiceName=name` | the master that sentinels name (`mymaster` unless said); to the sentinels themselves `sentinelUsername`, `sentinelPassword` |
    ///
    /// More hosts can also be written after commas. `rediss://`, `rediss-cluster://` and
    /// `rediss-sentinel://` are the same over TLS, with the feature `tls-rustls`. What is special in
    /// a name or a password is percent-encoded.
    pub fn builder(url: impl Into<String>) -> RedisStoreBuilder {
        RedisStoreBuilder {
            url: url.into(),
            username: None,
            password: None,
            root_certificates: None,
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
            freshness: Freshness::Always,
            events: Events::default(),
        }
    }

    /// Asks every master whether it is there; gives how long the slowest answer took.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](auth_core::Unavailable) if one of them does not answer within the deadline of
    /// reads, or has not been answering.
    pub async fn health(&self) -> Result<Duration, auth_core::Unavailable> {
        let began = Instant::now();
        let (routes, deadline) = (self.inner.servers.routes(), self.inner.limits.read);
        let pings = routes.nodes.iter();
        let none = Words::default();
        let pings = pings.map(|node| node.send(0, "PING", &none, false, deadline));
        for answer in join::all(pings).await {
            answer.map_err(auth_core::StoreError::from)?;
        }
        Ok(began.elapsed())
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
        self.username = Some(username.into());
        self
    }

    /// The password, instead of the URL's.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Whom a server's certificate must come from, over TLS: PEM, one or more certificates, instead
    /// of the system's.
    #[cfg(feature = "tls-rustls")]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates = Some(pem.into());
        self
    }

    /// How many connections there are to each master, besides the one for revocations: 4 unless set.
    pub fn pool_size(mut self, connections: usize) -> Self {
        self.pool = connections;
        self
    }

    /// How long a verdict or a session may take: 100 ms unless set, at most an hour, not zero.
    pub fn read_deadline(mut self, deadline: Duration) -> Self {
        self.limits.read = deadline.min(LONGEST);
        self
    }

    /// How long a write or a list of logins may take: 2 s unless set, at most an hour, not zero.
    pub fn write_deadline(mut self, deadline: Duration) -> Self {
        self.limits.write = deadline.min(LONGEST);
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

    /// How fresh verdicts are: as fresh as the server unless set. `Within` keeps a local copy of all
    /// revocations ([replica mode](crate#replica-mode)), so that most verdicts ask nobody.
    pub fn freshness(mut self, freshness: Freshness) -> Self {
        self.freshness = freshness;
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

    /// Told of revocations, and of data that a server has lost.
    pub fn on_event(mut self, sink: impl EventSink) -> Self {
        self.events = Events::to(sink);
        self
    }

    /// The store, connected and checked.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], each [kind](crate::ConfigErrorKind) with one line that says what to do.
    pub async fn build(self) -> Result<RedisStore, ConfigError> {
        if self.realm.is_empty() {
            return Err(ConfigError::new(Cause::EmptyRealm));
        }
        if self.prefix.is_empty() || self.prefix.contains(['{', '}']) {
            return Err(ConfigError::new(Cause::BadPrefix));
        }
        if self.limits.read.is_zero() || self.limits.write.is_zero() {
            return Err(ConfigError::new(Cause::Deadline));
        }
        let within = match self.freshness {
            Freshness::Within(within) if within < FRESHEST => {
                return Err(ConfigError::new(Cause::Freshness(within)));
            }
            Freshness::Within(within) => Some(within),
            Freshness::Always => None,
        };
        let address: Address = self
            .url
            .parse()
            .map_err(|()| ConfigError::new(Cause::Url))?;
        let address = Address {
            credentials: Credentials {
                username: self.username.or(address.credentials.username),
                password: self.password.or(address.credentials.password),
            },
            ..address
        };
        let tls = match address.is_tls {
            true => {
                let tls = Tls::new(self.root_certificates.as_deref());
                Some(tls.map_err(|why| ConfigError::new(Cause::Tls(why)))?)
            }
            false => None,
        };
        let servers = Servers::open(&address, tls, self.pool, START).await?;
        let keys = Keys {
            prefix: self.prefix,
        };
        let is_cluster = address.mode == Mode::Cluster;
        let mut shas = Vec::new();
        for node in &servers.routes().nodes {
            let pinned = node.revoking(false, Instant::now() + START).await;
            let connection = Connection::Pinned(pinned);
            check::server(&connection, START, is_cluster, self.allows_eviction).await?;
            shas = check::scripts(&connection, START).await?;
            if within.is_some() {
                let open = servers.open_for_pushes(&node.host).await?;
                replica::arm(&open.wire, &keys.prefix, START).await?;
            }
        }
        let mut inner = Inner {
            realm: self.realm,
            keys,
            servers,
            shas,
            seen: Seen::new(),
            replica: within.map(|within| Arc::new(Replica::new(within))),
            hub: NoticeHub::default(),
            owners: Cache::new(REMEMBERED_OWNERS),
            limits: Limits {
                write: START,
                ..self.limits
            },
            background: Background::default(),
            events: Events::default(),
        };
        check::schema(&inner, START).await?;
        check::lanes(&inner).await?;
        // From here on: that a new server has no data yet is no loss.
        inner.events = self.events;
        inner.limits = self.limits;
        let inner = Arc::new(inner);
        if let Some(arrivals) = inner.servers.arrivals() {
            tokio::spawn(check::keep_looking(Arc::downgrade(&inner), arrivals));
        }
        let replica = inner.replica.clone();
        Ok(RedisStore {
            _following: replica.map(|replica| Following::begin(Arc::clone(&inner), replica)),
            inner,
        })
    }
}
