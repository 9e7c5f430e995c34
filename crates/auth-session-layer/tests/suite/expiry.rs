//! Limits of time, with a clock that tests move.

use auth_session_layer::Login;

use crate::{
    store::Call,
    support::{Browser, World, count, log_in, ok, our_cookie, put, secs},
};

const MINUTE: u64 = 60;

#[tokio::test]
async fn a_session_ends_when_it_was_not_used_for_its_idle_limit() {
    let world = World::with(|builder| builder.idle(Some(secs(10 * MINUTE))));
    let browser = world.browser_of("alice").await;
    world.advance(secs(9 * MINUTE + 59));
    assert!(browser.subject(&world).await.is_some());
    world.advance(secs(9 * MINUTE + 59));
    assert!(browser.subject(&world).await.is_some());
    // The limit and one touch interval, for a use that was not recorded.
    world.advance(secs(11 * MINUTE));
    assert_eq!(browser.subject(&world).await, None);
}

#[tokio::test]
async fn a_session_ends_at_its_absolute_limit_however_much_it_is_used() {
    let world = World::with(|builder| {
        builder
            .idle(Some(secs(10 * MINUTE)))
            .absolute(secs(60 * MINUTE))
    });
    let mut browser = world.browser_of("alice").await;
    for minute in 1..12 {
        world.advance(secs(5 * MINUTE));
        // Neither writing nor rotating makes it last longer.
        let response = browser
            .visit(&world, async |session| {
                session.rotate().expect("open");
                put(&session, "minute", &minute.to_string()).await
            })
            .await;
        assert_eq!(response.status(), 200);
        assert!(browser.subject(&world).await.is_some(), "{minute}");
    }
    world.advance(secs(5 * MINUTE));
    assert_eq!(browser.subject(&world).await, None);
}

#[tokio::test]
async fn limits_of_a_login_are_not_forgotten_by_the_next_write() {
    let world = World::new();
    let mut browser = Browser::default();
    let month = secs(30 * 24 * 60 * MINUTE);
    let login = Login::new("alice").idle(None).absolute(month);
    browser
        .visit(&world, async |session| log_in(&session, login.clone()))
        .await;
    browser
        .visit(&world, async |session| put(&session, "seen", "it").await)
        .await;
    browser
        .visit(&world, async |session| {
            session.rotate().expect("open");
            ok()
        })
        .await;
    world.advance(month - secs(1));
    assert_eq!(browser.subject(&world).await.as_deref(), Some("alice"));
    world.advance(secs(1));
    assert_eq!(browser.subject(&world).await, None);
}

#[tokio::test]
async fn a_thousand_requests_in_a_second_are_recorded_as_one_use() {
    let world = World::new();
    let browser = world.browser_of("alice").await;
    world.advance(secs(61));
    let mut touches = 0;
    for _ in 0..1_000 {
        browser
            .visit_without_taking(&world, async |session| {
                session.data().await.expect("available");
                ok()
            })
            .await;
        touches += count(&world.store.calls(), Call::Touch);
    }
    assert_eq!(touches, 1);
}

#[tokio::test]
async fn an_expired_session_is_an_anonymous_caller_and_its_cookie_is_left_alone() {
    let world = World::new();
    let mut browser = world.browser_of("alice").await;
    world.advance(secs(60 * MINUTE));
    let before = browser.clone();
    let response = browser
        .visit(&world, async |session| {
            let data = session.data().await.expect("empty");
            assert!(data.names().is_empty());
            ok()
        })
        .await;
    assert_eq!(response.status(), 200);
    assert_eq!(our_cookie(response.headers()), None);

    // A write begins a new one, under a new id.
    browser
        .visit(&world, async |session| put(&session, "cart", "tea").await)
        .await;
    assert_ne!(browser, before);
    assert_eq!(browser.subject(&world).await, None);
    assert!(browser.field(&world, "cart").await.is_some());
}

#[tokio::test]
async fn a_session_that_expires_while_its_request_runs_is_not_brought_back() {
    let world = World::new();
    let browser = world.browser_of("alice").await;
    let response = browser
        .visit_without_taking(&world, async |session| {
            let response = put(&session, "cart", "tea").await;
            world.advance(secs(60 * MINUTE));
            response
        })
        .await;
    assert_eq!(response.status(), 409);
    assert_eq!(our_cookie(response.headers()), None);
    assert_eq!(browser.subject(&world).await, None);
}
