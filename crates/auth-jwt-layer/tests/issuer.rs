//! What an issuer writes into its tokens, and whom it lets in.
#![cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]

mod issuer_support;

use std::sync::atomic::Ordering;

use auth_core::{
    InvalidToken, LoginId, Principal, PrincipalKind, PrincipalParts, Scopes, Timestamp, Verdict,
    store::{Logins, Overflow, Revocations},
};
use auth_jwt_layer::{AssertionError, ClaimsError, LoginError, RefreshError, TokenLogin};
use issuer_support::{AUDIENCE, Double, ISSUER, START, World, claims, decode, login, secs};
use serde_json::json;

#[tokio::test]
async fn an_access_token_says_who_it_is_for() {
    let world = World::new();
    let issuer = world.issuer();
    let asked = TokenLogin::new("alice")
        .scopes(Scopes::parse("read write"))
        .client_id("app")
        .auth_time(Timestamp::from_secs(1_700_000_000))
        .claims(json!({ "role": "admin" }));
    let tokens = issuer.login(asked).await.unwrap();

    let (header, mut claims) = decode(tokens.access_token());
    assert_eq!(
        header,
        json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": "ed" })
    );
    let jti = claims["jti"].take();
    assert_eq!(jti.as_str().unwrap().len(), 22, "128 bits");
    let exp = claims["exp"].take().as_u64().unwrap();
    assert_eq!(exp - START.as_secs(), tokens.expires_in().as_secs());
    let version = claims["ver"].take().as_u64().unwrap();
    assert_eq!(
        version,
        world.store.record(&tokens).await.unwrap().version,
        "the store's"
    );
    assert_eq!(
        claims,
        json!({
            "iss": ISSUER,
            "sub": "alice",
            "aud": AUDIENCE,
            "exp": null,
            "iat": START.as_secs(),
            "nbf": START.as_secs(),
            "jti": null,
            "client_id": "app",
            "sid": tokens.login().to_string(),
            "gen": 1,
            "ver": null,
            "scope": "read write",
            "auth_time": 1_700_000_000,
            "role": "admin",
        })
    );
    assert_eq!(world.verdict(&issuer, &tokens).await, Verdict::Active);
}

#[tokio::test]
async fn what_was_not_said_has_its_default() {
    let world = World::new();
    let tokens = world
        .issuer()
        .login(TokenLogin::new("alice"))
        .await
        .unwrap();
    let claims = claims(&tokens);
    assert_eq!(claims["client_id"], AUDIENCE);
    assert_eq!(claims["auth_time"], START.as_secs());
    assert!(claims.get("scope").is_none());
    assert!(tokens.scope().is_empty());
}

#[tokio::test]
async fn no_two_tokens_are_the_same() {
    let world = World::new();
    let issuer = world.issuer();
    let (first, second) = (login(&issuer).await, login(&issuer).await);
    assert_ne!(claims(&first)["jti"], claims(&second)["jti"]);
    assert_ne!(first.login(), second.login());
    assert_ne!(first.refresh_token(), second.refresh_token());
}

#[tokio::test]
async fn tokens_live_up_to_a_twentieth_less_than_they_may() {
    let world = World::new();
    let issuer = world.issuer();
    let mut lives = Vec::new();
    for _ in 0..200 {
        lives.push(login(&issuer).await.expires_in().as_secs());
    }
    assert!(lives.iter().all(|life| (285..=300).contains(life)));
    assert!(
        lives.iter().any(|life| *life != lives[0]),
        "not all at once"
    );
}

#[tokio::test]
async fn no_access_token_outlives_its_login() {
    let world = World::new();
    let builder = world.builder(issuer_support::ed25519());
    let issuer = builder.refresh_absolute(secs(100)).build().unwrap();
    let tokens = login(&issuer).await;
    assert_eq!(tokens.expires_in(), secs(100));
    world.clock.advance(secs(60));
    let tokens = issuer
        .refresh(tokens.refresh_token().as_bytes(), None)
        .await
        .unwrap();
    assert_eq!(tokens.expires_in(), secs(40));
    assert_eq!(claims(&tokens)["exp"], START.as_secs() + 100);
    world.clock.advance(secs(40));
    let error = issuer
        .refresh(tokens.refresh_token().as_bytes(), None)
        .await;
    assert_eq!(error.unwrap_err(), RefreshError::InvalidGrant);
}

