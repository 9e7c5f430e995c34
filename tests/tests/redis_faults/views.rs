//! What the nodes of a cluster say of it is not always so, and not always the same.

use std::{fs, time::Duration};

use auth_core::{Verdict, revocation::Lane, store::Revocations as _};
use auth_tests::{RedisCluster, logins::Session};

use crate::model::{Model, READ, WRITE, eventually, in_time, node};

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_cut_off_from_the_others_is_not_believed() {
    let mut cluster = RedisCluster::start(&[]);
    let nodes = vec![node(&cluster.url()).await, node(&cluster.url()).await];
    let mut model = Box::pin(Model::new(nodes)).await;
    Box::pin(model.settle()).await;

    // It comes back with an old view, and knows none of the others any more by the names they have.
    let ids: Vec<String> = (1..cluster.nodes.len()).map(|n| cluster.id(n)).collect();
    cluster.fail_over(0);
    let file = cluster.nodes[0].folder().join("nodes.conf");
    let mut view = fs::read_to_string(&file).expect("it wrote it down");
    for id in ids {
        view = view.replace(&id, &id.chars().rev().collect::<String>());
    }
    fs::write(&file, view).expect("it is ours");
    cluster.nodes[0].restart();
    let its = cluster.nodes[0].cli(&["CLUSTER", "SLOTS"]);
    let own = cluster.nodes[0].port().to_string();
    assert!(its.contains(&own), "it takes itself for a master: {its}");

    let answers = Box::pin(model.settle()).await;
    assert_eq!(answers.refused, 0);
    // For who comes now it is one of three, and the first that is asked.
    let [first, second, third] = [0, 1, 2].map(|n| cluster.nodes[n].address());
    let url = format!("redis-cluster://{first}?node={second}&node={third}");
    for _ in 0..12 {
        let new = node(&url).await;
        model.nodes.truncate(2);
        model.nodes.push(new);
    }
    let answers = Box::pin(model.settle()).await;
    assert_eq!(answers.refused, 0);
    for n in 0..model.nodes.len() {
        for subject in ["one", "two", "three", "four", "five", "six"] {
            eventually("a login works", async || {
                model.log_in(n, subject).await.is_ok()
            })
            .await;
        }
    }
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
