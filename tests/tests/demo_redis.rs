//! Several demos on one Redis, a cluster or sentinels, and what they say when it is gone.

use std::{
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use auth_tests::{
    Proxy, Redis, RedisCluster, RedisSentinels, Request,
    demo::{Credential, Demo, SharedKeys, Tokens},
    example, python,
};
use serde_json::{Value, json};

/// A demo of several on one server.
fn demo(keys: &SharedKeys, url: &str) -> Demo {
    keys.demo(url, &["--grpc", "127.0.0.1:0"])
}

/// What it says when it does not say "try again", as it may on a machine that is busy.
fn status(demo: &Demo, who: &Credential) -> u16 {
    demo.send_again(&who.on(Request::get("/api/me"))).status
}

/// So many demos at `url` see at once what is done at one of them.
fn agree(url: &str, count: usize) {
    let keys = SharedKeys::new(&format!("agree-{count}"));
    let demos: Vec<Demo> = (0..count).map(|_| demo(&keys, url)).collect();
    let (one, other) = (&demos[0], &demos[count - 1]);
    let (session, tokens) = (one.session("alice"), one.tokens("alice"));
    // Of other lanes, and with them of other masters where there are some.
    let bystanders: Vec<Credential> = (1..=9)
        .map(|n| demos[n % count].session(&format!("user-{n}")))
        .collect();
    for demo in &demos {
        for who in [&session, &tokens.access].into_iter().chain(&bystanders) {
            assert_eq!(status(demo, who), 200);
        }
    }
    // The ring is shared: any rotates the others' refresh tokens, to the same successor.
    let refreshed = Tokens::of(&other.refresh(&tokens.refresh));
    for demo in &demos {
        assert_eq!(
            Tokens::of(&demo.refresh(&tokens.refresh)).refresh,
            refreshed.refresh
        );
    }

    let ended = other.request("POST", "/api/logout-everywhere", &session);
    assert_eq!(ended.status, 204);
    for demo in &demos {
        for who in [&session, &tokens.access, &refreshed.access] {
            assert_eq!(status(demo, who), 401);
        }
        assert_eq!(demo.refresh(&refreshed.refresh).status, 400);
        assert_eq!(status(demo, &bystanders[0]), 200);
    }
    // A login right after works.
    assert_eq!(status(other, &one.session("alice")), 200);

    let admin = one.session("admin");
    let revoked = other.request("POST", "/api/revoke-all", &admin);
    assert_eq!(revoked.status, 204);
    for demo in &demos {
        for who in bystanders.iter().chain([&admin]) {
            assert_eq!(status(demo, who), 401);
        }
    }
}

#[test]
fn what_is_revoked_at_one_is_refused_at_the_others_at_once() {
    let redis = Redis::start(&[]);
    agree(&redis.url(), 2);
    agree(&redis.url(), 3);
}

#[test]
fn a_stream_at_one_ends_with_what_is_revoked_at_another() {
    let redis = Redis::start(&[]);
    let keys = SharedKeys::new("streams");
    let (one, other) = (demo(&keys, &redis.url()), demo(&keys, &redis.url()));
    let server = other.program().grpc().to_string();
    for (method, path) in [
        ("POST", "/api/logout-everywhere"),
        ("DELETE", "/api/logins/{}"),
    ] {
        let session = one.session("alice");
        let Credential::Cookie(cookie) = &session else {
            panic!("a session is a cookie")
        };
        let url = one.url(&path.replace("{}", &one.login_of(&session)));
        // After the first message, over HTTP.
        let args = [&server, method, &url, "cookie", cookie];
        let answer = python("tests/python/grpc_watch.py", args);
        let answer: Value = serde_json::from_str(&answer).expect("the script prints JSON");
        assert_eq!(
            (&answer["ended"], &answer["code"]),
            (&json!(204), &json!(16)),
            "{answer}"
        );
    }
}

#[test]
fn on_a_cluster_too() {
    agree(&RedisCluster::start(&[]).url(), 3);
}

#[test]
fn under_sentinels_too() {
    agree(&RedisSentinels::start(&[]).url(), 3);
}

/// Every key, and all that is under it.
fn dump(redis: &Redis) -> String {
    let script = "
        local all = {}
        for _, key in ipairs(redis.call('KEYS', '*')) do
            local kind = redis.call('TYPE', key).ok
            local read = kind == 'hash' and {'HGETALL', key} or {'ZRANGE', key, 0, -1}
            table.insert(all, key)
            table.insert(all, table.concat(redis.call(unpack(read)), ' '))
        end
        return table.concat(all, ' ')";
    redis.cli(&["EVAL", script, "0"])
}

#[test]
fn no_secret_is_in_the_store() {
    let (redis, keys) = (Redis::start(&[]), SharedKeys::new("dump"));
    let demo = demo(&keys, &redis.url());
    let session = demo.session("alice");
    let tokens = demo.tokens("alice");
    demo.refresh(&tokens.refresh);
    let form = format!("token={}", tokens.access.secret());
    demo.send(&Request::post("/token/revoke").form(&form));
    let field = Request::new("PUT", "/session/data/cart").json(&"rum".into());
    assert_eq!(demo.send(&session.on(field)).status, 204);

    let all = dump(&redis);
    // It is the right dump: the logins and the data are in it.
    assert!(all.contains("alice") && all.contains("\"rum\""), "{all}");
    assert!(demo.secrets().len() >= 4, "{:?}", demo.secrets().len());
    for secret in demo.secrets() {
        // A piece of it would be too much, too.
        let middle = secret.len() / 2;
        assert!(!all.contains(&secret[middle - 8..middle + 8]));
    }
    assert!(!all.contains("wonderland"));
}

#[test]
fn an_outage_logs_nobody_out_and_lets_nobody_in() {
    let (redis, keys) = (
        Redis::start(&["--appendonly", "yes"]),
        SharedKeys::new("outage"),
    );
    let demo = demo(&keys, &redis.url());
    let (session, tokens) = (demo.session("alice"), demo.tokens("alice"));

    redis.signal("STOP");
    for who in [&session, &tokens.access] {
        // More often than it takes the breaker to open.
        for _ in 0..10 {
            let response = demo.request("GET", "/api/me", who);
            assert_eq!(response.status, 503, "{response:?}");
            assert!(response.header("retry-after").is_some());
            assert_eq!(response.header("www-authenticate"), None);
            assert_eq!(response.header("set-cookie"), None);
        }
    }
    assert_eq!(demo.refresh(&tokens.refresh).status, 503);
    let login = Request::post("/session/login").form("user=alice&password=wonderland");
    assert_eq!(demo.send(&login).status, 503);
    // Who asks for nothing that needs the store is served.
    assert_eq!(demo.request("GET", "/public", &session).status, 200);
    assert_eq!(
        demo.request("GET", "/public", &Credential::None).status,
        200
    );

    redis.signal("CONT");
    // The breaker looks every half second.
    for who in [&session, &tokens.access] {
        assert_eq!(status(&demo, who), 200);
    }
    let form = format!("refresh_token={}", tokens.refresh);
    let refresh = Request::post("/token/refresh").form(&form);
    assert_eq!(demo.send_again(&refresh).status, 200);
}

#[test]
fn a_server_that_comes_back_empty_brings_no_revoked_token_back() {
    let (mut redis, keys) = (Redis::start(&[]), SharedKeys::new("empty"));
    let demo = demo(&keys, &redis.url());
    let (revoked, old) = (demo.tokens("alice"), demo.tokens("alice"));
    let form = format!("token={}", revoked.access.secret());
    assert_eq!(
        demo.send(&Request::post("/token/revoke").form(&form))
            .status,
        200
    );
    assert_eq!(status(&demo, &revoked.access), 401);

    redis.kill();
    // It knows by itself what it has revoked.
    let knows = || demo.request("GET", "/api/me", &revoked.access).status == 401;
    assert!(knows());
    redis.restart();
    assert!(knows());
    // What else is older is refused rather than trusted, as soon as it can be told.
    assert_eq!(status(&demo, &old.access), 401);
    assert!(knows());
    // And a login works.
    assert_eq!(status(&demo, &demo.tokens("alice").access), 200);
}

#[test]
fn in_replica_mode_what_is_ended_at_one_demo_ends_at_the_others() {
    let (redis, keys) = (Redis::start(&[]), SharedKeys::new("freshness"));
    let demos: Vec<Demo> = (0..3)
        .map(|_| keys.demo(&redis.url(), &["--freshness", "1s"]))
        .collect();
    for round in 0..6 {
        let one = &demos[round % 3];
        let (session, tokens) = (one.session("alice"), one.tokens("alice"));
        for demo in &demos {
            assert_eq!(status(demo, &session), 200);
            assert_eq!(status(demo, &tokens.access), 200);
        }
        let end = session.on(Request::post("/api/logout-everywhere"));
        assert_eq!(one.send_again(&end).status, 204);
        let ended = Instant::now();
        for who in [&session, &tokens.access] {
            assert_eq!(status(one, who), 401);
            for other in &demos {
                // Who is asked later than the bound may not let it in any more.
                while Instant::now() < ended + Duration::from_secs(1) {
                    match status(other, who) {
                        200 => thread::yield_now(),
                        _ => break,
                    }
                }
                assert_eq!(status(other, who), 401);
            }
        }
    }
}

/// How often each command was executed, but for those by which the server is watched.
fn commands(redis: &Redis) -> Vec<String> {
    let stats = redis.cli(&["INFO", "commandstats"]);
    let calls = stats
        .lines()
        .filter_map(|line| line.strip_prefix("cmdstat_"))
        .map(|line| line.split(',').next().unwrap_or_default().to_owned());
    calls
        .filter(|calls| !["info:", "role:"].iter().any(|it| calls.starts_with(it)))
        .collect()
}

#[test]
fn in_replica_mode_a_verified_request_costs_redis_no_command() {
    let (redis, keys) = (Redis::start(&[]), SharedKeys::new("commands"));
    // Of its own accord it looks after a quarter of that.
    let demo = keys.demo(&redis.url(), &["--freshness", "10h"]);
    let tokens = demo.tokens("user-1");
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let before = commands(&redis);
        for _ in 0..200 {
            assert_eq!(status(&demo, &tokens.access), 200);
        }
        let after = commands(&redis);
        if before == after {
            break;
        }
        // At first it reads all revocations.
        assert!(Instant::now() < until, "{before:?} {after:?}");
    }
}

