//! What gateways ask.

use std::{convert::Infallible, time::Duration};

use auth_core::{
    Caller, Principal, PrincipalKind, PrincipalParts, RequireScope, TokenOutcome, Unavailable,
};
use auth_jwt_layer::{AssertionError, EndpointBody, JwtLayer, Verifier};
use http::{HeaderName, Request, Response, StatusCode, header};
use tower::{ServiceBuilder, ServiceExt, service_fn};

use crate::{
    issuer_support::{AUDIENCE, Double, ISSUER, World, login, secs},
    support::{Answer, ask},
};

fn get() -> http::request::Builder {
    Request::get("/verify")
}

/// Somebody whom a layer has found: as a principal of that realm.
fn of_realm(realm: Option<&str>) -> Request<()> {
    let parts = PrincipalParts::new("alice").realm(realm.map(str::to_owned));
    let principal = Principal::insecure_for_tests(PrincipalKind::Token, parts);
    let mut request = get().body(()).unwrap();
    Caller::vouch(request.extensions_mut(), principal);
    request
}

/// Exactly what a gateway takes for a yes, or one of its noes.
#[track_caller]
fn assert_answer(answer: &Answer, status: u16, row: &str) {
    assert_eq!(answer.status, status, "{row}: {answer:?}");
    let assertion = answer.header("x-auth-assertion");
    assert_eq!(assertion.is_some(), status == 200, "{row}");
    assert_eq!(
        answer.header("retry-after").is_some(),
        status == 503,
        "{row}"
    );
    if status == 200 {
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{row}");
    }
}

#[tokio::test]
async fn a_caller_is_asserted_to_the_services_behind() {
    let world = World::new();
    let issuer = world.issuer();
    let layer = JwtLayer::builder(issuer.verifier().unwrap());
    let layer = layer.store(world.store.clone()).build().unwrap();
    let verify = issuer.forward_auth("upstream").ttl(secs(10)).behind(layer);
    let verify = verify.unwrap();
    let tokens = login(&issuer).await;
    let bearer = format!("Bearer {}", tokens.access_token());

    // With whatever method, and also what would be refused as gRPC is: with the status 200.
    for (row, request) in [
        ("a GET", get()),
        ("a DELETE", Request::delete("/verify")),
        (
            "a page's form",
            Request::post("/verify").header("origin", "https://evil.example"),
        ),
        (
            "gRPC",
            Request::post("/verify").header("content-type", "application/grpc"),
        ),
    ] {
        let request = request.header("authorization", &bearer).body(()).unwrap();
        let answer = ask(verify.clone(), request).await;
        assert_answer(&answer, 200, row);
        let upstream = Verifier::builder(ISSUER, "upstream", issuer.key_set());
        let upstream = upstream.clock(world.clock.clone()).build().unwrap();
        let assertion = answer.header("x-auth-assertion").unwrap();
        let verified = upstream.verify(assertion.as_bytes()).unwrap();
        assert_eq!(verified.subject(), "alice");
        assert_eq!(verified.scopes().as_str(), "read write");
        let lives = verified.expires_at().since(verified.issued_at().unwrap());
        assert_eq!(lives, secs(10), "{row}");
        // It is no credential here.
        let itself = get().header("authorization", format!("Bearer {assertion}"));
        let answer = ask(verify.clone(), itself.body(()).unwrap()).await;
        assert_answer(&answer, 401, row);
    }

    let garbage = || get().header("authorization", "Bearer x");
    for (row, request) in [
        ("nobody", get()),
        (
            "an assertion of the client's own",
            get().header("x-auth-assertion", &bearer),
        ),
        ("garbage", garbage()),
        (
            "garbage in gRPC",
            garbage().header("content-type", "application/grpc"),
        ),
        ("two of them", garbage().header("authorization", "Bearer y")),
    ] {
        let answer = ask(verify.clone(), request.body(()).unwrap()).await;
        assert_answer(&answer, 401, row);
        assert!(answer.header("www-authenticate").is_some(), "{row}");
    }

    world.store.fail(Some(Double::down()));
    let request = get().header("authorization", &bearer).body(()).unwrap();
    assert_answer(&ask(verify.clone(), request).await, 503, "no store");
    world.store.fail(None);
    issuer
        .revoke(tokens.refresh_token().as_bytes())
        .await
        .unwrap();
    let request = get().header("authorization", &bearer).body(()).unwrap();
    assert_answer(&ask(verify, request).await, 401, "logged out");
}

