//! The connections of a Redis store: which database they are to, and how many of them there are.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use auth_core::{Verdict, revocation::Query, store::Revocations as _};
use auth_layers::jwt::{Issuer, JwtLayer, RefreshKeys, SigningKeys, TokenLogin};
use auth_revocation_redis::RedisStore;
use auth_tests::{Redis, logins::Session};
use http::{Request, Response, StatusCode, header};
use tower::{Layer as _, ServiceExt as _, service_fn};

const REALM: &str = "test";

async fn store(url: &str) -> Arc<RedisStore> {
    let store = RedisStore::builder(url).realm(REALM).build();
    Arc::new(store.await.expect("the server is good"))
}

/// What does not work while a connection is made anew has to do so soon.
async fn eventually(works: impl AsyncFn() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !works().await {
        assert!(Instant::now() < until, "it does not work again");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_connection_is_to_the_same_database() {
    let redis = Redis::start(&[]);
    let store = store(&format!("{}/3", redis.url())).await;
    let alice = Session::log_in(&*store, "alice").await;
    let alice = alice.expect("the server is good");
    let query = Query::own(REALM, "alice", &alice.login, alice.version);
    for _ in 0..5 {
        redis.cli(&["CLIENT", "KILL", "TYPE", "normal"]);
        eventually(async || store.verdict(&query).await == Verdict::Active).await;
    }
    redis.cli(&["CLIENT", "KILL", "TYPE", "normal"]);
    eventually(async || store.end_login("alice", alice.login).await.is_ok()).await;
    assert_eq!(store.verdict(&query).await, Verdict::Revoked);
    assert_eq!(redis.cli(&["DBSIZE"]), "0");
    assert_ne!(redis.cli(&["-n", "3", "DBSIZE"]), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_clones_of_a_service_share_its_connections() {
    let redis = Redis::start(&[]);
    let store = store(&redis.url()).await;
    let keys = SigningKeys::builder().generate_ed25519("key").build();
    let keys = keys.expect("a key");
    let issuer = Issuer::builder("https://issuer.test", "api", keys, store.clone())
        .refresh_keys(RefreshKeys::generate())
        .build()
        .expect("sound settings");
    let layer = JwtLayer::builder(issuer.verifier().expect("sound settings")).store(store);
    let service =
        layer
            .build()
            .expect("sound settings")
            .layer(service_fn(async |_: Request<()>| {
                Ok::<_, Infallible>(Response::new(()))
            }));
    let tokens = issuer.login(TokenLogin::new("alice")).await;
    let bearer = format!("Bearer {}", tokens.expect("logged in").access_token());
    let clients = || {
        redis
            .cli(&["CLIENT", "LIST", "TYPE", "normal"])
            .lines()
            .count()
    };

    let before = clients();
    let clones: Vec<_> = (0..10_000).map(|_| service.clone()).collect();
    for clone in clones {
        let request = Request::builder().header(header::AUTHORIZATION, &bearer);
        let response = clone.oneshot(request.body(()).expect("a request")).await;
        assert_eq!(response.expect("infallible").status(), StatusCode::OK);
    }
    assert_eq!(clients(), before);
}
