//! The server goes back to what it was a while ago: from an old dump, or because another takes its
//! place that had missed the last writes.

use auth_core::{Verdict, revocation::Lane, store::Revocations as _};
use auth_tests::{Proxy, Redis, logins::Session};

use crate::model::{Model, READ, eventually, in_time, node};

/// How the server loses its last writes.
#[derive(Clone, Copy, Debug)]
enum Loss {
    OldDump,
    ReplicaThatMissedIt,
}

/// Who is asked about it.
#[derive(Clone, Copy, Debug)]
enum Asked {
    /// First the node that saw the revocation, then the other.
    WhoSawIt,
    /// Only the other. (Until the first is connected again, nobody can know.)
    WhoDidNot,
}

/// A subject in the same lane as `subject`, and one that is not.
fn others(realm: &str, subject: &str) -> (String, String) {
    let lane = Lane::of(realm, subject);
    let mut names = (0..).map(|n| format!("other {n}"));
    let apart = names.find(|name| Lane::of(realm, name) != lane);
    let same = names.find(|name| Lane::of(realm, name) == lane);
    (same.expect("one in 1,024"), apart.expect("nearly any"))
}

async fn lose(loss: Loss, asked: Asked) {
    let mut redis = Redis::start(&[]);
    let proxy = Proxy::to(redis.address());
    let url = proxy.url();
    let mut model = Model::new(vec![node(&url).await, node(&url).await]).await;
    let store = model.nodes[0].clone();
    let (same, apart) = others(store.realm(), "grace");
    let good = "the server is good";
    let revoked = Session::log_in(&*store, "grace").await.expect(good);
    let neighbour = Session::log_in(&*store, &same).await.expect(good);
    let stranger = Session::log_in(&*store, &apart).await.expect(good);
    model.settle().await;

    let port = redis.port().to_string();
    let replica = Redis::start(&["--replicaof", "127.0.0.1", &port]);
    match loss {
        Loss::OldDump => {
            redis.cli(&["SAVE"]);
            replica.cli(&["REPLICAOF", "NO", "ONE"]);
        }
        Loss::ReplicaThatMissedIt => {
            let is_linked = || replica.cli(&["ROLE"]).contains("connected");
            while !is_linked() {}
            // The replica is on its own before the master knows.
            replica.cli(&["REPLICAOF", "NO", "ONE"]);
        }
    }
    while redis.cli(&["INFO", "replication"]).contains("slave0") {}
    let is_done = model.end(0, &revoked).await;
    // Asked about here one by one.
    model.dead.pop();
    assert!(is_done, "it is acknowledged");
    redis.kill();
    match loss {
        Loss::OldDump => redis.restart(),
        Loss::ReplicaThatMissedIt => proxy.lead_to(replica.address()),
    }

    let model_ref = &model;
    let is = async |n: usize, session: &Session, expected| {
        let store = &model_ref.nodes[n];
        let query = session.query(&**store);
        in_time("a verdict", READ, store.verdict(&query)).await == expected
    };
    if let Asked::WhoSawIt = asked {
        eventually("its lane is refused", async || {
            assert!(!is(0, &revoked, Verdict::Active).await);
            is(0, &neighbour, Verdict::Revoked).await
        })
        .await;
        // From here on the server itself knows.
        for _ in 0..3 {
            model.ask(1).await;
            assert!(!is(1, &revoked, Verdict::Active).await, "{loss:?}");
        }
    }
    for session in [&revoked, &neighbour] {
        eventually("it is refused where it was not seen", async || {
            is(1, session, Verdict::Revoked).await
        })
        .await;
    }
    for n in [0, 1] {
        eventually("the other lanes are let in", async || {
            is(n, &stranger, Verdict::Active).await
        })
        .await;
    }
    // Who logs in afterwards is let in, at both.
    for (n, subject) in [(0, "grace"), (1, &same)] {
        eventually("a login works", async || {
            model.log_in(n, subject).await.is_ok()
        })
        .await;
    }
    model.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_dump_is_noticed_by_who_saw_the_revocation() {
    lose(Loss::OldDump, Asked::WhoSawIt).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_dump_is_noticed_without_asking_who_saw_it() {
    lose(Loss::OldDump, Asked::WhoDidNot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_missed_it_is_noticed_by_who_saw_the_revocation() {
    lose(Loss::ReplicaThatMissedIt, Asked::WhoSawIt).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_missed_it_is_noticed_without_asking_who_saw_it() {
    lose(Loss::ReplicaThatMissedIt, Asked::WhoDidNot).await;
}
