//! Logging out.

use auth_core::{Caller, Event, store::Revocations};
use auth_session_layer::{Login, Session, SessionErrorKind};
use http::{Request, Response};
use parking_lot::Mutex;

use crate::{
    store::Call,
    support::{Browser, World, failed, log_in, ok, our_cookie, put, session_of},
};

const REMOVAL: &str = "__Host-id=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0";

async fn log_out(session: Session) -> Response<String> {
    match session.logout().await {
        Ok(()) => ok(),
        Err(error) => failed(&error),
    }
}

#[tokio::test]
async fn a_logout_ends_the_login_deletes_the_session_and_removes_the_cookie() {
    let world = World::new();
    let browser = world.browser_of("alice").await;
    let handler = async |request: Request<String>| {
        let caller = request.extensions().get::<Caller>().expect("a caller");
        assert!(caller.principal().await.expect("available").is_some());
        let response = log_out(session_of(&request)).await;
        // It acts when awaited.
        assert_eq!(caller.principal().await, Ok(None));
        assert_eq!(browser.subject(&world).await, None);
        assert!(world.logins("alice").await.is_empty());
        response
    };
    let response = world.send(browser.request(), handler).await;
    assert_eq!(our_cookie(response.headers()).as_deref(), Some(REMOVAL));
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert!(!response.headers().contains_key("clear-site-data"));
    assert_eq!(browser.field(&world, "anything").await, None);
}

#[tokio::test]
async fn a_logout_of_an_anonymous_session_drops_its_data_and_its_cookie() {
    let world = World::new();
    let browser = world.browser_with_cart().await;
    let response = browser.visit_without_taking(&world, log_out).await;
    assert_eq!(world.store.calls(), [Call::Load, Call::End, Call::Load]);
    assert_eq!(our_cookie(response.headers()).as_deref(), Some(REMOVAL));
    assert_eq!(browser.field(&world, "cart").await, None);
}

/// Another request of the same browser logs in while this one is about to log out.
#[tokio::test]
async fn a_logout_that_a_login_overtook_says_so_and_leaves_its_cookie() {
    for logged_in in [false, true] {
        let world = World::new();
        let browser = match logged_in {
            false => world.browser_with_cart().await,
            true => world.browser_of("alice").await,
        };
        let newer = Mutex::new(browser.clone());
        let response = browser
            .visit_without_taking(&world, async |session| {
                session.data().await.expect("available");
                let mut newer_browser = newer.lock().clone();
                newer_browser.log_in(&world, "alice").await;
                *newer.lock() = newer_browser;
                log_out(session).await
            })
            .await;
        assert_eq!(response.body(), "Ended");
        assert_eq!(our_cookie(response.headers()), None);
        let subject = newer.into_inner().subject(&world).await;
        assert_eq!(subject.as_deref(), Some("alice"));
        assert_eq!(world.logins("alice").await.len(), 1);
    }
}

#[tokio::test]
async fn a_logout_with_two_cookies_of_our_name_is_no_success() {
    let world = World::new();
    let browser = world.browser_of("alice").await;
    let id = browser.cookie.as_deref().expect("a cookie");
    let tossed = Browser {
        cookie: Some(format!("{id}; __Host-id=x")),
    };
    let response = tossed.visit_without_taking(&world, log_out).await;
    assert_eq!(response.body(), "Ended");
    assert_eq!(our_cookie(response.headers()), None);
    assert_eq!(browser.subject(&world).await.as_deref(), Some("alice"));
}

#[tokio::test]
async fn a_logout_without_a_session_removes_what_cookie_there_is_and_asks_nobody() {
    let world = World::new();
    let response = Browser::default().visit(&world, log_out).await;
    assert!(response.headers().is_empty());
    let malformed = Browser {
        cookie: Some("garbage".to_owned()),
    };
    let response = malformed.visit_without_taking(&world, log_out).await;
    assert_eq!(our_cookie(response.headers()).as_deref(), Some(REMOVAL));
    assert_eq!(world.store.calls(), []);
}

#[tokio::test]
async fn a_logout_drops_what_was_pending() {
    let world = World::new();
    let browser = world.browser_with_cart().await;
    let response = browser
        .visit_without_taking(&world, async |session| {
            put(&session, "cart", "rum").await;
            log_in(&session, Login::new("alice"));
            log_out(session).await
        })
        .await;
    assert_eq!(our_cookie(response.headers()).as_deref(), Some(REMOVAL));
    assert_eq!(world.store.calls(), [Call::Load, Call::End, Call::Load]);
    assert!(world.logins("alice").await.is_empty());
}

#[tokio::test]
async fn what_is_written_after_a_logout_begins_a_new_anonymous_session() {
    let world = World::new();
    let mut browser = world.browser_of("alice").await;
    browser
        .visit(&world, async |session| {
            put(&session, "diary", "secret").await
        })
        .await;
    let before = browser.clone();
    let response = browser
        .visit(&world, async |session| {
            log_out(session.clone()).await;
            put(&session, "message", "see you").await
        })
        .await;
    let cookie = our_cookie(response.headers()).expect("set");
    assert!(!cookie.contains("Max-Age"), "{cookie}");
    assert_ne!(browser.cookie, before.cookie);
    assert_eq!(browser.subject(&world).await, None);
    assert_eq!(
        browser.field(&world, "message").await.as_deref(),
        Some("see you")
    );
    assert_eq!(browser.field(&world, "diary").await, None);
    assert_eq!(before.subject(&world).await, None);
}

