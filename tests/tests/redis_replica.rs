//! Replica mode on real servers: verdicts from the copy, and how fresh they are.

use std::{
    fmt::Debug,
    sync::Arc,
    time::{Duration, Instant},
};

use auth_core::{
    Clock as _, LoginId, SystemClock, Timestamp, Verdict,
    revocation::{Lane, LoginKey, Place, Query, Standing, TokenKey},
    store::{Notice, Revocations as _, Subscription},
};
use auth_revocation_redis::{ConfigErrorKind, Freshness, RedisStore};
use auth_tests::{Line, Proxy, Redis, RedisCluster};

const REALM: &str = "test";
/// Longer than any test takes to see that something is answered from the copy.
const LONG: Duration = Duration::from_secs(60);
const ISSUER: &str = "iss";

async fn node(url: &str, freshness: Freshness) -> Arc<RedisStore> {
    let store = RedisStore::builder(url)
        .realm(REALM)
        // The machine may be busy with other tests.
        .read_deadline(Duration::from_secs(20))
        .freshness(freshness);
    Arc::new(store.build().await.expect("the server is good"))
}

/// A token of alice that was made now, as far as the store's versions tell.
async fn token(store: &RedisStore, jti: &str) -> Query {
    let epoch = once_it_is_there(|| store.epoch("alice")).await;
    Query::own(REALM, "alice", &LoginId::random(), epoch.version()).token(ISSUER, jti)
}

/// Somebody else's token that is younger than everything: only its own denial can revoke it.
fn young(place: Place) -> Query {
    Query {
        place,
        login: None,
        token: None,
        standing: Standing::IssuedAt(Timestamp::from_secs(Timestamp::MAX_SECS)),
    }
}

async fn deny(store: &RedisStore, jti: &str) {
    let exp = SystemClock.now().plus(Duration::from_secs(3_600));
    once_it_is_there(|| store.revoke_token(ISSUER, jti, "alice", exp)).await;
}

