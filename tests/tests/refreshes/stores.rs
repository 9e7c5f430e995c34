//! A store with two nodes, and one clock.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use auth_core::{Clock, Event, ManualClock, Timestamp, store::Store};
use auth_jwt_layer::{Algorithm, Issuer, RefreshKeys, SigningKeys};
use auth_revocation_memory::MemoryStore;
use auth_revocation_redis::RedisStore;
use auth_tests::Redis;

pub(crate) const GRACE: Duration = Duration::from_secs(30);
pub(crate) const RETRY: Duration = Duration::from_secs(3_600);
pub(crate) const IDLE: Duration = Duration::from_secs(4 * 3_600);
pub(crate) const ABSOLUTE: Duration = Duration::from_secs(24 * 3_600);

/// The machine may be busy with other tests.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Stores {
    clock: ManualClock,
    redis: Option<(Redis, [Arc<RedisStore>; 2])>,
    pub(crate) nodes: [Arc<dyn Store>; 2],
}

impl Stores {
    /// In memory there is one node, which is both.
    pub(crate) fn memory() -> Self {
        let clock = ManualClock::new(Timestamp::from_secs(1_800_000_000));
        let store = MemoryStore::builder().clock(clock.clone()).build();
        let store: Arc<dyn Store> = Arc::new(store.expect("a store"));
        Self {
            clock,
            redis: None,
            nodes: [store.clone(), store],
        }
    }

    pub(crate) async fn redis() -> Self {
        let redis = Redis::with_clock_that_stands();
        let node = async || {
            let store = RedisStore::builder(redis.url()).realm("refreshes");
            let store = store.read_deadline(PATIENCE).write_deadline(PATIENCE);
            Arc::new(store.build().await.expect("the server is good"))
        };
        let stores = [node().await, node().await];
        Self {
            clock: ManualClock::new(Timestamp::from_millis(redis.clock())),
            nodes: stores.clone().map(|store| store as Arc<dyn Store>),
            redis: Some((redis, stores)),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.clock.advance(by);
        if let Some((redis, _)) = &self.redis {
            redis.advance(by);
        }
    }

    /// Waits for what nobody waited for.
    pub(crate) async fn settle(&self) {
        for store in self.redis.iter().flat_map(|(_, stores)| stores) {
            store.drain().await;
        }
    }

    /// Issuers with the same keys, one on each node, which tell of what happens.
    pub(crate) fn issuers(&self, retry: Duration, told: &Arc<Mutex<Vec<Event>>>) -> [Issuer; 2] {
        self.nodes.each_ref().map(|node| {
            let keys = SigningKeys::builder().secret(Algorithm::Hs256, "k", [7; 32]);
            let told = told.clone();
            Issuer::builder("https://i", "a", keys.build().expect("keys"), node.clone())
                .refresh_keys(RefreshKeys::from_keys([[1; 32]]).expect("a ring"))
                .grace(GRACE)
                .retry_lost_response(retry)
                .refresh_idle(IDLE)
                .refresh_absolute(ABSOLUTE)
                // As long as its login.
                .access_ttl(ABSOLUTE)
                .clock(self.clock.clone())
                .on_event(move |event: &Event| told.lock().expect("no panic").push(event.clone()))
                .build()
                .expect("an issuer")
        })
    }
}
