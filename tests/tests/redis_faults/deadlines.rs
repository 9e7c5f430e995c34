//! Deadlines of any length, and what a failure of one kind does to calls of another.

use std::time::Duration;

use auth_core::{LoginId, Verdict, revocation::Query, store::Revocations as _};
use auth_revocation_redis::{ConfigErrorKind, Freshness, RedisStore};
use auth_tests::{Line, Proxy, Redis};

use crate::model::{READ, WRITE, eventually, in_time};

const REALM: &str = "faults";

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_deadlines_there_are() {
    let redis = Redis::start(&[]);
    for freshness in [Freshness::Always, Freshness::Within(Duration::MAX)] {
        let builder = RedisStore::builder(redis.url()).realm(REALM);
        let builder = builder.read_deadline(Duration::MAX);
        let builder = builder.write_deadline(Duration::MAX).freshness(freshness);
        let store = builder.build().await.expect("the server is good");
        let epoch = store.epoch("alice").await.expect("it is there");
        let query = Query::own(REALM, "alice", &LoginId::random(), epoch.version());
        assert_eq!(store.verdict(&query).await, Verdict::Active);
        store.revoke_subject("alice").await.expect("it is there");
        assert_eq!(store.verdict(&query).await, Verdict::Revoked);
        store.revoke_all().await.expect("it is there");
        store.health().await.expect("it is there");
        if freshness != Freshness::Always {
            let epoch = store.epoch("bob").await.expect("it is there");
            let query = Query::own(REALM, "bob", &LoginId::random(), epoch.version());
            eventually("the copy answers", async || {
                store.verdict_now(&query) == Some(Verdict::Active)
            })
            .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_of_zero_is_refused() {
    let redis = Redis::start(&[]);
    let builder = || RedisStore::builder(redis.url());
    let rows = [
        ("of reads", builder().read_deadline(Duration::ZERO)),
        ("of writes", builder().write_deadline(Duration::ZERO)),
    ];
    for (row, builder) in rows {
        let kind = builder.build().await.map_err(|error| error.kind());
        assert_eq!(kind.err(), Some(ConfigErrorKind::Deadline), "{row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loss_is_noticed_also_where_reads_are_never_in_time() {
    let redis = Redis::start(&[]);
    let proxy = Proxy::to(redis.address());
    let slow = RedisStore::builder(proxy.url()).realm(REALM);
    let slow = slow.read_deadline(Duration::from_millis(5));
    let slow = slow.build().await.expect("the server is good");
    // Nobody asks it anything.
    proxy.set(Line::Slow(Duration::from_millis(50)));
    redis.cli(&["FLUSHALL"]);
    proxy.cut();
    eventually("the lanes are raised", async || {
        redis.cli(&["DBSIZE"]) == "1024"
    })
    .await;
    drop(slow);
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_that_are_never_in_time_keep_no_revocation_out_for_ever() {
    let redis = Redis::start(&[]);
    let proxy = Proxy::to(redis.address());
    let builder = RedisStore::builder(proxy.url()).realm(REALM);
    let builder = builder.read_deadline(Duration::from_millis(5));
    let store = builder.build().await.expect("the server is good");
    proxy.set(Line::Slow(Duration::from_millis(50)));
    let query = Query::own(REALM, "alice", &LoginId::random(), 0);
    for _ in 0..50 {
        let verdict = in_time("a verdict", READ, store.verdict(&query)).await;
        assert_ne!(verdict, Verdict::Active);
    }
    eventually("a revocation works", async || {
        store.revoke_subject("alice").await.is_ok()
    })
    .await;
}

/// Only they ask that.
fn id_of_the_one_for_revocations(redis: &Redis) -> Option<String> {
    let clients = redis.cli(&["CLIENT", "LIST"]);
    let revoking = clients.lines().find(|line| line.contains("cmd=info"))?;
    let id = revoking.split(' ').find_map(|it| it.strip_prefix("id="));
    id.map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread")]
async fn revocations_without_a_connection_keep_no_reads_out() {
    let redis = Redis::start(&[]);
    let proxy = Proxy::to(redis.address());
    let builder = RedisStore::builder(proxy.url()).realm(REALM).pool_size(1);
    let store = builder.build().await.expect("the server is good");
    let epoch = store.epoch("alice").await.expect("it is there");
    let query = Query::own(REALM, "alice", &LoginId::random(), epoch.version());
    store.revoke_subject("bob").await.expect("it is there");
    let id = id_of_the_one_for_revocations(&redis).expect("it is there");
    proxy.set(Line::Refuse);
    redis.cli(&["CLIENT", "KILL", "ID", &id]);
    eventually("it is gone", async || proxy.connections() == 1).await;
    for n in 0..10 {
        let done = in_time("a revocation", WRITE, store.revoke_subject("bob")).await;
        assert!(done.is_err(), "there is no connection for it");
        if n > 5 {
            let verdict = in_time("a verdict", READ, store.verdict(&query)).await;
            assert_eq!(verdict, Verdict::Active, "after {n}");
        }
    }
    proxy.set(Line::Pass);
    eventually("a revocation works", async || {
        store.revoke_subject("alice").await.is_ok()
    })
    .await;
    assert_eq!(store.verdict(&query).await, Verdict::Revoked);
}
