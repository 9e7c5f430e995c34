//! Requests and commits that do not run to their end.

use std::sync::Arc;

use auth_session_layer::{Login, Session, SessionErrorKind};
use http::{Request, Response};

use crate::{
    store::{Call, Fault},
    support::{Browser, World, count, log_in, ok, put, session_of},
};

#[tokio::test]
async fn a_save_that_was_dropped_midway_is_made_once() {
    for call in [Call::Admit, Call::Establish] {
        let world = World::new();
        let mut browser = world.browser_with_cart().await;
        let gate = world.store.gate(call);
        let response = browser
            .visit(&world, async |session| {
                session.login(Login::new("alice")).expect("valid");
                tokio::select! {
                    biased;
                    _ = session.save() => unreachable!("it is held up"),
                    () = gate.arrived() => {}
                }
                world.store.remove_gate(call);
                put(&session, "after", "it").await
            })
            .await;
        assert_eq!(response.status(), 200, "{call:?}");
        assert_eq!(browser.subject(&world).await.as_deref(), Some("alice"));
        assert_eq!(browser.field(&world, "after").await.as_deref(), Some("it"));
        assert_eq!(browser.field(&world, "cart").await.as_deref(), Some("tea"));
        assert_eq!(world.logins("alice").await.len(), 1);
    }
}

#[tokio::test]
async fn a_logout_after_a_save_that_was_dropped_ends_that_login_too() {
    let world = World::new();
    let browser = world.browser_with_cart().await;
    let gate = world.store.gate(Call::Establish);
    browser
        .visit_without_taking(&world, async |session| {
            session.login(Login::new("alice")).expect("valid");
            tokio::select! {
                biased;
                _ = session.save() => unreachable!("it is held up"),
                () = gate.arrived() => {}
            }
            world.store.remove_gate(Call::Establish);
            session.logout().await.expect("available");
            ok()
        })
        .await;
    assert!(world.logins("alice").await.is_empty());
    assert_eq!(browser.subject(&world).await, None);
}

#[tokio::test]
async fn a_logout_ends_a_login_that_was_made_though_its_save_was_dropped() {
    let world = World::new();
    let browser = world.browser_with_cart().await;
    let gate = world.store.gate_answer(Call::Establish);
    browser
        .visit_without_taking(&world, async |session| {
            session.login(Login::new("alice")).expect("valid");
            tokio::select! {
                biased;
                _ = session.save() => unreachable!("it is held up"),
                () = gate.arrived() => {}
            }
            session.logout().await.expect("available");
            ok()
        })
        .await;
    assert!(world.logins("alice").await.is_empty());
    assert_eq!(browser.field(&world, "cart").await, None);
}

#[tokio::test]
async fn a_save_that_was_made_though_it_was_dropped_is_not_made_twice() {
    let world = World::new();
    let mut browser = world.browser_with_cart().await;
    let gate = world.store.gate_answer(Call::Establish);
    browser
        .visit(&world, async |session| {
            session.login(Login::new("alice")).expect("valid");
            tokio::select! {
                biased;
                _ = session.save() => unreachable!("it is held up"),
                () = gate.arrived() => {}
            }
            put(&session, "after", "it").await
        })
        .await;
    assert_eq!(browser.subject(&world).await.as_deref(), Some("alice"));
    assert_eq!(browser.field(&world, "after").await.as_deref(), Some("it"));
    assert_eq!(world.logins("alice").await.len(), 1);
}

#[tokio::test]
async fn a_request_that_is_dropped_before_its_commit_changed_nothing() {
    let world = World::new();
    let browser = world.browser_with_cart().await;
    let kept = parking_lot::Mutex::new(None);
    let forever = async |request: Request<String>| -> Response<String> {
        let session = session_of(&request);
        put(&session, "cart", "rum").await;
        log_in(&session, Login::new("alice"));
        *kept.lock() = Some(session);
        std::future::pending().await
    };
    tokio::select! {
        biased;
        _ = world.send(browser.request(), forever) => unreachable!("it never ends"),
        () = std::future::ready(()) => {}
    }
    // What the handler started elsewhere can not finish it either.
    let session = kept.into_inner().expect("kept");
    let error = session.save().await.expect_err("dropped");
    assert_eq!(error.kind(), SessionErrorKind::Late);
    assert_eq!(count(&world.store.calls(), Call::Admit), 0);
    assert_eq!(browser.field(&world, "cart").await.as_deref(), Some("tea"));
}

#[tokio::test]
async fn a_handler_that_panics_changed_nothing() {
    let world = Arc::new(World::new());
    let browser = world.browser_with_cart().await;
    let request = browser.request();
    let panics = {
        let world = Arc::clone(&world);
        tokio::task::LocalSet::new()
            .run_until(async move {
                let handler = async |request: Request<String>| {
                    let session = session_of(&request);
                    put(&session, "cart", "rum").await;
                    panic!("on purpose")
                };
                tokio::task::spawn_local(async move { world.send(request, handler).await }).await
            })
            .await
    };
    assert!(panics.expect_err("it panics").is_panic());
    assert_eq!(count(&world.store.calls(), Call::Commit), 0);
    assert_eq!(browser.field(&world, "cart").await.as_deref(), Some("tea"));
}

#[tokio::test]
async fn a_commit_answered_twice_is_made_once() {
    let world = World::new();
    let browser = world.browser_with_cart().await;
    world.store.fail(Call::Commit, Fault::AnswerLost);
    let add = |n: Option<u32>| Some(n.unwrap_or(0) + 1);
    let response = browser
        .visit_without_taking(&world, async |session| {
            let data = session.data().await.expect("available");
            data.update("n", add).expect("a number");
            assert!(session.save().await.is_err());
            world.store.repair();
            ok()
        })
        .await;
    // It was told, and is not tried again.
    assert_eq!(response.status(), 200);
    let handler = async |session: Session| {
        let data = session.data().await.expect("available");
        assert_eq!(data.get("n"), Ok(Some(1)));
        ok()
    };
    assert_eq!(
        Browser { ..browser }.visit(&world, handler).await.status(),
        200
    );
}
