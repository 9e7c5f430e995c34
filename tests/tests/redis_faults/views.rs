//! What the nodes of a cluster say of it is not always so, and not always the same.

use std::time::Duration;

use auth_core::{Verdict, revocation::Lane, store::Revocations as _};
use auth_tests::{RedisCluster, logins::Session};

use crate::model::{Model, READ, WRITE, eventually, in_time, node};

/// The master that is asked first.
fn first(cluster: &RedisCluster) -> usize {
    let first = (0..3).min_by_key(|&n| cluster.nodes[n].port());
    first.expect("there are three")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_cut_off_from_the_others_is_not_believed() {
    let cluster = RedisCluster::start(&[]);
    let nodes = vec![node(&cluster.url()).await, node(&cluster.url()).await];
    let mut model = Box::pin(Model::new(nodes)).await;
    Box::pin(model.settle()).await;

    // It listens to nobody any more, and its replica takes its place without asking.
    let lost = first(&cluster);
    let replica = cluster.replica_of(lost);
    let ids: Vec<String> = (0..cluster.nodes.len()).map(|n| cluster.id(n)).collect();
    for (n, id) in ids.iter().enumerate() {
        if n != lost {
            cluster.nodes[lost].cli(&["CLUSTER", "FORGET", id]);
        }
    }
    cluster.nodes[replica].cli(&["CLUSTER", "FAILOVER", "TAKEOVER"]);
    for n in (0..cluster.nodes.len()).filter(|&n| n != lost) {
        eventually("the others know of it", async || {
            let view = cluster.nodes[n].cli(&["CLUSTER", "NODES"]);
            let mut lines = view.lines();
            let its = lines.find(|line| line.starts_with(&ids[replica]));
            // Its slots come last.
            its.and_then(|line| line.split(' ').next_back()?.split_once('-'))
                .is_some()
        })
        .await;
    }

    for _ in 0..3 {
        let answers = Box::pin(model.settle()).await;
        assert_eq!(answers.refused, 0);
    }
    for n in 0..2 {
        for subject in ["one", "two", "three", "four", "five", "six"] {
            eventually("a login works", async || {
                model.log_in(n, subject).await.is_ok()
            })
            .await;
        }
    }
    // And for who comes now.
    model.nodes.push(node(&cluster.url()).await);
    Box::pin(model.settle()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_serves_a_slot_a_revocation_is_refused_here_all_the_same() {
    let cluster = RedisCluster::start(&["--cluster-require-full-coverage", "no"]);
    let store = node(&cluster.url()).await;
    let mut sessions = Vec::new();
    for _ in 0..20 {
        let session = Session::log_in(&*store, "victim").await;
        sessions.push(session.expect("the servers are good"));
    }
    let slot = Lane::of(store.realm(), "victim").index() * 16;
    for node in &cluster.nodes {
        let is_master = node.cli(&["ROLE"]).starts_with("master");
        if is_master {
            node.cli(&["CLUSTER", "DELSLOTS", &slot.to_string()]);
        }
    }
    for session in sessions {
        // From some time on it knows that nobody is to be asked.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let ended = store.end_login("victim", session.login);
        let ended = in_time("a revocation", WRITE, ended).await;
        assert!(ended.is_err(), "nobody has it");
        let query = session.query(&*store);
        let verdict = in_time("a verdict", READ, store.verdict(&query)).await;
        assert_eq!(verdict, Verdict::Revoked);
    }
}
