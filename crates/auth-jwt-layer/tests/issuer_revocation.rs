//! Access tokens that are taken back at the edges of their lives.
#![allow(clippy::unwrap_used)] // In helpers, too.
#![cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]

mod issuer_support;

use std::{convert::Infallible, time::Duration};

use auth_core::ManualClock;
use auth_jwt_layer::{Issuer, JwtLayer, Tokens, Verifier};
use http::{Request, Response};
use issuer_support::{AUDIENCE, ISSUER, START, World, ed25519, login, secs};
use tower::{Layer, ServiceExt, service_fn};

/// How a service answers that takes tokens for as long as one may.
async fn lenient(world: &World, issuer: &Issuer, tokens: &Tokens) -> u16 {
    let verifier = Verifier::builder(ISSUER, AUDIENCE, issuer.key_source())
        .own()
        .leeway(secs(60))
        .clock(world.clock.clone());
    let layer = JwtLayer::builder(verifier.build().unwrap()).store(world.store.clone());
    let service = service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(())) });
    let service = layer.build().unwrap().layer(service);
    let bearer = format!("Bearer {}", tokens.access_token());
    let request = Request::builder().header("authorization", bearer);
    let response = service.oneshot(request.body(()).unwrap()).await.unwrap();
    response.status().as_u16()
}

#[tokio::test]
async fn a_token_can_be_revoked_as_long_as_anybody_may_take_it() {
    let rows: [(&str, Duration, Duration); 3] = [
        ("before it expires", secs(0), secs(0)),
        ("in the leeway of others", secs(59), secs(0)),
        ("by a node whose clock is behind", secs(0), secs(59)),
    ];
    for (row, expired_for, behind) in rows {
        let world = World::new();
        let keys = ed25519();
        let issuer = world.builder(keys.clone()).build().unwrap();
        let tokens = login(&issuer).await;
        if !expired_for.is_zero() {
            world.clock.advance(tokens.expires_in() + expired_for);
        }
        assert_eq!(lenient(&world, &issuer, &tokens).await, 200, "{row}");

        let clock = ManualClock::new(START.minus(behind));
        clock.advance(world.clock_since_start());
        let other = world.builder(keys).clock(clock).build().unwrap();
        let token = tokens.access_token().as_bytes();
        other.revoke(token).await.unwrap();
        assert_eq!(lenient(&world, &issuer, &tokens).await, 401, "{row}");
    }
}
