//! The contract suite, on real Redis servers whose clock the tests move: one, a cluster, and a
//! master under sentinels.

mod many;
mod nodes;
mod one;
mod replica;

use auth_core::contract::Case;
use auth_revocation_redis::Freshness;
use nodes::{Nodes, Servers};
use tokio::runtime;

/// Runs cases in turn on the same servers, each under a prefix of its own.
fn run<S: Servers>(start: impl FnOnce() -> S, cases: impl IntoIterator<Item = Case>) {
    run_with(Freshness::Always, start, cases);
}

/// The same, with such verdicts.
fn run_with<S: Servers>(
    freshness: Freshness,
    start: impl FnOnce() -> S,
    cases: impl IntoIterator<Item = Case>,
) {
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("the operating system gives threads");
    let servers = std::sync::Arc::new(start());
    for (n, case) in cases.into_iter().enumerate() {
        // Shown when it fails.
        println!("{}", case.name());
        runtime.block_on(async {
            let nodes = Nodes::join(servers.clone(), &format!("case{n}"), freshness).await;
            case.run(nodes).await;
        });
    }
}
