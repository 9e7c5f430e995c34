//! Limits of time, with a clock that tests move.

use std::time::Duration;

use auth_session_layer::{Lifetimes, Login};

use crate::{
    store::Call,
    support::{Browser, START, World, count, log_in, ok, our_cookie, put, secs},
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

#[tokio::test]
async fn a_profile_is_for_the_layer_or_for_one_login() {
    let day = 24 * 60 * MINUTE;
    let rows = [
        ("aal1", Lifetimes::AAL1, None, 30 * day),
        ("aal2", Lifetimes::AAL2, Some(60 * MINUTE), day),
        ("aal3", Lifetimes::AAL3, Some(15 * MINUTE), day / 2),
    ];
    for (row, profile, idle, absolute) in rows {
        let layer = World::with(|builder| builder.lifetimes(profile));
        let by_the_layer = Login::new("alice");
        let login = World::new();
        let by_itself = Login::new("alice").lifetimes(profile);
        for (world, login) in [(layer, by_the_layer), (login, by_itself)] {
            let mut browser = Browser::default();
            browser
                .visit(&world, async |session| log_in(&session, login.clone()))
                .await;
            let principal = browser.principal(&world).await.expect("logged in");
            let unused = idle.map_or(absolute, |idle| idle + MINUTE);
            assert_eq!(
                principal.expires_at(),
                Some(START.plus(secs(unused))),
                "{row}"
            );
            let ms = Duration::from_millis(1);
            world.advance(secs(unused) - ms);
            assert_eq!(world.logins("alice").await.len(), 1, "{row}");
            world.advance(ms);
            assert_eq!(browser.subject(&world).await, None, "{row}");
            assert!(world.logins("alice").await.is_empty(), "{row}");
        }
    }
}

/// To the millisecond: before the limit, at it, after it, and where the last use that was not
/// recorded would still count.
#[tokio::test]
async fn every_edge_of_the_idle_limit() {
    let ms = Duration::from_millis(1);
    let (idle, interval) = (secs(10 * MINUTE), secs(MINUTE));
    let rows = [
        (idle - ms, true),
        (idle, true),
        (idle + ms, true),
        (idle + interval - ms, true),
        (idle + interval, false),
        (idle + interval + ms, false),
    ];
    for (after, is_alive) in rows {
        let world = World::with(|builder| builder.idle(Some(idle)));
        let browser = world.browser_of("alice").await;
        world.advance(after);
        assert_eq!(
            browser.subject(&world).await.is_some(),
            is_alive,
            "{after:?}"
        );
    }
}

#[tokio::test]
async fn a_use_is_recorded_when_that_is_due_and_not_before() {
    let ms = Duration::from_millis(1);
    let rows = [
        ("a tenth of a short limit", Some(secs(10)), secs(1)),
        (
            "a minute of a long one",
            Some(secs(20 * MINUTE)),
            secs(MINUTE),
        ),
        (
            "a minute of the default",
            Some(secs(30 * MINUTE)),
            secs(MINUTE),
        ),
        ("a minute for the list of devices", None, secs(MINUTE)),
    ];
    for (row, idle, interval) in rows {
        let world = World::with(|builder| builder.idle(idle));
        let browser = world.browser_of("alice").await;
        let read = async || {
            browser
                .visit_without_taking(&world, async |session| {
                    session.data().await.expect("available");
                    ok()
                })
                .await;
            count(&world.store.calls(), Call::Touch)
        };
        world.advance(interval - ms);
        assert_eq!(read().await, 0, "{row}");
        world.advance(ms);
        assert_eq!(read().await, 1, "{row}");
        assert_eq!(read().await, 0, "{row}");
        world.advance(interval - ms);
        assert_eq!(read().await, 0, "{row}");
        world.advance(ms);
        assert_eq!(read().await, 1, "{row}");
    }
}
