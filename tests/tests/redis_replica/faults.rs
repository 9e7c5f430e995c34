//! Connections, servers and masters that go away.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_active_from_the_copy_once_the_bound_has_passed() {
    let redis = Redis::start(&[]);
    let proxy = Proxy::to(redis.address());
    let within = Duration::from_millis(400);
    let here = node(&redis.url(), Freshness::Always).await;
    let there = node(&proxy.url(), Freshness::Within(within)).await;
    for line in [Line::Stall, Line::StallReplies, Line::Refuse] {
        let (query, denied) = (token(&here, "a").await, token(&here, "b").await);
        answers(&there, &query, Verdict::Active).await;
        answers(&there, &denied, Verdict::Active).await;
        proxy.set(line);
        if line == Line::Refuse {
            proxy.cut();
        }
        here.revoke_subject("alice").await.expect("it is");
        let revoked = Instant::now();
        eventually("the copy is too old", || {
            let late = revoked.elapsed() >= within;
            let now = there.verdict_now(&query);
            assert!(!late || now != Some(Verdict::Active), "{line:?}");
            now.is_none()
        })
        .await;
        // What the copy knows to be revoked stays so, and for outages there is its age.
        let stale = |at_most| there.verdict_stale(&query, at_most);
        assert_eq!(stale(LONG), Some(Verdict::Active), "{line:?}");
        assert_eq!(stale(Duration::ZERO), None, "{line:?}");
        proxy.set(Line::Pass);
        answers(&there, &query, Verdict::Revoked).await;
        assert_eq!(stale(Duration::ZERO), Some(Verdict::Revoked), "{line:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loss_of_only_the_tracking_connection_is_made_good() {
    let redis = Redis::start(&[]);
    let (one, other) = (
        node(&redis.url(), Freshness::Always).await,
        node(&redis.url(), Freshness::Within(LONG)).await,
    );
    for round in 0..5 {
        let jti = round.to_string();
        let query = token(&one, &jti).await;
        answers(&other, &query, Verdict::Active).await;
        let tracking = redis.tracking();
        assert_eq!(tracking.len(), 1, "one connection tracks");
        redis.cli(&["CLIENT", "KILL", "ID", &tracking[0]]);
        deny(&one, &jti).await;
        answers(&other, &query, Verdict::Revoked).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_has_lost_everything_un_revokes_nothing() {
    let mut redis = Redis::start(&[]);
    let store = node(&redis.url(), Freshness::Within(Duration::from_secs(2))).await;
    for restarts in [false, true] {
        let (denied, old) = (token(&store, "denied").await, token(&store, "old").await);
        let bob = Query {
            place: Place::of(REALM, "bob"),
            ..old
        };
        deny(&store, "denied").await;
        answers(&store, &old, Verdict::Active).await;
        if restarts {
            redis.kill();
            redis.restart();
        } else {
            redis.cli(&["FLUSHALL"]);
        }
        // Nobody asks: the beats notice it, and what was there before is refused.
        eventually("what was before is refused", || {
            let now = store.verdict_now(&denied);
            assert_ne!(now, Some(Verdict::Active));
            store.verdict_now(&old) == Some(Verdict::Revoked)
                && store.verdict_now(&bob) != Some(Verdict::Active)
        })
        .await;
        let new = token(&store, "new").await;
        answers(&store, &new, Verdict::Active).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_followed_through_a_failover_and_a_migration() {
    let mut cluster = RedisCluster::start(&[]);
    let (one, other) = (
        node(&cluster.url(), Freshness::Always).await,
        node(&cluster.url(), Freshness::Within(LONG)).await,
    );
    let query = token(&one, "before").await;
    answers(&other, &query, Verdict::Active).await;
    let slot = Place::of(REALM, "alice").lane.index() * 16;
    type Step = fn(&mut RedisCluster, u16);
    let steps: [(&str, Step); 2] = [
        ("handed over", |cluster, slot| {
            let master = cluster.master_of(slot);
            cluster.hand_over(master);
        }),
        ("moved", |cluster, slot| {
            let old = cluster.master_of(slot);
            let new = cluster.add_master();
            let migration = cluster.migrate(vec![slot], old, new);
            migration.move_keys(&migration.keys());
            migration.finish();
        }),
    ];
    for (step, run) in steps {
        run(&mut cluster, slot);
        let query = token(&one, step).await;
        answers(&other, &query, Verdict::Active).await;
        deny(&one, step).await;
        answers(&other, &query, Verdict::Revoked).await;
    }
}
