//! The contract suite, on one real Redis server whose clock the tests move.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use auth_core::{
    Timestamp,
    contract::{BoxFuture, Case, Harness},
    store::Store,
};
use auth_revocation_redis::RedisStore;
use auth_tests::Redis;
use tokio::{runtime, task::JoinSet};

struct Server {
    redis: Redis,
    one: Arc<RedisStore>,
    other: Arc<RedisStore>,
}

impl Server {
    async fn start() -> Self {
        let redis = Redis::with_clock_that_stands();
        let store = || async {
            // The machine may be busy with other tests: only the fault tests are about deadlines.
            let patience = Duration::from_secs(20);
            let store = RedisStore::builder(redis.url())
                .realm("suite")
                .read_deadline(patience)
                .write_deadline(patience);
            Arc::new(store.build().await.expect("the server is good"))
        };
        Self {
            one: store().await,
            other: store().await,
            redis,
        }
    }
}

#[async_trait]
impl Harness for Server {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.one) as Arc<dyn Store>
    }

    fn other_node(&self) -> Arc<dyn Store> {
        Arc::clone(&self.other) as Arc<dyn Store>
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.redis.clock())
    }

    async fn advance(&self, by: Duration) {
        self.settle().await;
        self.redis.advance(by);
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

fn run(case: Case) {
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("the operating system gives threads");
    runtime.block_on(async { case.run(Server::start().await).await });
}

auth_core::contract_suite!(run);
