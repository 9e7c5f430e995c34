//! A token in a cookie.

use auth_core::ManualClock;
use auth_jwt_layer::{ConfigErrorKind, JwtLayer, JwtLayerBuilder, OnInvalid};
use http::Request;
use serde_json::json;

use crate::support::*;

fn layer() -> JwtLayerBuilder {
    let verifier = foreign_verifier(&ManualClock::new(START)).build();
    JwtLayer::builder(verifier.expect("a verifier"))
}

fn request(headers: &[(&'static str, String)]) -> Request<()> {
    let mut request = Request::builder();
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    request.body(()).expect("a request")
}

#[tokio::test]
async fn the_header_wins_and_the_cookie_is_next() {
    let alice = foreign_token(json!({}));
    let bob = foreign_token(json!({"sub": "bob"}));
    let expired = foreign_token(json!({"exp": START.as_secs() - 60}));
    let header = |token: &str| ("authorization", format!("Bearer {token}"));
    let cookie = |token: &str| ("cookie", format!("a=b; __Host-token={token}; c=d"));
    let bad_request = |answer: &Answer| answer.status == 400;
    let layer = layer().cookie("__Host-token").build().expect("a layer");
    for (what, headers, expected) in [
        ("neither", vec![], Some(passed("nobody"))),
        (
            "the header",
            vec![header(&alice)],
            Some(passed("token alice")),
        ),
        ("the cookie", vec![cookie(&bob)], Some(passed("token bob"))),
        (
            "both",
            vec![header(&alice), cookie(&bob)],
            Some(passed("token alice")),
        ),
        (
            "a bad header and a good cookie",
            vec![header(&expired), cookie(&bob)],
            Some(invalid("the token expired")),
        ),
        (
            "a header that can not be read and a good cookie",
            vec![header(""), cookie(&bob)],
            None,
        ),
        (
            "another scheme and the cookie",
            vec![("authorization", "Basic YTpi".to_owned()), cookie(&bob)],
            Some(passed("token bob")),
        ),
        (
            "a bad cookie",
            vec![cookie(&expired)],
            Some(invalid("the token expired")),
        ),
        (
            "a good header and a bad cookie",
            vec![header(&alice), cookie(&expired)],
            Some(passed("token alice")),
        ),
        ("an empty cookie", vec![cookie("")], Some(passed("nobody"))),
        (
            "two cookies of the name",
            vec![cookie(&alice), cookie(&bob)],
            Some(passed("nobody")),
        ),
        (
            "a cookie of another name",
            vec![("cookie", format!("token={alice}; __host-token={alice}"))],
            Some(passed("nobody")),
        ),
        (
            "garbage",
            vec![cookie("\"x")],
            Some(invalid("the token is malformed")),
        ),
    ] {
        let answer = send(&layer, request(&headers)).await;
        match expected {
            Some(expected) => assert_eq!(answer, expected, "{what}"),
            None => assert!(bad_request(&answer), "{what}: {answer:?}"),
        }
    }
}

#[tokio::test]
async fn neither_a_cookie_that_nobody_asked_for_nor_the_query_is_a_credential() {
    let token = foreign_token(json!({}));
    let layer = layer().build().expect("a layer");
    for name in ["__Host-token", "token", "access_token", "Authorization"] {
        let request = request(&[("cookie", format!("{name}={token}"))]);
        assert_eq!(send(&layer, request).await, passed("nobody"));
    }
    let in_query = Request::builder().uri(format!("/?access_token={token}"));
    let in_query = in_query.body(()).expect("a request");
    assert_eq!(send(&layer, in_query).await, passed("nobody"));
}

#[tokio::test]
async fn a_cookie_counts_where_a_token_is_required_and_may_go_on_as_nobodys() {
    let cookie = |token: &str| request(&[("cookie", format!("t={token}"))]);
    let good = foreign_token(json!({}));
    let expired = foreign_token(json!({"exp": START.as_secs() - 60}));
    let required = layer().cookie("t").required().build().expect("a layer");
    assert_eq!(send(&required, cookie(&good)).await, passed("token alice"));
    assert_eq!(send(&required, request(&[])).await.status, 401);
    let lenient = layer().cookie("t").on_invalid(OnInvalid::Anonymous);
    let lenient = lenient.build().expect("a layer");
    assert_eq!(send(&lenient, cookie(&expired)).await, passed("nobody"));
}

#[test]
fn a_cookies_name_is_one() {
    for (name, is_one) in [
        ("__Host-token", true),
        ("t", true),
        ("", false),
        ("a b", false),
        ("a=b", false),
        ("a;b", false),
        ("\u{e4}", false),
    ] {
        let layer = layer().cookie(name).build();
        let kind = layer.err().map(|error| error.kind());
        let expected = (!is_one).then_some(ConfigErrorKind::CookieName);
        assert_eq!(kind, expected, "{name:?}");
    }
}
