//! The layer among others.

use std::{any::Any, sync::Arc};

use async_trait::async_trait;
use auth_core::{
    Authority, Caller, ManualClock, Principal, PrincipalKind, PrincipalParts, SessionSource,
    Unavailable, Verdict,
};
use auth_jwt_layer::{Algorithm, JwtLayer, KeySet, OnInvalid, Verifier};
use http::Request;
use serde_json::json;
use tower::{Layer, ServiceExt, layer::util::Identity};

use crate::support::*;

/// A session that is known at once, or only after waiting.
#[derive(Debug)]
struct Session {
    subject: Option<&'static str>,
    is_known: bool,
}

impl Session {
    fn found(&self) -> Result<Option<Principal>, Unavailable> {
        let principal = |subject| {
            let parts = PrincipalParts::new(subject);
            Principal::insecure_for_tests(PrincipalKind::Session, parts)
        };
        Ok(self.subject.map(principal))
    }
}

#[async_trait]
impl SessionSource for Session {
    fn principal_now(&self) -> Option<Result<Option<Principal>, Unavailable>> {
        self.is_known.then(|| self.found())
    }

    async fn principal(&self) -> Result<Option<Principal>, Unavailable> {
        self.found()
    }

    fn peek(&self) -> Option<Result<Option<Principal>, Unavailable>> {
        self.principal_now()
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

fn join_session(
    subject: Option<&'static str>,
    is_known: bool,
) -> impl Fn(&mut Request<()>) + Clone {
    move |request| {
        let session = Arc::new(Session { subject, is_known });
        Caller::join_session(
            request.extensions_mut(),
            session,
            &Arc::new(Authority::new("auth")),
        );
    }
}

fn layer() -> auth_jwt_layer::JwtLayerBuilder {
    let verifier = foreign_verifier(&ManualClock::new(START)).build();
    JwtLayer::builder(verifier.expect("a verifier"))
}

#[tokio::test]
async fn a_bearer_hides_a_session_even_if_it_is_refused() {
    let layer = layer().on_invalid(OnInvalid::Anonymous).build();
    let layer = layer.expect("a layer");
    for (what, request, expected) in [
        ("no bearer", request(), "session carol"),
        (
            "a good one",
            bearer(&foreign_token(json!({}))),
            "token alice",
        ),
        (
            "an expired one",
            bearer(&foreign_token(json!({"exp": 1}))),
            "nobody",
        ),
        ("garbage", bearer("garbage"), "nobody"),
        ("a malformed header", bearer(" "), "nobody"),
    ] {
        for session_first in [true, false] {
            let handler = Handler::default();
            let join = join_session(Some("carol"), true);
            let response = if session_first {
                before(handler.behind(&layer), join)
                    .oneshot(request.clone())
                    .await
            } else {
                let inner = before(handler.behind(&Identity::new()), join);
                layer.layer(inner).oneshot(request.clone()).await
            };
            assert_eq!(response.expect("no error").body(), expected, "{what}");
        }
    }
}

#[tokio::test]
async fn required_takes_a_session_too_and_waits_for_it() {
    let layer = layer().required().build().expect("a layer");
    for (what, subject, is_known, expected) in [
        ("known", Some("carol"), true, Some("session carol")),
        ("not known yet", Some("carol"), false, Some("not known yet")),
        ("nobody's", None, true, None),
        ("nobody's, not known yet", None, false, None),
    ] {
        let handler = Handler::default();
        let service = before(handler.behind(&layer), join_session(subject, is_known));
        let response = service.oneshot(request()).await.expect("no error");
        match expected {
            Some(who) => assert_eq!(response.body(), who, "{what}"),
            None => assert_eq!(response.status(), 401, "{what}"),
        }
        assert_eq!(handler.calls(), usize::from(expected.is_some()), "{what}");
    }
}

#[tokio::test]
async fn whoever_came_along_with_a_request_is_forgotten() {
    let layer = layer().build().expect("a layer");
    let handler = Handler::default();
    let service = before(handler.behind(&layer), |request| {
        let mut extensions = http::Extensions::new();
        let parts = PrincipalParts::new("mallory");
        let mallory = Principal::insecure_for_tests(PrincipalKind::Token, parts);
        let outcome = auth_core::TokenOutcome::Proven(mallory.clone());
        let authority = Arc::new(Authority::new("auth"));
        let stale = Caller::join_token(&mut extensions, outcome, &authority).clone();
        request.extensions_mut().insert(stale);
        request.extensions_mut().insert(mallory);
    });
    let response = service.oneshot(request()).await.expect("no error");
    assert_eq!(response.body(), "nobody");
}

/// A verifier of a second issuer, whose key nobody has.
fn second() -> Verifier {
    let keys = KeySet::builder().secret(Algorithm::Hs256, "second", [9; 32]);
    let verifier = Verifier::builder(OWN, AUDIENCE, keys.build().expect("keys"));
    verifier.build().expect("a verifier")
}

#[tokio::test]
async fn of_two_layers_the_inner_one_decides() {
    let first = || {
        layer()
            .on_invalid(OnInvalid::Anonymous)
            .build()
            .expect("a layer")
    };
    let strict = JwtLayer::builder(second()).build().expect("a layer");
    let lax = JwtLayer::builder(second())
        .on_invalid(OnInvalid::Anonymous)
        .build();
    let lax = lax.expect("a layer");
    let good = || bearer(&foreign_token(json!({})));
    for (what, outer, inner, request, expected) in [
        (
            "the inner one knows it",
            &lax,
            &first(),
            good(),
            "token alice",
        ),
        (
            "only the outer one knows it",
            &first(),
            &lax,
            good(),
            "nobody",
        ),
        ("none knows it", &first(), &lax, bearer("x"), "nobody"),
        ("there is none", &first(), &strict, request(), "nobody"),
    ] {
        let handler = Handler::default();
        let service = outer.layer(handler.behind(inner));
        let response = service.oneshot(request).await.expect("no error");
        assert_eq!(response.body(), expected, "{what}");
    }
    // Where both must take it, a stranger to one of them is refused.
    let handler = Handler::default();
    let service = first().layer(handler.behind(&strict));
    let response = service.oneshot(good()).await.expect("no error");
    assert_eq!((response.status().as_u16(), handler.calls()), (401, 0));
}

#[tokio::test]
async fn two_layers_over_stores_are_asked_one_after_the_other() {
    let revoking = Told::new(None, Some(Verdict::Revoked), None);
    let allowing = Told::new(None, Some(Verdict::Active), None);
    for (outer, inner) in [(&revoking, &allowing), (&allowing, &revoking)] {
        let (outer, inner) = (over(outer).build(), over(inner).build());
        let (outer, inner) = (outer.expect("a layer"), inner.expect("a layer"));
        let handler = Handler::default();
        let service = outer.layer(handler.behind(&inner));
        let response = service.oneshot(bearer(&foreign_token(json!({})))).await;
        let response = response.expect("no error");
        assert_eq!((response.status().as_u16(), handler.calls()), (401, 0));
    }
}
