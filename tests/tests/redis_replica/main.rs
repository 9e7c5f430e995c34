//! Replica mode on real servers: verdicts from the copy, and how fresh they are.

mod failover;
mod faults;
mod settings;
mod spread;

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
