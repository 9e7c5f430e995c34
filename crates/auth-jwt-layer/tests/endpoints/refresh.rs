//! Refreshing.

use auth_core::{Event, Scopes, StoreError};
use auth_jwt_layer::TokenLogin;
use serde_json::json;

use crate::{
    issuer_support::{Double, GRACE, ISSUER, World, claims, decode, login},
    support::{ask, form, post},
};

#[tokio::test]
async fn a_refresh_token_gets_the_next_pair_by_form_and_by_json() {
    let world = World::new();
    let issuer = world.issuer();
    let tokens = login(&issuer).await;
    let token = tokens.refresh_token();
    let by_form = format!("grant_type=refresh_token&refresh_token={token}&client_id=api");
    let by_json = json!({ "refresh_token": token }).to_string();
    let mut successors = Vec::new();
    for request in [form(by_form), post("application/json", by_json)] {
        let answer = ask(issuer.refresh_service(), request).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let body = answer.json();
        assert_eq!(body["token_type"], "Bearer");
        assert_eq!(body["scope"], "read write");
        let (header, claims) = decode(body["access_token"].as_str().unwrap());
        assert_eq!(header["typ"], "at+jwt");
        assert_eq!(claims["iss"], ISSUER);
        let seconds = |name: &str| claims[name].as_u64().unwrap();
        assert_eq!(body["expires_in"], seconds("exp") - seconds("iat"));
        successors.push(body["refresh_token"].clone());
    }
    assert_eq!(successors[0], successors[1]);
    assert_ne!(successors[0], token);
}

#[tokio::test]
async fn every_refusal_has_its_code_and_uses_no_token_up() {
    let world = World::new();
    let issuer = world.issuer();
    let tokens = login(&issuer).await;
    let before = world.store.record(&tokens).await;
    let token = tokens.refresh_token();
    let with = |more: &str| format!("refresh_token={token}&{more}");
    let other = World::new().issuer();
    let foreign = login(&other).await;
    for (row, body, code) in [
        (
            "no token",
            "grant_type=refresh_token".to_owned(),
            "invalid_request",
        ),
        (
            "another grant",
            with("grant_type=password"),
            "unsupported_grant_type",
        ),
        (
            "what is no token",
            "refresh_token=x".to_owned(),
            "invalid_grant",
        ),
        (
            "an access token",
            format!("refresh_token={}", tokens.access_token()),
            "invalid_grant",
        ),
        (
            "another issuer's",
            format!("refresh_token={}", foreign.refresh_token()),
            "invalid_grant",
        ),
        ("a wider scope", with("scope=read+admin"), "invalid_scope"),
        ("what is no scope", with("scope=%22"), "invalid_scope"),
        ("another client", with("client_id=other"), "invalid_grant"),
        (
            "twice",
            with(&format!("refresh_token={token}")),
            "invalid_request",
        ),
        (
            "two scopes",
            with("scope=read&scope=write"),
            "invalid_request",
        ),
    ] {
        let answer = ask(issuer.refresh_service(), form(body)).await;
        println!("{row}");
        answer.assert_error(400, code);
    }
    assert_eq!(world.store.record(&tokens).await, before);
    assert_eq!(world.heard(), []);
}

#[tokio::test]
async fn a_scope_may_be_equal_narrower_or_absent() {
    let world = World::new();
    let issuer = world.issuer();
    let mut token = login(&issuer).await.refresh_token().to_owned();
    for (asked, got) in [
        ("&scope=read", "read"),
        ("", "read write"),
        ("&scope=", "read write"),
        ("&scope=write+read", "write read"),
    ] {
        let request = form(format!("refresh_token={token}{asked}"));
        let body = ask(issuer.refresh_service(), request).await.json();
        assert_eq!(body["scope"], got);
        let (_, claims) = decode(body["access_token"].as_str().unwrap());
        assert_eq!(claims["scope"], got);
        token = body["refresh_token"].as_str().unwrap().to_owned();
    }
}

#[tokio::test]
async fn the_client_of_the_login_may_say_so() {
    let world = World::new();
    let issuer = world.issuer();
    let scopes = Scopes::parse("read");
    let app = TokenLogin::new("alice").scopes(scopes).client_id("app");
    let tokens = issuer.login(app).await.unwrap();
    let with = |client: &str| {
        format!(
            "refresh_token={}&client_id={client}",
            tokens.refresh_token()
        )
    };
    let answer = ask(issuer.refresh_service(), form(with("api"))).await;
    answer.assert_error(400, "invalid_grant");
    let answer = ask(issuer.refresh_service(), form(with("app"))).await;
    assert_eq!(answer.status, 200);
    let (_, refreshed) = decode(answer.json()["access_token"].as_str().unwrap());
    assert_eq!(refreshed["client_id"], "app");
    // A replay by another client gets nothing, either.
    let answer = ask(issuer.refresh_service(), form(with("api"))).await;
    answer.assert_error(400, "invalid_grant");
    assert_eq!(world.heard(), []);
}

#[tokio::test]
async fn the_wrong_client_does_not_hide_a_reuse() {
    let world = World::new();
    let issuer = world.issuer();
    let first = login(&issuer).await;
    let token = first.refresh_token();
    issuer.refresh(token.as_bytes(), None).await.unwrap();
    world.clock.advance(GRACE);
    let request = form(format!("refresh_token={token}&client_id=other"));
    let answer = ask(issuer.refresh_service(), request).await;
    answer.assert_error(400, "invalid_grant");
    assert!(matches!(world.heard()[..], [Event::RefreshReused { .. }]));
}

#[tokio::test]
async fn store_trouble_is_503_and_the_token_stays_good() {
    let world = World::new();
    let issuer = world.issuer();
    let tokens = login(&issuer).await;
    let body = format!("refresh_token={}", tokens.refresh_token());
    for fault in [Double::down(), StoreError::Unreadable, StoreError::Full] {
        world.store.fail(Some(fault));
        for more in ["", "&scope=read", "&client_id=api"] {
            let request = form(format!("{body}{more}"));
            let answer = ask(issuer.refresh_service(), request).await;
            answer.assert_error(503, "temporarily_unavailable");
        }
    }
    world.store.fail(None);
    let answer = ask(issuer.refresh_service(), form(body)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(claims(&tokens)["gen"], 1);
}
