//! Logging in, and getting a new id.

use auth_core::{Caller, PrincipalKind, Scopes};
use auth_session_layer::Login;
use http::Request;

use crate::{
    store::Call,
    support::{Browser, START, World, log_in, ok, our_cookie, put, secs, session_of, status},
};

#[tokio::test]
async fn a_login_makes_the_principal_of_the_requests_that_follow() {
    let world = World::new();
    let mut browser = Browser::default();
    let login = Login::new("alice")
        .scopes(["read", "write"])
        .device("Firefox");
    browser
        .visit(&world, async |session| log_in(&session, login.clone()))
        .await;
    assert_eq!(world.store.calls(), [Call::Admit, Call::Establish]);

    let principal = browser.principal(&world).await.expect("logged in");
    assert_eq!(principal.subject(), "alice");
    assert_eq!(principal.kind(), PrincipalKind::Session);
    assert_eq!(principal.scopes(), &Scopes::parse("read write"));
    assert_eq!(principal.auth_time(), Some(START));
    // 30 minutes of idleness, and a touch interval of one.
    assert_eq!(principal.expires_at(), Some(START.plus(secs(31 * 60))));

    let logins = world.logins("alice").await;
    assert_eq!(logins.len(), 1);
    assert_eq!(Some(logins[0].login), principal.login());
    assert_eq!(logins[0].device.as_deref(), Some("Firefox"));
}

#[tokio::test]
async fn a_login_is_given_its_public_id_before_it_is_made() {
    let world = World::new();
    let mut browser = Browser::default();
    let response = browser
        .visit(&world, async |session| {
            let login = session.login(Login::new("alice")).expect("valid");
            let mut response = ok();
            *response.body_mut() = login.to_string();
            response
        })
        .await;
    let principal = browser.principal(&world).await.expect("logged in");
    let login = principal.login().expect("a session has one");
    assert_eq!(response.body(), &login.to_string());
}

#[tokio::test]
async fn an_id_that_was_planted_never_becomes_signed_in() {
    let world = World::new();
    // The attacker's own anonymous session, put into the victim's browser.
    let planted = world.browser_with_cart().await;
    let mut victim = planted.clone();
    victim.log_in(&world, "victim").await;
    assert_ne!(victim.cookie, planted.cookie);
    assert_eq!(victim.subject(&world).await.as_deref(), Some("victim"));
    assert_eq!(planted.subject(&world).await, None);
    assert_eq!(planted.field(&world, "cart").await, None);
}

#[tokio::test]
async fn an_id_that_the_store_does_not_know_is_never_adopted() {
    let world = World::new();
    let mut planted = world.browser_with_cart().await;
    // Well formed, but of another store.
    let world = World::new();
    let before = planted.clone();
    planted
        .visit(&world, async |session| put(&session, "cart", "rum").await)
        .await;
    assert_ne!(planted.cookie, before.cookie);
    assert_eq!(before.field(&world, "cart").await, None);

    let mut planted = before.clone();
    planted.log_in(&world, "victim").await;
    assert_ne!(planted.cookie, before.cookie);
    assert_eq!(before.subject(&world).await, None);
}

#[tokio::test]
async fn an_unknown_id_alone_sets_and_removes_no_cookie() {
    let world = World::new();
    let unknown = world.browser_with_cart().await;
    let world = World::new();
    let response = unknown
        .visit_without_taking(&world, async |session| {
            session.data().await.expect("empty");
            ok()
        })
        .await;
    assert!(response.headers().is_empty());
}

#[tokio::test]
async fn an_anonymous_cart_survives_the_login_in_one_step() {
    let world = World::new();
    let mut browser = world.browser_with_cart().await;
    browser
        .visit(&world, async |session| {
            put(&session, "seen", "terms").await;
            log_in(&session, Login::new("alice"))
        })
        .await;
    assert_eq!(
        world.store.calls(),
        [Call::Load, Call::Admit, Call::Establish]
    );
    assert_eq!(browser.field(&world, "cart").await.as_deref(), Some("tea"));
    assert_eq!(
        browser.field(&world, "seen").await.as_deref(),
        Some("terms")
    );
}

