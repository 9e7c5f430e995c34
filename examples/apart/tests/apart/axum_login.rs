//! From axum-login.

use std::net::SocketAddr;

use auth_apart::axum_login as after;
use before_axum_login as before;

use crate::support::{Visitor, serve};

fn before() -> SocketAddr {
    serve!(axum, before::app(before::Db))
}

fn after() -> SocketAddr {
    serve!(axum, after::app(after::Db).expect("sound settings"))
}

#[test]
fn users_log_in_and_out_before_and_after() {
    for (row, server) in [("before", before()), ("after", after())] {
        assert_that_users_log_in_and_out(row, server);
    }
}

fn assert_that_users_log_in_and_out(row: &str, server: SocketAddr) {
    let mut alice = Visitor::new(server);
    assert_eq!(alice.get("/me").status, 401, "{row}");
    for form in [
        "user=alice&password=x",
        "user=mallory&password=wonderland",
        "user=&password=",
    ] {
        assert_eq!(alice.post("/login", form).status, 401, "{row}: {form}");
        assert_eq!(alice.get("/me").status, 401, "{row}: {form}");
    }
    let logged_in = alice.post("/login", "user=alice&password=wonderland");
    assert_eq!(logged_in.status, 204, "{row}: {logged_in:?}");
    let me = alice.get("/me");
    assert_eq!((me.status, me.text()), (200, "Alice"), "{row}");
    assert_eq!(alice.get("/users").status, 403, "{row}");

    let mut adam = Visitor::new(server);
    adam.post("/login", "user=adam&password=wonderland");
    let users = adam.get("/users");
    assert_eq!((users.status, users.text()), (200, "Alice, Adam"), "{row}");

    let mut kept_it = alice.clone();
    assert_eq!(alice.post("/logout", "").status, 204, "{row}");
    assert_eq!(kept_it.get("/me").status, 401, "{row}");
    assert_eq!(adam.get("/me").text(), "Adam", "{row}: somebody else");
}

#[test]
fn nobody_is_told_to_log_in_instead_of_forbidden() {
    assert_eq!(Visitor::new(before()).get("/users").status, 403);
    assert_eq!(Visitor::new(after()).get("/users").status, 401);
}

#[test]
fn somebody_else_who_logs_in_gets_another_id() {
    for (row, server, is_another) in [("before", before(), false), ("after", after(), true)] {
        let mut visitor = Visitor::new(server);
        visitor.post("/login", "user=alice&password=wonderland");
        let of_alice = visitor.cookie.clone();
        visitor.post("/login", "user=adam&password=wonderland");
        assert_eq!(visitor.get("/me").text(), "Adam", "{row}");
        assert_eq!(visitor.cookie != of_alice, is_another, "{row}");
    }
}
