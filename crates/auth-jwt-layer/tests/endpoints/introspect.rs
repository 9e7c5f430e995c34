//! Introspection, behind its guard.

use auth_core::{Caller, Principal, PrincipalParts, RequireScope, Scopes};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::json;

use crate::{
    issuer_support::{Double, World, claims, login},
    support::{ask, form},
};

/// Asks as somebody with these scopes, or as nobody.
fn request(scopes: Option<&str>, token: &str) -> Request<Full<Bytes>> {
    let mut request = form(format!("token={token}"));
    if let Some(scopes) = scopes {
        let parts = PrincipalParts::new("a service").scopes(Scopes::parse(scopes));
        Caller::vouch(request.extensions_mut(), Principal::vouched(parts));
    }
    request
}

#[tokio::test]
async fn only_callers_with_the_scope_may_ask() {
    let world = World::new();
    let issuer = world.issuer();
    let tokens = login(&issuer).await;
    let calls = world.store.calls();
    for (scopes, status) in [(None, 401), (Some(""), 403), (Some("read"), 403)] {
        let service = issuer.introspect_service(RequireScope::new("introspect"));
        let answer = ask(service, request(scopes, tokens.access_token())).await;
        assert_eq!(answer.status, status, "{scopes:?}");
        assert!(answer.body.is_empty());
        assert!(answer.header("www-authenticate").is_some());
    }
    assert_eq!(world.store.calls(), calls);
    let service = issuer.introspect_service(RequireScope::new("introspect"));
    let answer = ask(service, request(Some("introspect"), tokens.access_token())).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.json();
    assert_eq!(body["active"], true);
    for claim in [
        "sub",
        "iss",
        "aud",
        "jti",
        "sid",
        "exp",
        "iat",
        "scope",
        "client_id",
    ] {
        assert_eq!(body[claim], claims(&tokens)[claim], "{claim}");
    }
}

#[tokio::test]
async fn of_what_is_not_active_it_says_just_that() {
    let world = World::new();
    let issuer = world.issuer();
    let (revoked, expired) = (login(&issuer).await, login(&issuer).await);
    issuer
        .revoke(revoked.refresh_token().as_bytes())
        .await
        .unwrap();
    for token in [
        revoked.access_token(),
        revoked.refresh_token(),
        "x",
        "art_x",
    ] {
        let service = issuer.introspect_service(RequireScope::new("introspect"));
        let answer = ask(service, request(Some("introspect"), token)).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()),
            (200, json!({ "active": false }))
        );
    }
    world.clock.advance(std::time::Duration::from_secs(400));
    let service = issuer.introspect_service(RequireScope::new("introspect"));
    let answer = ask(service, request(Some("introspect"), expired.access_token())).await;
    assert_eq!(answer.json(), json!({ "active": false }));
}

#[tokio::test]
async fn what_can_not_be_told_is_503_and_not_inactive() {
    let world = World::new();
    let issuer = world.issuer();
    let tokens = login(&issuer).await;
    world.store.fail(Some(Double::down()));
    for token in [tokens.access_token(), tokens.refresh_token()] {
        let service = issuer.introspect_service(RequireScope::new("introspect"));
        let answer = ask(service, request(Some("introspect"), token)).await;
        answer.assert_error(503, "temporarily_unavailable");
    }
}