#[tokio::test]
async fn claims_of_your_own_are_in_every_token_of_the_login() {
    let world = World::new();
    let issuer = world.issuer();
    let asked = TokenLogin::new("alice").claims(json!({ "tenant": { "id": 7 } }));
    let first = issuer.login(asked).await.unwrap();
    let second = issuer
        .refresh(first.refresh_token().as_bytes(), None)
        .await
        .unwrap();
    for tokens in [first, second] {
        assert_eq!(claims(&tokens)["tenant"], json!({ "id": 7 }));
    }
}

#[tokio::test]
async fn what_no_token_can_say_is_refused_before_the_store_is_asked() {
    let world = World::new();
    let issuer = world.issuer();
    let alice = || TokenLogin::new("alice");
    let rows = [
        ("no subject", TokenLogin::new(""), ClaimsError::Subject),
        ("no client", alice().client_id(""), ClaimsError::ClientId),
        (
            "the issuer's claim",
            alice().claims(json!({ "sub": "mallory" })),
            ClaimsError::Registered,
        ),
        (
            "no object",
            alice().claims(["sub"]),
            ClaimsError::NotAnObject,
        ),
        (
            "too long",
            alice().claims(json!({ "long": "x".repeat(6_000) })),
            ClaimsError::TooLarge,
        ),
        (
            "too long with its scopes",
            alice()
                .claims(json!({ "long": "x".repeat(2_600) }))
                .scopes(Scopes::new(
                    (10..50).map(|n| format!("{n}{}", "x".repeat(98))),
                )),
            ClaimsError::TooLarge,
        ),
    ];
    for (row, asked, expected) in rows {
        let error = issuer.login(asked).await.unwrap_err();
        assert_eq!(error, LoginError::Claims(expected), "{row}");
    }
    assert_eq!(world.store.calls(), 0);
}

#[tokio::test]
async fn the_largest_token_is_one_that_verifiers_take() {
    let world = World::new();
    let issuer = world.issuer();
    let asked = TokenLogin::new("s".repeat(1024))
        .client_id("c".repeat(1024))
        .claims(json!({ "long": "x".repeat(2_600) }));
    let tokens = issuer.login(asked).await.unwrap();
    assert!(tokens.access_token().len() > 6_500);
    assert_eq!(world.verdict(&issuer, &tokens).await, Verdict::Active);
}

#[tokio::test]
async fn a_login_that_began_before_a_revocation_is_refused() {
    let world = World::new();
    let issuer = world.issuer();
    let since = world.store.epoch("alice").await.unwrap();
    world.store.revoke_subject("alice").await.unwrap();
    let asked = TokenLogin::new("alice").since(since);
    let error = issuer.login(asked.clone()).await.unwrap_err();
    assert_eq!(error, LoginError::Moved);
    let since = world.store.epoch("alice").await.unwrap();
    assert!(issuer.login(asked.since(since)).await.is_ok());
}

#[tokio::test]
async fn too_many_logins_are_refused_or_end_the_oldest() {
    for overflow in [Overflow::Refuse, Overflow::EndOldest] {
        let world = World::new();
        let builder = world.builder(issuer_support::ed25519());
        let issuer = builder.max_logins(2, overflow).build().unwrap();
        let first = login(&issuer).await;
        world.clock.advance(secs(1));
        login(&issuer).await;
        world.clock.advance(secs(1));
        let third = issuer.login(TokenLogin::new("alice")).await;
        let refreshed = issuer.refresh(first.refresh_token().as_bytes(), None).await;
        if overflow == Overflow::Refuse {
            assert_eq!(third.unwrap_err(), LoginError::TooMany);
            assert!(refreshed.is_ok());
        } else {
            assert_eq!(third.unwrap().ended(), [first.login()]);
            assert_eq!(refreshed.unwrap_err(), RefreshError::InvalidGrant);
        }
    }
}

