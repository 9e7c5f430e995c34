//! The list of devices, and ending what is on it.

use auth_core::{LoginId, store::LoginKind};
use auth_session_layer::{LoginList, Overflow, Session, SessionErrorKind};
use http::Response;
use parking_lot::Mutex;

use crate::{
    store::{Call, Fault},
    support::{Browser, START, World, count, failed, ok, our_cookie, put, secs},
};

const DEVICES: [&str; 3] = ["phone", "laptop", "tablet"];

/// Alice's browsers, logged in one after the other.
async fn browsers(world: &World) -> Vec<Browser> {
    let mut browsers = Vec::new();
    for device in DEVICES {
        let mut browser = Browser::default();
        browser
            .visit(world, async |session| {
                let login = auth_session_layer::Login::new("alice").device(device);
                crate::support::log_in(&session, login)
            })
            .await;
        browsers.push(browser);
        world.advance(secs(1));
    }
    world.store.calls();
    browsers
}

async fn list(
    world: &World,
    browser: &Browser,
    after: Option<LoginId>,
    limit: usize,
) -> Result<LoginList, SessionErrorKind> {
    let found = Mutex::new(None);
    browser
        .visit_without_taking(world, async |session| {
            *found.lock() = Some(session.logins(after, limit).await);
            ok()
        })
        .await;
    let listed = found.into_inner().expect("the handler ran");
    listed.map_err(|error| error.kind())
}

async fn login_of(world: &World, browser: &Browser) -> LoginId {
    let principal = browser.principal(world).await.expect("logged in");
    principal.login().expect("a session has one")
}

/// Which of the browsers are still logged in.
async fn alive(world: &World, browsers: &[Browser]) -> Vec<bool> {
    let mut alive = Vec::new();
    for browser in browsers {
        alive.push(browser.subject(world).await.is_some());
    }
    alive
}

#[tokio::test]
async fn the_list_says_which_device_is_which_and_which_is_this() {
    let world = World::new();
    let browsers = browsers(&world).await;
    world.advance(secs(100));
    browsers[0].subject(&world).await;
    let listed = list(&world, &browsers[1], None, 10).await.expect("listed");
    assert_eq!(listed.next, None);
    let rows: Vec<_> = listed
        .logins
        .iter()
        .map(|one| {
            let info = &one.info;
            assert_eq!(info.kind, LoginKind::Session);
            (
                info.device.as_deref().expect("it has a label"),
                info.created_at.since(START).as_secs(),
                info.last_seen_at.since(START).as_secs(),
                one.is_current,
            )
        })
        .collect();
    // The newest first; to list them is a use of the one that lists.
    assert_eq!(
        rows,
        [
            ("tablet", 2, 2, false),
            ("laptop", 1, 103, true),
            ("phone", 0, 103, false),
        ]
    );
}

#[tokio::test]
async fn pages_follow_each_other() {
    let world = World::new();
    let browsers = browsers(&world).await;
    let (mut after, mut seen) = (None, Vec::new());
    for _ in 0..3 {
        let page = list(&world, &browsers[0], after, 1).await.expect("listed");
        assert_eq!(page.logins.len(), 1);
        seen.push(page.logins[0].info.device.clone().expect("a label"));
        after = page.next;
    }
    assert_eq!(after, None);
    assert_eq!(seen, ["tablet", "laptop", "phone"]);
}

#[tokio::test]
async fn one_device_is_ended_by_another() {
    let world = World::new();
    let browsers = browsers(&world).await;
    let tablet = login_of(&world, &browsers[2]).await;
    let response = browsers[0]
        .visit_without_taking(&world, async |session| {
            assert_eq!(session.end_login(tablet).await, Ok(true));
            // It was there, and is not any more.
            assert_eq!(session.end_login(tablet).await, Ok(false));
            ok()
        })
        .await;
    assert!(response.headers().is_empty());
    assert_eq!(alive(&world, &browsers).await, [true, true, false]);
}

#[tokio::test]
async fn nobody_ends_a_login_of_somebody_else_or_one_that_is_not_there() {
    let world = World::new();
    let browsers = browsers(&world).await;
    let bob = world.browser_of("bob").await;
    let bobs = login_of(&world, &bob).await;
    browsers[0]
        .visit_without_taking(&world, async |session| {
            for login in [bobs, LoginId::random()] {
                assert_eq!(session.end_login(login).await, Ok(false));
            }
            ok()
        })
        .await;
    // Nothing is remembered of what was made up.
    assert_eq!(count(&world.store.calls(), Call::Revoke), 0);
    assert!(bob.subject(&world).await.is_some());
}

