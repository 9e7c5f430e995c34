//! The layer with tokens that were verified before: what may have changed since is asked each time.

use std::{sync::Arc, time::Duration};

use auth_core::{
    Verdict,
    revocation::{Op, Query},
    store::{Revocation, Revocations},
};
use auth_jwt_layer::{Claims, JwtLayer, TokenLogin};
use auth_revocation_memory::MemoryStore;
use serde_json::{Value, json};
use tower::layer::util::Identity;

use crate::support::*;

#[tokio::test]
async fn what_was_revoked_since_is_refused() {
    let foreign = |world: &World| {
        let verifier = foreign_verifier(&world.clock).cache(1 << 20).build();
        let layer = JwtLayer::builder(verifier.expect("a verifier"));
        layer.store(world.store.clone()).build().expect("a layer")
    };
    for (what, own, revocation) in [
        ("our token", true, "token"),
        ("our subject", true, "subject"),
        ("everything", true, "all"),
        ("a foreign token", false, "token"),
        ("a foreign subject", false, "subject"),
        ("everything, foreign", false, "all"),
    ] {
        let world = World::new();
        world.clock.advance(Duration::from_secs(10));
        let (layer, token, realm, issuer) = if own {
            let tokens = world.issuer.login(TokenLogin::new("alice")).await;
            let token = tokens.expect("logged in").access_token().to_owned();
            let realm = world.store.realm().to_owned();
            (world.own().build().expect("a layer"), token, realm, OWN)
        } else {
            let token = foreign_token(json!({"iat": START.as_secs() + 10}));
            (foreign(&world), token, FOREIGN.to_owned(), FOREIGN)
        };
        for _ in 0..3 {
            assert_eq!(
                send(&layer, bearer(&token)).await,
                passed("token alice"),
                "{what}"
            );
        }
        let revocation = match revocation {
            "token" => {
                let claims = claims_of(&token);
                let jti = claims["jti"].as_str().expect("text");
                let exp = START.plus(Duration::from_secs(400));
                Revocation::token(&realm, issuer, jti, "alice", exp)
            }
            "subject" => Revocation::subject(&realm, "alice"),
            _ => Revocation::all(),
        };
        let revoked = world.store.revoke(Op::random(), &revocation).await;
        revoked.expect("revoked");
        for _ in 0..2 {
            let answer = send(&layer, bearer(&token)).await;
            assert_eq!(answer, invalid("the token was revoked"), "{what}");
        }
    }
}

fn claims_of(token: &str) -> Value {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let claims = token.split('.').nth(1).expect("three parts");
    let json = URL_SAFE_NO_PAD.decode(claims).expect("base64url");
    serde_json::from_slice(&json).expect("JSON")
}

#[tokio::test]
async fn one_verifier_in_layers_over_two_stores_proves_somebody_in_each_realm() {
    let world = World::new();
    let other = MemoryStore::builder()
        .clock(world.clock.clone())
        .realm("other");
    let other: Arc<dyn Revocations> = Arc::new(other.build().expect("a store"));
    let verifier = world.issuer.verifier().expect("a verifier");
    let layer = |store: Arc<dyn Revocations>| {
        let layer = JwtLayer::builder(verifier.clone()).store(store).build();
        layer.expect("a layer")
    };
    let (here, there) = (layer(world.store.clone()), layer(other.clone()));
    let bare = JwtLayer::builder(verifier.clone())
        .build()
        .expect("a layer");
    let tokens = world.issuer.login(TokenLogin::new("alice")).await;
    let token = tokens.expect("logged in").access_token().to_owned();
    for _ in 0..2 {
        for layer in [&here, &there, &bare] {
            assert_eq!(send(layer, bearer(&token)).await, passed("token alice"));
        }
    }
    other.revoke_subject("alice").await.expect("revoked");
    assert_eq!(send(&here, bearer(&token)).await, passed("token alice"));
    assert_eq!(send(&bare, bearer(&token)).await, passed("token alice"));
    let answer = send(&there, bearer(&token)).await;
    assert_eq!(answer, invalid("the token was revoked"));
}

#[tokio::test]
async fn the_store_is_asked_the_same_each_time_and_claims_are_there() {
    let store = Told::new(Some(Verdict::Active), None, None);
    let verifier = foreign_verifier(&auth_core::ManualClock::new(START)).cache(1 << 20);
    let layer = JwtLayer::builder(verifier.build().expect("a verifier"));
    let layer = layer.store(store.clone()).build().expect("a layer");
    let token = foreign_token(json!({"tenant": "acme"}));
    for _ in 0..3 {
        let service = before(Handler::default().behind(&Identity::new()), |request| {
            let claims = Claims::<Value>::from_extensions(request.extensions());
            assert_eq!(claims.expect("claims").0["tenant"], "acme");
        });
        let service = tower::Layer::layer(&layer, service);
        let response = tower::ServiceExt::oneshot(service, bearer(&token)).await;
        assert_eq!(response.expect("no error").status(), 200);
    }
    let query = Query::foreign(FOREIGN, "alice", START).token(FOREIGN, "t1");
    assert_eq!(store.says().asked, [query; 3]);
}
