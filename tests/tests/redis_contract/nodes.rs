//! Two stores on the same servers, as two nodes of a service have them.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use auth_core::{
    Timestamp,
    contract::{BoxFuture, Harness},
    store::Store,
};
use auth_revocation_redis::RedisStore;
use auth_tests::{Redis, RedisCluster, RedisSentinels};
use tokio::task::JoinSet;

/// The machine may be busy with other tests: only the fault tests are about deadlines.
const PATIENCE: Duration = Duration::from_secs(20);

/// Servers that share one clock, which stands.
pub(crate) trait Servers: Send + Sync + 'static {
    fn url(&self) -> String;
    /// One whose clock is that of all.
    fn first(&self) -> &Redis;
}

impl Servers for Redis {
    fn url(&self) -> String {
        self.url()
    }

    fn first(&self) -> &Redis {
        self
    }
}

impl Servers for RedisCluster {
    fn url(&self) -> String {
        self.url()
    }

    fn first(&self) -> &Redis {
        &self.nodes[0]
    }
}

impl Servers for RedisSentinels {
    fn url(&self) -> String {
        self.url()
    }

    fn first(&self) -> &Redis {
        &self.servers[0]
    }
}

pub(crate) struct Nodes<S> {
    servers: Arc<S>,
    one: Arc<RedisStore>,
    other: Arc<RedisStore>,
}

impl<S: Servers> Nodes<S> {
    /// Builds the two, on keys of their own.
    pub(crate) async fn join(servers: Arc<S>, prefix: &str) -> Self {
        // The case before may have moved it by years, and stores are built in the present.
        servers.first().set_clock_to_now();
        let store = || async {
            let store = RedisStore::builder(servers.url())
                .realm("suite")
                .prefix(prefix)
                .read_deadline(PATIENCE)
                .write_deadline(PATIENCE);
            Arc::new(store.build().await.expect("the servers are good"))
        };
        let (one, other) = tokio::join!(store(), store());
        Self {
            servers,
            one,
            other,
        }
    }
}

#[async_trait]
impl<S: Servers> Harness for Nodes<S> {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.one) as Arc<dyn Store>
    }

    fn other_node(&self) -> Arc<dyn Store> {
        Arc::clone(&self.other) as Arc<dyn Store>
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.servers.first().clock())
    }

    async fn advance(&self, by: Duration) {
        self.settle().await;
        self.servers.first().advance(by);
    }

    async fn settle(&self) {
        self.one.drain().await;
        self.other.drain().await;
    }

    async fn in_parallel(&self, tasks: Vec<BoxFuture>) {
        let tasks: JoinSet<()> = tasks.into_iter().collect();
        tasks.join_all().await;
    }
}
