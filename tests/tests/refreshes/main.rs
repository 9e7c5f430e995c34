//! 100,000 refreshes, replays, uses and revocations on each store, many at once, through two nodes, by issuers that
//! retry lost responses and by others that do not. No fork, no false theft; every late replay ends its login, and only
//! that.
//!
//! `AUTH_REFRESH_SEED` says what is done; in which order what is done at once happens, nobody does.

mod history;
mod run;
mod stores;
mod task;

use std::env;

use run::Run;
use stores::Stores;

/// On each store.
const STEPS: usize = 100_000;

fn hundred_thousand_steps(start: impl AsyncFnOnce() -> Stores) {
    let seed = match env::var("AUTH_REFRESH_SEED") {
        Ok(seed) => seed.parse().expect("a number"),
        Err(_) => u64::from_be_bytes(auth_core::random_bytes()),
    };
    println!("AUTH_REFRESH_SEED={seed}");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("threads");
    runtime.block_on(async {
        let mut run = Run::new(start().await, seed);
        while run.steps() < STEPS {
            run.round().await;
        }
        run.assert_that_everything_happened();
    });
}

#[test]
fn on_the_memory_store() {
    hundred_thousand_steps(async || Stores::memory());
}

#[test]
fn on_redis() {
    hundred_thousand_steps(Stores::redis);
}
