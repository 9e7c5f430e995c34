//! The demo as a program: its flags, its end, and what it prints.

use std::{
    net::TcpStream,
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use auth_tests::{
    Curl, Program, Request,
    demo::{COOKIE, Credential, Demo, SetCookie, Tokens, login, password},
    example,
};
use serde_json::json;

/// More than any program takes to start or to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many lines of what it prints at the start may have a password in them: the users, and three
/// for curl.
const LINES_TO_TRY: usize = 4;

/// Runs the demo with flags that it has to refuse, or only has to explain.
fn ended(args: &[&str]) -> Output {
    let mut child = example("demo")
        .args(["--listen", "127.0.0.1:0"])
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("`tests/run` builds the programs");
    let start = Instant::now();
    while child.try_wait().expect("a child").is_none() {
        if start.elapsed() > PATIENCE {
            child.kill().expect("a child");
            panic!("it runs with {args:?}");
        }
        thread::yield_now();
    }
    child.wait_with_output().expect("a child")
}

#[test]
fn bad_flags_are_refused_with_a_message() {
    let missing = format!("{}/no-such-file", env!("CARGO_TARGET_TMPDIR"));
    let short = format!("{}/short.secret", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&short, "too short").expect("the folder for temporary files can be written");
    for args in [
        &["--no-such-flag"][..],
        &["--listen"],
        &["--grpc", "nowhere"],
        &["--grace", "soon"],
        &["--grace", "-1s"],
        &["--grace", "1h"],              // at most 300 s
        &["--session-absolute", "500d"], // at most 400 days
        &["--refresh-absolute", "500d"],
        &["--access-ttl", "500d"],
        &["--outage", "open"],
        &["--freshness", "1s"], // of no Redis
        &["--outage", "stale:soon"],
        &["--key", &missing],
        &["--key", &short],
        &["--refresh-keys", &missing],
        &["--refresh-keys", &short],
        &["--load-users", "many"],
    ] {
        let output = ended(args);
        assert!(!output.status.success(), "{args:?}");
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(!message.trim().is_empty(), "{args:?}");
        assert!(!message.contains("panicked"), "{args:?}: {message}");
        assert!(
            !message.contains("too short\n"),
            "{args:?} shows the key: {message}"
        );
    }
}

#[test]
fn an_address_in_use_is_refused_with_a_message() {
    let demo = Demo::start(&[]);
    let taken = demo.http().to_string();
    let output = ended(&["--grpc", &taken]);
    assert!(!output.status.success());
    assert!(!output.stderr.is_empty());
}

#[test]
fn help_lists_the_flags_and_their_variables() {
    let output = ended(&["--help"]);
    assert!(output.status.success());
    let help = String::from_utf8_lossy(&output.stdout);
    for flag in [
        "listen",
        "grpc",
        "redis",
        "freshness",
        "outage",
        "key",
        "refresh-keys",
        "access-ttl",
        "refresh-idle",
        "refresh-absolute",
        "grace",
        "session-idle",
        "session-absolute",
        "issuer",
        "audience",
        "assertion-audience",
        "insecure-cookie",
        "load-users",
    ] {
        let variable = format!("AUTH_DEMO_{}", flag.to_uppercase().replace('-', "_"));
        assert!(help.contains(&format!("--{flag}")), "{flag}: {help}");
        assert!(help.contains(&variable), "{variable}: {help}");
    }
}

#[test]
fn flags_can_be_environment_variables() {
    let mut command = example("demo");
    command
        .env("AUTH_DEMO_LISTEN", "127.0.0.1:0")
        .env("AUTH_DEMO_INSECURE_COOKIE", "true");
    let program = Program::spawn(&mut command);
    let response = login("/session/login", "alice").send(program.http());
    assert!(SetCookie::of(&response).is_some_and(|cookie| cookie.pair.starts_with("id=")));
}

#[test]
fn it_says_where_it_listens_who_can_log_in_and_what_to_try() {
    let demo = Demo::start(&[]);
    // Served once: so all of it is printed.
    assert_eq!(demo.send(&Request::get("/healthz")).status, 200);
    let start = Instant::now();
    while demo.program().output().matches("curl ").count() < 3 {
        assert!(start.elapsed() < PATIENCE, "{}", demo.program().output());
        thread::yield_now();
    }
    let printed = demo.program().output();
    for text in ["listening on http://127.0.0.1:", "alice", "admin"] {
        assert!(printed.contains(text), "{text}: {printed}");
    }
    assert!(printed.contains(&demo.http().to_string()), "{printed}");
}

#[test]
fn it_ends_when_it_is_interrupted() {
    let demo = Demo::start(&["--grpc", "127.0.0.1:0"]);
    let session = demo.session("user-1");
    assert_eq!(demo.who(&session), "user-1");
    let id = demo.program().id().to_string();
    let status = Command::new("kill")
        .args(["-INT", &id])
        .status()
        .expect("kill");
    assert!(status.success());
    let start = Instant::now();
    for address in [demo.http(), demo.program().grpc()] {
        while TcpStream::connect(address).is_ok() {
            assert!(start.elapsed() < PATIENCE, "it still listens on {address}");
            thread::yield_now();
        }
    }
}

/// Everything that the demo answers, with secrets in all places where one can be.
fn use_every_route(demo: &Demo) {
    let curl = Curl::default();
    for user in ["alice", "admin"] {
        let body = format!("user={user}&password={}", password(user));
        curl.run(["--data", &body, &demo.url("/session/login")]);
        curl.run([&demo.url("/api/me")]);
        for _ in 0..LINES_TO_TRY {
            demo.session(user);
        }
    }
    for user in ["alice", "admin", "user-1"] {
        let session = demo.session(user);
        let tokens = demo.tokens(user);
        let next = Tokens::of(&demo.refresh(&tokens.refresh));
        let made_up = format!("{}AAAA", &next.refresh[..next.refresh.len() - 4]);
        demo.refresh(&made_up);
        for who in [&session, &next.access] {
            for path in [
                "/api/me",
                "/api/admin",
                "/api/logins",
                "/verify",
                "/public",
                "/metrics",
                "/",
            ] {
                let response = demo.request("GET", path, who);
                if let Some(assertion) = response.header("x-auth-assertion") {
                    demo.keep_secret(assertion);
                }
                assert_eq!(
                    demo.secrets_in(&String::from_utf8_lossy(&response.body)),
                    [""; 0]
                );
            }
            demo.send(&who.on(Request::new("PUT", "/session/data/cart").json(&json!("tea"))));
            demo.request("GET", "/session/data/cart", who);
            // Where it does not belong.
            let secret = who.secret();
            demo.send(&Request::get("/api/me").bearer(&format!("{secret}x")));
            let misplaced = Credential::Cookie(format!("{COOKIE}={secret}; {COOKIE}={secret}"));
            demo.who(&misplaced);
            demo.send(&Request::get(&format!("/api/logins?token={secret}")));
            demo.send(&Request::get(&format!("/{secret}")));
            demo.request("DELETE", &format!("/api/logins/{secret}"), who);
            for path in [
                "/token/revoke",
                "/token/introspect",
                "/token/refresh",
                "/token/login",
            ] {
                let body = format!(
                    "token={secret}&refresh_token={secret}&user={secret}&password={secret}"
                );
                let response = demo.send(&who.on(Request::post(path).form(&body)));
                assert!(!response.text().contains(secret), "{path}: {response:?}");
            }
        }
        demo.request("POST", "/api/logout-everywhere", &session);
        assert_eq!(demo.refresh(&next.refresh).status, 400);
    }
}

#[test]
fn nothing_secret_is_printed_or_counted() {
    // As much as it can be made to say.
    let mut command = example("demo");
    command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "1");
    let demo = Demo::spawn(command, &["--grace", "0s"]);
    use_every_route(&demo);
    let wrong = "a wrong password, typed here by mistake";
    for path in ["/session/login", "/token/login"] {
        let typed = Request::post(path).json(&json!({"user": "alice", "password": wrong}));
        assert!(matches!(demo.send(&typed).status, 400 | 401));
    }

    assert!(demo.secrets().len() > 20);
    let metrics = demo.send(&Request::get("/metrics"));
    let printed = demo.program().output();
    for text in [metrics.text(), &printed] {
        assert_eq!(demo.secrets_in(text), [""; 0], "{text}");
        assert!(!text.contains(wrong), "{text}");
    }
    // The passwords are in the lines to try, and not once for each login.
    for user in ["alice", "admin"] {
        let count = |text: &str| text.matches(password(user)).count();
        assert!(count(&printed) <= LINES_TO_TRY, "{printed}");
        assert_eq!(count(metrics.text()), 0);
    }
}

#[test]
#[should_panic = "printed"]
fn a_secret_that_is_printed_fails_the_test() {
    let demo = Demo::start(&[]);
    demo.keep_secret(&format!("http://{}", demo.http()));
}
