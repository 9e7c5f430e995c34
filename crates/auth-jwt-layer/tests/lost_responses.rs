//! Refreshes whose response was lost, and that are asked for again much later.
#![allow(clippy::unwrap_used)] // In helpers, too.
#![cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]

mod issuer_support;

use std::{convert::Infallible, sync::atomic::Ordering};

use auth_core::{Event, Scopes, Verdict};
use auth_jwt_layer::{Issuer, IssuerConfigErrorKind, JwtLayer, RefreshError, Tokens};
use http::{Request, Response};
use issuer_support::{GRACE, World, ed25519, login, secs};
use tower::{Layer, ServiceExt, service_fn};

fn issuer(world: &World) -> Issuer {
    let builder = world.builder(ed25519()).access_ttl(secs(7_200));
    builder.retry_lost_response(secs(86_400)).build().unwrap()
}

async fn refresh(issuer: &Issuer, tokens: &Tokens) -> Result<Tokens, RefreshError> {
    let token = tokens.refresh_token().as_bytes();
    issuer.refresh(token, None).await
}

/// A request to a service with this issuer's layer.
async fn use_token(world: &World, issuer: &Issuer, tokens: &Tokens) -> u16 {
    let verifier = issuer.verifier().unwrap();
    let layer = JwtLayer::builder(verifier).store(world.store.clone());
    let service = service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(())) });
    let service = layer.build().unwrap().layer(service);
    let bearer = format!("Bearer {}", tokens.access_token());
    let request = Request::builder().header("authorization", bearer);
    let response = service.oneshot(request.body(()).unwrap()).await.unwrap();
    response.status().as_u16()
}

#[tokio::test]
async fn a_response_that_never_arrived_is_given_again_after_hours() {
    let world = World::new();
    let issuer = issuer(&world);
    let first = login(&issuer).await;
    // An access token of before says nothing of what came after it.
    let lost = refresh(&issuer, &first).await.unwrap();
    assert_eq!(use_token(&world, &issuer, &first).await, 200);
    world.clock.advance(secs(86_399));
    let again = refresh(&issuer, &first).await.unwrap();
    assert_eq!(again.refresh_token(), lost.refresh_token());
    assert_eq!(world.verdict(&issuer, &again).await, Verdict::Active);
    refresh(&issuer, &again).await.unwrap();
    assert_eq!(world.heard(), []);
}

#[tokio::test]
async fn thief_and_victim_are_out_as_soon_as_either_has_used_what_he_got() {
    for seen in [
        "by a layer",
        "by introspection",
        "as refresh token",
        "as refresh token, by introspection",
        "as refresh token, for more than was granted",
    ] {
        let world = World::new();
        let issuer = issuer(&world);
        let stolen = login(&issuer).await;
        let victim = refresh(&issuer, &stolen).await.unwrap();
        match seen {
            "by a layer" => assert_eq!(use_token(&world, &issuer, &victim).await, 200),
            "by introspection" => {
                let token = victim.access_token().as_bytes();
                assert!(issuer.introspect(token).await.unwrap().is_active());
            }
            "as refresh token" => drop(refresh(&issuer, &victim).await.unwrap()),
            "as refresh token, by introspection" => {
                let token = victim.refresh_token().as_bytes();
                assert!(issuer.introspect(token).await.unwrap().is_active());
            }
            _ => {
                let token = victim.refresh_token().as_bytes();
                let refused = issuer.refresh(token, Some(&Scopes::parse("admin"))).await;
                assert_eq!(refused.unwrap_err(), RefreshError::InvalidScope);
            }
        }
        world.clock.advance(GRACE);
        let thief = refresh(&issuer, &stolen).await;
        assert_eq!(thief.unwrap_err(), RefreshError::InvalidGrant, "{seen}");
        assert!(matches!(world.heard()[..], [Event::RefreshReused { .. }]));
        assert_eq!(world.verdict(&issuer, &victim).await, Verdict::Revoked);
    }
}

#[tokio::test]
async fn the_grace_is_the_same_whether_or_not_it_arrived() {
    let world = World::new();
    let issuer = issuer(&world);
    let first = login(&issuer).await;
    let second = refresh(&issuer, &first).await.unwrap();
    assert_eq!(use_token(&world, &issuer, &second).await, 200);
    world.clock.advance(GRACE - secs(1));
    let again = refresh(&issuer, &first).await.unwrap();
    assert_eq!(again.refresh_token(), second.refresh_token());
}

#[tokio::test]
async fn the_store_is_told_once_a_refresh_and_not_at_all_unless_it_matters() {
    let world = World::new();
    let (issuer, plain) = (issuer(&world), world.issuer());
    let told = || world.store.arrivals.load(Ordering::SeqCst);
    let first = login(&issuer).await;
    let second = refresh(&issuer, &first).await.unwrap();
    for (tokens, expected) in [(&first, 0), (&second, 1), (&second, 1), (&first, 1)] {
        assert_eq!(use_token(&world, &issuer, tokens).await, 200);
        assert_eq!(told(), expected);
    }
    // A token that is refused says nothing.
    issuer
        .revoke(second.access_token().as_bytes())
        .await
        .unwrap();
    let third = refresh(&issuer, &second).await.unwrap();
    issuer
        .revoke(third.access_token().as_bytes())
        .await
        .unwrap();
    assert_eq!((use_token(&world, &issuer, &third).await, told()), (401, 1));

    let other = login(&plain).await;
    let other = refresh(&plain, &other).await.unwrap();
    assert_eq!((use_token(&world, &plain, &other).await, told()), (200, 1));
}

#[test]
fn more_than_a_day_fails_to_build() {
    let builder = || World::new().builder(ed25519());
    assert!(builder().retry_lost_response(secs(86_400)).build().is_ok());
    let error = builder().retry_lost_response(secs(86_401)).build();
    assert_eq!(error.unwrap_err().kind(), IssuerConfigErrorKind::Retry);
}
