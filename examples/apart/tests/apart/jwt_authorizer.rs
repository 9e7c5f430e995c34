//! From jwt-authorizer.

use std::{
    net::SocketAddr,
    time::{SystemTime, UNIX_EPOCH},
};

use auth_apart::jwt_authorizer as after;
use before_jwt_authorizer as before;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{
    http::{Request, Response},
    support::serve,
    tokens::{FOREIGN, PRIVATE, PUBLIC, header, sign, with},
};

fn before() -> SocketAddr {
    let runtime = Runtime::new().expect("a runtime");
    let app = runtime.block_on(before::app(PUBLIC));
    let app = app.expect("sound settings");
    serve!(axum_07, app)
}

fn after() -> SocketAddr {
    serve!(axum, after::app(PUBLIC).expect("sound settings"))
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("after 1970").as_secs()
}

/// Of an access token that is good for five minutes.
fn claims() -> Value {
    json!({
        "iss": "https://id.example", "aud": "api", "sub": "alice", "tenant": "acme",
        "iat": now(), "exp": now() + 300, "jti": "1",
    })
}

fn me(server: SocketAddr, token: &str) -> Response {
    Request::get("/me").bearer(token).send(server)
}

#[test]
fn tokens_get_the_same_verdict_before_and_after() {
    for (row, server) in [("before", before()), ("after", after())] {
        assert_that_the_right_tokens_are_taken(row, server);
    }
}

fn assert_that_the_right_tokens_are_taken(row: &str, server: SocketAddr) {
    let signed = |claims: &Value| sign(&header("JWT", "key-1"), claims, PRIVATE);
    let good = signed(&claims());
    let taken = me(server, &good);
    assert_eq!(
        (taken.status, taken.text()),
        (200, "alice of acme"),
        "{row}"
    );

    let nobody = Request::get("/me").send(server);
    assert_eq!(nobody.status, 401, "{row}");
    let challenge = nobody.header("www-authenticate").expect("a challenge");
    assert!(challenge.starts_with("Bearer"), "{row}: {challenge}");

    let (head, _) = good.rsplit_once('.').expect("three parts");
    let changed = |name, value| signed(&with(&claims(), name, value));
    let refused = [
        ("no token", "x".to_owned()),
        ("no signature", format!("{head}.")),
        (
            "another key",
            sign(&header("JWT", "key-1"), &claims(), FOREIGN),
        ),
        ("it has expired", changed("exp", json!(now() - 3600))),
        ("it is not good yet", changed("nbf", json!(now() + 3600))),
        ("it never expires", changed("exp", Value::Null)),
        ("another audience", changed("aud", json!("other"))),
        (
            "another issuer",
            changed("iss", json!("https://evil.example")),
        ),
    ];
    for (fault, token) in refused {
        let refused = me(server, &token);
        assert_eq!(refused.status, 401, "{row}: {fault}");
        let challenge = refused.header("www-authenticate").unwrap_or_default();
        assert!(challenge.contains("invalid_token"), "{row}: {fault}");
    }
    let other_scheme = Request::get("/me").header("authorization", "Basic YTpi");
    assert_eq!(other_scheme.send(server).status, 401, "{row}");
}

/// What the guide says of the difference.
#[test]
fn what_was_taken_for_want_of_a_claim_is_refused() {
    let (before, after) = (before(), after());
    let changed = |name, value| {
        let claims = with(&claims(), name, value);
        sign(&header("JWT", "key-1"), &claims, PRIVATE)
    };
    let rows = [
        ("no audience", changed("aud", Value::Null)),
        ("no issuer", changed("iss", Value::Null)),
        ("a string for nbf", changed("nbf", json!("9999999999"))),
        (
            "of another type",
            sign(&header("id+jwt", "key-1"), &claims(), PRIVATE),
        ),
    ];
    for (row, token) in rows {
        assert_eq!(me(before, &token).status, 200, "before: {row}");
        assert_eq!(me(after, &token).status, 401, "after: {row}");
    }
}
