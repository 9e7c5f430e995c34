//! From tower-sessions.

use std::net::SocketAddr;

use auth_apart::tower_sessions as after;
use before_tower_sessions as before;

use crate::{
    http::Request,
    support::{Visitor, serve},
};

#[test]
fn a_cart_before_and_after() {
    let both = [
        ("before", serve!(axum, before::app())),
        ("after", serve!(axum, after::app().expect("sound settings"))),
    ];
    for (row, server) in both {
        assert_that_carts_are_kept(row, server);
    }
}

fn assert_that_carts_are_kept(row: &str, server: SocketAddr) {
    let mut visitor = Visitor::new(server);
    let empty = visitor.get("/cart");
    assert_eq!((empty.status, empty.text()), (200, "[]"), "{row}");
    assert_eq!(visitor.cookie, None, "{row}: nothing to remember");

    assert_eq!(visitor.post("/cart", "article=7").status, 204, "{row}");
    assert!(visitor.cookie.is_some(), "{row}");
    assert_eq!(visitor.post("/cart", "article=9").status, 204, "{row}");
    assert_eq!(visitor.get("/cart").text(), "[7,9]", "{row}");
    assert_eq!(Visitor::new(server).get("/cart").text(), "[]", "{row}");

    let emptied = visitor.send(Request::new("DELETE", "/cart"));
    assert_eq!(emptied.status, 204, "{row}");
    assert_eq!(visitor.get("/cart").text(), "[]", "{row}");

    assert_eq!(visitor.post("/cart", "article=3").status, 204, "{row}");
    let mut kept_it = visitor.clone();
    assert_eq!(visitor.post("/forget", "").status, 204, "{row}");
    assert_eq!(visitor.cookie, None, "{row}: the cookie was removed");
    assert_eq!(kept_it.get("/cart").text(), "[]", "{row}");
}

/// Two cookies while both are there: the guide says so.
#[test]
fn the_cookies_have_different_names_and_attributes() {
    let cookie = |server| {
        let answer = Request::post("/cart").form("article=7").send(server);
        answer.header("set-cookie").expect("a cookie").to_owned()
    };
    let before = cookie(serve!(axum, before::app()));
    let after = cookie(serve!(axum, after::app().expect("sound settings")));
    assert!(before.starts_with("id="), "{before}");
    assert!(before.contains("SameSite=Strict"), "{before}");
    assert!(after.starts_with("__Host-id="), "{after}");
    assert!(after.contains("SameSite=Lax"), "{after}");
}
