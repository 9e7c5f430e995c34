//! Nodes of a cluster die, hand over to each other, and new ones come.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use auth_core::{
    Verdict,
    revocation::Lane,
    store::{Revocations as _, Sessions as _},
};
use auth_revocation_redis::RedisStore;
use auth_tests::{Redis, RedisCluster, logins::Session};

use crate::{
    load::{Calls, Load},
    model::{Model, READ, WRITE, eventually, in_time, node, patient_node},
};

/// Where each lane of the cluster stands: its id and its epoch.
fn lanes(cluster: &RedisCluster) -> Vec<String> {
    let script = "
        local all = {}
        for _, key in ipairs(redis.call('KEYS', 'auth:v:*')) do
            local stands = redis.call('HMGET', key, 'id', 'e')
            table.insert(all, key .. ' ' .. (stands[1] or '-') .. ' ' .. (stands[2] or '-'))
        end
        return all";
    let masters = cluster.nodes.iter().filter(|node| {
        let role = node.is_running().then(|| node.cli(&["ROLE"]));
        role.is_some_and(|role| role.starts_with("master"))
    });
    let lines = |node: &Redis| node.cli(&["EVAL", script, "0"]);
    let mut lanes: Vec<String> = masters
        .map(lines)
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| !line.is_empty())
        .collect();
    lanes.sort();
    lanes
}

async fn model(cluster: &RedisCluster) -> Model {
    let nodes = vec![node(&cluster.url()).await, node(&cluster.url()).await];
    let model = Box::pin(Model::new(nodes)).await;
    Box::pin(model.settle()).await;
    model
}

