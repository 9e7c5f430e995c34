//! `Set-Cookie`: what is sent, beside what others send.

use std::time::Duration;

use auth_core::{revocation::MAX_LIFETIME, store::Overflow};
use auth_session_layer::{
    ConfigErrorKind, CookieConfig, Login, SameSite, SessionLayer, SessionLayerBuilder,
};
use http::{HeaderValue, Request, header};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{Browser, World, log_in, ok, our_cookie, put, secs, send_through, session_of};

#[tokio::test]
async fn the_host_prefix_works_and_the_attributes_are_the_safe_ones() {
    let world = World::new();
    let mut browser = Browser::default();
    let response = browser
        .visit(&world, async |session| {
            log_in(&session, Login::new("alice"))
        })
        .await;
    let cookie = our_cookie(response.headers()).expect("set");
    let id = browser.cookie.clone().expect("set");
    assert_eq!(id.len(), 46);
    assert_eq!(
        cookie,
        format!("__Host-id={id}; HttpOnly; SameSite=Lax; Secure; Path=/")
    );
    assert_eq!(browser.subject(&world).await.as_deref(), Some("alice"));
}

#[tokio::test]
async fn other_cookies_of_the_response_are_kept() {
    let world = World::new();
    let response = Browser::default()
        .visit(&world, async |session| {
            let mut response = put(&session, "cart", "tea").await;
            let theirs = HeaderValue::from_static("theme=dark");
            response.headers_mut().append(header::SET_COOKIE, theirs);
            response
        })
        .await;
    let all: Vec<_> = response
        .headers()
        .get_all(header::SET_COOKIE)
        .iter()
        .collect();
    assert_eq!(all.len(), 2);
    assert_eq!(all[0], "theme=dark");
    assert!(all[1].is_sensitive());
}

#[tokio::test]
async fn a_response_that_sets_the_cookie_is_never_cached() {
    let world = World::new();
    for (theirs, expected) in [
        (None, "no-store"),
        (Some("public, max-age=3600"), "no-store"),
        (Some("no-cache"), "no-store"),
        (Some("private, No-Store"), "private, No-Store"),
        (Some("no-storey"), "no-store"),
    ] {
        let response = Browser::default()
            .visit(&world, async |session| {
                let mut response = put(&session, "cart", "tea").await;
                if let Some(theirs) = theirs {
                    let theirs = HeaderValue::from_static(theirs);
                    response.headers_mut().insert(header::CACHE_CONTROL, theirs);
                }
                response
            })
            .await;
        assert_eq!(response.headers()[header::CACHE_CONTROL], expected);
    }
    // And where nothing is set, nothing is changed.
    let response = Browser::default()
        .visit(&world, async |_| {
            let mut response = ok();
            let theirs = HeaderValue::from_static("public");
            response.headers_mut().insert(header::CACHE_CONTROL, theirs);
            response
        })
        .await;
    assert_eq!(response.headers()[header::CACHE_CONTROL], "public");
}

#[tokio::test]
async fn a_removal_has_the_attributes_that_the_cookie_was_set_with() {
    let cookie = CookieConfig::new()
        .name("__Secure-id")
        .path("/app")
        .domain("example.com")
        .same_site(SameSite::Strict);
    let world = World::with(|builder| builder.cookie(cookie));
    let response = send_through(&world.layer, Request::new(String::new()), async |request| {
        put(&session_of(&request), "cart", "tea").await
    })
    .await;
    let set = response.headers()[header::SET_COOKIE]
        .to_str()
        .expect("ASCII");
    let (pair, attributes) = set.split_once("; ").expect("attributes");
    let request = Request::builder().header(header::COOKIE, pair);
    let request = request.body(String::new()).expect("a request");
    let response = send_through(&world.layer, request, async |request| {
        session_of(&request).logout().await.expect("available");
        ok()
    })
    .await;
    assert_eq!(
        response.headers()[header::SET_COOKIE],
        format!("__Secure-id=; {attributes}; Max-Age=0")
    );
}

#[test]
fn settings_that_can_not_work_fail_where_the_layer_is_built() {
    type Settings = fn(SessionLayerBuilder) -> SessionLayerBuilder;
    let rows: [(&str, Settings, ConfigErrorKind); 8] = [
        (
            "lives for 0 s",
            |b| b.absolute(Duration::ZERO).idle(None),
            ConfigErrorKind::ZeroLifetime,
        ),
        (
            "idles for 0 s",
            |b| b.idle(Some(Duration::ZERO)),
            ConfigErrorKind::ZeroLifetime,
        ),
        (
            "lives for 100 years",
            |b| b.absolute(secs(100 * 365 * 86_400)),
            ConfigErrorKind::AbsoluteTooLong,
        ),
        (
            "lives for ever",
            |b| b.absolute(Duration::MAX),
            ConfigErrorKind::AbsoluteTooLong,
        ),
        (
            "lives for a second too long",
            |b| b.absolute(MAX_LIFETIME + secs(1)),
            ConfigErrorKind::AbsoluteTooLong,
        ),
        (
            "idles longer than it lives",
            |b| b.idle(Some(secs(61))).absolute(secs(60)),
            ConfigErrorKind::IdleExceedsAbsolute,
        ),
        (
            "no login at all",
            |b| b.max_logins(0, Overflow::Refuse),
            ConfigErrorKind::LoginLimit,
        ),
        (
            "a cookie that browsers drop",
            |b| b.cookie(CookieConfig::new().insecure_without_secure()),
            ConfigErrorKind::HostPrefix,
        ),
    ];
    let world = World::new();
    for (row, settings, expected) in rows {
        let builder = SessionLayer::builder(world.store.clone());
        let error = settings(builder).build().expect_err(row);
        assert_eq!(error.kind(), expected, "{row}");
    }
    for absolute in [secs(1), MAX_LIFETIME] {
        let builder = SessionLayer::builder(world.store.clone());
        assert!(builder.idle(None).absolute(absolute).build().is_ok());
    }
}

#[tokio::test]
async fn two_layers_with_two_cookies_serve_the_inner_one() {
    let world = World::new();
    let admin = CookieConfig::new().name("__Host-admin");
    let admin = SessionLayer::builder(world.store.clone()).cookie(admin);
    let admin = admin.build().expect("good");
    let inner = service_fn(|request: Request<String>| async move {
        let response = put(&session_of(&request), "cart", "tea").await;
        Ok::<_, std::convert::Infallible>(response)
    });
    let stack = admin.layer(world.layer.layer(inner));
    let Ok(response) = stack.oneshot(Browser::default().request()).await;
    let all: Vec<_> = response
        .headers()
        .get_all(header::SET_COOKIE)
        .iter()
        .collect();
    assert_eq!(all.len(), 1);
    assert!(our_cookie(response.headers()).is_some());
}