/// What a server says when it is there (again).
async fn once_it_is_there<T, E: Debug, F: Future<Output = Result<T, E>>>(ask: impl Fn() -> F) -> T {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(why) => assert!(Instant::now() < until, "not within a minute: {why:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Tries until it comes true; panics after a while that is no promise of ours.
async fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !is_true() {
        assert!(Instant::now() < until, "not within a minute: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn answers(store: &RedisStore, query: &Query, verdict: Verdict) {
    let what = format!("the copy says {verdict:?}");
    eventually(&what, || store.verdict_now(query) == Some(verdict)).await;
}

async fn told(subscription: &mut Subscription) -> Notice {
    loop {
        let told = tokio::time::timeout(Duration::from_secs(60), subscription.next());
        let told = told.await.expect("within a minute");
        match told.expect("the store is there") {
            // Of lanes that were just read for the first time.
            Notice::Lagged => {}
            notice => return notice,
        }
    }
}

/// How often a command has been called, by what `INFO commandstats` says.
fn calls(redis: &Redis, command: &str) -> u64 {
    let stats = redis.cli(&["INFO", "commandstats"]);
    let line = stats.lines().find_map(|line| {
        let line = line.strip_prefix("cmdstat_")?.strip_prefix(command)?;
        line.strip_prefix(":calls=")
    });
    let calls = line.and_then(|line| line.split(',').next());
    calls.map_or(0, |calls| calls.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_on_one_node_reaches_the_copy_of_another() {
    let redis = Redis::start(&[]);
    let (one, other) = (
        node(&redis.url(), Freshness::Within(LONG)).await,
        node(&redis.url(), Freshness::Within(LONG)).await,
    );
    for round in 0..20 {
        let [a, b] = [format!("a{round}"), format!("b{round}")];
        let (a_query, b_query) = (token(&one, &a).await, token(&one, &b).await);
        answers(&other, &a_query, Verdict::Active).await;
        deny(&one, &a).await;
        assert_eq!(one.verdict_now(&a_query), Some(Verdict::Revoked), "at once");
        answers(&other, &a_query, Verdict::Revoked).await;
        answers(&other, &b_query, Verdict::Active).await;
        // Everything of the subject, and everything.
        if round % 2 == 0 {
            one.revoke_subject("alice").await.expect("it is");
        } else {
            one.revoke_all().await.expect("it is");
        }
        assert_eq!(one.verdict_now(&b_query), Some(Verdict::Revoked), "at once");
        answers(&other, &b_query, Verdict::Revoked).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verified_request_costs_the_server_nothing() {
    let redis = Redis::start(&[]);
    let store = node(&redis.url(), Freshness::Within(LONG)).await;
    let query = token(&store, "a").await;
    answers(&store, &query, Verdict::Active).await;
    // Of its own accord it asks for one lane in each beat: every 15 s, and here not even that.
    let before = calls(&redis, "hmget");
    for _ in 0..10_000 {
        assert_eq!(store.verdict_now(&query), Some(Verdict::Active));
    }
    let beats = calls(&redis, "hmget") - before;
    assert!(beats < 100, "{beats} commands for 10,000 verdicts");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_after_a_revocation_elsewhere_is_asked_about_and_not_refused() {
    let redis = Redis::start(&[]);
    let (one, other) = (
        node(&redis.url(), Freshness::Always).await,
        node(&redis.url(), Freshness::Within(LONG)).await,
    );
    for _ in 0..100 {
        one.revoke_subject("alice").await.expect("it is");
        let query = token(&one, "a").await;
        let now = other.verdict_now(&query);
        assert_ne!(now, Some(Verdict::Revoked), "at most it is not known yet");
        assert_eq!(other.verdict(&query).await, Verdict::Active);
        answers(&other, &query, Verdict::Active).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_nodes_are_told_each_revocation_once() {
    let redis = Redis::start(&[]);
    let (one, other) = (
        node(&redis.url(), Freshness::Within(LONG)).await,
        node(&redis.url(), Freshness::Within(LONG)).await,
    );
    let query = token(&one, "a").await;
    for store in [&one, &other] {
        for lane in Lane::all() {
            let any = young(Place {
                lane,
                ..query.place
            });
            eventually("every lane is loaded", || store.verdict_now(&any).is_some()).await;
        }
    }
    let mut subscriptions = [one.subscribe(), other.subscribe()];
    let (place, login) = (query.place, LoginId::random());
    deny(&one, "a").await;
    one.end_login("alice", login).await.expect("it is");
    one.end_other_logins("alice", login).await.expect("it is");
    one.revoke_subject("alice").await.expect("it is");
    let key = LoginKey::of(REALM, "alice", &login);
    let expected = [
        Notice::Token(place.lane, TokenKey::of(ISSUER, "a")),
        Notice::Login(place.lane, key),
        Notice::Subject(place.lane, place.subject, Some(key)),
        Notice::Subject(place.lane, place.subject, None),
    ];
    // Here one after the other. There two of one subject may be told as one.
    let [here, there] = &mut subscriptions;
    for notice in expected {
        assert_eq!(told(here).await, notice);
    }
    loop {
        let notice = told(there).await;
        assert!(expected.contains(&notice), "{notice:?}");
        if notice == expected[3] {
            break;
        }
    }
    one.revoke_all().await.expect("it is");
    assert_eq!(told(here).await, Notice::All);
    assert_eq!(told(there).await, Notice::All);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_revocations_reaches_the_copy() {
    let redis = Redis::start(&[]);
    let (one, other) = (
        node(&redis.url(), Freshness::Always).await,
        node(&redis.url(), Freshness::Within(LONG)).await,
    );
    let query = token(&one, "0").await;
    answers(&other, &query, Verdict::Active).await;
    // More of one lane than its ring holds, and lanes of many subjects.
    let exp = SystemClock.now().plus(Duration::from_secs(3_600));
    let rows: Vec<(String, String)> = (0..200)
        .map(|n| ("alice".to_owned(), n.to_string()))
        .chain((0..200).map(|n| (format!("user-{n}"), "x".to_owned())))
        .collect();
    let denying = rows.iter().map(|(subject, jti)| {
        let (one, subject, jti) = (Arc::clone(&one), subject.clone(), jti.clone());
        tokio::spawn(async move { one.revoke_token(ISSUER, &jti, &subject, exp).await })
    });
    for denied in denying.collect::<Vec<_>>() {
        denied.await.expect("no panic").expect("the server is good");
    }
    for (subject, jti) in &rows {
        let query = young(Place::of(REALM, subject)).token(ISSUER, jti);
        answers(&other, &query, Verdict::Revoked).await;
    }
}

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
        let clients = redis.cli(&["CLIENT", "LIST"]);
        let tracking = clients.lines().find(|line| {
            let mut flags = line.split(' ').filter_map(|it| it.strip_prefix("flags="));
            flags.any(|flags| flags.contains('B') && flags.contains('t'))
        });
        let tracking = tracking.expect("one connection tracks");
        let id = tracking.split(' ').find_map(|it| it.strip_prefix("id="));
        redis.cli(&["CLIENT", "KILL", "ID", id.expect("it has one")]);
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

#[tokio::test(flavor = "multi_thread")]
async fn a_bound_that_is_too_short_is_refused() {
    let redis = Redis::start(&[]);
    for (within, good) in [(99, false), (0, false), (100, true)] {
        let within = Duration::from_millis(within);
        let store = RedisStore::builder(redis.url()).freshness(Freshness::Within(within));
        let kind = store.build().await.map_err(|error| error.kind());
        match good {
            true => assert!(kind.is_ok(), "{within:?}"),
            false => assert_eq!(kind.err(), Some(ConfigErrorKind::Freshness), "{within:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_dropped_stops_following() {
    let redis = Redis::start(&[]);
    let store = node(&redis.url(), Freshness::Within(LONG)).await;
    let query = token(&store, "a").await;
    answers(&store, &query, Verdict::Active).await;
    let mut subscription = store.subscribe();
    drop(store);
    eventually("its connections are closed", || {
        let clients = redis.cli(&["CLIENT", "LIST"]);
        clients.lines().count() == 1
    })
    .await;
    // After what waited for it.
    while let Some(notice) = subscription.next().await {
        assert_eq!(notice, Notice::Lagged);
    }
}
