//! Nothing is left of what was given up half-way: no connection, no task, no turn, no permit.

use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll, time::Duration};

use auth_core::{
    LoginId, Verdict,
    revocation::{Op, Query},
    store::{Revocation, Revocations as _},
};
use auth_revocation_redis::{Freshness, RedisStore};
use auth_tests::{Line, Proxy, Redis};
use tokio::runtime::Handle;

use crate::model::{READ, WRITE, eventually, in_time, node, patient_node};

const REALM: &str = "faults";

async fn any(store: &RedisStore) -> Query {
    let epoch = store.epoch("alice").await.expect("the server is good");
    Query::own(REALM, "alice", &LoginId::random(), epoch.version())
}

/// Polls a future so often at most, each time that something has happened, and drops it.
async fn give_up_after<F: Future>(polls: usize, future: F) -> bool {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        let is_done = future.as_mut().poll(cx).is_ready();
        match is_done || left == 0 {
            true => Poll::Ready(is_done),
            false => Poll::Pending,
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_dropped_while_it_connects_leaves_no_connection() {
    let redis = Redis::start(&[]);
    let proxy = Proxy::to(redis.address());
    for freshness in [Freshness::Always, Freshness::Within(READ)] {
        let builder = RedisStore::builder(proxy.url()).freshness(freshness);
        let store = builder.build().await.expect("the server is good");
        proxy.set(Line::Stall);
        proxy.cut();
        eventually("it connects", async || proxy.connections() > 0).await;
        drop(store);
        proxy.set(Line::Pass);
        eventually("they are closed", async || proxy.connections() == 0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_is_given_up_leaves_nothing() {
    let redis = Redis::start(&[]);
    let before = Handle::current().metrics().num_alive_tasks();
    let mut polls = 0;
    loop {
        polls += 1;
        let builder = RedisStore::builder(redis.url()).freshness(Freshness::Within(READ));
        if give_up_after(polls, builder.build()).await {
            break;
        }
    }
    eventually("its tasks have ended", async || {
        Handle::current().metrics().num_alive_tasks() <= before
    })
    .await;
    eventually("its connections are closed", async || {
        redis.cli(&["CLIENT", "LIST"]).lines().count() == 1
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_stores_nothing_is_left() {
    let redis = Redis::start(&[]);
    let before = Handle::current().metrics().num_alive_tasks();
    for n in 0..100 {
        let freshness = match n % 2 {
            0 => Freshness::Always,
            _ => Freshness::Within(READ),
        };
        let builder = RedisStore::builder(redis.url()).freshness(freshness);
        drop(builder.build().await.expect("the server is good"));
    }
    eventually("their tasks have ended", async || {
        Handle::current().metrics().num_alive_tasks() <= before
    })
    .await;
    eventually("their connections are closed", async || {
        redis.cli(&["CLIENT", "LIST"]).lines().count() == 1
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_that_is_given_up_anywhere_holds_up_no_other() {
    let redis = Redis::start(&[]);
    let store = node(&redis.url()).await;
    let revocations = [
        Revocation::subject(REALM, "bob"),
        Revocation::login(REALM, "bob", LoginId::random()),
        Revocation::all(),
    ];
    for revocation in &revocations {
        for polls in 1..40 {
            if give_up_after(polls, store.revoke(Op::random(), revocation)).await {
                break;
            }
            let query = any(&store).await;
            let done = in_time("a revocation", WRITE, store.revoke_subject("alice")).await;
            assert_eq!(done, Ok(()), "after {polls} polls of {revocation:?}");
            assert_eq!(store.verdict(&query).await, Verdict::Revoked);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_that_is_given_up_while_it_waits_for_a_replica_took_place() {
    let redis = Redis::start(&[]);
    let port = redis.port().to_string();
    let replica = Redis::start(&["--replicaof", "127.0.0.1", &port]);
    eventually("the replica follows", async || {
        let info = redis.cli(&["INFO", "replication"]);
        info.contains("state=online")
    })
    .await;
    let nodes = [
        patient_node(&redis.url()).await,
        patient_node(&redis.url()).await,
    ];
    let query = any(&nodes[0]).await;
    replica.signal("STOP");
    let store = Arc::clone(&nodes[0]);
    let revoking = tokio::spawn(async move { store.revoke_subject("alice").await });
    eventually("it waits for the replica", async || {
        redis.cli(&["CLIENT", "LIST"]).contains("cmd=wait")
    })
    .await;
    revoking.abort();
    let given_up = revoking.await.is_err_and(|error| error.is_cancelled());
    assert!(given_up, "the replica has it");
    for store in &nodes {
        assert_eq!(store.verdict(&query).await, Verdict::Revoked);
    }
    replica.signal("CONT");
    let next = nodes[0].revoke_subject("bob");
    let next = in_time("the next one", Duration::from_secs(20), next).await;
    assert_eq!(next, Ok(()), "it has its turn, and its replica");
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_that_are_given_up_keep_nobody_from_asking() {
    let redis = Redis::start(&[]);
    let proxy = Proxy::to(redis.address());
    let builder = RedisStore::builder(proxy.url()).realm(REALM);
    let store = builder
        // Nothing is answered from the copy.
        .freshness(Freshness::Within(Duration::from_millis(100)))
        .read_deadline(Duration::from_secs(20));
    let store = Arc::new(store.build().await.expect("the server is good"));
    let query = any(&store).await;
    proxy.set(Line::StallReplies);
    let mut asking = Vec::new();
    for _ in 0..1_000 {
        let store = Arc::clone(&store);
        asking.push(tokio::spawn(async move {
            give_up_after(2, store.verdict(&query)).await
        }));
    }
    tokio::task::yield_now().await;
    asking.iter().for_each(|asking| asking.abort());
    proxy.set(Line::Pass);
    eventually("it is asked", async || {
        store.verdict(&query).await == Verdict::Active
    })
    .await;
}
