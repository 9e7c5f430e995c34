//! Real Redis servers, alone, in clusters and under sentinels, and a line to them that breaks.

mod cluster;
mod migration;
mod port;
mod proxy;
mod sentinels;
mod server;

use std::{
    thread,
    time::{Duration, Instant},
};

pub use cluster::{Node, RedisCluster};
pub use migration::Migration;
pub(crate) use port::Port;
pub use proxy::{Broken, Line, Proxy};
pub use sentinels::RedisSentinels;
pub use server::Redis;

/// How long anything that servers do may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(40);
/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(20);

/// Looks until there is something to see.
#[track_caller]
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < until, "not within {PATIENCE:?}: {what}");
        thread::sleep(LOOK);
    }
}
