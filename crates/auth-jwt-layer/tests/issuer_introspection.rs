//! What an introspection endpoint would answer (RFC 7662).
#![cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]

mod issuer_support;

use auth_core::store::Revocations;
use issuer_support::{AUDIENCE, Double, ISSUER, START, World, login};
use serde_json::{Value, json};

async fn ask(issuer: &auth_jwt_layer::Issuer, token: &str) -> Value {
    let answer = issuer.introspect(token.as_bytes()).await;
    serde_json::to_value(answer.expect("the store is up")).expect("it is JSON")
}

#[tokio::test]
async fn a_good_token_is_described() {
    let world = World::new();
    let issuer = world.issuer();
    let tokens = login(&issuer).await;
    let mut access = ask(&issuer, tokens.access_token()).await;
    assert!(access["jti"].take().is_string());
    let life = tokens.expires_in().as_secs();
    assert_eq!(
        access,
        json!({
            "active": true,
            "token_type": "Bearer",
            "scope": "read write",
            "client_id": AUDIENCE,
            "sub": "alice",
            "iss": ISSUER,
            "aud": AUDIENCE,
            "jti": null,
            "sid": tokens.login().to_string(),
            "iat": START.as_secs(),
            "exp": START.as_secs() + life,
        })
    );
    let refresh = ask(&issuer, tokens.refresh_token()).await;
    assert_eq!(refresh["active"], true);
    assert_eq!(refresh["sub"], "alice");
    assert_eq!(refresh["exp"], START.as_secs() + 14 * 24 * 60 * 60);
}

#[tokio::test]
async fn of_any_other_token_nothing_is_said() {
    let world = World::new();
    let issuer = world.issuer();
    let nothing = json!({ "active": false });
    let first = login(&issuer).await;
    let token = first.refresh_token().as_bytes();
    let second = issuer.refresh(token, None).await.unwrap();
    let stranger = login(&World::new().issuer()).await;
    assert_eq!(ask(&issuer, first.refresh_token()).await, nothing, "used");

    let calls = world.store.calls();
    let made_up = [
        "",
        "art_",
        stranger.access_token(),
        stranger.refresh_token(),
    ];
    for token in made_up {
        assert_eq!(ask(&issuer, token).await, nothing, "{token}");
    }
    assert_eq!(world.store.calls(), calls);

    world
        .store
        .end_login("alice", second.login())
        .await
        .unwrap();
    for token in [second.access_token(), second.refresh_token()] {
        assert_eq!(ask(&issuer, token).await, nothing, "ended");
    }
}

#[tokio::test]
async fn a_store_that_can_not_tell_is_not_a_no() {
    let world = World::new();
    let issuer = world.issuer();
    let tokens = login(&issuer).await;
    world.store.fail(Some(Double::down()));
    for token in [tokens.access_token(), tokens.refresh_token()] {
        assert!(issuer.introspect(token.as_bytes()).await.is_err());
    }
}

#[tokio::test]
async fn a_token_for_several_audiences_says_all_of_them() {
    let world = World::new();
    let builder = world.builder(issuer_support::ed25519());
    let issuer = builder.audience("files").build().unwrap();
    let tokens = login(&issuer).await;
    let aud = serde_json::json!(["api", "files"]);
    assert_eq!(issuer_support::claims(&tokens)["aud"], aud);
    let answer = issuer.introspect(tokens.access_token().as_bytes()).await;
    assert_eq!(serde_json::to_value(answer.unwrap()).unwrap()["aud"], aud);
    // Either takes it, and nobody else.
    for (audience, is_taken) in [("api", true), ("files", true), ("other", false)] {
        let keys = issuer.key_source();
        let verifier = auth_jwt_layer::Verifier::builder(issuer_support::ISSUER, audience, keys);
        let verifier = verifier.clock(world.clock.clone()).build().unwrap();
        let verified = verifier.verify(tokens.access_token().as_bytes());
        assert_eq!(verified.is_ok(), is_taken, "{audience}");
    }
    let verified = issuer
        .verifier()
        .unwrap()
        .verify(tokens.access_token().as_bytes());
    let subject = verified.unwrap().subject().to_owned();
    let parts = auth_core::PrincipalParts::new(subject);
    let principal = auth_core::Principal::vouched(parts);
    for (audience, is_made) in [("api", false), ("files", false), ("upstream", true)] {
        let made = issuer.assertion(&principal, audience, issuer_support::secs(60));
        assert_eq!(made.is_ok(), is_made, "{audience}");
    }
    let nameless = world
        .builder(issuer_support::ed25519())
        .audience("")
        .build();
    let kind = nameless.unwrap_err().kind();
    assert_eq!(kind, auth_jwt_layer::IssuerConfigErrorKind::Audience);
}
