//! A logout at a real OpenID provider (Authlib) is one here: of sessions that began there, and of its
//! own tokens.

use std::{
    thread,
    time::{Duration, Instant},
};

use auth_tests::{
    Program, Provider, Redis, Request, Response,
    demo::{Credential, Demo, SetCookie},
};

/// A relying party, `examples/oidc_login.rs`.
struct Node(Program);

impl Node {
    fn start(provider: &Provider, redis: &Redis) -> Self {
        let args = [
            "127.0.0.1:0",
            &provider.issuer(),
            provider.audience(),
            &redis.url(),
        ];
        Self(Program::start("oidc_login", args))
    }

    fn log_in(&self, provider: &Provider, sub: &str, sid: &str) -> Credential {
        let form = format!("id_token={}", provider.id_token(sub, sid));
        let response = Request::post("/login").form(&form).send(self.0.http());
        assert_eq!(response.status, 204, "{response:?}");
        Credential::Cookie(SetCookie::of(&response).expect("a cookie").pair)
    }

    fn status(&self, who: &Credential) -> u16 {
        who.on(Request::get("/me")).send(self.0.http()).status
    }

    fn uri(&self) -> String {
        format!("http://{}/backchannel-logout", self.0.http())
    }

    /// Somebody other than the provider posts a logout token.
    fn post(&self, token: &str) -> Response {
        let form = format!("logout_token={token}");
        let request = Request::post("/backchannel-logout").form(&form);
        request.send(self.0.http())
    }
}

/// A store takes no foreign tokens from before 2 s after a revocation, or its own start: until then
/// another one is made.
fn token(make: impl Fn() -> String, is_taken: impl Fn(&Credential) -> bool) -> Credential {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let token = Credential::Bearer(make());
        if is_taken(&token) {
            return token;
        }
        assert!(Instant::now() < until, "no token is ever taken");
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_logout_at_the_provider_is_one_on_every_node() {
    let (provider, redis) = (Provider::start(), Redis::start(&[]));
    let [here, there] = [(); 2].map(|()| Node::start(&provider, &redis));
    let ends = here.log_in(&provider, "alice", "s1");
    let other = there.log_in(&provider, "alice", "s2");
    let bob = there.log_in(&provider, "bob", "s3");
    let is_taken = |who: &Credential| there.status(who) == 200;
    let ends_too = token(|| provider.token_of("alice", "s1"), is_taken);
    let other_too = Credential::Bearer(provider.token_of("alice", "s2"));
    let all = [&ends, &ends_too, &other, &other_too, &bob];
    let statuses = |node: &Node| all.map(|who| node.status(who));
    assert_eq!(statuses(&here), [200; 5]);

    // One session, by a provider that names nothing else.
    let (logout_token, status) = provider.log_out("sid=s1", &here.uri());
    assert_eq!(status, 200);
    for node in [&here, &there] {
        assert_eq!(statuses(node), [401, 401, 200, 200, 200]);
        let replayed = node.post(&logout_token);
        assert_eq!(replayed.status, 400, "{replayed:?}");
        assert_eq!(replayed.json()["error"], "invalid_request");
        assert_eq!(replayed.header("cache-control"), Some("no-store"));
    }
    // Whose session it was can not come back by the ID token that began it.
    let form = format!("id_token={}", provider.id_token("alice", "s1"));
    let again = Request::post("/login").form(&form).send(there.0.http());
    assert_eq!(again.status, 409, "{again:?}");

    // Everything of alice, on the other node, by a key that it has not seen yet.
    provider.rotate();
    let (_, status) = provider.log_out("sub=alice", &there.uri());
    assert_eq!(status, 200);
    for node in [&here, &there] {
        assert_eq!(statuses(node), [401, 401, 401, 401, 200]);
    }
    let back = there.log_in(&provider, "alice", "s4");
    assert_eq!(here.status(&back), 200);
    token(|| provider.token_of("alice", "s4"), is_taken);
}

#[test]
fn without_redis_it_is_503_and_the_token_stays_good() {
    let (provider, redis) = (Provider::start(), Redis::start(&[]));
    let node = Node::start(&provider, &redis);
    for (session, what) in [("s1", "sid=s1"), ("s2", "sub=alice")] {
        let alice = node.log_in(&provider, "alice", session);
        redis.signal("STOP");
        let (logout_token, status) = provider.log_out(what, &node.uri());
        assert_eq!(status, 503);
        redis.signal("CONT");
        let until = Instant::now() + Duration::from_secs(30);
        while node.status(&alice) == 503 {
            assert!(Instant::now() < until, "Redis never came back");
            thread::sleep(Duration::from_millis(20));
        }
        let again = node.post(&logout_token);
        assert_eq!(again.status, 200, "{again:?}");
        assert_eq!(node.status(&alice), 401);
    }
}

#[test]
fn the_demo_hears_of_logouts_from_those_it_trusts() {
    let provider = Provider::start();
    let keys = format!("{}/keys", provider.issuer());
    let trust = format!("{},{},{keys}", provider.issuer(), provider.audience());
    let demo = Demo::start(&["--trust", &trust]);
    let is_taken = |who: &Credential| demo.request("GET", "/api/me", who).status == 200;
    let one = token(|| provider.token_of("alice", "s1"), is_taken);
    let other = Credential::Bearer(provider.token_of("alice", "s2"));
    let ours = demo.session("alice");
    let uri = demo.url("/backchannel-logout");
    assert_eq!(provider.log_out("sid=s1", &uri).1, 200);
    assert_eq!([&one, &other, &ours].map(is_taken), [false, true, true]);
    // The provider's alice is not ours.
    assert_eq!(provider.log_out("sub=alice", &uri).1, 200);
    assert_eq!([&one, &other, &ours].map(is_taken), [false, false, true]);
    assert_eq!(provider.log_out("", &uri).1, 400);
    let metrics = demo.send(&Request::get("/metrics"));
    let counted = r#"auth_provider_logouts_total{scope="session"} 1"#;
    assert!(metrics.text().contains(counted), "{}", metrics.text());
    // Whom it does not trust it does not hear.
    let nobody = Demo::start(&[]);
    let uri = nobody.url("/backchannel-logout");
    assert_eq!(provider.log_out("sub=alice", &uri).1, 404);
}
