//! Proving again who one is, and what asks for it.

use std::{convert::Infallible, sync::Arc};

use auth_core::{Authority, Caller, PrincipalKind, PrincipalParts, RequireFresh};
use auth_session_layer::{Login, Session, SessionErrorKind};
use http::{Request, Response, header};
use tower::{Layer, ServiceExt, service_fn};

use crate::{
    store::Call,
    support::{Browser, START, World, failed, log_in, ok, our_cookie, put, secs},
};

async fn reauthenticate(session: Session) -> Response<String> {
    match session.reauthenticate().await {
        Ok(()) => ok(),
        Err(error) => failed(&error),
    }
}

#[tokio::test]
async fn proving_it_again_gives_a_new_id_to_the_same_login() {
    let world = World::new();
    let mut browser = world.browser_of("alice").await;
    browser
        .visit(&world, async |session| {
            put(&session, "draft", "dear bob").await
        })
        .await;
    let before = browser.clone();
    let principal = browser.principal(&world).await.expect("logged in");
    world.advance(secs(600));
    browser.visit(&world, reauthenticate).await;
    assert_eq!(
        world.store.calls(),
        [Call::Load, Call::Touch, Call::Establish]
    );
    assert_ne!(browser.cookie, before.cookie);
    assert_eq!(before.subject(&world).await, None);
    let after = browser.principal(&world).await.expect("logged in");
    assert_eq!(after.login(), principal.login());
    assert_eq!(after.auth_time(), Some(START.plus(secs(600))));
    assert!(browser.field(&world, "draft").await.is_some());
    assert_eq!(world.logins("alice").await.len(), 1);

    // It is no new login: the absolute limit is that of the first.
    let logins = world.logins("alice").await;
    assert_eq!(logins[0].created_at, START);
    assert_eq!(logins[0].expires_at, START.plus(secs(12 * 3600)));
}

#[tokio::test]
async fn nobody_can_not_prove_it_again() {
    let world = World::new();
    let (mut visitor, mut nobody) = (world.browser_with_cart().await, Browser::default());
    for browser in [&mut visitor, &mut nobody] {
        let response = browser.visit(&world, reauthenticate).await;
        assert_eq!(response.body(), "NotLoggedIn");
        assert_eq!(our_cookie(response.headers()), None);
    }
    let mut ended = world.browser_of("alice").await;
    ended
        .clone()
        .visit(&world, async |session| {
            session.logout().await.expect("available");
            ok()
        })
        .await;
    let response = ended.visit(&world, reauthenticate).await;
    assert_eq!(response.body(), "NotLoggedIn");
}

#[tokio::test]
async fn a_login_ended_while_it_is_proven_again_stays_ended() {
    let world = World::new();
    let browser = world.browser_of("alice").await;
    let response = browser
        .visit_without_taking(&world, async |session| {
            let response = reauthenticate(session).await;
            let logout = async |other: Session| {
                other.logout().await.expect("available");
                ok()
            };
            browser.visit_without_taking(&world, logout).await;
            response
        })
        .await;
    assert_eq!(response.status(), 409);
    assert_eq!(our_cookie(response.headers()), None);
    assert_eq!(browser.subject(&world).await, None);
}

#[tokio::test]
async fn a_login_in_the_same_request_is_proof_enough() {
    let world = World::new();
    let mut browser = Browser::default();
    browser
        .visit(&world, async |session| {
            log_in(&session, Login::new("alice"));
            reauthenticate(session).await
        })
        .await;
    assert_eq!(browser.subject(&world).await.as_deref(), Some("alice"));
    assert_eq!(world.logins("alice").await.len(), 1);
}

#[tokio::test]
async fn after_the_head_it_is_too_late() {
    let world = World::new();
    let browser = world.browser_of("alice").await;
    let kept = parking_lot::Mutex::new(None);
    browser
        .visit_without_taking(&world, async |session| {
            *kept.lock() = Some(session);
            ok()
        })
        .await;
    let session = kept.into_inner().expect("kept");
    let error = session.reauthenticate().await.expect_err("late");
    assert_eq!(error.kind(), SessionErrorKind::Late);
}

/// Sends the browser's request through `RequireFresh` of five minutes.
async fn guarded(world: &World, browser: &Browser) -> Response<String> {
    let inner = service_fn(|_: Request<String>| async { Ok::<_, Infallible>(ok()) });
    let guard = RequireFresh::within(secs(300)).clock(world.clock.clone());
    let service = world.layer.layer(guard.layer(inner));
    let Ok(response) = service.oneshot(browser.request()).await;
    response
}

#[tokio::test]
async fn a_login_is_fresh_for_as_long_as_was_asked_and_again_when_it_was_proven_again() {
    let world = World::new();
    let mut browser = world.browser_of("alice").await;
    for (after, is_fresh) in [(0, true), (300, true), (1, false)] {
        world.advance(secs(after));
        let response = guarded(&world, &browser).await;
        assert_eq!(response.status() == 200, is_fresh, "{after}");
    }
    let refused = guarded(&world, &browser).await;
    assert_eq!(refused.status(), 401);
    assert_eq!(
        refused.headers()[header::WWW_AUTHENTICATE],
        "Session realm=\"test\", error=\"insufficient_user_authentication\", max_age=\"300\""
    );
    // Neither use nor a new id makes it fresh.
    browser
        .visit(&world, async |session| {
            session.rotate().expect("open");
            put(&session, "cart", "tea").await
        })
        .await;
    assert_eq!(guarded(&world, &browser).await.status(), 401);
    browser.visit(&world, reauthenticate).await;
    assert_eq!(guarded(&world, &browser).await.status(), 200);
    world.advance(secs(301));
    assert_eq!(guarded(&world, &browser).await.status(), 401);
}

#[tokio::test]
async fn the_challenge_is_in_the_scheme_of_the_credential_that_was_too_old() {
    let world = World::new();
    let inner = service_fn(|_: Request<String>| async { Ok::<_, Infallible>(ok()) });
    let guard = RequireFresh::within(secs(60)).clock(world.clock.clone());
    let service = world.layer.layer(guard.layer(inner));
    let mut request = Request::new(String::new());
    let parts = PrincipalParts::new("alice").auth_time(Some(START.minus(secs(61))));
    let token = auth_core::Principal::insecure_for_tests(PrincipalKind::Token, parts);
    let outcome = auth_core::TokenOutcome::Proven(token);
    Caller::join_token(
        request.extensions_mut(),
        outcome,
        &Arc::new(Authority::new("api")),
    );
    let Ok(response) = service.oneshot(request).await;
    let challenge = response.headers()[header::WWW_AUTHENTICATE].to_str();
    let challenge = challenge.expect("ASCII");
    assert!(
        challenge.starts_with("Bearer realm=\"api\", error=\"insufficient_user"),
        "{challenge}"
    );
}
