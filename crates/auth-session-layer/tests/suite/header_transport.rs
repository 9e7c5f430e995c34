//! A session's id in a header, for clients that keep no cookies.

use auth_session_layer::{ConfigErrorKind, Login, Session, SessionLayer, SessionTransport};
use http::{HeaderName, HeaderValue, Request, Response, header};
use parking_lot::Mutex;

use crate::{
    store::Call,
    support::{World, log_in, ok, put, send_through, session_of},
};

const NAME: &str = "x-session-id";

fn world() -> World {
    World::with(|builder| builder.transport(SessionTransport::header(NAME)))
}

async fn send<H>(world: &World, ids: &[&str], handler: H) -> Response<String>
where
    H: AsyncFn(Session) -> Response<String>,
{
    let mut request = Request::new(String::new());
    for id in ids {
        let id = HeaderValue::from_str(id).expect("a header value");
        request.headers_mut().append(NAME, id);
    }
    let handler = async |request: Request<String>| handler(session_of(&request)).await;
    send_through(&world.layer, request, handler).await
}

async fn log_in_as(world: &World, subject: &str) -> String {
    let response = send(world, &[], async |session| {
        put(&session, "who", subject).await;
        log_in(&session, Login::new(subject).persistent(true))
    })
    .await;
    let id = &response.headers()[NAME];
    assert!(id.is_sensitive());
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    assert!(!response.headers().contains_key(header::SET_COOKIE));
    world.store.calls();
    id.to_str().expect("ASCII").to_owned()
}

async fn who(world: &World, ids: &[&str]) -> Option<String> {
    let found = Mutex::new(None);
    let response = send(world, ids, async |session| {
        let data = session.data().await.expect("available");
        *found.lock() = data.get("who").expect("a string");
        ok()
    })
    .await;
    assert!(response.headers().is_empty());
    found.into_inner()
}

#[tokio::test]
async fn the_header_takes_the_cookies_place() {
    let world = world();
    let id = log_in_as(&world, "alice").await;
    assert_eq!(id.len(), 46);
    assert_eq!(who(&world, &[&id]).await.as_deref(), Some("alice"));

    let response = send(&world, &[&id], async |session| {
        session.rotate().expect("open");
        ok()
    })
    .await;
    let next = response.headers()[NAME].to_str().expect("ASCII").to_owned();
    assert_ne!(next, id);
    assert_eq!(who(&world, &[&id]).await, None);
    assert_eq!(who(&world, &[&next]).await.as_deref(), Some("alice"));

    let response = send(&world, &[&next], async |session| {
        session.logout().await.expect("available");
        ok()
    })
    .await;
    assert_eq!(response.headers()[NAME], "");
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    assert_eq!(who(&world, &[&next]).await, None);
}

#[tokio::test]
async fn the_header_is_read_as_strictly_as_the_cookie() {
    let world = world();
    let id = log_in_as(&world, "alice").await;
    let (quoted, padded, listed) = (
        format!("\"{id}\""),
        format!("{id}=="),
        format!("{id}, {id}"),
    );
    let rows: [(&str, &[&str]); 7] = [
        ("none", &[]),
        ("empty", &[""]),
        ("twice", &[&id, &id]),
        ("quoted", &[&quoted]),
        ("padded", &[&padded]),
        ("a list", &[&listed]),
        ("short", &[&id[1..]]),
    ];
    for (row, ids) in rows {
        assert_eq!(who(&world, ids).await, None, "{row}");
        // Garbage never reaches the store.
        assert_eq!(world.store.calls(), [], "{row}");
    }
}

#[tokio::test]
async fn a_cookie_is_no_header_and_a_header_no_cookie() {
    let world = world();
    let id = log_in_as(&world, "alice").await;
    let cookies = World::new();
    let browser = cookies.browser_of("bob").await;
    // The header's layer takes no cookie ...
    let response = send_through(&world.layer, browser.request(), async |request| {
        let data = session_of(&request).data().await.expect("empty");
        assert!(data.names().is_empty());
        ok()
    })
    .await;
    assert!(response.headers().is_empty());
    assert_eq!(world.store.calls(), [] as [Call; 0]);
    // ... and the cookie's no header.
    assert_eq!(who(&cookies, &[&id]).await, None);
    assert_eq!(cookies.store.calls(), [] as [Call; 0]);
}

#[tokio::test]
async fn a_handlers_own_header_of_that_name_does_not_stand_beside_ours() {
    let world = world();
    let response = send(&world, &[], async |session| {
        let mut response = put(&session, "cart", "tea").await;
        let theirs = HeaderValue::from_static("theirs");
        response.headers_mut().insert(NAME, theirs);
        response
    })
    .await;
    let all: Vec<_> = response.headers().get_all(NAME).iter().collect();
    assert_eq!(all.len(), 1);
    assert_ne!(all[0], "theirs");
}

#[test]
fn a_header_that_means_something_else_is_refused() {
    let world = World::new();
    for name in [
        header::AUTHORIZATION,
        header::COOKIE,
        header::SET_COOKIE,
        header::HOST,
    ] {
        let builder = SessionLayer::builder(world.store.clone());
        let built = builder.transport(SessionTransport::Header(name)).build();
        let error = built.expect_err("it means something else");
        assert_eq!(error.kind(), ConfigErrorKind::HeaderName);
    }
    let builder = SessionLayer::builder(world.store.clone());
    let name = HeaderName::from_static("x-session-id");
    assert!(
        builder
            .transport(SessionTransport::Header(name))
            .build()
            .is_ok()
    );
}
