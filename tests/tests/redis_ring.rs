//! The ring of a lane's last changes, as other nodes read it from a real server.

use std::{collections::HashSet, time::Duration};

use auth_core::{
    Clock as _, LoginId, SystemClock,
    revocation::{Lane, Op},
    store::{Revocation, Revocations as _},
};
use auth_revocation_redis::RedisStore;
use auth_tests::Redis;

const REALM: &str = "test";
const WIDTH: usize = 24;

struct Lanes {
    redis: Redis,
    store: RedisStore,
}

impl Lanes {
    async fn start() -> Self {
        let redis = Redis::start(&[]);
        let store = RedisStore::builder(redis.url()).realm(REALM).build().await;
        let store = store.expect("the server is good");
        Self { redis, store }
    }

    async fn revoke(&self, revocation: Revocation) {
        let revoked = self.store.revoke(Op::random(), &revocation).await;
        revoked.expect("the server is good");
    }

    /// The key of the one lane that has had revocations.
    fn key(&self) -> String {
        let search = "for _, key in ipairs(redis.call('KEYS', 'auth:v:*')) do
            if redis.call('HGET', key, 'n') ~= '0' then return key end
        end";
        self.redis.cli(&["EVAL", search, "0"])
    }

    fn n(&self) -> u64 {
        let n = self.redis.cli(&["HGET", &self.key(), "n"]);
        n.parse().expect("a number")
    }

    fn ring(&self) -> Vec<String> {
        let ring = self.redis.cli(&["--raw", "HGET", &self.key(), "r"]);
        // The end of the line is cut off, and with it what fills up a short name.
        let ring = format!("{ring:<width$}", width = ring.len().next_multiple_of(WIDTH));
        let names = ring.as_bytes().chunks(WIDTH);
        names
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect()
    }

    fn fields(&self) -> HashSet<String> {
        let fields = self.redis.cli(&["HKEYS", &self.key()]);
        fields.lines().map(str::to_owned).collect()
    }
}

fn token(jti: &str) -> Revocation {
    let exp = SystemClock.now().plus(Duration::from_secs(3_600));
    Revocation::token(REALM, "iss", jti, "alice", exp)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_revocation_adds_its_field_and_nothing_else_does() {
    let lanes = Lanes::start().await;
    lanes.revoke(token("first")).await;
    let (a, login) = (token("a"), LoginId::random());
    let rows = [
        ("a token", a.clone(), Some("t:")),
        ("the same again", a, None),
        (
            "a login",
            Revocation::login(REALM, "alice", login),
            Some("l:"),
        ),
        (
            "the same again",
            Revocation::login(REALM, "alice", login),
            None,
        ),
        ("a subject", Revocation::subject(REALM, "alice"), Some("s:")),
        (
            "all but one",
            Revocation::other_logins(REALM, "alice", login),
            Some("s:"),
        ),
    ];
    for (row, revocation, kind) in rows {
        let (n, before) = (lanes.n(), lanes.ring());
        lanes.revoke(revocation).await;
        let (now, ring) = (lanes.n(), lanes.ring());
        let added = ring.strip_prefix(before.as_slice()).expect("it grows");
        assert_eq!(now - n, added.len() as u64, "{row}");
        assert_eq!(added.len(), usize::from(kind.is_some()), "{row}");
        for name in added {
            assert!(name.starts_with(kind.unwrap_or_default()), "{row}: {name}");
            assert!(lanes.fields().contains(name), "{row}: {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_holds_the_last_64() {
    let lanes = Lanes::start().await;
    for jti in 0..100 {
        lanes.revoke(token(&jti.to_string())).await;
    }
    let ring = lanes.ring();
    assert_eq!(ring.len(), 64);
    assert_eq!(ring.iter().collect::<HashSet<_>>().len(), 64);
    lanes.revoke(token("the 101st")).await;
    assert_eq!(lanes.ring()[..63], ring[1..]);
    assert_eq!(lanes.n(), 101);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_epoch_of_a_lane_is_named_as_wide_as_all_others() {
    let lanes = Lanes::start().await;
    lanes.revoke(token("a")).await;
    let key = lanes.key();
    lanes.revoke(Revocation::all()).await;
    let ring = lanes.redis.cli(&["--raw", "HSTRLEN", &key, "r"]);
    assert_eq!(ring, "48");
    let ring = lanes.redis.cli(&["--raw", "HGET", &key, "r"]);
    assert_eq!(&ring[WIDTH..], "e");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_raised_lane_begins_with_an_empty_one() {
    let lanes = Lanes::start().await;
    lanes.revoke(token("a")).await;
    let key = lanes.key();
    lanes.redis.cli(&["HSET", &key, "n", "0"]);
    // The store notices that the lane has lost something, and raises it.
    let lane = Lane::of(REALM, "alice");
    lanes
        .store
        .epoch("alice")
        .await
        .expect("the server is good");
    assert_eq!(lanes.redis.cli(&["HGET", &key, "r"]), "", "{lane:?}");
    lanes.revoke(token("b")).await;
    assert_eq!((lanes.n(), lanes.ring().len()), (2, 1));
}