#[tokio::test]
async fn a_login_is_in_the_list_under_its_device() {
    let world = World::new();
    let asked = TokenLogin::new("alice").device("CLI");
    let tokens = world.issuer().login(asked).await.unwrap();
    let page = world.store.logins("alice", None, 10).await.unwrap();
    assert_eq!(page.logins.len(), 1);
    assert_eq!(page.logins[0].login, tokens.login());
    assert_eq!(page.logins[0].device.as_deref(), Some("CLI"));
}

#[tokio::test]
async fn a_login_whose_store_is_down_is_withdrawn() {
    let world = World::new();
    let issuer = world.issuer();
    world.store.fail(Some(Double::down()));
    let error = issuer.login(TokenLogin::new("alice")).await.unwrap_err();
    assert!(error.is_unavailable());
    assert_eq!(world.store.withdrawn.load(Ordering::SeqCst), 1);
}

fn principal(expires_at: Option<Timestamp>) -> Principal {
    let parts = PrincipalParts::new("alice")
        .scopes(Scopes::parse("read"))
        .login(Some(LoginId::from_bytes([1; 16])))
        .expires_at(expires_at);
    Principal::insecure_for_tests(PrincipalKind::Session, parts)
}

#[test]
fn an_assertion_is_for_somebody_else_and_short() {
    let world = World::new();
    let issuer = world.issuer();
    let jwt = issuer
        .assertion(&principal(None), "upstream", secs(60))
        .unwrap();
    let (header, claims) = decode(&jwt);
    assert_eq!(header["typ"], "at+jwt");
    assert_eq!(claims["sub"], "alice");
    assert_eq!(claims["aud"], "upstream");
    assert_eq!(claims["scope"], "read");
    assert_eq!(claims["exp"], START.as_secs() + 60);
    assert!(claims.get("ver").is_none() && claims.get("gen").is_none());
    // The service that made it does not take it for a login.
    let refused = issuer.verifier().unwrap().verify(jwt.as_bytes());
    assert_eq!(refused.unwrap_err(), InvalidToken::Audience);

    let soon = principal(Some(START.plus(secs(5))));
    let jwt = issuer.assertion(&soon, "upstream", secs(60)).unwrap();
    assert_eq!(decode(&jwt).1["exp"], START.as_secs() + 5);
}

#[test]
fn assertions_that_would_pass_for_access_tokens_are_not_made() {
    use AssertionError::{Audience, Lifetime};
    let issuer = World::new().issuer();
    let rows = [
        ("no audience", "", 60, Audience),
        ("our own audience", AUDIENCE, 60, Audience),
        ("no time at all", "upstream", 0, Lifetime),
        ("too long", "upstream", 301, Lifetime),
    ];
    for (row, audience, ttl, expected) in rows {
        let made = issuer.assertion(&principal(None), audience, secs(ttl));
        assert_eq!(made, Err(expected), "{row}");
    }
}

/// The services behind know one issuer and its subjects: somebody else's `alice` must not become ours.
#[test]
fn nobody_of_another_issuers_is_asserted_unless_mapped_to_our_realm() {
    let world = World::new();
    let issuer = world.issuer();
    let ours = world.store.realm();
    let rows = [
        ("of our own", None, None),
        (
            "of another issuer",
            Some("https://id.example"),
            Some(AssertionError::Foreign),
        ),
        ("of another issuer, in our realm", Some(ours), None),
    ];
    for (row, realm, expected) in rows {
        let parts = PrincipalParts::new("alice")
            .issuer("https://id.example")
            .realm(realm.map(str::to_owned));
        let principal = Principal::insecure_for_tests(PrincipalKind::Token, parts);
        let made = issuer.assertion(&principal, "upstream", secs(60));
        assert_eq!(made.err(), expected, "{row}");
    }
}

#[tokio::test]
async fn nothing_shows_a_secret() {
    let world = World::new();
    let issuer = world.issuer_with(&[7]);
    let tokens = login(&issuer).await;
    let record = world.store.record(&tokens).await;
    let shown = format!("{issuer:?} {tokens:?} {record:?} {:?}", world.store);
    for secret in [tokens.access_token(), tokens.refresh_token()] {
        assert!(!shown.contains(secret));
        assert!(!shown.contains(&secret[secret.len() - 20..]));
    }
    assert!(!shown.contains("7, 7, 7"), "{shown}");
}
