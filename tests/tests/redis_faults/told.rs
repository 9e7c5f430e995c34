//! Whoever listens is told to look again, also of revocations that took place and were not
//! acknowledged.

use std::{sync::Arc, time::Duration};

use auth_core::{
    LoginId, Verdict,
    revocation::{Lane, Op, Place, Query, Standing},
    store::{Notice, Revocation, Revocations as _, Subscription},
};
use auth_revocation_redis::{Freshness, RedisStore, RedisStoreBuilder};
use auth_tests::{Line, Proxy, Redis};
use tokio::time::timeout;

use crate::model::{WRITE, eventually};

const REALM: &str = "faults";
const LONG: Duration = Duration::from_secs(60);

async fn build(
    url: &str,
    freshness: Freshness,
    more: fn(RedisStoreBuilder) -> RedisStoreBuilder,
) -> Arc<RedisStore> {
    let builder = RedisStore::builder(url).realm(REALM).freshness(freshness);
    let store = more(builder).build().await.expect("the server is good");
    if freshness != Freshness::Always {
        // Of what is read for the first time, everybody is told to look again.
        let place = Place::of(REALM, "alice");
        for lane in Lane::all() {
            let any = Query {
                place: Place { lane, ..place },
                login: None,
                token: None,
                standing: Standing::Version(0),
            };
            eventually("every lane is loaded", async || {
                store.verdict_now(&any).is_some()
            })
            .await;
        }
    }
    Arc::new(store)
}

/// Waits until it is told something after which it would look at `query`, and that is revoked then.
async fn finds_out(subscription: &mut Subscription, store: &RedisStore, query: &Query) {
    loop {
        let told = timeout(LONG, subscription.next()).await;
        let told = told.expect("it is told").expect("the store is there");
        if told.concerns(query) && store.verdict(query).await == Verdict::Revoked {
            return;
        }
    }
}

/// A credential of the lane that is the first to be revoked.
async fn own(store: &RedisStore) -> Query {
    let mut subjects = (0..).map(|n: u32| n.to_string());
    let subject = subjects.find(|subject| Place::of(REALM, subject).lane.index() == 0);
    let subject = subject.expect("each lane has some");
    let epoch = store.epoch(&subject).await.expect("the server is good");
    Query::own(REALM, &subject, &LoginId::random(), epoch.version())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_everything_that_no_replica_confirms() {
    let redis = Redis::start(&[]);
    for freshness in [Freshness::Always, Freshness::Within(LONG)] {
        let too_few = |builder: RedisStoreBuilder| {
            builder
                .wait_for_replicas(1)
                .write_deadline(Duration::from_millis(500))
        };
        let store = build(&redis.url(), freshness, too_few).await;
        let query = own(&store).await;
        let mut subscription = store.subscribe();
        assert!(store.revoke_all().await.is_err(), "there is no replica");
        assert_eq!(store.verdict(&query).await, Verdict::Revoked);
        finds_out(&mut subscription, &store, &query).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_another_process_had_revoked_already() {
    let redis = Redis::start(&[]);
    for freshness in [Freshness::Always, Freshness::Within(LONG)] {
        let one = build(&redis.url(), freshness, |builder| builder).await;
        let other = build(&redis.url(), freshness, |builder| builder).await;
        let login = LoginId::random();
        let query = Query::own(REALM, "alice", &login, u64::MAX);
        let everything = own(&one).await;
        let revocations = [
            (Revocation::login(REALM, "alice", login), query),
            (Revocation::all(), everything),
        ];
        for (revocation, query) in revocations {
            let (op, mut subscription) = (Op::random(), other.subscribe());
            for store in [&one, &other] {
                store.revoke(op, &revocation).await.expect("it is there");
            }
            finds_out(&mut subscription, &other, &query).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_everything_where_the_caller_gives_up() {
    let redis = Redis::start(&[]);
    let proxy = Proxy::to(redis.address());
    let none = |builder: RedisStoreBuilder| builder.write_deadline(LONG).read_deadline(LONG);
    let store = build(&proxy.url(), Freshness::Within(LONG), none).await;
    let other = build(&redis.url(), Freshness::Always, none).await;
    let query = own(&other).await;
    let mut subscription = store.subscribe();
    proxy.set(Line::StallReplies);
    let revoking = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.revoke_all().await }
    });
    // It is executed, and nobody hears of it.
    eventually("it is revoked", async || {
        other.verdict(&query).await == Verdict::Revoked
    })
    .await;
    revoking.abort();
    assert!(revoking.await.is_err_and(|error| error.is_cancelled()));
    proxy.set(Line::Pass);
    let mut told = timeout(WRITE * 10, subscription.next()).await;
    while !matches!(told, Ok(Some(Notice::All | Notice::Lagged))) {
        assert!(told.is_ok_and(|told| told.is_some()), "it is told");
        told = timeout(WRITE * 10, subscription.next()).await;
    }
}