#[tokio::test]
async fn a_login_after_a_logout_in_one_request_is_a_login_from_nothing() {
    let world = World::new();
    let mut browser = world.browser_of("alice").await;
    browser
        .visit(&world, async |session| {
            put(&session, "diary", "secret").await
        })
        .await;
    browser
        .visit(&world, async |session| {
            log_out(session.clone()).await;
            log_in(&session, Login::new("alice"))
        })
        .await;
    assert_eq!(browser.subject(&world).await.as_deref(), Some("alice"));
    assert_eq!(browser.field(&world, "diary").await, None);
    assert_eq!(world.logins("alice").await.len(), 1);
}

#[tokio::test]
async fn a_logout_after_a_saved_login_of_the_same_request_ends_it() {
    let world = World::new();
    let mut browser = Browser::default();
    let response = browser
        .visit(&world, async |session| {
            log_in(&session, Login::new("alice"));
            session.save().await.expect("saved");
            log_out(session).await
        })
        .await;
    assert_eq!(our_cookie(response.headers()).as_deref(), Some(REMOVAL));
    assert!(world.logins("alice").await.is_empty());
}

#[tokio::test]
async fn a_logout_that_keeps_the_data_leaves_an_anonymous_session_under_a_new_id() {
    let world = World::new();
    let mut browser = world.browser_of("alice").await;
    browser
        .visit(&world, async |session| put(&session, "cart", "tea").await)
        .await;
    let before = browser.clone();
    let response = browser
        .visit(&world, async |session| {
            put(&session, "pending", "too").await;
            match session.logout_keeping_data().await {
                Ok(()) => ok(),
                Err(error) => failed(&error),
            }
        })
        .await;
    assert_eq!(response.status(), 200);
    assert_ne!(browser.cookie, before.cookie);
    assert_eq!(browser.subject(&world).await, None);
    assert_eq!(browser.field(&world, "cart").await.as_deref(), Some("tea"));
    assert_eq!(
        browser.field(&world, "pending").await.as_deref(),
        Some("too")
    );
    assert_eq!(before.subject(&world).await, None);
    assert!(world.logins("alice").await.is_empty());
}

#[tokio::test]
async fn a_logout_clears_site_data_only_where_that_was_asked_for() {
    let world = World::with(|builder| builder.clear_site_data(true));
    let browser = world.browser_of("alice").await;
    let response = browser.visit_without_taking(&world, async |_| ok()).await;
    assert!(!response.headers().contains_key("clear-site-data"));
    let response = browser.visit_without_taking(&world, log_out).await;
    assert_eq!(
        response.headers()["clear-site-data"],
        "\"cookies\", \"storage\""
    );

    // Not where it would take the cookie of the session that begins.
    let browser = world.browser_of("alice").await;
    let response = browser
        .visit_without_taking(&world, async |session| {
            log_out(session.clone()).await;
            put(&session, "message", "see you").await
        })
        .await;
    assert!(!response.headers().contains_key("clear-site-data"));
}

#[tokio::test]
async fn a_logout_leaves_the_other_logins_of_the_subject_alone() {
    let world = World::new();
    let phone = world.browser_of("alice").await;
    let laptop = world.browser_of("alice").await;
    laptop.visit_without_taking(&world, log_out).await;
    assert_eq!(laptop.subject(&world).await, None);
    assert_eq!(phone.subject(&world).await.as_deref(), Some("alice"));
}

#[tokio::test]
async fn ending_the_other_logins_spares_this_one() {
    let world = World::new();
    let phone = world.browser_of("alice").await;
    let laptop = world.browser_of("alice").await;
    let login = laptop.principal(&world).await.and_then(|p| p.login());
    let login = login.expect("a session has one");
    world
        .store
        .end_other_logins("alice", login)
        .await
        .expect("revoked");
    assert_eq!(phone.subject(&world).await, None);
    assert_eq!(laptop.subject(&world).await.as_deref(), Some("alice"));
}

#[tokio::test]
async fn changes_after_the_head_of_the_response_are_told_and_refused() {
    let world = World::new();
    let browser = world.browser_of("alice").await;
    let kept = Mutex::new(None);
    browser
        .visit_without_taking(&world, async |session| {
            let data = session.data().await.expect("available");
            *kept.lock() = Some((session, data));
            ok()
        })
        .await;
    world.store.calls();
    let (session, data) = kept.into_inner().expect("kept, as a streaming body would");
    let late = [
        data.insert("cart", "tea"),
        data.remove("cart"),
        data.update("n", |n: Option<u32>| n),
        session.rotate(),
        session.login(Login::new("bob")).map(drop),
    ];
    assert_eq!(
        world.events.lock().as_slice(),
        [const { Event::LateSessionChange }; 5]
    );
    for result in late {
        assert_eq!(result.expect_err("late").kind(), SessionErrorKind::Late);
    }
    let error = session.save().await.expect_err("late");
    assert_eq!(error.kind(), SessionErrorKind::Late);
    assert_eq!(world.store.calls(), []);
    // Reading goes on, and logging out still acts.
    assert_eq!(data.get::<String>("cart"), Ok(None));
    session.logout().await.expect("available");
    assert_eq!(browser.subject(&world).await, None);
}

#[tokio::test]
async fn a_late_logout_that_would_need_a_cookie_is_refused() {
    let world = World::new();
    let browser = world.browser_of("alice").await;
    let kept = Mutex::new(None);
    browser
        .visit_without_taking(&world, async |session| {
            *kept.lock() = Some(session);
            ok()
        })
        .await;
    let session = kept.into_inner().expect("kept");
    let error = session.logout_keeping_data().await.expect_err("late");
    assert_eq!(error.kind(), SessionErrorKind::Late);
    assert_eq!(browser.subject(&world).await.as_deref(), Some("alice"));
}
