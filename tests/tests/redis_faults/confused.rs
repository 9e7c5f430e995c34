//! Nodes of a cluster that say nothing, or something else than the others.

use std::{sync::Arc, time::Duration};

use auth_core::{
    LoginId, Verdict,
    revocation::{Place, Query},
    store::Revocations as _,
};
use auth_revocation_redis::{Freshness, RedisStore};
use auth_tests::{Line, Proxy, RedisCluster};

use crate::model::{READ, WRITE, eventually, in_time, node};

const REALM: &str = "faults";

fn slot(subject: &str) -> u16 {
    Place::of(REALM, subject).lane.index() * 16
}

async fn own(store: &RedisStore, subject: &str) -> Query {
    let mut epoch = None;
    eventually("it is there", async || {
        epoch = store.epoch(subject).await.ok();
        epoch.is_some()
    })
    .await;
    let version = epoch.expect("it was there").version();
    Query::own(REALM, subject, &LoginId::random(), version)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_node_that_hangs_keeps_no_store_from_being_built() {
    let cluster = RedisCluster::start(&[]);
    let hangs = Proxy::to(cluster.nodes[0].address());
    hangs.set(Line::Stall);
    let (first, second) = (hangs.address(), cluster.nodes[1].address());
    let builder = RedisStore::builder(format!("redis-cluster://{first}?node={second}"));
    let store = builder.build().await.expect("the cluster is good");
    store.revoke_subject("alice").await.expect("it is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_that_name_each_other_are_not_asked_for_ever() {
    let cluster = RedisCluster::start(&[]);
    let direct = node(&cluster.url()).await;
    let builder = RedisStore::builder(cluster.url()).realm(REALM);
    let builder = builder.freshness(Freshness::Within(Duration::from_secs(1)));
    let copying = Arc::new(builder.build().await.expect("the cluster is good"));
    let lost = slot("alice");
    let one = cluster.master_of(lost);
    let other = (0..3).find(|&n| n != one).expect("there are three");
    let mut subjects = (0..).map(|n: u32| n.to_string());
    let bob = subjects.find(|bob| ![one, other].contains(&cluster.master_of(slot(bob))));
    let bob = bob.expect("the third serves some");
    let (bobs, alices) = (own(&direct, &bob).await, own(&direct, "alice").await);
    assert_eq!(direct.verdict(&alices).await, Verdict::Active);

    let (here, there) = (&cluster.nodes[one], &cluster.nodes[other]);
    let (number, id) = (lost.to_string(), cluster.id(other));
    let becomes_its = ["CLUSTER", "SETSLOT", &number, "NODE", &id];
    // It keeps a slot as long as it has keys of it, and a store makes the lane anew at once.
    while here.try_cli(&becomes_its).is_err() {
        let keys = here.cli(&["CLUSTER", "GETKEYSINSLOT", &number, "1000"]);
        let words: Vec<&str> = ["DEL"].into_iter().chain(keys.lines()).collect();
        here.cli(&words);
    }
    for store in [&direct, &copying] {
        for _ in 0..10 {
            let verdict = in_time("a verdict", READ, store.verdict(&alices)).await;
            // One of them may have seen that the keys are gone.
            assert_ne!(verdict, Verdict::Active);
            let asked = in_time("an epoch", READ, store.epoch("alice")).await;
            assert!(asked.is_err(), "nobody has the slot");
        }
        for _ in 0..2 {
            let revoked = store.revoke_subject("alice");
            let revoked = in_time("a revocation", WRITE, revoked).await;
            assert!(revoked.is_err(), "nobody has the slot");
            // Of the others nobody is concerned.
            assert_eq!(store.verdict(&bobs).await, Verdict::Active);
        }
    }

    there.cli(&becomes_its);
    for store in [&direct, &copying] {
        let new = own(store, "alice").await;
        eventually("all is well again", async || {
            assert_ne!(store.verdict(&new).await, Verdict::Revoked);
            store.verdict(&new).await == Verdict::Active
        })
        .await;
        // Its keys are gone: what is older is refused.
        assert_ne!(store.verdict(&alices).await, Verdict::Active);
    }
    let new = own(&direct, "alice").await;
    eventually("the copy answers", async || {
        copying.verdict_now(&new) == Some(Verdict::Active)
    })
    .await;
    direct.revoke_subject("alice").await.expect("it is there");
    eventually("it is told", async || {
        copying.verdict_now(&new) == Some(Verdict::Revoked)
    })
    .await;
}
