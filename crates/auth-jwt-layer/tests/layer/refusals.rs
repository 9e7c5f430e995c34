//! What is refused without a store, and how.

use std::time::Duration;

use auth_core::{
    InvalidToken, ManualClock, Rejection, RejectionKind, Verdict, rejection::ProblemJson,
};
use auth_jwt_layer::{ConfigErrorKind, JwtLayer, JwtLayerBuilder, OnInvalid};
use http::{HeaderValue, Request, Response, StatusCode, header, response};
use serde_json::json;
use tower::ServiceExt;

use crate::support::*;

fn layer() -> JwtLayerBuilder {
    let verifier = foreign_verifier(&ManualClock::new(START)).require_token_id();
    let verifier = verifier.build();
    JwtLayer::builder(verifier.expect("a verifier"))
}

fn with_headers(headers: &[(&'static str, &[u8])]) -> Request<()> {
    let mut request = request();
    for (name, value) in headers {
        let value = HeaderValue::from_bytes(value).expect("a header value");
        request.headers_mut().append(*name, value);
    }
    request
}

fn bad_request() -> Answer {
    Answer {
        status: 400,
        challenge: Some(r#"Bearer realm="auth", error="invalid_request""#.to_owned()),
        retry_after: None,
        body: String::new(),
    }
}

/// Requests, and what a layer that refuses makes of them.
fn rows() -> Vec<(&'static str, Request<()>, Answer)> {
    let start = START.as_secs();
    let bad = |members| bearer(&foreign_token(members));
    let forged = {
        let token = foreign_token(json!({}));
        let signed = token.rsplit_once('.').expect("three parts").0;
        format!("{signed}.{}", "A".repeat(43))
    };
    let header = |members| bearer(&sign(&members, &foreign_claims(json!({}))));
    let good = foreign_token(json!({}));
    let good_value = format!("Bearer {good}").into_bytes();
    vec![
        ("no header", request(), passed("nobody")),
        (
            "another scheme",
            with_headers(&[("authorization", b"Basic YTpi")]),
            passed("nobody"),
        ),
        ("a good token", bearer(&good), passed("token alice")),
        (
            "the scheme in another case",
            with_headers(&[("authorization", format!("bEARER {good}").as_bytes())]),
            passed("token alice"),
        ),
        (
            "a token elsewhere",
            with_headers(&[("cookie", &good_value), ("x-token", &good_value)]),
            passed("nobody"),
        ),
        (
            "no token",
            with_headers(&[("authorization", b"Bearer")]),
            bad_request(),
        ),
        (
            "two spaces",
            with_headers(&[("authorization", b"Bearer  a.b.c")]),
            bad_request(),
        ),
        (
            "not ASCII",
            with_headers(&[("authorization", b"Bearer \xff")]),
            bad_request(),
        ),
        (
            "two headers, both good",
            with_headers(&[
                ("authorization", &good_value),
                ("authorization", &good_value),
            ]),
            bad_request(),
        ),
        (
            "two headers, one of another scheme",
            with_headers(&[
                ("authorization", b"Basic YTpi"),
                ("authorization", &good_value),
            ]),
            bad_request(),
        ),
        (
            "garbage",
            bearer("garbage"),
            invalid("the token is malformed"),
        ),
        (
            "too large",
            bearer(&"a".repeat(9000)),
            invalid("the token is malformed"),
        ),
        (
            "a forged signature",
            bearer(&forged),
            invalid("the signature is invalid"),
        ),
        (
            "alg none",
            header(json!({"alg": "none", "typ": "at+jwt", "kid": "k"})),
            invalid("the signature is invalid"),
        ),
        (
            "an unknown key",
            header(json!({"alg": "HS256", "typ": "at+jwt", "kid": "x"})),
            invalid("the signature is invalid"),
        ),
        (
            "an ID token",
            header(json!({"alg": "HS256", "typ": "JWT", "kid": "k"})),
            invalid("the token is of another kind"),
        ),
        (
            "crit",
            header(json!({"alg": "HS256", "typ": "at+jwt", "kid": "k", "crit": ["x"], "x": 1})),
            invalid("the token is of another kind"),
        ),
        (
            "no sub",
            bad(json!({"sub": null})),
            invalid("the claims are invalid"),
        ),
        (
            "no jti",
            bad(json!({"jti": null})),
            invalid("the claims are invalid"),
        ),
        (
            "expired",
            bad(json!({"exp": start - 30})),
            invalid("the token expired"),
        ),
        (
            "not valid yet",
            bad(json!({"nbf": start + 31})),
            invalid("the token is not valid yet"),
        ),
        (
            "another issuer's",
            bad(json!({"iss": OWN})),
            invalid("the issuer is not trusted"),
        ),
        (
            "for somebody else",
            bad(json!({"aud": "x"})),
            invalid("the token is for another audience"),
        ),
    ]
}

#[tokio::test]
async fn each_refusal_by_the_table() {
    let layer = layer().build().expect("a layer");
    for (what, request, expected) in rows() {
        assert_eq!(send(&layer, request).await, expected, "{what}");
    }
}

#[tokio::test]
async fn refused_tokens_may_go_on_as_nobodys() {
    let layer = layer().on_invalid(OnInvalid::Anonymous).build();
    let layer = layer.expect("a layer");
    for (what, request, expected) in rows() {
        let expected = if expected.status == 200 {
            expected
        } else {
            passed("nobody")
        };
        assert_eq!(send(&layer, request).await, expected, "{what}");
    }
}

#[tokio::test]
async fn required_refuses_whom_nothing_identified() {
    let challenge = |text: &str| Answer {
        status: 401,
        challenge: Some(text.to_owned()),
        retry_after: None,
        body: String::new(),
    };
    let strict = layer().required().build().expect("a layer");
    let lax = layer().required().on_invalid(OnInvalid::Anonymous).build();
    let lax = lax.expect("a layer");
    // RFC 6750 section 3.1: no error code where there was no credential.
    let nobody = challenge(r#"Bearer realm="auth""#);
    for (what, request, expected) in rows() {
        let expected = if expected == passed("nobody") {
            challenge(r#"Bearer realm="auth""#)
        } else {
            expected
        };
        let anonymous = if expected.status == 200 {
            passed("token alice")
        } else {
            challenge(r#"Bearer realm="auth""#)
        };
        assert_eq!(send(&strict, request.clone()).await, expected, "{what}");
        assert_eq!(send(&lax, request).await, anonymous, "{what}");
    }
    assert_eq!(send(&strict, request()).await, nobody);
}

#[tokio::test]
async fn grpc_requests_get_grpc_refusals() {
    let layer = layer().required().build().expect("a layer");
    for content_type in [
        "application/grpc",
        "application/grpc+proto",
        "application/grpc-web-text",
    ] {
        for (what, mut request, http) in rows() {
            let value = HeaderValue::from_static(content_type);
            request.headers_mut().insert(header::CONTENT_TYPE, value);
            *request.method_mut() = http::Method::POST;
            let handler = Handler::default();
            let response = handler.behind(&layer).oneshot(request).await;
            let response = response.expect("no error");
            let headers = response.headers();
            assert_eq!(response.status(), 200, "{what}");
            if http.body == "token alice" {
                assert!(!headers.contains_key("grpc-status"), "{what}");
                continue;
            }
            assert_eq!(handler.calls(), 0, "{what}");
            assert_eq!(headers["grpc-status"], "16", "{what}");
            assert_eq!(headers["content-type"], content_type, "{what}");
            assert!(headers.contains_key("grpc-message"), "{what}");
            let challenge = http
                .challenge
                .unwrap_or(r#"Bearer realm="auth""#.to_owned());
            assert_eq!(headers["www-authenticate"], challenge.as_str(), "{what}");
        }
    }
}

#[tokio::test]
async fn the_reason_is_in_the_extensions_and_the_realm_in_the_challenge() {
    let layer = layer().challenge_realm("a \"shop\"").build();
    let layer = layer.expect("a layer");
    let response = Handler::default().behind(&layer).oneshot(bearer("x")).await;
    let response = response.expect("no error");
    let rejection = response.extensions().get::<Rejection>().expect("a reason");
    assert_eq!(
        rejection.kind(),
        &RejectionKind::InvalidToken(InvalidToken::Malformed)
    );
    let challenge = answer(&response).challenge.expect("a challenge");
    assert!(
        challenge.starts_with(r#"Bearer realm="a \"shop\"", error="#),
        "{challenge}"
    );
}

#[tokio::test]
async fn other_responses_may_be_built() {
    let teapot = |rejection: &Rejection, handled: Option<&response::Parts>| {
        assert!(handled.is_none());
        let mut response = Response::new(String::new());
        *response.status_mut() = StatusCode::IM_A_TEAPOT;
        let reason = rejection.message().parse().expect("a header value");
        response.headers_mut().insert("www-authenticate", reason);
        response
    };
    let teapots = layer().rejections(teapot).build().expect("a layer");
    let refused = send(&teapots, bearer("x")).await;
    assert_eq!(
        (refused.status, refused.challenge.as_deref()),
        (418, Some("the token is malformed"))
    );
    assert_eq!(send(&teapots, request()).await, passed("nobody"));

    let problems = layer().rejections(ProblemJson).build().expect("a layer");
    let response = Handler::default()
        .behind(&problems)
        .oneshot(bearer("x"))
        .await;
    let response = response.expect("no error");
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    assert!(response.body().contains("the token is malformed"));
}

#[tokio::test]
async fn a_token_is_never_shown() {
    let token = foreign_token(json!({"exp": 1}));
    let layer = layer().build().expect("a layer");
    let response = Handler::default()
        .behind(&layer)
        .oneshot(bearer(&token))
        .await;
    let shown = format!("{:?} {layer:?}", response.expect("no error"));
    for part in token.split('.') {
        assert!(!shown.contains(part));
    }
}

#[test]
fn a_store_needs_lifetimes_that_it_remembers() {
    let clock = ManualClock::new(START);
    let days = |n: u64| Duration::from_secs(n * 24 * 60 * 60);
    let store = Told::new(None, None, None);
    for (what, verifier, expected) in [
        ("no limit", foreign_verifier(&clock), None),
        (
            "400 days",
            foreign_verifier(&clock).max_lifetime(days(400)),
            None,
        ),
        (
            "401 days",
            foreign_verifier(&clock).max_lifetime(days(401)),
            Some(ConfigErrorKind::MaxLifetime),
        ),
    ] {
        let verifier = verifier.build().expect("a verifier");
        let without = JwtLayer::builder(verifier.clone()).build();
        assert!(without.is_ok(), "{what}");
        let with = JwtLayer::builder(verifier).store(store.clone()).build();
        assert_eq!(with.err().map(|error| error.kind()), expected, "{what}");
    }
}

#[tokio::test]
async fn a_store_needs_token_ids_and_times_of_issue() {
    let store = Told::new(Some(Verdict::Active), None, None);
    let verifier = foreign_verifier(&ManualClock::new(START)).build();
    let verifier = verifier.expect("a verifier");
    let without = JwtLayer::builder(verifier.clone()).build();
    let without = without.expect("a layer");
    let with = JwtLayer::builder(verifier).store(store.clone()).build();
    let with = with.expect("a layer");
    for members in [json!({"jti": null}), json!({"iat": null})] {
        let token = foreign_token(members.clone());
        let answer = send(&without, bearer(&token)).await;
        assert_eq!(answer, passed("token alice"), "{members}");
        let answer = send(&with, bearer(&token)).await;
        assert_eq!(answer, invalid("the claims are invalid"), "{members}");
    }
    assert!(store.says().asked.is_empty());
}
