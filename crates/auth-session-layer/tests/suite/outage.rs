//! What a caller gets when the store fails at each of its transitions.

use auth_core::{
    Caller, Event, RejectionKind, RequireAuth, StoreError, Unavailable, event::Asked,
    rejection::Rejection,
};
use auth_session_layer::{Login, SessionErrorKind};
use http::{Request, Response, StatusCode};
use tower::{Layer, ServiceExt, service_fn};

use crate::{
    store::{Call, Fault, OUTAGE},
    support::{Browser, World, count, failed, log_in, ok, our_cookie, put, status},
};

const BOTH: [Fault; 2] = [Fault::NotMade, Fault::AnswerLost];

fn unavailable() -> Unavailable {
    let StoreError::Unavailable(unavailable) = OUTAGE else {
        unreachable!("an outage");
    };
    unavailable
}

fn assert_unavailable(response: &Response<String>) {
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "3");
    assert!(!response.headers().contains_key("www-authenticate"));
    assert_eq!(our_cookie(response.headers()), None);
    assert!(response.extensions().get::<Rejection>().is_some());
}

#[tokio::test]
async fn a_guard_answers_503_and_the_cookie_stays() {
    let world = World::new();
    let browser = world.browser_of("alice").await;
    let stack = || {
        let inner =
            service_fn(|_: Request<String>| async { Ok::<_, std::convert::Infallible>(ok()) });
        world.layer.layer(RequireAuth::new().layer(inner))
    };
    world.store.fail(Call::Load, Fault::NotMade);
    let Ok(response) = stack().oneshot(browser.request()).await;
    assert_unavailable(&response);
    world.store.repair();
    let Ok(response) = stack().oneshot(browser.request()).await;
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_handler_that_does_nothing_about_it_gets_its_response_through() {
    let world = World::new();
    let browser = world.browser_of("alice").await;
    world.store.fail(Call::Load, Fault::NotMade);
    let handler = async |request: Request<String>| {
        let caller = request.extensions().get::<Caller>().expect("a caller");
        assert_eq!(caller.principal().await, Err(unavailable()));
        // Told once: a dead store is not asked again.
        assert_eq!(caller.principal_now(), Some(Err(unavailable())));
        status(204)
    };
    let response = world.send(browser.request(), handler).await;
    assert_eq!(response.status(), 204);
    assert!(response.headers().is_empty());
    assert_eq!(world.store.calls(), [Call::Load]);
    let asked = Asked::Session;
    assert_eq!(world.heard(), [Event::Unavailable { asked }]);
}

#[tokio::test]
async fn data_that_can_not_be_loaded_is_an_error_and_never_empty() {
    let world = World::new();
    let browser = world.browser_with_cart().await;
    world.store.fail(Call::Load, Fault::NotMade);
    let response = browser
        .visit_without_taking(&world, async |session| {
            let error = session.data().await.expect_err("unavailable");
            assert_eq!(error.kind(), SessionErrorKind::Unavailable(unavailable()));
            failed(&error)
        })
        .await;
    assert_eq!(response.status(), 418);
    assert!(response.headers().is_empty());
}

#[tokio::test]
async fn an_eager_layer_answers_503_and_never_calls_the_handler() {
    let world = World::with(|builder| builder.eager(true));
    let browser = world.browser_of("alice").await;
    world.store.fail(Call::Load, Fault::NotMade);
    let never = async |_| -> Response<String> { unreachable!("nobody knows who it is") };
    assert_unavailable(&world.send(browser.request(), never).await);
    // Without a cookie there is nothing to ask.
    let response = world
        .send(Browser::default().request(), async |_| ok())
        .await;
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_login_that_fails_at_any_step_is_503_and_changes_nothing() {
    for (call, fault, calls) in [
        (Call::Load, Fault::NotMade, vec![Call::Load]),
        (
            Call::Admit,
            Fault::NotMade,
            vec![Call::Load, Call::Admit, Call::Withdraw],
        ),
        (
            Call::Admit,
            Fault::AnswerLost,
            vec![Call::Load, Call::Admit, Call::Withdraw],
        ),
        (
            Call::Establish,
            Fault::NotMade,
            vec![Call::Load, Call::Admit, Call::Establish, Call::Withdraw],
        ),
    ] {
        let world = World::new();
        let browser = world.browser_with_cart().await;
        world.store.fail(call, fault);
        let response = browser
            .visit_without_taking(&world, async |session| {
                log_in(&session, Login::new("alice"))
            })
            .await;
        assert_unavailable(&response);
        assert_eq!(world.store.calls(), calls, "{call:?}");
        world.store.repair();
        assert!(world.logins("alice").await.is_empty(), "{call:?}");
        assert_eq!(
            browser.field(&world, "cart").await.as_deref(),
            Some("tea"),
            "{call:?}"
        );
        let heard = world.heard();
        let asked = match call {
            Call::Load => Asked::Session,
            _ => Asked::Login,
        };
        let kind = RejectionKind::Unavailable(unavailable());
        let refused = Event::refused(kind, None);
        assert_eq!(heard, [Event::Unavailable { asked }, refused], "{call:?}");
    }
}

#[tokio::test]
async fn a_login_whose_answer_was_lost_leaves_nobody_logged_in() {
    let world = World::new();
    let browser = world.browser_with_cart().await;
    world.store.fail(Call::Establish, Fault::AnswerLost);
    let response = browser
        .visit_without_taking(&world, async |session| {
            log_in(&session, Login::new("alice"))
        })
        .await;
    assert_unavailable(&response);
    world.store.repair();
    assert!(world.logins("alice").await.is_empty());
    assert_eq!(browser.subject(&world).await, None);
}

#[tokio::test]
async fn a_login_that_fails_leaves_whoever_was_logged_in() {
    let world = World::new();
    let browser = world.browser_of("alice").await;
    for call in [Call::Load, Call::Admit, Call::Establish] {
        world.store.fail(call, Fault::NotMade);
        let response = browser
            .visit_without_taking(&world, async |session| log_in(&session, Login::new("bob")))
            .await;
        assert_unavailable(&response);
        world.store.repair();
        assert_eq!(browser.subject(&world).await.as_deref(), Some("alice"));
    }
}

#[tokio::test]
async fn a_login_that_took_anothers_place_counts_though_the_other_can_not_be_ended() {
    for fault in BOTH {
        let world = World::new();
        let mut browser = world.browser_of("alice").await;
        world.store.fail(Call::Revoke, fault);
        let response = browser
            .visit(&world, async |session| log_in(&session, Login::new("bob")))
            .await;
        assert_eq!(response.status(), 200);
        world.store.repair();
        assert_eq!(browser.subject(&world).await.as_deref(), Some("bob"));
        assert!(world.logins("alice").await.is_empty());
    }
}

#[tokio::test]
async fn a_login_is_made_if_the_store_comes_back_before_the_handler_is_done() {
    let world = World::new();
    let mut browser = world.browser_with_cart().await;
    world.store.fail(Call::Load, Fault::NotMade);
    browser
        .visit(&world, async |session| {
            assert!(session.data().await.is_err());
            world.store.repair();
            log_in(&session, Login::new("alice"))
        })
        .await;
    assert_eq!(browser.subject(&world).await.as_deref(), Some("alice"));
    assert_eq!(browser.field(&world, "cart").await.as_deref(), Some("tea"));
}

#[tokio::test]
async fn changes_that_can_not_be_saved_are_500_and_told() {
    for fault in BOTH {
        let world = World::new();
        let browser = world.browser_with_cart().await;
        world.store.fail(Call::Commit, fault);
        let response = browser
            .visit_without_taking(&world, async |session| put(&session, "cart", "rum").await)
            .await;
        assert_eq!(response.status(), 500);
        assert!(!response.headers().contains_key("retry-after"));
        assert!(!response.headers().contains_key("www-authenticate"));
        assert_eq!(our_cookie(response.headers()), None);
        let (asked, kind) = (Asked::Commit, RejectionKind::CommitFailed);
        let refused = Event::refused(kind, None);
        assert_eq!(world.heard(), [Event::Unavailable { asked }, refused]);
        world.store.repair();
        // The session itself is as good as it was.
        assert!(browser.field(&world, "cart").await.is_some());
    }
}

#[tokio::test]
async fn a_session_that_can_not_be_begun_or_renewed_is_500_without_a_cookie() {
    let world = World::new();
    let told = |asked| {
        let refused = Event::refused(RejectionKind::CommitFailed, None);
        [Event::Unavailable { asked }, refused]
    };
    world.store.fail(Call::Establish, Fault::NotMade);
    let response = Browser::default()
        .visit(&world, async |session| put(&session, "cart", "rum").await)
        .await;
    assert_eq!(response.status(), 500);
    assert!(our_cookie(response.headers()).is_none());
    assert_eq!(world.heard(), told(Asked::Commit));

    world.store.repair();
    let browser = world.browser_of("alice").await;
    for (call, asked) in [
        (Call::Load, Asked::Session),
        (Call::Establish, Asked::Commit),
    ] {
        world.store.fail(call, Fault::NotMade);
        let response = browser
            .visit_without_taking(&world, async |session| {
                session.rotate().expect("open");
                ok()
            })
            .await;
        assert_eq!(response.status(), 500, "{call:?}");
        assert!(our_cookie(response.headers()).is_none());
        world.store.repair();
        assert_eq!(browser.subject(&world).await.as_deref(), Some("alice"));
        assert_eq!(world.heard().len(), told(asked).len(), "{call:?}");
    }
}

#[tokio::test]
async fn a_logout_that_fails_is_an_error_and_leaves_session_and_cookie() {
    for call in [Call::Load, Call::Revoke] {
        let world = World::new();
        let browser = world.browser_of("alice").await;
        world.store.fail(call, Fault::NotMade);
        let response = browser
            .visit_without_taking(&world, async |session| {
                let error = session.logout().await.expect_err("unavailable");
                assert_eq!(error.kind(), SessionErrorKind::Unavailable(unavailable()));
                failed(&error)
            })
            .await;
        assert_eq!(response.status(), 418);
        assert!(response.headers().is_empty());
        world.store.repair();
        assert_eq!(browser.subject(&world).await.as_deref(), Some("alice"));
    }
}

#[tokio::test]
async fn a_logout_whose_login_is_ended_counts_though_the_record_can_not_be_deleted() {
    let world = World::new();
    let browser = world.browser_of("alice").await;
    world.store.fail(Call::End, Fault::NotMade);
    let response = browser
        .visit_without_taking(&world, async |session| {
            session.logout().await.expect("ended");
            ok()
        })
        .await;
    assert!(our_cookie(response.headers()).is_some_and(|c| c.contains("Max-Age=0")));
    world.store.repair();
    assert_eq!(browser.subject(&world).await, None);
}

#[tokio::test]
async fn an_anonymous_logout_that_fails_is_an_error() {
    let world = World::new();
    let browser = world.browser_with_cart().await;
    world.store.fail(Call::End, Fault::NotMade);
    let response = browser
        .visit_without_taking(&world, async |session| {
            failed(&session.logout().await.expect_err("unavailable"))
        })
        .await;
    assert!(response.headers().is_empty());
    world.store.repair();
    assert!(browser.field(&world, "cart").await.is_some());
}

#[tokio::test]
async fn a_logout_that_keeps_the_data_fails_whole_or_logs_out() {
    for (call, still) in [
        (Call::Load, Some("alice")),
        (Call::Establish, Some("alice")),
        (Call::Revoke, None),
    ] {
        let world = World::new();
        let mut browser = world.browser_of("alice").await;
        browser
            .visit(&world, async |session| put(&session, "cart", "tea").await)
            .await;
        world.store.fail(call, Fault::NotMade);
        let response = browser
            .visit(&world, async |session| {
                let error = session
                    .logout_keeping_data()
                    .await
                    .expect_err("unavailable");
                assert!(matches!(error.kind(), SessionErrorKind::Unavailable(_)));
                failed(&error)
            })
            .await;
        assert_eq!(response.status(), 418);
        world.store.repair();
        assert_eq!(browser.subject(&world).await.as_deref(), still, "{call:?}");
        assert_eq!(
            browser.field(&world, "cart").await.as_deref(),
            Some("tea"),
            "{call:?}"
        );
    }
}

#[tokio::test]
async fn a_save_that_fails_is_told_to_the_handler_and_not_tried_again() {
    let world = World::new();
    let browser = world.browser_with_cart().await;
    world.store.fail(Call::Commit, Fault::NotMade);
    let response = browser
        .visit_without_taking(&world, async |session| {
            let data = session.data().await.expect("available");
            data.insert("cart", "rum").expect("fits");
            let error = session.save().await.expect_err("unavailable");
            assert_eq!(error.kind(), SessionErrorKind::CommitFailed);
            // Forgotten: what is seen is what is saved.
            assert_eq!(data.get("cart"), Ok(Some("tea".to_owned())));
            world.store.repair();
            failed(&error)
        })
        .await;
    assert_eq!(response.status(), 418);
    assert_eq!(count(&world.store.calls(), Call::Commit), 1);
    assert_eq!(browser.field(&world, "cart").await.as_deref(), Some("tea"));
}

#[tokio::test]
async fn a_login_that_save_could_not_make_is_not_tried_again() {
    for call in [Call::Load, Call::Admit, Call::Establish] {
        let world = World::new();
        let browser = world.browser_with_cart().await;
        world.store.fail(call, Fault::NotMade);
        let response = browser
            .visit_without_taking(&world, async |session| {
                session.login(Login::new("alice")).expect("valid");
                let error = session.save().await.expect_err("unavailable");
                assert_eq!(error.kind(), SessionErrorKind::Unavailable(unavailable()));
                world.store.repair();
                failed(&error)
            })
            .await;
        assert_eq!(response.status(), 418, "{call:?}");
        assert!(world.logins("alice").await.is_empty(), "{call:?}");
        assert!(browser.field(&world, "cart").await.is_some(), "{call:?}");
    }
}

#[tokio::test]
async fn a_step_that_was_made_before_the_one_that_failed_still_gets_its_cookie() {
    let world = World::new();
    let mut browser = world.browser_with_cart().await;
    let response = browser
        .visit(&world, async |session| {
            log_in(&session, Login::new("alice"));
            session.save().await.expect("saved");
            world.store.fail(Call::Commit, Fault::NotMade);
            put(&session, "cart", "rum").await
        })
        .await;
    assert_eq!(response.status(), 500);
    world.store.repair();
    assert_eq!(browser.subject(&world).await.as_deref(), Some("alice"));
}