#[tokio::test]
async fn to_end_this_device_is_to_log_out() {
    let world = World::new();
    let mut browsers = browsers(&world).await;
    let phone = login_of(&world, &browsers[0]).await;
    let response = browsers[0]
        .clone()
        .visit(&world, async |session| {
            assert_eq!(session.end_login(phone).await, Ok(true));
            ok()
        })
        .await;
    let removal = our_cookie(response.headers()).expect("removed");
    assert!(removal.starts_with("__Host-id=;"), "{removal}");
    assert_eq!(alive(&world, &browsers).await, [false, true, true]);
    browsers[0].take(&response);
    assert_eq!(browsers[0].cookie, None);
}

#[tokio::test]
async fn all_others_are_ended_and_this_one_stays() {
    let world = World::new();
    let browsers = browsers(&world).await;
    let response = browsers[1]
        .visit_without_taking(&world, async |session| {
            session.end_other_logins().await.expect("ended");
            put(&session, "changed", "password").await
        })
        .await;
    assert_eq!(response.status(), 200);
    assert_eq!(alive(&world, &browsers).await, [false, true, false]);
    let listed = list(&world, &browsers[1], None, 10).await.expect("listed");
    assert_eq!(listed.logins.len(), 1);
}

#[tokio::test]
async fn all_are_ended_and_the_cookie_is_removed() {
    let world = World::new();
    let browsers = browsers(&world).await;
    let bob = world.browser_of("bob").await;
    let response = browsers[1]
        .visit_without_taking(&world, async |session| {
            put(&session, "cart", "tea").await;
            session.end_all_logins().await.expect("ended");
            ok()
        })
        .await;
    assert_eq!(response.status(), 200);
    let removal = our_cookie(response.headers()).expect("removed");
    assert!(removal.starts_with("__Host-id=;"), "{removal}");
    assert_eq!(alive(&world, &browsers).await, [false; 3]);
    assert!(bob.subject(&world).await.is_some());
    // A login after it works at once.
    let mut again = Browser::default();
    again.log_in(&world, "alice").await;
    assert!(again.subject(&world).await.is_some());
}

#[tokio::test]
async fn nobody_has_no_devices() {
    let world = World::new();
    let visitor = world.browser_with_cart().await;
    let call = async |session: Session| -> Response<String> {
        let login = LoginId::random();
        let errors = [
            session.logins(None, 10).await.map(drop),
            session.end_login(login).await.map(drop),
            session.end_other_logins().await,
            session.end_all_logins().await,
        ];
        for result in errors {
            let error = result.expect_err("nobody is logged in");
            assert_eq!(error.kind(), SessionErrorKind::NotLoggedIn);
        }
        ok()
    };
    for browser in [visitor.clone(), Browser::default()] {
        let response = browser.visit_without_taking(&world, call).await;
        assert_eq!(response.status(), 200);
        assert!(response.headers().is_empty());
    }
}

#[tokio::test]
async fn what_could_not_be_ended_is_an_error_and_leaves_the_cookie() {
    let world = World::new();
    let browsers = browsers(&world).await;
    let tablet = login_of(&world, &browsers[2]).await;
    world.store.fail(Call::Revoke, Fault::NotMade);
    for call in 0..3 {
        let response = browsers[0]
            .visit_without_taking(&world, async |session| {
                let ended = match call {
                    0 => session.end_login(tablet).await.map(drop),
                    1 => session.end_other_logins().await,
                    _ => session.end_all_logins().await,
                };
                failed(&ended.expect_err("it was not made"))
            })
            .await;
        assert!(response.body().starts_with("Unavailable"), "{call}");
        assert!(response.headers().is_empty(), "{call}");
    }
    world.store.repair();
    assert_eq!(alive(&world, &browsers).await, [true; 3]);
}

#[tokio::test]
async fn the_limit_of_logins_shows_in_the_list() {
    let world = World::with(|builder| builder.max_logins(2, Overflow::EndOldest));
    let browsers = browsers(&world).await;
    assert_eq!(alive(&world, &browsers).await, [false, true, true]);
    let listed = list(&world, &browsers[2], None, 10).await.expect("listed");
    assert_eq!(listed.logins.len(), 2);
}
