//! The examples for one framework each: an axum router behind sessions, and hyper alone.

use std::thread;

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