#[tokio::test]
async fn guards_are_asked_and_nobody_of_another_issuers_passes() {
    let world = World::new();
    let issuer = world.issuer();
    let nothing = ServiceBuilder::new().into_inner();
    let anybody = issuer.forward_auth("upstream").behind(nothing).unwrap();
    let ours = auth_core::store::Revocations::realm(&*world.store);
    for (row, realm, status) in [
        ("ours", None, 200),
        ("somebody else's", Some("https://id.example"), 403),
        ("somebody else's, mapped to our realm", Some(ours), 200),
    ] {
        let answer = ask(anybody.clone(), of_realm(realm)).await;
        assert_answer(&answer, status, row);
    }
    let scope = RequireScope::new("admin");
    let admins = issuer.forward_auth("upstream").behind(scope).unwrap();
    assert_answer(&ask(admins, of_realm(None)).await, 403, "without the scope");
}

#[tokio::test]
async fn an_unreachable_store_is_503_and_never_401() {
    let issuer = World::new().issuer();
    let nothing = ServiceBuilder::new().into_inner();
    let verify = issuer.forward_auth("upstream").behind(nothing).unwrap();
    let mut request = get().body(()).unwrap();
    let authority = auth_core::Authority::new("test").into();
    let outcome = TokenOutcome::Unavailable(Unavailable::default());
    Caller::join_token(request.extensions_mut(), outcome, &authority);
    assert_answer(&ask(verify, request).await, 503, "unavailable");
}

/// What some other layer answers is no yes, and nothing that a gateway would choke on.
#[tokio::test]
async fn only_an_assertion_is_a_yes() {
    let issuer = World::new().issuer();
    for (status, expected) in [
        (200, 503), // of a CORS layer, say
        (204, 503),
        (303, 503),
        (400, 401),
        (401, 401),
        (403, 403),
        (404, 503),
        (409, 503),
        (500, 503),
        (503, 503),
    ] {
        let layer = tower::layer::layer_fn(move |_| {
            service_fn(move |_: Request<()>| async move {
                let response = Response::builder()
                    .status(status)
                    .header(header::CONTENT_TYPE, "text/plain")
                    .header(header::RETRY_AFTER, "7");
                let body = EndpointBody::from("a page".to_owned());
                Ok::<_, Infallible>(response.body(body).unwrap())
            })
        });
        let verify = issuer.forward_auth("upstream").behind(layer).unwrap();
        let response = verify.oneshot(get().body(()).unwrap()).await.unwrap();
        assert_eq!(response.status(), expected, "{status}");
        let is_changed = response.status() != status;
        let body = response.into_body().into_bytes();
        assert_eq!(body.is_empty(), is_changed, "{status}");
    }
}

#[tokio::test]
async fn in_the_authorization_header_it_is_a_bearer_token() {
    let issuer = World::new().issuer();
    let nothing = ServiceBuilder::new().into_inner();
    for (name, scheme) in [("authorization", "Bearer "), ("x-internal-token", "")] {
        let verify = issuer.forward_auth("upstream");
        let verify = verify.header(HeaderName::from_static(name));
        let verify = verify.behind(nothing.clone()).unwrap();
        let answer = ask(verify, of_realm(None)).await;
        assert_eq!(answer.status, StatusCode::OK);
        let value = answer.header(name).unwrap();
        let jwt = value.strip_prefix(scheme).unwrap();
        assert_eq!(jwt.split('.').count(), 3, "{value}");
        assert_eq!(answer.header("x-auth-assertion"), None);
    }
}

#[test]
fn an_assertion_that_could_not_be_made_is_found_out_at_the_start() {
    let issuer = World::new().issuer();
    for (row, audience, ttl, expected) in [
        (
            "our own audience",
            AUDIENCE,
            secs(60),
            AssertionError::Audience,
        ),
        ("no audience", "", secs(60), AssertionError::Audience),
        (
            "for ever",
            "upstream",
            Duration::MAX,
            AssertionError::Lifetime,
        ),
    ] {
        let nothing = ServiceBuilder::new().into_inner();
        let made = issuer.forward_auth(audience).ttl(ttl).behind(nothing);
        assert_eq!(made.err(), Some(expected), "{row}");
    }
}
