//! Two stores on the same servers, as two nodes of a service have them.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use auth_core::{
    Timestamp,
    contract::{BoxFuture, Harness},
    revocation::{Lane, Place, Query, Standing},
    store::{Revocations as _, Store},
};
use auth_revocation_redis::{Freshness, RedisStore};
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
    pub(crate) async fn join(servers: Arc<S>, prefix: &str, freshness: Freshness) -> Self {
        // The case before may have moved it by years, and stores are built in the present.
        servers.first().set_clock_to_now();
        let store = || async {
            let store = RedisStore::builder(servers.url())
                .realm("suite")
                .prefix(prefix)
                .freshness(freshness)
                .read_deadline(PATIENCE)
                .write_deadline(PATIENCE);
            let store = store.build().await.expect("the servers are good");
            if freshness != Freshness::Always {
                until_it_answers(&store).await;
            }
            Arc::new(store)
        };
        let (one, other) = match freshness {
            Freshness::Always => tokio::join!(store(), store()),
            // The suite expects of another node that it sees everything at once.
            _ => {
                let one = store().await;
                (Arc::clone(&one), one)
            }
        };
        Self {
            servers,
            one,
            other,
        }
    }
}

/// Until its copy of every lane is there.
async fn until_it_answers(store: &RedisStore) {
    for lane in Lane::all() {
        let place = Place {
            lane,
            ..Place::of("suite", "nobody")
        };
        let query = Query {
            place,
            login: None,
            token: None,
            standing: Standing::IssuedAt(Timestamp::from_secs(Timestamp::MAX_SECS)),
        };
        while store.verdict_now(&query).is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
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
