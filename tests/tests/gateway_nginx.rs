//! nginx, as the guide has it, in front of the demo and of a service that believes assertions only.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use auth_tests::{
    Nginx, Program, Redis, Request, Response,
    demo::{self, Credential, Demo, SetCookie, Tokens},
    repository,
};

/// The `server` block of the guide, in front of these two.
fn nginx(auth: SocketAddr, behind: SocketAddr) -> Nginx {
    let guide = fs::read_to_string(repository().join("docs/src/gateways.md")).expect("a guide");
    let mut blocks = guide.split("```nginx\n").skip(1);
    let block = blocks.next().expect("the guide has a configuration");
    assert!(blocks.next().is_none(), "one configuration");
    let mut config = block.split("```").next().expect("it ends").to_owned();
    for (port, address) in [(3000, auth), (3001, behind)] {
        let before = format!("http://127.0.0.1:{port}");
        assert!(config.contains(&before), "{config}");
        config = config.replace(&before, &format!("http://{address}"));
    }
    Nginx::start(&config)
}

/// The demo, and the example service that verifies by its published keys.
struct Scene {
    redis: Redis,
    demo: Demo,
    behind: Program,
}

impl Scene {
    fn start() -> Self {
        let redis = Redis::start(&[]);
        let demo = Demo::start(&["--redis", &redis.url()]);
        let jwks = demo.url("/.well-known/jwks.json");
        let args = ["behind", "127.0.0.1:0", "https://auth.demo", &jwks];
        let behind = Program::start("gateway", args);
        Self {
            redis,
            demo,
            behind,
        }
    }
}

fn orders(nginx: &Nginx, who: &Credential) -> Response {
    who.on(Request::get("/orders")).send(nginx.address())
}

fn log_in(nginx: &Nginx, user: &str) -> Credential {
    let response = demo::login("/session/login", user).send(nginx.address());
    assert_eq!(response.status, 204, "{response:?}");
    let cookie = SetCookie::of(&response).expect("a cookie");
    Credential::Cookie(cookie.pair)
}

#[test]
fn who_logs_in_passes_until_they_log_out() {
    let Scene {
        redis: _redis,
        demo,
        behind,
    } = Scene::start();
    let nginx = nginx(demo.http(), behind.http());

    let nobody = orders(&nginx, &Credential::None);
    assert_eq!(nobody.status, 401, "{nobody:?}");
    assert!(nobody.header("www-authenticate").is_some());

    let alice = log_in(&nginx, "alice");
    let response = orders(&nginx, &alice);
    assert_eq!(
        (response.status, response.text()),
        (200, "the orders of alice\n")
    );
    // The check itself is not for clients.
    let response = alice.on(Request::get("/auth/verify")).send(nginx.address());
    assert_eq!(response.status, 404, "{response:?}");

    let logout = alice.on(Request::post("/session/logout"));
    assert_eq!(logout.send(nginx.address()).status, 204);
    let response = orders(&nginx, &alice);
    assert_eq!(response.status, 401, "{response:?}");

    let response = demo::login("/token/login", "admin").send(nginx.address());
    let tokens = Tokens::of(&response);
    let response = orders(&nginx, &tokens.access);
    assert_eq!(response.text(), "the orders of admin\n", "{response:?}");
    let form = format!("token={}", tokens.refresh);
    let revoked = Request::post("/token/revoke").form(&form);
    assert_eq!(revoked.send(nginx.address()).status, 200);
    let response = orders(&nginx, &tokens.access);
    assert_eq!(response.status, 401, "{response:?}");
    let challenge = response.header("www-authenticate").unwrap_or_default();
    assert!(challenge.contains("was revoked"), "{challenge}");
}

/// An upstream that says what it was sent.
fn listening() -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (heard, hearing) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = BufReader::new(stream);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") && stream.read_line(&mut head).is_ok_and(|n| n > 0) {}
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            if stream.get_mut().write_all(answer).is_err() || heard.send(head).is_err() {
                break;
            }
        }
    });
    (address, hearing)
}

#[test]
fn nothing_that_a_client_says_of_itself_gets_through() {
    let scene = Scene::start();
    let assertion_of = |user: &str| {
        let response = scene
            .demo
            .request("GET", "/verify", &scene.demo.session(user));
        let assertion = response.header("x-auth-assertion").expect("an assertion");
        assertion.to_owned()
    };
    let admins = assertion_of("admin");
    let (upstream, heard) = listening();
    let listening = nginx(scene.demo.http(), upstream);
    let serving = nginx(scene.demo.http(), scene.behind.http());
    let alice = scene.demo.session("alice");

    let forged = || {
        alice
            .on(Request::get("/orders"))
            .header("x-auth-assertion", &admins)
    };
    let response = forged().send(serving.address());
    assert_eq!(response.text(), "the orders of alice\n", "{response:?}");
    assert_eq!(forged().send(listening.address()).status, 200);
    let head = heard.recv().expect("a request");
    assert!(!head.contains(&admins), "{head}");
    assert!(!head.contains(alice.secret()), "{head}");
    let of_name = |name: &str| {
        let lines = head.lines().filter(|line| {
            let is_it = |line: &str| line.split(':').next() == Some(name);
            is_it(&line.to_ascii_lowercase())
        });
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let bearer = of_name("authorization");
    assert_eq!(bearer.len(), 1, "{head}");
    let assertion = bearer[0].split("Bearer ").nth(1).expect("a bearer");
    assert_eq!(demo::unverified(assertion).1["sub"], "alice");
    for name in ["cookie", "x-auth-assertion"] {
        assert_eq!(of_name(name), Vec::<String>::new(), "{head}");
    }

    // An assertion, hers or the admin's, is no credential at the front door, and never gets behind it.
    for assertion in [assertion, &admins] {
        for request in [
            Request::get("/orders").bearer(assertion),
            alice.on(Request::get("/orders")).bearer(assertion),
            Request::get("/orders").header("x-auth-assertion", assertion),
        ] {
            let response = request.send(listening.address());
            assert_eq!(response.status, 401, "{response:?}");
        }
    }
    assert!(heard.try_recv().is_err(), "nothing more got through");
}

#[test]
fn without_redis_there_is_a_503_page_and_nobody_is_logged_out() {
    let Scene {
        mut redis,
        demo,
        behind,
    } = Scene::start();
    let nginx = nginx(demo.http(), behind.http());
    let alice = log_in(&nginx, "alice");
    let bearer = demo.tokens("alice").access;
    let assert_down = |why: &str| {
        for who in [&alice, &bearer] {
            let response = orders(&nginx, who);
            assert_eq!(response.status, 503, "{why}: {response:?}");
            assert!(response.text().contains("503"), "{why}: {response:?}");
            assert_eq!(response.header("retry-after"), Some("1"), "{why}");
            assert_eq!(response.header("set-cookie"), None, "{why}");
            assert_eq!(response.header("www-authenticate"), None, "{why}");
        }
    };
    assert_eq!(orders(&nginx, &alice).status, 200);
    redis.signal("STOP");
    assert_down("Redis hangs");
    redis.signal("CONT");
    // The breaker tries it again by and by.
    let until = Instant::now() + Duration::from_secs(30);
    while orders(&nginx, &alice).status != 200 {
        assert!(Instant::now() < until, "it never came back");
        thread::sleep(Duration::from_millis(20));
    }
    redis.kill();
    assert_down("Redis is gone");
    drop(demo);
    assert_down("the demo is gone, too");
}
