//! A server that is made the replica of one that it does not hear of, without a word to its clients.

use auth_core::{LoginId, Verdict, revocation::Query, store::Revocations as _};
use auth_tests::{Line, Proxy, Redis};

use crate::model::{READ, eventually, in_time, node};

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_refused_for_what_a_demoted_server_does_not_know() {
    let (old, new) = (Redis::start(&[]), Redis::start(&[]));
    let line = Proxy::to(new.address());
    let port = |redis: &Redis| redis.port().to_string();
    for round in 0..5 {
        old.cli(&["REPLICAOF", "NO", "ONE"]);
        let here = node(&old.url()).await;
        new.cli(&["REPLICAOF", "127.0.0.1", &port(&old)]);
        eventually("it has the same", async || {
            new.cli(&["INFO", "replication"])
                .contains("master_link_status:up")
        })
        .await;
        new.cli(&["REPLICAOF", "NO", "ONE"]);
        let there = node(&new.url()).await;
        let epoch = here.epoch("alice").await.expect("it is there");
        let before = Query::own("faults", "alice", &LoginId::random(), epoch.version());
        line.set(Line::Stall);
        let proxied = line.address().port().to_string();
        old.cli(&["REPLICAOF", "127.0.0.1", &proxied]);
        // A login after a revocation, at the new master.
        there.revoke_subject("alice").await.expect("it is there");
        let epoch = there.epoch("alice").await.expect("it is there");
        let query = Query::own("faults", "alice", &LoginId::random(), epoch.version());
        assert_eq!(there.verdict(&query).await, Verdict::Active);
        eventually("it is noticed", async || {
            let verdict = in_time("a verdict", READ, here.verdict(&query)).await;
            assert_ne!(verdict, Verdict::Revoked, "in round {round}");
            verdict == Verdict::Unknown && here.verdict(&before).await == Verdict::Unknown
        })
        .await;
        line.set(Line::Pass);
    }
}
