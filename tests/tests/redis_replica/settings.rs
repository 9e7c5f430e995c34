//! What it takes to begin, and that it ends.

use super::*;

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

/// The crate's documentation names them.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_needs_the_right_to_track() {
    let redis = Redis::start(&[]);
    let rights = "on >pw ~auth:* resetchannels -@all +@read +@write -@dangerous +eval +evalsha \
                  +script|load +time +role +info +wait +ping +config|get";
    for (more, is_enough) in [(None, false), (Some("+client|tracking"), true)] {
        let words = ["ACL", "SETUSER", "app"].into_iter();
        let words = words.chain(rights.split_whitespace()).chain(more);
        redis.cli(&words.collect::<Vec<_>>());
        let builder = RedisStore::builder(redis.url()).realm(REALM);
        let builder = builder.username("app").password("pw");
        let store = builder.freshness(Freshness::Within(LONG)).build().await;
        if is_enough {
            let store = store.expect("they are enough");
            let query = token(&store, "a").await;
            answers(&store, &query, Verdict::Active).await;
            deny(&store, "a").await;
            answers(&store, &query, Verdict::Revoked).await;
        } else {
            let kind = store.map_err(|error| error.kind());
            assert_eq!(kind.err(), Some(ConfigErrorKind::Forbidden));
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
