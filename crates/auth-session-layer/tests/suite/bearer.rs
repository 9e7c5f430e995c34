//! A bearer token in `Authorization`: the cookie counts as absent.

use auth_core::Caller;
use auth_session_layer::{Login, SessionErrorKind};
use http::{Request, header};

use crate::{
    store::Call,
    support::{Browser, World, log_in, ok, our_cookie, session_of},
};

fn with_bearer(browser: &Browser) -> Request<String> {
    let mut request = browser.request();
    let value = "Bearer abc".parse().expect("a header value");
    request.headers_mut().insert(header::AUTHORIZATION, value);
    request
}

#[tokio::test]
async fn with_a_bearer_the_session_is_not_loaded_touched_or_committed() {
    let world = World::new();
    let browser = world.browser_of("alice").await;
    let handler = async |request: Request<String>| {
        let caller = request.extensions().get::<Caller>().expect("a caller");
        assert_eq!(caller.principal_now(), Some(Ok(None)));
        let session = session_of(&request);
        // Not silence: an error.
        let error = session.data().await.expect_err("absent");
        assert_eq!(error.kind(), SessionErrorKind::BearerPresent);
        let error = session.rotate().expect_err("absent");
        assert_eq!(error.kind(), SessionErrorKind::BearerPresent);
        let error = session.logout().await.expect_err("absent");
        assert_eq!(error.kind(), SessionErrorKind::BearerPresent);
        ok()
    };
    let response = world.send(with_bearer(&browser), handler).await;
    assert_eq!(response.status(), 200);
    assert!(response.headers().is_empty());
    assert_eq!(world.store.calls(), []);
    assert_eq!(browser.subject(&world).await.as_deref(), Some("alice"));
}

#[tokio::test]
async fn a_login_with_a_bearer_starts_from_nothing_and_leaves_the_cookies_session_alone() {
    let world = World::new();
    let browser = world.browser_of("alice").await;
    let handler = async |request: Request<String>| {
        let session = session_of(&request);
        let response = log_in(&session, Login::new("alice"));
        let data = session.data().await.expect("that of the new session");
        assert!(data.names().is_empty());
        data.insert("cart", "tea").expect("fits");
        response
    };
    let response = world.send(with_bearer(&browser), handler).await;
    assert_eq!(world.store.calls(), [Call::Admit, Call::Establish]);
    assert!(our_cookie(response.headers()).is_some());
    let mut fresh = browser.clone();
    fresh.take(&response);
    assert_ne!(fresh, browser);
    assert_eq!(fresh.field(&world, "cart").await.as_deref(), Some("tea"));
    assert_eq!(browser.subject(&world).await.as_deref(), Some("alice"));
    assert_eq!(world.logins("alice").await.len(), 2);
}

#[tokio::test]
async fn another_scheme_is_no_bearer() {
    let world = World::new();
    let browser = world.browser_of("alice").await;
    let mut request = browser.request();
    let value = "Basic YTpi".parse().expect("a header value");
    request.headers_mut().insert(header::AUTHORIZATION, value);
    let handler = async |request: Request<String>| {
        let caller = request.extensions().get::<Caller>().expect("a caller");
        assert!(caller.principal().await.expect("available").is_some());
        ok()
    };
    assert_eq!(world.send(request, handler).await.status(), 200);
}