#[test]
fn a_store_that_can_not_be_used_is_told_in_one_line() {
    let evicting = Redis::start(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]);
    let locked = Redis::start(&["--requirepass", "secret"]);
    let wrong = format!("redis://:wrong@{}", locked.address());
    let current = Redis::start(&[]);
    let old = Proxy::to(current.address());
    let info = current.cli(&["INFO", "server"]);
    let version = info.lines().find(|line| line.starts_with("redis_version:"));
    let major = &version.expect("it says so")[..="redis_version:".len()];
    old.rewrite(major, "redis_version:6");
    let rows = [
        ("nobody there", "redis://127.0.0.1:1".to_owned()),
        ("no URL", "nonsense".to_owned()),
        ("it forgets", evicting.url()),
        ("no password", locked.url()),
        ("a wrong password", wrong),
        ("too old", old.url()),
    ];
    for (row, url) in rows {
        let output = example("demo")
            .args(["--listen", "127.0.0.1:0", "--redis", &url])
            .stdin(Stdio::null())
            .output()
            .expect("it was built");
        assert_eq!(output.status.code(), Some(1), "{row}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.starts_with("demo: "), "{row}: {said}");
        assert_eq!(said.trim_end().lines().count(), 1, "{row}: {said}");
        assert!(!said.contains("wrong"), "{row}: {said}");
        assert!(output.stdout.is_empty(), "{row}");
    }
}

#[test]
fn a_session_of_long_ago_may_not_change_the_password() {
    let redis = Redis::with_clock_that_stands();
    let demo = Demo::start(&["--redis", &redis.url()]);
    let now = redis.clock();
    redis.set_clock(now - 301_000);
    let stale = demo.session("alice");
    redis.set_clock(now);
    assert_eq!(demo.who(&stale), "alice");
    let response = demo.request("POST", "/api/password", &stale);
    assert_eq!(response.status, 401, "{response:?}");
    let challenge = response.header("www-authenticate").expect("a challenge");
    // In the scheme of the credential: a client does not go for a token because of it.
    assert!(challenge.starts_with("Session realm="), "{challenge}");
    let why = r#"error="insufficient_user_authentication", max_age="300""#;
    assert!(challenge.ends_with(why), "{challenge}");
    assert_eq!(demo.who(&stale), "alice");

    let fresh = demo.session("alice");
    assert_eq!(demo.request("POST", "/api/password", &fresh).status, 204);
    assert_eq!(demo.request("GET", "/api/me", &stale).status, 401);
}
