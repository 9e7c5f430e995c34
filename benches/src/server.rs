//! One candidate as a server of one thread, for the benchmarks over sockets: `bench serve KIND [REDIS-URL]`.
//!
//! `/login` logs in with a cookie, `/tokens/N` gives N tokens, one a line.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use auth_layers::{
    jwt::Issuer,
    memory::MemoryStore,
    redis::{Freshness, RedisStore},
};
use axum::{Router, extract::Path, routing::get};
use tokio::net::TcpListener;
use tower_sessions_redis_store::{RedisStore as TowerRedisStore, fred::prelude::*};

use crate::{
    apps::{
        self, Work,
        hand::{self, Verifying},
        ours, sessions, tokens as peers,
    },
    keys::{self, Key},
};

/// Serves until it is killed, and says where.
#[tokio::main(flavor = "current_thread")]
pub async fn run(kind: &str, redis: &str) {
    let router = router(kind, redis).await;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a port");
    println!(
        "listening on http://{}",
        listener.local_addr().expect("it listens")
    );
    axum::serve(listener, router).await.expect("it serves");
}

async fn router(kind: &str, redis: &str) -> Router {
    let key = Key::Es256;
    let store = Arc::new(MemoryStore::new());
    let issuer = key.issuer(store.clone());
    match kind {
        "bare" => apps::bare(),
        "session" => ours::sessions(store, Work::Read),
        "session-tower-sessions" => {
            sessions::tower_sessions(tower_sessions::MemoryStore::default(), Work::Read)
        }
        "session-axum-login" => sessions::axum_login(Work::Read),
        "session-axum_session" => sessions::axum_session(Work::Read, false).await,
        "session-redis" => {
            let store = RedisStore::builder(redis)
                .build()
                .await
                .expect("it answers");
            ours::sessions(Arc::new(store), Work::Read)
        }
        "session-redis-tower-sessions" => {
            let config = Config::from_url(redis).expect("a URL");
            let pool = Pool::new(config, None, None, None, 4).expect("sound settings");
            pool.init().await.expect("it answers");
            sessions::tower_sessions_014(TowerRedisStore::new(pool), Work::Read)
        }
        "token" => issuing(ours::tokens(key.verifier(None), store), issuer),
        "token-redis" => {
            let store = RedisStore::builder(redis)
                .build()
                .await
                .expect("it answers");
            let store = Arc::new(store);
            let issuer = key.issuer(store.clone());
            issuing(ours::tokens(key.verifier(None), store), issuer)
        }
        "token-replica" => {
            let fresh = Freshness::Within(Duration::from_secs(1));
            let store = RedisStore::builder(redis).freshness(fresh).build().await;
            let store = Arc::new(store.expect("it answers"));
            let issuer = key.issuer(store.clone());
            issuing(ours::tokens(key.verifier(None), store), issuer)
        }
        "token-by-hand" => issuing(hand::verifying(Verifying::new(key)), issuer),
        "token-resource-server" => issuing(peers::resource_server(&key).await, issuer),
        "token-axum-jwt-auth" => issuing(peers::axum_jwt_auth(&key), issuer),
        _ => panic!("no such kind"),
    }
}

fn issuing(router: Router, issuer: Issuer) -> Router {
    let issuer = Arc::new(issuer);
    let tokens = move |Path(count): Path<usize>| async move {
        keys::tokens(&issuer, count).await.join("\n")
    };
    Router::new()
        .route("/tokens/{count}", get(tokens))
        .merge(router)
}
