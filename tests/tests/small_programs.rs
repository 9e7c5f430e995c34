//! The examples for one framework each: an axum router behind sessions, and hyper alone.

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::Duration,
};

use auth_tests::{
    Curl, Program, Request, Response,
    demo::{Credential, SetCookie},
    example,
};

fn start(name: &str) -> Program {
    Program::spawn(example(name).arg("127.0.0.1:0"))
}

/// `Bearer realm="…"` and nothing behind it.
#[track_caller]
fn assert_plain_challenge(response: &Response, scheme: &str) {
    assert_eq!(response.status, 401, "{response:?}");
    let challenge = response.header("www-authenticate").expect("a challenge");
    let start = format!("{scheme} realm=\"");
    assert!(
        challenge.starts_with(&start) && challenge.matches('"').count() == 2,
        "{challenge}"
    );
}

#[test]
fn an_axum_router_behind_sessions() {
    let program = start("axum_app");
    let server = program.http();
    let me = |who: &Credential| who.on(Request::get("/me")).send(server);
    assert_plain_challenge(&me(&Credential::None), "Session");

    let logged_in = Request::post("/login").form("user=alice").send(server);
    assert_eq!(logged_in.status, 204, "{logged_in:?}");
    let cookie = SetCookie::of(&logged_in).expect("a cookie");
    assert_eq!(
        cookie.attributes(),
        ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]
    );
    let alice = Credential::Cookie(cookie.pair);
    let answer = me(&alice);
    assert_eq!((answer.status, answer.text()), (200, "alice"));
    assert_eq!(answer.header("set-cookie"), None);

    let forged = alice
        .on(Request::post("/logout"))
        .header("sec-fetch-site", "cross-site");
    assert_eq!(forged.send(server).status, 403);
    assert_eq!(me(&alice).status, 200);
    let logged_out = alice.on(Request::post("/logout")).send(server);
    assert_eq!(logged_out.status, 204, "{logged_out:?}");
    assert_eq!(SetCookie::of(&logged_out).expect("a removal").value(), "");
    assert_plain_challenge(&me(&alice), "Session");
}

#[test]
fn a_stream_of_the_axum_router_breaks_off_when_its_login_ends() {
    let program = start("axum_app");
    let server = program.http();
    let log_in = || {
        let logged_in = Request::post("/login").form("user=alice").send(server);
        Credential::Cookie(SetCookie::of(&logged_in).expect("a cookie").pair)
    };
    let (alice, other) = (log_in(), log_in());
    let Credential::Cookie(pair) = &alice else {
        panic!("a session is a cookie")
    };
    let mut stream = TcpStream::connect(server).expect("connected");
    let wait = Some(Duration::from_secs(20));
    stream.set_read_timeout(wait).expect("set");
    write!(
        stream,
        "GET /clock HTTP/1.1\r\nhost: x\r\ncookie: {pair}\r\n\r\n"
    )
    .expect("sent");

    let mut all = Vec::new();
    let until = |stream: &mut TcpStream, all: &mut Vec<u8>, what: &str| {
        let mut chunk = [0; 1024];
        while !String::from_utf8_lossy(all).contains(what) {
            let read = stream.read(&mut chunk).expect("read");
            assert_ne!(read, 0, "{}", String::from_utf8_lossy(all));
            all.extend(&chunk[..read]);
        }
    };
    until(&mut stream, &mut all, "data: 1\n");
    assert_eq!(other.on(Request::post("/logout")).send(server).status, 204);
    until(&mut stream, &mut all, "data: 2\n");
    assert_eq!(alice.on(Request::post("/logout")).send(server).status, 204);
    // It may be closed or reset; it never gets the last chunk, which says that this was all.
    let _ = stream.read_to_end(&mut all);
    let text = String::from_utf8_lossy(&all);
    assert!(text.contains("transfer-encoding: chunked"), "{text}");
    assert!(!text.ends_with("0\r\n\r\n"), "{text}");
}

#[test]
fn the_axum_router_with_curl() {
    let program = start("axum_app");
    let url = |path: &str| format!("http://{}{path}", program.http());
    let curl = Curl::default();
    curl.run(["--data", "user=alice", &url("/login")]);
    assert_eq!(curl.run([url("/me")]), "alice");
    curl.run(["--request", "POST", &url("/logout")]);
    let status = curl.run(["--output", "-", "--write-out", "%{http_code}", &url("/me")]);
    assert!(status.ends_with("401"), "{status}");
}

#[test]
fn hyper_without_a_framework() {
    let program = start("hyper_server");
    let server = program.http();
    let alice = Credential::Bearer(program.wait_for("token for alice: "));
    let me = |who: &Credential| who.on(Request::get("/me")).send(server);

    let anonymous = me(&Credential::None);
    assert_plain_challenge(&anonymous, "Bearer");
    let plain = anonymous
        .header("www-authenticate")
        .expect("a challenge")
        .to_owned();
    let answer = me(&alice);
    assert_eq!((answer.status, answer.text()), (200, "alice"));
    let two = alice.on(alice.on(Request::get("/me"))).send(server);
    assert_eq!(two.status, 400, "{two:?}");
    let challenge = format!(r#"{plain}, error="invalid_request""#);
    assert_eq!(two.header("www-authenticate"), Some(&*challenge));

    // Many at once are all served.
    thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| assert_eq!(me(&alice).text(), "alice"));
        }
    });

    assert_eq!(Request::post("/logout-everywhere").send(server).status, 401);
    assert_eq!(me(&alice).status, 200);
    let everywhere = alice.on(Request::post("/logout-everywhere")).send(server);
    assert_eq!(everywhere.status, 204, "{everywhere:?}");
    let refused = me(&alice);
    assert_eq!(refused.status, 401);
    let challenge =
        format!(r#"{plain}, error="invalid_token", error_description="the token was revoked""#);
    assert_eq!(refused.header("www-authenticate"), Some(&*challenge));
}