#[tokio::test]
async fn an_anonymous_cart_is_dropped_where_the_login_says_so() {
    let world = World::new();
    let mut browser = world.browser_with_cart().await;
    browser
        .visit(&world, async |session| {
            put(&session, "before", "the login").await;
            let response = log_in(&session, Login::new("alice").drop_data(true));
            put(&session, "after", "the login").await;
            response
        })
        .await;
    assert_eq!(browser.field(&world, "cart").await, None);
    assert_eq!(browser.field(&world, "before").await, None);
    assert!(browser.field(&world, "after").await.is_some());
}

#[tokio::test]
async fn logging_in_as_another_user_changes_the_id_drops_the_data_and_ends_the_login_before() {
    let world = World::new();
    let mut browser = world.browser_of("alice").await;
    browser
        .visit(&world, async |session| {
            put(&session, "diary", "secret").await
        })
        .await;
    let alices = browser.clone();
    world.store.calls();

    browser
        .visit(&world, async |session| {
            put(&session, "draft", "secret").await;
            let response = log_in(&session, Login::new("bob"));
            let data = session.data().await.expect("available");
            // Gone at once, not only after the commit.
            assert!(data.names().is_empty());
            data.insert("greeting", "hello bob").expect("fits");
            response
        })
        .await;
    assert_ne!(browser.cookie, alices.cookie);
    assert_eq!(browser.subject(&world).await.as_deref(), Some("bob"));
    assert_eq!(alices.subject(&world).await, None);
    for name in ["diary", "draft"] {
        assert_eq!(browser.field(&world, name).await, None, "{name}");
    }
    assert!(browser.field(&world, "greeting").await.is_some());
    assert!(world.logins("alice").await.is_empty());
    assert_eq!(world.logins("bob").await.len(), 1);
}

#[tokio::test]
async fn another_user_is_noticed_though_nothing_was_loaded_before_the_login() {
    let world = World::new();
    let mut browser = world.browser_of("alice").await;
    browser
        .visit(&world, async |session| {
            put(&session, "diary", "secret").await
        })
        .await;
    browser
        .visit(&world, async |session| {
            let response = log_in(&session, Login::new("bob"));
            let data = session.data().await.expect("available");
            assert_eq!(data.get::<String>("diary"), Ok(None));
            response
        })
        .await;
    browser
        .visit(&world, async |session| {
            log_in(&session, Login::new("carol"))
        })
        .await;
    assert_eq!(browser.subject(&world).await.as_deref(), Some("carol"));
    assert_eq!(browser.field(&world, "diary").await, None);
    assert!(world.logins("alice").await.is_empty());
    assert!(world.logins("bob").await.is_empty());
}

#[tokio::test]
async fn logging_in_again_as_the_same_user_changes_the_id_and_keeps_the_data() {
    let world = World::new();
    let mut browser = world.browser_of("alice").await;
    browser
        .visit(&world, async |session| {
            put(&session, "draft", "dear bob").await
        })
        .await;
    let before = browser.clone();
    world.advance(secs(60));
    browser.log_in(&world, "alice").await;
    assert_ne!(browser.cookie, before.cookie);
    assert_eq!(before.subject(&world).await, None);
    let principal = browser.principal(&world).await.expect("logged in");
    assert_eq!(principal.auth_time(), Some(START.plus(secs(60))));
    assert!(browser.field(&world, "draft").await.is_some());
    assert_eq!(world.logins("alice").await.len(), 1);
}

#[tokio::test]
async fn of_two_logins_in_one_request_the_last_counts_and_nothing_of_the_first_is_left() {
    let world = World::new();
    let mut browser = world.browser_with_cart().await;
    browser
        .visit(&world, async |session| {
            log_in(&session, Login::new("alice"));
            put(&session, "diary", "secret").await;
            log_in(&session, Login::new("bob"))
        })
        .await;
    assert_eq!(browser.subject(&world).await.as_deref(), Some("bob"));
    assert_eq!(browser.field(&world, "diary").await, None);
    assert!(world.logins("alice").await.is_empty());
}

