//! A master under sentinels dies, hands over, and comes back.

use std::sync::Arc;

use auth_core::{Verdict, store::Revocations as _};
use auth_tests::{RedisSentinels, logins::Session};

use crate::model::{Model, READ, WRITE, eventually, in_time, node, patient_node};

/// Everything works, on both nodes.
async fn works(model: &mut Model) {
    let answers = Box::pin(model.settle()).await;
    assert_eq!(answers.refused, 0);
    for n in 0..model.nodes.len() {
        eventually("a login works", async || {
            model.log_in(n, "alice").await.is_ok()
        })
        .await;
        for token in 0..model.tokens.len() {
            eventually("a refresh works", async || model.refresh(n, token).await).await;
        }
        let held = model.sessions.swap_remove(0);
        eventually("a revocation works", async || {
            model.end(n, &held.session).await
        })
        .await;
    }
    Box::pin(model.settle()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_dies_and_another_takes_its_place() {
    let mut sentinels = RedisSentinels::start(&[]);
    let nodes = vec![node(&sentinels.url()).await, node(&sentinels.url()).await];
    let mut model = Box::pin(Model::new(nodes)).await;
    Box::pin(model.settle()).await;
    let old = sentinels.master();
    sentinels.servers[old].kill();
    for n in 0..2 {
        let answers = Box::pin(model.ask(n)).await;
        assert_eq!(answers.good, 0, "{answers:?}");
    }
    sentinels.wait_for_another_than(old);
    Box::pin(works(&mut model)).await;
    // The old one comes back empty, as a master at first.
    sentinels.servers[old].restart();
    Box::pin(works(&mut model)).await;
    sentinels.wait();
    Box::pin(works(&mut model)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_hands_over_and_goes_on_as_a_replica() {
    let sentinels = RedisSentinels::start(&[]);
    let nodes = vec![node(&sentinels.url()).await, node(&sentinels.url()).await];
    let mut model = Box::pin(Model::new(nodes)).await;
    for _ in 0..2 {
        sentinels.hand_over();
        // For a while there are two masters, and each has a replica: what is acknowledged by the one
        // that has to go will be lost, and is noticed then by who saw it.
        let mut meanwhile = Vec::new();
        for n in 0..2 {
            let held = model.sessions.swap_remove(0);
            eventually("a revocation works", async || {
                let ended = model.nodes[n].end_login(&held.session.subject, held.session.login);
                in_time("a revocation", WRITE, ended).await.is_ok()
            })
            .await;
            meanwhile.push(held.session);
        }
        sentinels.wait();
        for session in &meanwhile {
            for store in &model.nodes {
                let query = session.query(&**store);
                eventually("it is in force", async || {
                    let verdict = in_time("a verdict", READ, store.verdict(&query)).await;
                    verdict == Verdict::Revoked
                })
                .await;
            }
            model.bury(
                "a login that was ended while there were two masters",
                session,
            );
        }
        // Others in its lane were refused with it.
        model.start_over();
        Box::pin(model.log_in_some()).await;
        Box::pin(works(&mut model)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_hangs_is_replaced_and_no_master_when_it_goes_on() {
    let sentinels = RedisSentinels::start(&[]);
    let nodes = vec![node(&sentinels.url()).await, node(&sentinels.url()).await];
    let mut model = Box::pin(Model::new(nodes)).await;
    Box::pin(model.settle()).await;
    let old = sentinels.master();
    sentinels.servers[old].signal("STOP");
    sentinels.wait_for_another_than(old);
    Box::pin(works(&mut model)).await;
    // It takes itself for the master still, and knows nothing of what was revoked.
    sentinels.servers[old].signal("CONT");
    for _ in 0..20 {
        for n in 0..2 {
            Box::pin(model.ask(n)).await;
        }
    }
    Box::pin(works(&mut model)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_that_no_replica_has_is_not_acknowledged() {
    let sentinels = RedisSentinels::start(&[]);
    let one = node(&sentinels.url()).await;
    let other = patient_node(&sentinels.url()).await;
    let mut model = Box::pin(Model::new(vec![one, other])).await;
    let store = Arc::clone(&model.nodes[0]);
    let victim = Session::log_in(&*store, "victim").await;
    let victim = victim.expect("the servers are good");
    for n in 1..3 {
        sentinels.servers[n].signal("STOP");
    }
    assert!(!model.end(0, &victim).await, "no replica has it");
    for n in 1..3 {
        sentinels.servers[n].signal("CONT");
    }
    eventually("a replica has it", async || model.end(0, &victim).await).await;
    let query = victim.query(&*store);
    for store in &model.nodes {
        let verdict = in_time("a verdict", READ, store.verdict(&query)).await;
        assert_eq!(verdict, Verdict::Revoked);
    }
}
