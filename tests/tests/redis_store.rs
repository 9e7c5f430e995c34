//! The Redis store on real servers, good and bad.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use auth_core::{
    LoginId, StoreError, Timestamp, Verdict,
    revocation::Query,
    store::{CommitOutcome, Load, RefreshLogins, Revocations, Rotated, Sessions},
};
use auth_revocation_redis::{ConfigErrorKind, RedisStore};
use auth_tests::{
    Redis,
    logins::{Session, Tokens},
};

const REALM: &str = "test";

async fn store(redis: &Redis) -> Arc<RedisStore> {
    let store = RedisStore::builder(redis.url()).realm(REALM).build();
    Arc::new(store.await.expect("the server is good"))
}

async fn log_in(store: &RedisStore) -> Result<Session, StoreError> {
    Session::log_in(store, "alice").await
}

/// Asks about a token of a login.
fn query(session: &Session) -> Query {
    Query::own(REALM, "alice", &session.login, session.version)
}

/// Tries until it comes true; panics after a while that is no promise of ours.
async fn eventually<F: Future<Output = bool>>(what: &str, is_true: impl Fn() -> F) {
    let until = Instant::now() + Duration::from_secs(60);
    while !is_true().await {
        assert!(Instant::now() < until, "not within a minute: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_on_one_node_is_refused_on_another_at_once() {
    let redis = Redis::start(&[]);
    let (one, other) = (store(&redis).await, store(&redis).await);
    for _ in 0..50 {
        let alice = log_in(&one).await.expect("the server is good");
        assert_eq!(other.verdict(&query(&alice)).await, Verdict::Active);
        assert!(matches!(other.load(&alice.key).await, Ok(Load::Live(_))));
        one.end_login("alice", alice.login).await.expect("it ends");
        assert_eq!(other.verdict(&query(&alice)).await, Verdict::Revoked);
        assert_eq!(other.load(&alice.key).await, Ok(Load::Ended));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_can_be_read_and_goes_away_by_itself() {
    let redis = Redis::start(&[]);
    let store = store(&redis).await;
    let alice = log_in(&store).await.expect("the server is good");
    let committed = alice.set(&*store, "cart", r#"{"apples":3}"#).await;
    assert!(matches!(committed, Ok(CommitOutcome::Done(_))));
    let session = redis.cli(&["--scan", "--pattern", "auth:s:*"]);
    let record = redis.cli(&["HGETALL", &session]);
    let record: Vec<&str> = record.lines().collect();
    let value = |name: &str| {
        record
            .iter()
            .position(|it| *it == name)
            .map(|at| record[at + 1])
    };
    assert_eq!(value("f:cart"), Some(r#"{"apples":3}"#));
    assert_eq!(value("subject"), Some("alice"));
    assert_eq!(value("login"), Some(alice.login.to_string().as_str()));

    let tokens = Tokens::log_in(&*store, "alice").await;
    let rotation = tokens.expect("the server is good").rotation();
    let rotated = store.rotate(&rotation).await;
    assert!(matches!(rotated, Ok(Rotated::Advanced { .. })));
    let mut dump = String::new();
    let (lane, keys) = (lane_key(&redis), redis.cli(&["--scan"]));
    let is_another_lane = |key: &&str| key.starts_with("auth:v:") && *key != lane;
    for key in keys.lines().filter(|key| !is_another_lane(key)) {
        let read = match redis.cli(&["TYPE", key]).as_str() {
            "hash" => redis.cli(&["HGETALL", key]),
            "zset" => redis.cli(&["ZRANGE", key, "0", "-1", "WITHSCORES"]),
            other => panic!("{key} is a {other}"),
        };
        dump += &format!("{key}\n{read}\n");
        // Lanes stay; everything else goes away by itself.
        let ttl: i64 = redis.cli(&["PTTL", key]).parse().expect("a number");
        let stays = key.starts_with("auth:v:") || key == "auth:schema";
        assert_eq!(ttl == -1, stays, "{key}: {ttl}");
    }
    assert!(
        dump.contains("auth:d:") && dump.contains("auth:i:"),
        "{dump}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_is_unknown_until_it_is_back_and_then_refuses_what_is_older() {
    let mut redis = Redis::start(&[]);
    let store = store(&redis).await;
    let old = log_in(&store).await.expect("the server is good");
    let revoked = log_in(&store).await.expect("the server is good");
    store
        .end_login("alice", revoked.login)
        .await
        .expect("it ends");
    redis.kill();
    for _ in 0..10 {
        assert_eq!(store.verdict(&query(&old)).await, Verdict::Unknown);
        // What this node has revoked it refuses by itself.
        assert_eq!(store.verdict(&query(&revoked)).await, Verdict::Revoked);
        let load = store.load(&old.key).await;
        assert!(matches!(load, Err(StoreError::Unavailable(_))), "{load:?}");
        let revoke = store.revoke_subject("alice").await;
        assert!(
            matches!(revoke, Err(StoreError::Unavailable(_))),
            "{revoke:?}"
        );
    }
    assert!(store.health().await.is_err());
    // It comes back empty: nobody knows any more what was revoked.
    redis.restart();
    let asked = query(&old);
    eventually("it answers", || async {
        store.verdict(&asked).await != Verdict::Unknown
    })
    .await;
    assert_eq!(store.verdict(&query(&old)).await, Verdict::Revoked);
    assert_eq!(store.verdict(&query(&revoked)).await, Verdict::Revoked);
    let mut new = None;
    for _ in 0..3_000 {
        new = log_in(&store).await.ok();
        if new.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let new = new.expect("it answers");
    assert_eq!(store.verdict(&query(&new)).await, Verdict::Active);
    assert!(matches!(store.load(&new.key).await, Ok(Load::Live(_))));
    assert!(store.health().await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn after_flushall_what_is_older_is_refused_and_a_login_works_at_once() {
    let redis = Redis::start(&[]);
    let nodes = [store(&redis).await, store(&redis).await];
    let old = log_in(&nodes[0]).await.expect("the server is good");
    redis.cli(&["FLUSHALL"]);
    assert_eq!(nodes[0].verdict(&query(&old)).await, Verdict::Revoked);
    let new = log_in(&nodes[0]).await.expect("the server is good");
    // The other node, which notices later, raises nothing again.
    for node in nodes.iter().rev() {
        assert_eq!(node.verdict(&query(&old)).await, Verdict::Revoked);
        assert_eq!(node.verdict(&query(&new)).await, Verdict::Active);
        assert!(matches!(node.load(&new.key).await, Ok(Load::Live(_))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_lost_one_revocation_refuses_what_is_older_than_the_loss() {
    let redis = Redis::start(&[]);
    let store = store(&redis).await;
    let (revoked, other) = (log_in(&store).await, log_in(&store).await);
    let (revoked, other) = (revoked.expect("it is in"), other.expect("it is in"));
    let key = lane_key(&redis);
    redis.cli(&["COPY", &key, "before"]);
    store.revoke_subject("alice").await.expect("it is revoked");
    // As after a failover to a replica that had missed it.
    redis.cli(&["RENAME", "before", &key]);
    let fresh = self::store(&redis).await;
    assert_eq!(
        fresh.verdict(&query(&other)).await,
        Verdict::Active,
        "it never knew"
    );
    assert_eq!(store.verdict(&query(&revoked)).await, Verdict::Revoked);
    assert_eq!(
        fresh.verdict(&query(&revoked)).await,
        Verdict::Revoked,
        "it was raised"
    );
    let new = log_in(&fresh).await.expect("it is in");
    assert_eq!(store.verdict(&query(&new)).await, Verdict::Active);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_gone_does_not_hide_what_its_lane_has_lost() {
    let redis = Redis::start(&[]);
    let store = store(&redis).await;
    let alice = log_in(&store).await.expect("the server is good");
    // From here on it is known whose session it is, and the lane is asked in one go with it.
    assert!(matches!(store.load(&alice.key).await, Ok(Load::Live(_))));
    let other = LoginId::random();
    store.end_login("alice", other).await.expect("it ends");
    let lane = lane_key(&redis);
    let id = redis.cli(&["HGET", &lane, "id"]);
    redis.cli(&["HINCRBY", &lane, "n", "-1"]);
    let session = redis.cli(&["--scan", "--pattern", "auth:s:*"]);
    redis.cli(&["DEL", &session]);
    assert_eq!(store.load(&alice.key).await, Ok(Load::Absent));
    assert_ne!(redis.cli(&["HGET", &lane, "id"]), id, "the lane is raised");
}

/// The one lane that has a login of alice.
fn lane_key(redis: &Redis) -> String {
    let index = redis.cli(&["--scan", "--pattern", "auth:i:*"]);
    let tag = index.split(['{', '}']).nth(1).expect("it has a tag");
    format!("auth:v:{{{tag}}}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_ran_ahead_and_back_brings_nothing_back_to_life() {
    let redis = Redis::with_clock_that_stands();
    let (store, other) = (store(&redis).await, store(&redis).await);
    let alice = log_in(&store).await.expect("the server is good");
    let before = redis.clock();
    let exp = Timestamp::from_millis(before + 300_000);
    let denied = query(&alice).token("iss", "jti");
    let deny = async |jti: &str, exp| store.revoke_token("iss", jti, "alice", exp).await;
    deny("jti", exp).await.expect("there is room");
    redis.advance(Duration::from_secs(3_600));
    let later = Timestamp::from_millis(redis.clock() + 300_000);
    for n in 0..100 {
        deny(&n.to_string(), later).await.expect("there is room");
    }
    // Tidied up by now, which is right as long as the clock is. (Who revoked it remembers it.)
    assert_eq!(other.verdict(&denied).await, Verdict::Active);
    redis.set_clock(before);
    deny("another", exp).await.expect("there is room");
    assert_eq!(other.verdict(&denied).await, Verdict::Revoked);
    let new = log_in(&store).await.expect("the server is good");
    assert_eq!(store.verdict(&query(&new)).await, Verdict::Active);
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_that_were_forgotten_are_sent_again() {
    let redis = Redis::start(&[]);
    let store = store(&redis).await;
    redis.cli(&["SCRIPT", "FLUSH"]);
    let alice = log_in(&store).await.expect("the server is good");
    redis.cli(&["SCRIPT", "FLUSH"]);
    store.revoke_all().await.expect("the server is good");
    assert_eq!(store.verdict(&query(&alice)).await, Verdict::Revoked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_is_unknown_and_works_when_it_goes_on() {
    let redis = Redis::start(&[]);
    let store = store(&redis).await;
    let alice = log_in(&store).await.expect("the server is good");
    redis.signal("STOP");
    for _ in 0..20 {
        assert_eq!(store.verdict(&query(&alice)).await, Verdict::Unknown);
    }
    // Not known to have happened: refused here all the same.
    let ended = store.end_login("alice", alice.login).await;
    assert!(
        matches!(ended, Err(StoreError::Unavailable(_))),
        "{ended:?}"
    );
    assert_eq!(store.verdict(&query(&alice)).await, Verdict::Revoked);
    redis.signal("CONT");
    let other = async || log_in(&store).await.is_ok();
    eventually("it goes on", other).await;
    assert_eq!(store.verdict(&query(&alice)).await, Verdict::Revoked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_is_never_acknowledged_when_the_server_refused() {
    let redis = Redis::start(&[]);
    let store = store(&redis).await;
    let alice = log_in(&store).await.expect("the server is good");
    let rows = [("maxmemory", "1", "0"), ("min-replicas-to-write", "1", "0")];
    for (setting, bad, good) in rows {
        redis.cli(&["CONFIG", "SET", setting, bad]);
        assert!(store.revoke_subject("alice").await.is_err(), "{setting}");
        assert!(store.revoke_all().await.is_err(), "{setting}");
        assert!(log_in(&store).await.is_err(), "{setting}");
        // Reading still works, and nothing is half done.
        assert_eq!(
            store.verdict(&query(&alice)).await,
            Verdict::Active,
            "{setting}"
        );
        assert!(
            matches!(store.load(&alice.key).await, Ok(Load::Live(_))),
            "{setting}"
        );
        redis.cli(&["CONFIG", "SET", setting, good]);
    }
    redis.cli(&["ACL", "SETUSER", "default", "-evalsha", "-eval"]);
    assert!(store.revoke_subject("alice").await.is_err());
    redis.cli(&["ACL", "SETUSER", "default", "+@all"]);
    store
        .revoke_subject("alice")
        .await
        .expect("it is allowed again");
    assert_eq!(store.verdict(&query(&alice)).await, Verdict::Revoked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_needs_a_replica_where_one_is_attached() {
    let redis = Redis::start(&[]);
    let store = store(&redis).await;
    let port = redis
        .url()
        .rsplit(':')
        .next()
        .expect("it has a port")
        .to_owned();
    let replica = Redis::start(&["--replicaof", "127.0.0.1", &port]);
    let linked = async || {
        let info = redis.cli(&["INFO", "replication"]);
        info.contains("connected_slaves:1") && info.contains("state=online")
    };
    eventually("the replica is linked", linked).await;
    let alice = log_in(&store).await.expect("the server is good");
    store
        .revoke_subject("alice")
        .await
        .expect("the replica has it");
    let lane = lane_key(&redis);
    assert_eq!(
        redis.cli(&["HGET", &lane, "n"]),
        replica.cli(&["HGET", &lane, "n"])
    );
    let bob = log_in(&store).await.expect("the server is good");
    replica.signal("STOP");
    let ended = store.end_login("alice", bob.login).await;
    assert!(
        matches!(ended, Err(StoreError::Unavailable(_))),
        "{ended:?}"
    );
    assert_eq!(store.verdict(&query(&bob)).await, Verdict::Revoked);
    replica.signal("CONT");
    store
        .end_login("alice", bob.login)
        .await
        .expect("the replica has it");
    assert_eq!(store.verdict(&query(&alice)).await, Verdict::Revoked);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_of_the_wrong_kind_is_unknown_and_harms_nobody_else() {
    let redis = Redis::start(&[]);
    let store = store(&redis).await;
    let alice = log_in(&store).await.expect("the server is good");
    let lane = lane_key(&redis);
    redis.cli(&["DEL", &lane]);
    redis.cli(&["SET", &lane, "not a hash"]);
    for _ in 0..20 {
        assert_eq!(store.verdict(&query(&alice)).await, Verdict::Unknown);
    }
    let epoch = store.epoch("bob").await.expect("the server is good");
    let bob = Query::own(REALM, "bob", &LoginId::random(), epoch.version());
    assert_ne!(bob.place.lane, query(&alice).place.lane);
    assert_eq!(store.verdict(&bob).await, Verdict::Active);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_server_is_refused_with_one_clear_line() {
    let with_password = Redis::start(&["--requirepass", "right"]);
    let evicting = Redis::start(&["--maxmemory-policy", "allkeys-lru"]);
    let other_schema = Redis::start(&[]);
    other_schema.cli(&["HSET", "auth:schema", "version", "9", "lanes", "1024"]);
    let no_rights = Redis::start(&[]);
    no_rights.cli(&["ACL", "SETUSER", "default", "-zadd"]);
    let cluster = Redis::start(&["--cluster-enabled", "yes"]);
    let replica = Redis::start(&["--replicaof", "127.0.0.1", "1"]);
    let mut dead = Redis::start(&[]);
    dead.kill();
    let future = Redis::with_clock_that_stands();
    future.advance(Duration::from_secs(120));
    let builder = |redis: &Redis| RedisStore::builder(redis.url());
    let rows = [
        (builder(&with_password), ConfigErrorKind::Auth),
        (
            builder(&with_password).password("wrong"),
            ConfigErrorKind::Auth,
        ),
        (builder(&evicting), ConfigErrorKind::Evicts),
        (builder(&other_schema), ConfigErrorKind::Schema),
        (builder(&no_rights), ConfigErrorKind::Forbidden),
        (builder(&dead), ConfigErrorKind::Unreachable),
        (builder(&future), ConfigErrorKind::Clock),
        (builder(&cluster), ConfigErrorKind::Cluster),
        (RedisStore::builder("not a url"), ConfigErrorKind::Url),
        (
            RedisStore::builder("redis-sentinel://127.0.0.1:1?sentinelServiceName=a"),
            ConfigErrorKind::Unreachable,
        ),
        (
            RedisStore::builder(other_schema.url().replace("redis:", "redis-cluster:")),
            ConfigErrorKind::Cluster,
        ),
        (builder(&replica), ConfigErrorKind::Replica),
        (builder(&evicting).realm(""), ConfigErrorKind::EmptyRealm),
        (
            builder(&evicting).prefix("a{b}"),
            ConfigErrorKind::BadPrefix,
        ),
    ];
    for (builder, kind) in rows {
        let error = builder.build().await.expect_err("it is refused");
        let line = error.to_string();
        assert_eq!(error.kind(), kind, "{line}");
        assert!(!line.contains('\n') && !line.contains("wrong"), "{line}");
    }
    let right = builder(&with_password).password("right").build().await;
    assert!(right.is_ok(), "{right:?}");
    let overridden = builder(&evicting).insecure_allow_eviction().build().await;
    assert!(overridden.is_ok(), "{overridden:?}");
}

/// The crate's documentation names them.
#[tokio::test(flavor = "multi_thread")]
async fn these_rights_are_enough() {
    let redis = Redis::start(&[]);
    let rights = "on >pw ~auth:* resetchannels -@all +@read +@write -@dangerous +eval +evalsha \
                  +script|load +time +role +info +wait +ping +config|get";
    let words = ["ACL", "SETUSER", "app"].into_iter();
    redis.cli(&words.chain(rights.split(' ')).collect::<Vec<_>>());
    let builder = RedisStore::builder(redis.url()).realm(REALM);
    let builder = builder.username("app").password("pw");
    let store = builder.build().await.expect("they are enough");
    let alice = log_in(&store).await.expect("they are enough");
    assert_eq!(store.verdict(&query(&alice)).await, Verdict::Active);
    redis.cli(&["SCRIPT", "FLUSH"]);
    store.revoke_all().await.expect("they are enough");
    assert_eq!(store.verdict(&query(&alice)).await, Verdict::Revoked);
    store.drain().await;
}