/// All is as it was, and everything works, on all lanes.
async fn works(model: &mut Model) {
    let answers = Box::pin(model.settle()).await;
    assert_eq!(answers.refused, 0);
    for n in 0..model.nodes.len() {
        for subject in ["one", "two", "three", "four", "five", "six"] {
            eventually("a login works", async || {
                model.log_in(n, subject).await.is_ok()
            })
            .await;
        }
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
async fn a_master_dies_and_its_replica_takes_its_place() {
    let mut cluster = RedisCluster::start(&[]);
    let mut model = model(&cluster).await;
    let before = lanes(&cluster);
    for master in 0..2 {
        let replica = cluster.replica_of(master);
        cluster.nodes[master].kill();
        // The lanes of others work all the while; nothing is refused, and nothing let in.
        for node in 0..2 {
            Box::pin(model.ask(node)).await;
        }
        cluster.wait_until_master(replica);
        Box::pin(works(&mut model)).await;
        cluster.nodes[master].restart();
        cluster.wait();
    }
    Box::pin(works(&mut model)).await;
    assert_eq!(lanes(&cluster), before, "nothing was lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_the_slots_is_served_by_nobody() {
    let mut cluster = RedisCluster::start(Redis::APPEND_ONLY);
    let mut model = model(&cluster).await;
    let (master, replica) = (1, cluster.replica_of(1));
    // The master last: its replica, which is gone, can not take its place.
    cluster.nodes[replica].kill();
    cluster.nodes[master].kill();
    let is_down = |node: &Redis| {
        node.cli(&["CLUSTER", "INFO"])
            .contains("cluster_state:fail")
    };
    eventually("the cluster is down", async || {
        is_down(&cluster.nodes[0]) && is_down(&cluster.nodes[2])
    })
    .await;
    for _ in 0..3 {
        for n in 0..2 {
            let answers = Box::pin(model.ask(n)).await;
            assert_eq!(answers.good, 0, "{answers:?}");
        }
    }
    assert!(model.log_in(0, "alice").await.is_err());
    assert!(!model.refresh(0, 0).await);
    cluster.nodes[master].restart();
    cluster.nodes[replica].restart();
    cluster.wait();
    Box::pin(works(&mut model)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_hands_over_while_the_service_is_at_work() {
    let cluster = RedisCluster::start(&[]);
    let nodes = [
        patient_node(&cluster.url()).await,
        patient_node(&cluster.url()).await,
    ];
    let before = lanes(&cluster);
    // Who asks a master that is just handing over gets no answer: that is not known to the other.
    let load = Load::begin(&nodes, Calls::MayFail);
    load.goes_on().await;
    for master in 0..3 {
        cluster.hand_over(master);
        load.goes_on().await;
    }
    load.end().await;
    assert_eq!(lanes(&cluster), before, "nothing was lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_move_to_a_new_master_while_the_service_is_at_work() {
    let mut cluster = RedisCluster::start(&[]);
    let nodes = [
        patient_node(&cluster.url()).await,
        patient_node(&cluster.url()).await,
    ];
    let before = lanes(&cluster);
    assert_eq!(before.len(), usize::from(auth_core::revocation::LANES));
    let load = Load::begin(&nodes, Calls::Succeed);
    load.goes_on().await;
    let new = cluster.add_master();
    // Lane i is in slot 16 i: a quarter of the first master's lanes, some at a time.
    let slots: Vec<u16> = (0..84).map(|lane| 16 * lane).collect();
    for some in slots.chunks(42) {
        let migration = cluster.migrate(some.to_vec(), 0, new);
        load.goes_on().await;
        // Half of the keys are here and half there, of the same slots, too.
        let keys = migration.keys();
        let (now, _) = keys.split_at(keys.len() / 2);
        migration.move_keys(now);
        migration.finish();
        load.goes_on().await;
    }
    load.end().await;
    cluster.wait();
    assert_eq!(lanes(&cluster), before, "it raised no alarm");
    assert_eq!(cluster.master_of(0), new);
}

/// The session of a login whose lane is served by the node `n`.
async fn session_at(cluster: &RedisCluster, store: &RedisStore, n: usize) -> Session {
    loop {
        let subject = format!("subject-{}", u128::from_le_bytes(auth_core::random_bytes()));
        let slot = Lane::of(store.realm(), &subject).index() * 16;
        if cluster.master_of(slot) == n {
            let session = Session::log_in(store, &subject).await;
            return session.expect("the cluster is good");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_stays_half_moved() {
    let mut cluster = RedisCluster::start(&[]);
    let stores = [
        patient_node(&cluster.url()).await,
        patient_node(&cluster.url()).await,
    ];
    let session = session_at(&cluster, &stores[0], 0).await;
    let lane = Lane::of(stores[0].realm(), &session.subject);
    let slot = lane.index() * 16;
    let new = cluster.add_master();
    let before = lanes(&cluster);
    let migration = cluster.migrate(vec![slot], 0, new);
    let keys = migration.keys();
    // Nothing has moved, then the lane only.
    let lane_key = keys.iter().filter(|key| key.contains(":v:"));
    let lane_key: Vec<String> = lane_key.cloned().collect();
    assert_eq!(lane_key.len(), 1, "{keys:?}");
    for moved in [Vec::new(), lane_key.clone()] {
        migration.move_keys(&moved);
        for store in &stores {
            let verdict = store.verdict(&session.query(&**store)).await;
            assert_eq!(verdict, Verdict::Active, "with {moved:?} moved");
            let load = store.load(&session.key).await;
            assert!(load.is_ok(), "with {moved:?} moved: {load:?}");
        }
    }
    // A write names several keys, some of which may not be there yet: it waits until the slot has
    // moved as a whole.
    let waiting = {
        let (store, session) = (Arc::clone(&stores[1]), session.clone());
        tokio::spawn(async move {
            let ended = store.end_login(&session.subject, session.login).await;
            ended.expect("it has waited");
            Session::log_in(&*store, &session.subject).await
        })
    };
    migration.finish();
    let later = in_time("a login", Duration::from_secs(30), waiting).await;
    let later = later.expect("no panic").expect("it works");
    for store in &stores {
        let query = session.query(&**store);
        assert_eq!(store.verdict(&query).await, Verdict::Revoked);
        let query = later.query(&**store);
        assert_eq!(store.verdict(&query).await, Verdict::Active);
    }
    assert_eq!(lanes(&cluster), before, "it raised no alarm");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_missed_a_revocation_takes_its_masters_place() {
    let mut cluster = RedisCluster::start(Redis::APPEND_ONLY);
    let mut model = model(&cluster).await;
    let store = Arc::clone(&model.nodes[0]);
    let victim = session_at(&cluster, &store, 0).await;
    let other = session_at(&cluster, &store, 1).await;
    // It is not there when the login is ended, and its master is not there when it comes back.
    let replica = cluster.replica_of(0);
    cluster.nodes[replica].kill();
    let alone = |master: &Redis| {
        master
            .cli(&["INFO", "replication"])
            .contains("connected_slaves:0")
    };
    eventually("the master is alone", async || alone(&cluster.nodes[0])).await;
    assert!(model.end(0, &victim).await, "it is acknowledged");
    model.dead.pop();
    cluster.nodes[0].kill();
    cluster.nodes[replica].restart();
    cluster.wait_until_master(replica);

    let is = async |n: usize, session: &Session, expected: Verdict| {
        let store = &model.nodes[n];
        let query = session.query(&**store);
        in_time("a verdict", READ, store.verdict(&query)).await == expected
    };
    // Nobody asks the node that saw it.
    eventually("it is in force again", async || {
        is(1, &victim, Verdict::Revoked).await
    })
    .await;
    for n in [1, 0] {
        eventually("the other lanes know nothing of it", async || {
            is(n, &other, Verdict::Active).await
        })
        .await;
    }
    let until = Instant::now() + WRITE * 10;
    while model.log_in(1, &victim.subject).await.is_err() {
        assert!(Instant::now() < until, "a login works");
    }
    Box::pin(works(&mut model)).await;
}