#[tokio::test]
async fn an_early_save_makes_the_login_and_the_principal_at_once() {
    let world = World::new();
    let mut browser = Browser::default();
    let handler = async |request: Request<String>| {
        let caller = request.extensions().get::<Caller>().expect("a caller");
        assert_eq!(caller.principal().await, Ok(None));
        let session = session_of(&request);
        let login = session.login(Login::new("alice")).expect("valid");
        // Not yet.
        assert_eq!(caller.peek(), Ok(None));
        session.save().await.expect("saved");
        let principal = caller.peek().expect("resolved").expect("somebody");
        assert_eq!(principal.login(), Some(login));
        // Nothing is left to be saved.
        session.save().await.expect("nothing to do");
        ok()
    };
    let response = world.send(browser.request(), handler).await;
    assert_eq!(world.store.calls(), [Call::Admit, Call::Establish]);
    browser.take(&response);
    assert_eq!(browser.subject(&world).await.as_deref(), Some("alice"));
}

#[tokio::test]
async fn rotation_gives_a_new_id_to_the_same_login_and_the_same_data() {
    let world = World::new();
    let mut browser = world.browser_of("alice").await;
    browser
        .visit(&world, async |session| {
            put(&session, "draft", "dear bob").await
        })
        .await;
    let before = browser.clone();
    let login = browser.principal(&world).await.expect("logged in").login();
    world.advance(secs(60));
    browser
        .visit(&world, async |session| {
            session.rotate().expect("open");
            ok()
        })
        .await;
    assert_eq!(world.store.calls(), [Call::Load, Call::Establish]);
    assert_ne!(browser.cookie, before.cookie);
    let principal = browser.principal(&world).await.expect("logged in");
    assert_eq!(principal.login(), login);
    assert_eq!(principal.auth_time(), Some(START));
    assert!(browser.field(&world, "draft").await.is_some());
    assert_eq!(before.subject(&world).await, None);
}

#[tokio::test]
async fn rotation_without_a_session_does_nothing() {
    let world = World::new();
    let mut browser = Browser::default();
    let response = browser
        .visit(&world, async |session| {
            session.rotate().expect("open");
            ok()
        })
        .await;
    assert_eq!(response.status(), 200);
    assert!(response.headers().is_empty());
    assert_eq!(world.store.calls(), []);
}

#[tokio::test]
async fn a_new_id_and_an_error_of_the_handlers_do_not_destroy_the_session() {
    let world = World::new();
    for code in [404, 500, 503] {
        let mut browser = world.browser_of("alice").await;
        let response = browser
            .visit(&world, async |session| {
                session.rotate().expect("open");
                put(&session, "seen", "it").await;
                status(code)
            })
            .await;
        assert_eq!(response.status(), code);
        assert!(our_cookie(response.headers()).is_some());
        assert_eq!(browser.subject(&world).await.as_deref(), Some("alice"));
        assert!(browser.field(&world, "seen").await.is_some());
    }
}

#[tokio::test]
async fn a_persistent_cookie_lasts_as_long_as_the_login_can() {
    let world = World::new();
    let mut browser = Browser::default();
    let login = Login::new("alice")
        .persistent(true)
        .absolute(secs(3_000))
        .idle(None);
    let response = browser
        .visit(&world, async |session| log_in(&session, login.clone()))
        .await;
    let cookie = our_cookie(response.headers()).expect("set");
    assert!(cookie.ends_with("; Max-Age=3000"), "{cookie}");

    // A rotation sends what is left of it.
    world.advance(secs(1_000));
    let response = browser
        .visit(&world, async |session| {
            session.rotate().expect("open");
            ok()
        })
        .await;
    let cookie = our_cookie(response.headers()).expect("set");
    assert!(cookie.ends_with("; Max-Age=2000"), "{cookie}");

    // A login that is not persistent goes back to a cookie that ends with the browser.
    let response = browser
        .visit(&world, async |session| {
            log_in(&session, Login::new("alice"))
        })
        .await;
    let cookie = our_cookie(response.headers()).expect("set");
    assert!(!cookie.contains("Max-Age"), "{cookie}");
}
