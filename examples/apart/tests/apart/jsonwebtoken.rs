//! From jsonwebtoken by hand.

use std::net::SocketAddr;

use auth_apart::jsonwebtoken as after;
use before_jsonwebtoken as before;
use jsonwebtoken::{dangerous::insecure_decode, decode_header};
use serde_json::{Value, json};

use crate::{
    http::{Request, Response},
    support::{Visitor, serve},
    tokens::{FOREIGN, PRIVATE, PUBLIC, header, sign, with},
};

fn before() -> SocketAddr {
    serve!(axum, before::app(PRIVATE, PUBLIC).expect("sound settings"))
}

fn after() -> SocketAddr {
    serve!(axum, after::app(PRIVATE).expect("sound settings"))
}

fn log_in(server: SocketAddr) -> Value {
    let form = "user=alice&password=wonderland";
    let answer = Visitor::new(server).post("/login", form);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn access_token(answer: &Value) -> String {
    let token = answer["access_token"].as_str();
    token.expect("an access token").to_owned()
}

fn me(server: SocketAddr, token: &str) -> Response {
    Request::get("/me").bearer(token).send(server)
}

#[test]
fn users_log_in_and_use_their_token_before_and_after() {
    for (row, server) in [("before", before()), ("after", after())] {
        assert_that_tokens_are_issued_and_taken(row, server);
    }
}

fn assert_that_tokens_are_issued_and_taken(row: &str, server: SocketAddr) {
    let wrong = Visitor::new(server).post("/login", "user=alice&password=x");
    assert_eq!(wrong.status, 401, "{row}");
    let token = access_token(&log_in(server));
    let taken = me(server, &token);
    assert_eq!(
        (taken.status, taken.text()),
        (200, "alice of acme"),
        "{row}"
    );
    assert_eq!(Request::get("/me").send(server).status, 401, "{row}");

    // The very same token, signed again, is taken: what is refused below is so for its change.
    let header = decode_header(&token).expect("a header");
    let claims = insecure_decode::<Value>(&token).expect("claims").claims;
    let signed = |claims: &Value| sign(&header, claims, PRIVATE);
    assert_eq!(me(server, &signed(&claims)).status, 200, "{row}");

    let (head, _) = token.rsplit_once('.').expect("three parts");
    let refused = [
        ("no token", "x".to_owned()),
        ("no signature", format!("{head}.")),
        ("another key", sign(&header, &claims, FOREIGN)),
        (
            "it has expired",
            signed(&with(&claims, "exp", json!(1_700_000_000))),
        ),
        (
            "it never expires",
            signed(&with(&claims, "exp", Value::Null)),
        ),
        (
            "another audience",
            signed(&with(&claims, "aud", json!("other"))),
        ),
        (
            "another issuer",
            signed(&with(&claims, "iss", json!("https://evil.example"))),
        ),
    ];
    for (fault, token) in refused {
        assert_eq!(me(server, &token).status, 401, "{row}: {fault}");
    }
}

/// What the guide says that a hand-made check misses.
#[test]
fn what_a_hand_made_check_takes_is_refused() {
    let (before, after) = (before(), after());
    let rows = [
        ("not good yet", "nbf", json!(4_000_000_000_u64)),
        ("issued in the future", "iat", json!(4_000_000_000_u64)),
        ("of any size", "padding", json!("x".repeat(16 * 1024))),
    ];
    for (server, status) in [(before, 200), (after, 401)] {
        let token = access_token(&log_in(server));
        let of_token = decode_header(&token).expect("a header");
        let claims = insecure_decode::<Value>(&token).expect("claims").claims;
        for (row, name, value) in &rows {
            let token = sign(&of_token, &with(&claims, name, value.clone()), PRIVATE);
            assert_eq!(me(server, &token).status, status, "{row}");
        }
        let kid = of_token.kid.as_deref().unwrap_or("none");
        let id_token = sign(&header("id+jwt", kid), &claims, PRIVATE);
        assert_eq!(me(server, &id_token).status, status, "an ID token");
    }
}

#[test]
fn a_token_can_be_taken_back_after() {
    let server = after();
    let tokens = log_in(server);
    let token = access_token(&tokens);
    let refresh = tokens["refresh_token"].as_str().expect("a refresh token");
    assert_eq!(me(server, &token).status, 200);
    let form = format!("token={refresh}");
    assert_eq!(Visitor::new(server).post("/revoke", &form).status, 200);
    assert_eq!(me(server, &token).status, 401);
}
