//! Requests of one session at once.

use std::sync::Arc;

use auth_core::{Caller, store::Revocations};
use auth_session_layer::{Login, Session, SessionErrorKind};
use http::Request;
use tokio::sync::Barrier;

use crate::{
    store::Call,
    support::{World, count, failed, log_in, ok, our_cookie, put, session_of},
};

#[tokio::test]
async fn two_writers_of_different_fields_are_both_kept() {
    let world = World::new();
    let browser = world.browser_with_cart().await;
    let loaded = Barrier::new(2);
    let write = async |name: &str| {
        let handler = async |session: Session| {
            let data = session.data().await.expect("available");
            loaded.wait().await;
            data.insert(name, "written").expect("fits");
            ok()
        };
        browser.visit_without_taking(&world, handler).await
    };
    let (one, two) = tokio::join!(write("one"), write("two"));
    assert_eq!((one.status().as_u16(), two.status().as_u16()), (200, 200));
    for name in ["cart", "one", "two"] {
        assert!(browser.field(&world, name).await.is_some(), "{name}");
    }
}

#[tokio::test]
async fn a_hundred_parallel_updates_of_one_field_all_count() {
    let world = Arc::new(World::new());
    let browser = world.browser_with_cart().await;
    let loaded = Arc::new(Barrier::new(100));
    let requests: Vec<_> = (0..100)
        .map(|_| {
            let (world, browser) = (Arc::clone(&world), browser.clone());
            let loaded = Arc::clone(&loaded);
            async move {
                let handler = async |session: Session| {
                    let data = session.data().await.expect("available");
                    loaded.wait().await;
                    data.update("n", |n: Option<u32>| Some(n.unwrap_or(0) + 1))
                        .expect("a number");
                    ok()
                };
                browser.visit_without_taking(&world, handler).await.status()
            }
        })
        .collect();
    for status in join_all(requests).await {
        assert_eq!(status, 200);
    }
    let handler = async |session: Session| {
        let data = session.data().await.expect("available");
        assert_eq!(data.get("n"), Ok(Some(100)));
        ok()
    };
    browser.visit_without_taking(&world, handler).await;
}

/// Runs them all at once, on this one thread.
async fn join_all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(|f| (Box::pin(f), None)).collect();
    std::future::poll_fn(|cx| {
        let mut pending = false;
        for (future, output) in &mut futures {
            if output.is_none() {
                match future.as_mut().poll(cx) {
                    std::task::Poll::Ready(ready) => *output = Some(ready),
                    std::task::Poll::Pending => pending = true,
                }
            }
        }
        if pending {
            std::task::Poll::Pending
        } else {
            std::task::Poll::Ready(())
        }
    })
    .await;
    let outputs = futures
        .into_iter()
        .map(|(_, output)| output.expect("ready"));
    outputs.collect()
}

#[tokio::test]
async fn of_two_plain_writes_of_one_field_the_later_commit_wins() {
    let world = World::new();
    let browser = world.browser_with_cart().await;
    let response = browser
        .visit_without_taking(&world, async |session| {
            let response = put(&session, "cart", "earlier load, later commit").await;
            browser
                .visit_without_taking(&world, async |other| put(&other, "cart", "rum").await)
                .await;
            response
        })
        .await;
    assert_eq!(response.status(), 200);
    let cart = browser.field(&world, "cart").await;
    assert_eq!(cart.as_deref(), Some("earlier load, later commit"));
}

