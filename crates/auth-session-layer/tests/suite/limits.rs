//! Logins that are refused, and logins that end others.

use auth_core::store::{Overflow, Revocations};
use auth_session_layer::{Login, SessionErrorKind};

use crate::{
    store::Call,
    support::{Browser, World, count, failed, log_in, our_cookie, secs},
};

#[tokio::test]
async fn a_login_is_refused_if_the_subject_was_revoked_since_the_password_was_checked() {
    let world = World::new();
    let browser = world.browser_with_cart().await;
    let response = browser
        .visit_without_taking(&world, async |session| {
            let since = world.store.epoch("alice").await.expect("available");
            // The password is reset meanwhile.
            world.store.revoke_subject("alice").await.expect("revoked");
            log_in(&session, Login::new("alice").since(since))
        })
        .await;
    assert_eq!(response.status(), 409);
    assert_eq!(our_cookie(response.headers()), None);
    assert!(!response.headers().contains_key("www-authenticate"));
    assert!(world.logins("alice").await.is_empty());
    assert_eq!(browser.field(&world, "cart").await.as_deref(), Some("tea"));

    let mut browser = browser;
    let since = world.store.epoch("alice").await.expect("available");
    let login = Login::new("alice").since(since);
    browser
        .visit(&world, async |session| log_in(&session, login.clone()))
        .await;
    assert_eq!(browser.subject(&world).await.as_deref(), Some("alice"));
}

#[tokio::test]
async fn a_login_after_log_out_everywhere_works_at_once() {
    let world = World::new();
    let old = world.browser_of("alice").await;
    world.store.revoke_subject("alice").await.expect("revoked");
    assert_eq!(old.subject(&world).await, None);
    let new = world.browser_of("alice").await;
    assert_eq!(new.subject(&world).await.as_deref(), Some("alice"));
    assert_eq!(old.subject(&world).await, None);
}

#[tokio::test]
async fn too_many_logins_are_refused_with_403_and_change_nothing() {
    let world = World::with(|builder| builder.max_logins(2, Overflow::Refuse));
    let first = world.browser_of("alice").await;
    let second = world.browser_of("alice").await;
    let third = world.browser_with_cart().await;
    let response = third
        .visit_without_taking(&world, async |session| {
            log_in(&session, Login::new("alice"))
        })
        .await;
    assert_eq!(response.status(), 403);
    assert_eq!(our_cookie(response.headers()), None);
    assert!(third.field(&world, "cart").await.is_some());
    for browser in [&first, &second] {
        assert_eq!(browser.subject(&world).await.as_deref(), Some("alice"));
    }
}

#[tokio::test]
async fn logging_in_again_where_one_is_logged_in_is_not_one_too_many() {
    for overflow in [Overflow::Refuse, Overflow::EndOldest] {
        let world = World::with(|builder| builder.max_logins(2, overflow));
        let other = world.browser_of("alice").await;
        let mut browser = world.browser_of("alice").await;
        for _ in 0..3 {
            browser.log_in(&world, "alice").await;
            assert_eq!(world.logins("alice").await.len(), 2);
        }
        assert_eq!(other.subject(&world).await.as_deref(), Some("alice"));
    }
}

#[tokio::test]
async fn one_login_too_many_ends_the_oldest() {
    let world = World::with(|builder| builder.max_logins(2, Overflow::EndOldest));
    let first = world.browser_of("alice").await;
    world.advance(secs(1));
    let second = world.browser_of("alice").await;
    world.advance(secs(1));
    let third = world.browser_of("alice").await;
    assert_eq!(first.subject(&world).await, None);
    assert!(second.subject(&world).await.is_some());
    assert!(third.subject(&world).await.is_some());
}

#[tokio::test]
async fn an_error_of_save_is_for_the_handler_to_answer_and_is_not_tried_again() {
    let world = World::with(|builder| builder.max_logins(1, Overflow::Refuse));
    world.browser_of("alice").await;
    let browser = world.browser_with_cart().await;
    let response = browser
        .visit_without_taking(&world, async |session| {
            session.login(Login::new("alice")).expect("valid");
            let error = session.save().await.expect_err("too many");
            assert_eq!(error.kind(), SessionErrorKind::TooManyLogins);
            failed(&error)
        })
        .await;
    assert_eq!(response.status(), 418);
    let calls = world.store.calls();
    assert_eq!(count(&calls, Call::Admit), 1);
    assert_eq!(count(&calls, Call::Establish), 0);
}

#[tokio::test]
async fn a_login_that_is_none_is_an_error_of_the_handlers() {
    let world = World::new();
    let response = Browser::default()
        .visit(&world, async |session| log_in(&session, Login::new("")))
        .await;
    assert_eq!(response.body(), "InvalidLogin");
    assert_eq!(world.store.calls(), []);
}
