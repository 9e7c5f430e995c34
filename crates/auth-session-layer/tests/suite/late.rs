//! Requests that come late, with an id that was ended: they never stand in the way of a newer login.

use auth_core::store::Revocations;
use auth_session_layer::{Login, SessionErrorKind};
use http::Response;

use crate::{
    store::Call,
    support::{Browser, World, count, failed, log_in, ok, our_cookie, put, secs},
};

/// A world in which alice has ended her session by `means`.
async fn ended_by(means: &str) -> (World, Browser) {
    let world = World::new();
    let browser = world.browser_of("alice").await;
    let login = browser.principal(&world).await.and_then(|p| p.login());
    let login = login.expect("she is logged in");
    world.advance(secs(1));
    match means {
        "logout" => {
            let log_out = async |session: auth_session_layer::Session| {
                session.logout().await.expect("available");
                ok()
            };
            browser.visit_without_taking(&world, log_out).await;
        }
        "end_login" => world.store.end_login("alice", login).await.expect("ended"),
        "end_others" => {
            let other = world.browser_of("alice").await.principal(&world).await;
            let keep = other.and_then(|p| p.login()).expect("logged in");
            let ended = world.store.end_other_logins("alice", keep).await;
            ended.expect("ended");
        }
        _ => world.store.revoke_subject("alice").await.expect("revoked"),
    }
    world.store.calls();
    (world, browser)
}

const MEANS: [&str; 4] = ["logout", "end_login", "end_others", "revoke_subject"];

#[track_caller]
fn assert_refused(response: &Response<String>, row: &str) {
    assert_eq!(response.status(), 409, "{row}");
    assert_eq!(our_cookie(response.headers()), None, "{row}");
    assert!(!response.headers().contains_key("retry-after"), "{row}");
}

#[tokio::test]
async fn writes_with_an_id_that_was_ended_are_refused_for_a_minute() {
    for means in MEANS {
        let (world, late) = ended_by(means).await;
        for after in [0, 59] {
            world.advance(secs(after));
            let response = late
                .visit_without_taking(&world, async |session| put(&session, "cart", "tea").await)
                .await;
            assert_refused(&response, means);
            let response = late
                .visit_without_taking(&world, async |session| {
                    session.rotate().expect("open");
                    ok()
                })
                .await;
            assert_refused(&response, means);
            assert_eq!(count(&world.store.calls(), Call::Establish), 0, "{means}");
        }
        // After that it is as unknown as any other, and what is written begins a session.
        world.advance(secs(1));
        let response = late
            .visit_without_taking(&world, async |session| put(&session, "cart", "tea").await)
            .await;
        assert_eq!(response.status(), 200, "{means}");
        assert!(our_cookie(response.headers()).is_some(), "{means}");
    }
}

#[tokio::test]
async fn an_early_save_with_an_id_that_was_ended_tells_the_handler() {
    let (world, late) = ended_by("logout").await;
    let response = late
        .visit_without_taking(&world, async |session| {
            put(&session, "cart", "tea").await;
            let error = session.save().await.expect_err("it has ended");
            assert_eq!(error.kind(), SessionErrorKind::Ended);
            failed(&error)
        })
        .await;
    assert_eq!(response.status(), 418);
    assert_eq!(our_cookie(response.headers()), None);
}

#[tokio::test]
async fn reading_with_an_id_that_was_ended_is_reading_as_nobody() {
    for means in MEANS {
        let (world, late) = ended_by(means).await;
        let response = late
            .visit_without_taking(&world, async |session| {
                let data = session.data().await.expect("empty");
                assert!(data.names().is_empty());
                ok()
            })
            .await;
        assert_eq!(response.status(), 200, "{means}");
        assert!(response.headers().is_empty(), "{means}");
        assert_eq!(late.subject(&world).await, None, "{means}");
    }
}

#[tokio::test]
async fn a_late_write_does_not_take_the_cookie_of_a_newer_login() {
    let (world, late) = ended_by("logout").await;
    let mut browser = Browser::default();
    browser.log_in(&world, "bob").await;
    // Sent before the logout, it arrives after the login; the browser takes what it sets.
    let response = late
        .visit_without_taking(&world, async |session| put(&session, "cart", "tea").await)
        .await;
    browser.take(&response);
    assert_eq!(browser.subject(&world).await.as_deref(), Some("bob"));
}

#[tokio::test]
async fn a_login_with_an_id_that_was_ended_is_a_login_from_nothing() {
    for means in MEANS {
        let (world, mut browser) = ended_by(means).await;
        let before = browser.clone();
        let response = browser
            .visit(&world, async |session| {
                put(&session, "lang", "de").await;
                log_in(&session, Login::new("alice"))
            })
            .await;
        assert_eq!(response.status(), 200, "{means}");
        assert_ne!(browser, before, "{means}");
        assert_eq!(browser.subject(&world).await.as_deref(), Some("alice"));
        // What was written in the same request belongs to it.
        let lang = browser.field(&world, "lang").await;
        assert_eq!(lang.as_deref(), Some("de"), "{means}");
        assert_eq!(before.subject(&world).await, None, "{means}");
    }
}

#[tokio::test]
async fn a_logout_with_an_id_that_was_ended_is_done() {
    let (world, browser) = ended_by("end_login").await;
    let response = browser
        .visit_without_taking(&world, async |session| match session.logout().await {
            Ok(()) => ok(),
            Err(error) => failed(&error),
        })
        .await;
    assert_eq!(response.status(), 200);
    let removal = our_cookie(response.headers()).expect("the cookie is of no use any more");
    assert!(removal.starts_with("__Host-id=;"), "{removal}");
}
