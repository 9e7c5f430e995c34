//! A cookie that had another name before.

use auth_session_layer::{CookieConfig, Login, OldCookie, Session};
use http::{HeaderMap, Request, Response, header};
use parking_lot::Mutex;

use crate::{
    store::{Call, Fault},
    support::{Browser, World, log_in, ok, put, send_through, session_of},
};

/// A world whose cookie had two names before.
fn world() -> World {
    let sid = OldCookie::new("sid").path("/app").domain("example.com");
    World::with(|builder| builder.cookie(CookieConfig::new().also_read("old").also_read(sid)))
}

const OLD_REMOVAL: &str = "old=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0";
const SID_REMOVAL: &str =
    "sid=; HttpOnly; SameSite=Lax; Secure; Path=/app; Domain=example.com; Max-Age=0";

/// Sends a request with these cookies.
async fn send<H>(world: &World, cookies: &str, handler: H) -> Response<String>
where
    H: AsyncFn(Session) -> Response<String>,
{
    let request = Request::builder().header(header::COOKIE, cookies);
    let request = request.body(String::new()).expect("a request");
    let handler = async |request: Request<String>| handler(session_of(&request)).await;
    send_through(&world.layer, request, handler).await
}

/// Who is logged in, and what the response sets.
async fn who(world: &World, cookies: &str) -> (Option<String>, Vec<String>) {
    let found = Mutex::new(None);
    let response = send(world, cookies, async |session| {
        let data = session.data().await.expect("available");
        *found.lock() = data.get("who").expect("a string");
        ok()
    })
    .await;
    (found.into_inner(), set(response.headers()))
}

fn set(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(header::SET_COOKIE).iter();
    let values = values.map(|value| value.to_str().expect("ASCII").to_owned());
    values.collect()
}

/// The id of a session in which `who` is logged in.
async fn id_of(world: &World, who: &str) -> String {
    let mut browser = world.browser_of(who).await;
    browser
        .visit(world, async |session| put(&session, "who", who).await)
        .await;
    world.store.calls();
    browser.cookie.expect("logged in")
}

#[tokio::test]
async fn a_cookie_of_an_old_name_is_moved_to_the_new_one_with_the_next_response() {
    let world = world();
    let id = id_of(&world, "alice").await;
    for (old, removal) in [("old", OLD_REMOVAL), ("sid", SID_REMOVAL)] {
        let (found, set) = who(&world, &format!("a=1; {old}={id}; b=2")).await;
        assert_eq!(found.as_deref(), Some("alice"), "{old}");
        let moved = format!("__Host-id={id}; HttpOnly; SameSite=Lax; Secure; Path=/");
        assert_eq!(set, [moved.as_str(), removal], "{old}");
        assert_eq!(world.store.calls(), [Call::Load, Call::Load], "{old}");
    }
    // Moved, it is left alone.
    let (found, set) = who(&world, &format!("__Host-id={id}")).await;
    assert_eq!((found.as_deref(), set.len()), (Some("alice"), 0));
}

#[tokio::test]
async fn the_new_name_decides_where_it_is_there() {
    let world = world();
    let (new, old) = (id_of(&world, "new").await, id_of(&world, "old").await);
    let rows = [
        (
            "both good",
            format!("old={old}; __Host-id={new}"),
            Some("new"),
        ),
        (
            "the new one garbage",
            format!("old={old}; __Host-id=x"),
            None,
        ),
        (
            "the new one twice",
            format!("old={old}; __Host-id={new}; __Host-id={new}"),
            None,
        ),
        ("the old one twice", format!("old={old}; old={old}"), None),
        (
            "one old one twice, the other good",
            format!("old={new}; old={new}; sid={old}"),
            Some("old"),
        ),
        (
            "one old one garbage",
            format!("old=x; sid={old}"),
            Some("old"),
        ),
        (
            "both old ones good",
            format!("sid={new}; old={old}"),
            Some("old"),
        ),
    ];
    for (row, cookies, expected) in rows {
        assert_eq!(who(&world, &cookies).await.0.as_deref(), expected, "{row}");
    }
}

#[tokio::test]
async fn nothing_is_moved_where_there_is_no_session_or_nobody_asks_for_it() {
    let world = world();
    let id = id_of(&world, "alice").await;
    let response = send(&world, &format!("old={id}"), async |_| ok()).await;
    assert!(response.headers().is_empty());
    assert_eq!(world.store.calls(), []);
    let unknown = id_of(&World::new(), "alice").await;
    assert_eq!(
        who(&world, &format!("old={unknown}")).await,
        (None, Vec::new())
    );
    // The store can not tell whether it is still there: the next request may try.
    let response = send(&world, &format!("old={id}"), async |session| {
        session.data().await.expect("available");
        world.store.fail(Call::Load, Fault::NotMade);
        ok()
    })
    .await;
    assert_eq!(response.status(), 200);
    assert!(response.headers().is_empty());
}

#[tokio::test]
async fn a_login_and_a_logout_remove_the_cookies_of_all_old_names() {
    let world = world();
    let (one, two) = (id_of(&world, "one").await, id_of(&world, "two").await);
    let cookies = format!("old={one}; sid={two}");
    let response = send(&world, &cookies, async |session| {
        log_in(&session, Login::new("three"))
    })
    .await;
    let all = set(response.headers());
    assert!(all[0].starts_with("__Host-id=") && !all[0].contains(&one));
    assert_eq!(all[1..], [OLD_REMOVAL, SID_REMOVAL]);

    let cookies = format!("__Host-id={}; sid={two}", id_of(&world, "four").await);
    let response = send(&world, &cookies, async |session| {
        session.logout().await.expect("available");
        ok()
    })
    .await;
    let all = set(response.headers());
    assert!(all[0].starts_with("__Host-id=;"), "{all:?}");
    assert_eq!(all[1..], [SID_REMOVAL]);
}

#[tokio::test]
async fn a_parallel_get_with_the_old_name_does_not_undo_a_login() {
    let world = world();
    let mut visitor = world.browser_with_cart().await;
    let cookies = format!("old={}", visitor.cookie.take().expect("a cookie"));
    let logged_in = Mutex::new(None);
    let late = send(&world, &cookies, async |session| {
        // Loaded before the login, answered after it.
        session.data().await.expect("available");
        let login = send(&world, &cookies, async |session| {
            log_in(&session, Login::new("alice"))
        })
        .await;
        let only_ours = set(login.headers()).swap_remove(0);
        let value = only_ours["__Host-id=".len()..].split(';').next();
        *logged_in.lock() = value.map(str::to_owned);
        ok()
    })
    .await;
    let browser = Browser {
        cookie: logged_in.into_inner(),
    };
    assert!(late.headers().is_empty(), "{:?}", late.headers());
    assert_eq!(browser.subject(&world).await.as_deref(), Some("alice"));
}