#[tokio::test]
async fn fields_that_are_contended_for_without_end_are_a_conflict() {
    let world = World::new();
    let browser = world.browser_with_cart().await;
    let response = browser
        .visit_without_taking(&world, async |session| {
            let data = session.data().await.expect("available");
            let add = |n: Option<u32>| Some(n.unwrap_or(0) + 1);
            data.update("n", add).expect("a number");
            // The field moves before every attempt.
            let gate = world.store.gate(Call::Commit);
            let moving = async {
                loop {
                    gate.arrived().await;
                    world.store.remove_gate(Call::Commit);
                    let handler = async |other: Session| {
                        let data = other.data().await.expect("available");
                        data.update("n", add).expect("a number");
                        ok()
                    };
                    browser.visit_without_taking(&world, handler).await;
                    world.store.restore_gate(Call::Commit, &gate);
                    gate.let_one_through();
                }
            };
            tokio::select! {
                saved = session.save() => {
                    let error = saved.expect_err("contended");
                    assert_eq!(error.kind(), SessionErrorKind::Contended);
                    world.store.remove_gate(Call::Commit);
                    failed(&error)
                }
                () = moving => unreachable!("it moves for ever"),
            }
        })
        .await;
    assert_eq!(response.body(), "Contended");
}

#[tokio::test]
async fn a_request_in_flight_while_a_logout_happens_brings_nothing_back() {
    let world = World::new();
    let browser = world.browser_of("alice").await;
    // Load, logout elsewhere, then save: the session stays dead.
    let response = browser
        .visit_without_taking(&world, async |session| {
            let response = put(&session, "cart", "tea").await;
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
    assert!(!response.headers().contains_key("retry-after"));
    assert_eq!(browser.subject(&world).await, None);
    assert_eq!(browser.field(&world, "cart").await, None);
}

#[tokio::test]
async fn a_request_in_flight_while_its_subject_is_revoked_changes_nothing() {
    for action in ["write", "rotate", "login"] {
        let world = World::new();
        let browser = world.browser_of("alice").await;
        let response = browser
            .visit_without_taking(&world, async |session| {
                put(&session, "cart", "tea").await;
                match action {
                    "rotate" => session.rotate().expect("open"),
                    "login" => drop(log_in(&session, Login::new("bob"))),
                    _ => {}
                }
                world.store.revoke_subject("alice").await.expect("revoked");
                ok()
            })
            .await;
        assert_eq!(response.status(), 409, "{action}");
        assert_eq!(our_cookie(response.headers()), None, "{action}");
        assert_eq!(browser.subject(&world).await, None, "{action}");
        assert!(world.logins("bob").await.is_empty(), "{action}");
    }
}

#[tokio::test]
async fn a_request_in_flight_that_changes_nothing_is_not_disturbed_by_a_logout() {
    let world = World::new();
    let browser = world.browser_of("alice").await;
    let response = browser
        .visit_without_taking(&world, async |session| {
            session.data().await.expect("available");
            let logout = async |other: Session| {
                other.logout().await.expect("available");
                ok()
            };
            browser.visit_without_taking(&world, logout).await;
            ok()
        })
        .await;
    assert_eq!(response.status(), 200);
    assert!(response.headers().is_empty());
}

#[tokio::test]
async fn a_parallel_get_with_the_old_id_never_undoes_a_login() {
    let world = World::new();
    let mut browser = world.browser_with_cart().await;
    let old = browser.clone();
    browser.log_in(&world, "alice").await;
    // It was sent before the login, and arrives after it.
    let response = old
        .visit_without_taking(&world, async |session| {
            let data = session.data().await.expect("anonymous");
            assert!(data.names().is_empty());
            ok()
        })
        .await;
    assert_eq!(response.status(), 200);
    assert!(response.headers().is_empty());
    assert_eq!(browser.subject(&world).await.as_deref(), Some("alice"));
}

#[tokio::test]
async fn writes_with_an_id_that_was_just_replaced_are_refused() {
    let world = World::new();
    let mut browser = world.browser_with_cart().await;
    let old = browser.clone();
    browser.log_in(&world, "alice").await;
    for action in ["write", "rotate", "login", "save"] {
        let response = old
            .visit_without_taking(&world, async |session| {
                match action {
                    "rotate" => session.rotate().expect("open"),
                    "login" => drop(log_in(&session, Login::new("mallory"))),
                    _ => drop(put(&session, "cart", "rum").await),
                }
                if action == "save" {
                    let error = session.save().await.expect_err("gone");
                    assert_eq!(error.kind(), SessionErrorKind::Ended);
                    return failed(&error);
                }
                ok()
            })
            .await;
        let expected = if action == "save" { 418 } else { 409 };
        assert_eq!(response.status(), expected, "{action}");
        assert_eq!(our_cookie(response.headers()), None, "{action}");
    }
    let response = old
        .visit_without_taking(&world, async |session| {
            failed(&session.logout().await.expect_err("gone"))
        })
        .await;
    assert_eq!(response.body(), "Ended");
    assert_eq!(our_cookie(response.headers()), None);
    assert_eq!(browser.subject(&world).await.as_deref(), Some("alice"));
    assert_eq!(browser.field(&world, "cart").await.as_deref(), Some("tea"));
}

#[tokio::test]
async fn of_two_logins_from_one_session_at_once_one_is_made_and_one_refused() {
    let world = World::new();
    let browser = world.browser_with_cart().await;
    let loaded = Barrier::new(2);
    let log_in_as = async |subject: &str| {
        let handler = async |session: Session| {
            session.data().await.expect("available");
            loaded.wait().await;
            log_in(&session, Login::new(subject))
        };
        browser.visit_without_taking(&world, handler).await
    };
    let (alice, bob) = tokio::join!(log_in_as("alice"), log_in_as("bob"));
    let mut statuses = [alice.status().as_u16(), bob.status().as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    let logins = world.logins("alice").await.len() + world.logins("bob").await.len();
    assert_eq!(logins, 1);
    for response in [alice, bob] {
        let set = our_cookie(response.headers()).is_some();
        assert_eq!(set, response.status() == 200);
    }
}

#[tokio::test]
async fn changes_of_a_parallel_request_go_along_with_a_login() {
    let world = World::new();
    let mut browser = world.browser_with_cart().await;
    let parallel = browser.clone();
    let add = |n: Option<u32>| Some(n.unwrap_or(0) + 1);
    browser
        .visit(&world, async |session| {
            let data = session.data().await.expect("available");
            data.update("n", add).expect("a number");
            let handler = async |other: Session| {
                let data = other.data().await.expect("available");
                data.update("n", add).expect("a number");
                data.insert("other", "too").expect("fits");
                ok()
            };
            parallel.visit_without_taking(&world, handler).await;
            log_in(&session, Login::new("alice"))
        })
        .await;
    assert_eq!(browser.subject(&world).await.as_deref(), Some("alice"));
    assert_eq!(browser.field(&world, "other").await.as_deref(), Some("too"));
    let handler = async |session: Session| {
        let data = session.data().await.expect("available");
        assert_eq!(data.get("n"), Ok(Some(2)));
        ok()
    };
    assert_eq!(browser.visit(&world, handler).await.status(), 200);
    // The admission was not asked for twice.
    assert_eq!(world.logins("alice").await.len(), 1);
}

#[tokio::test]
async fn once_a_save_found_the_session_ended_the_request_is_anonymous_and_stays_refused() {
    let world = World::new();
    let browser = world.browser_of("alice").await;
    let handler = async |request: Request<String>| {
        let session = session_of(&request);
        put(&session, "cart", "tea").await;
        world.store.revoke_subject("alice").await.expect("revoked");
        let error = session.save().await.expect_err("ended");
        assert_eq!(error.kind(), SessionErrorKind::Ended);
        let caller = request.extensions().get::<Caller>().expect("a caller");
        assert_eq!(caller.principal().await, Ok(None));
        // Not a new anonymous session either.
        put(&session, "cart", "tea").await
    };
    let response = world.send(browser.request(), handler).await;
    assert_eq!(response.status(), 409);
    assert_eq!(our_cookie(response.headers()), None);
    assert_eq!(count(&world.store.calls(), Call::Establish), 0);
}
