//! The server has lost data, all of it or some.

use auth_tests::Redis;

use crate::fault::{After, Fault, Works};

const LOSS: Fault = Fault {
    options: &[],
    begin: |_| {},
    end: |_| {},
    reads: Works::No,
    writes: Works::No,
    after: After::LostThen,
    garbles: false,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_back_empty() {
    let fault = Fault {
        begin: |servers| servers.redis.kill(),
        end: |servers| servers.redis.restart(),
        ..LOSS
    };
    fault.drive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_comes_back_empty_under_its_replica() {
    let primary = Redis::start(&[]);
    let port = primary.port().to_string();
    let replica = Redis::start(&["--replicaof", "127.0.0.1", &port]);
    while !primary
        .cli(&["INFO", "replication"])
        .contains("state=online")
    {}
    let fault = Fault {
        begin: |servers| servers.redis.kill(),
        end: |servers| servers.redis.restart(),
        ..LOSS
    };
    fault.drive_on(primary).await;
    drop(replica);
}

#[tokio::test(flavor = "multi_thread")]
async fn flushall() {
    let fault = Fault {
        begin: |servers| servers.cli(&["FLUSHALL"]),
        reads: Works::Perhaps,
        writes: Works::Yes,
        after: After::LostAtOnce,
        ..LOSS
    };
    fault.drive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_evicted_while_they_matter() {
    let fault = Fault {
        begin: |servers| {
            servers.set("maxmemory-policy", "allkeys-random");
            let info = servers.redis.cli(&["INFO", "memory"]);
            let used = info
                .lines()
                .find_map(|line| line.strip_prefix("used_memory:"));
            let used: u64 = used.and_then(|n| n.parse().ok()).expect("it says so");
            // Each lane and each record has about an even chance.
            let keys = servers.redis.cli(&["DBSIZE"]);
            servers.set("maxmemory", &(used - 100_000).to_string());
            let fill = "for n = 1, 2000 do redis.call('SET', 'fill' .. n, string.rep('x', 50)) end";
            servers.cli(&["EVAL", fill, "0"]);
            let evicted = servers.redis.cli(&["INFO", "stats"]);
            assert!(!evicted.contains("evicted_keys:0"), "of {keys}");
        },
        end: |servers| {
            servers.set("maxmemory-policy", "noeviction");
            servers.set("maxmemory", "0");
        },
        reads: Works::Perhaps,
        writes: Works::Perhaps,
        after: After::Doubtful,
        ..LOSS
    };
    fault.drive().await;
}
