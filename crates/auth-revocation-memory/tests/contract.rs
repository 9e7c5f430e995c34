//! The contract suite, on the memory store: once with a janitor that comes by whenever time passes,
//! to prove that it takes nothing too much, and once without, to prove that nothing rests on it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use auth_core::{
    Clock, ManualClock, Timestamp,
    contract::{BoxFuture, Case, Harness},
    store::Store,
};
use auth_revocation_memory::MemoryStore;
use tokio::{runtime, task::JoinSet};

struct Memory {
    store: Arc<MemoryStore>,
    clock: ManualClock,
    is_swept: bool,
}

impl Memory {
    fn new(is_swept: bool) -> Self {
        let clock = ManualClock::new(Timestamp::from_secs(1_800_000_000));
        let store = MemoryStore::builder().clock(clock.clone()).realm("suite");
        Self {
            store: Arc::new(store.build().expect("the settings are good")),
            clock,
            is_swept,
        }
    }
}

#[async_trait]
impl Harness for Memory {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as Arc<dyn Store>
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn advance(&self, by: Duration) {
        self.clock.advance(by);
        if self.is_swept {
            self.store.sweep();
        }
    }

    async fn settle(&self) {
        tokio::task::yield_now().await;
    }

    async fn in_parallel(&self, tasks: Vec<BoxFuture>) {
        let tasks: JoinSet<()> = tasks.into_iter().collect();
        tasks.join_all().await;
    }

    fn effort(&self) -> usize {
        20
    }
}

fn run(case: Case, is_swept: bool) {
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .build()
        .expect("the operating system gives threads");
    runtime.block_on(case.run(Memory::new(is_swept)));
}

mod swept {
    fn run(case: super::Case) {
        super::run(case, true);
    }

    auth_core::contract_suite!(run);
}

mod unswept {
    fn run(case: super::Case) {
        super::run(case, false);
    }

    auth_core::contract_suite!(run);
}
