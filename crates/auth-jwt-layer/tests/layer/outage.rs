//! A store that can not tell.

use std::time::Duration;

use auth_core::{OutagePolicy, Verdict};
use auth_jwt_layer::OnInvalid;
use http::HeaderValue;
use serde_json::json;
use tower::ServiceExt;

use crate::support::*;

const A_MINUTE: Duration = Duration::from_secs(60);

/// The two ways to a verdict: at once, and after waiting.
fn ways(verdict: Verdict) -> [(Option<Verdict>, Option<Verdict>); 2] {
    [(Some(verdict), None), (None, Some(verdict))]
}

#[tokio::test]
async fn each_verdict_at_once_and_after_waiting() {
    for (verdict, expected) in [
        (Verdict::Active, passed("token alice")),
        (Verdict::Revoked, invalid("the token was revoked")),
        (Verdict::Unknown, unavailable()),
    ] {
        for (now, later) in ways(verdict) {
            let store = Told::new(now, later, Some(Verdict::Active));
            let layer = over(&store).build().expect("a layer");
            let token = foreign_token(json!({}));
            assert_eq!(
                send(&layer, bearer(&token)).await,
                expected,
                "{now:?} {later:?}"
            );
            assert_eq!(store.says().asked_stale, 0, "nobody asked for that");
        }
    }
}

#[tokio::test]
async fn unknown_is_neither_nobody_nor_somebody() {
    for (now, later) in ways(Verdict::Unknown) {
        let store = Told::new(now, later, None);
        let token = foreign_token(json!({}));
        let going_on = over(&store).on_invalid(OnInvalid::Anonymous);
        let going_on = going_on.build().expect("a layer");
        assert_eq!(send(&going_on, bearer(&token)).await, passed("unavailable"));
        let required = over(&store).on_invalid(OnInvalid::Anonymous).required();
        let required = required.build().expect("a layer");
        assert_eq!(send(&required, bearer(&token)).await, unavailable());
    }
}

#[tokio::test]
async fn grpc_hears_that_it_may_try_again() {
    for (now, later) in ways(Verdict::Unknown) {
        let layer = over(&Told::new(now, later, None)).build().expect("a layer");
        let mut request = bearer(&foreign_token(json!({})));
        let grpc = HeaderValue::from_static("application/grpc");
        request.headers_mut().insert("content-type", grpc);
        *request.method_mut() = http::Method::POST;
        let handler = Handler::default();
        let response = handler.behind(&layer).oneshot(request).await;
        let response = response.expect("no error");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["grpc-status"], "14");
        assert!(!response.headers().contains_key("www-authenticate"));
        assert_eq!(handler.calls(), 0);
    }
}

#[tokio::test]
async fn a_stale_answer_counts_only_where_there_is_no_other() {
    use Verdict::{Active, Revoked, Unknown};
    let refused = || invalid("the token was revoked");
    for (what, verdict, stale, age, expected, is_asked) in [
        (
            "active",
            Active,
            Some(Revoked),
            0,
            passed("token alice"),
            false,
        ),
        (
            "revoked, and active before",
            Revoked,
            Some(Active),
            0,
            refused(),
            false,
        ),
        (
            "unknown, and active before",
            Unknown,
            Some(Active),
            60,
            passed("token alice"),
            true,
        ),
        (
            "unknown, and revoked before",
            Unknown,
            Some(Revoked),
            60,
            refused(),
            true,
        ),
        (
            "unknown, before and now",
            Unknown,
            Some(Unknown),
            0,
            unavailable(),
            true,
        ),
        (
            "unknown, and no copy",
            Unknown,
            None,
            0,
            unavailable(),
            true,
        ),
        (
            "unknown, and the copy too old",
            Unknown,
            Some(Active),
            61,
            unavailable(),
            true,
        ),
    ] {
        for (now, later) in ways(verdict) {
            let store = Told::new(now, later, stale);
            store.set_age(Duration::from_secs(age));
            let layer = over(&store).outage(OutagePolicy::Stale { at_most: A_MINUTE });
            let layer = layer.build().expect("a layer");
            let token = foreign_token(json!({}));
            assert_eq!(send(&layer, bearer(&token)).await, expected, "{what}");
            assert_eq!(store.says().asked_stale, usize::from(is_asked), "{what}");
        }
    }
}

#[tokio::test]
async fn what_is_refused_anyway_asks_no_store() {
    let store = Told::new(None, None, None);
    let layer = over(&store).build().expect("a layer");
    for request in [
        request(),
        bearer("garbage"),
        bearer(&foreign_token(json!({"exp": 1}))),
        bearer(&foreign_token(json!({"aud": "x"}))),
        bearer(&(foreign_token(json!({})) + "A")),
    ] {
        let _ = send(&layer, request).await;
    }
    assert!(store.says().asked.is_empty());
}
