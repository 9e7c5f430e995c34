//! The examples for what people ask for: roles, both kinds of client, refusals of one's own, a store
//! of one's own, a gateway, refresh tokens in a page.

use std::net::SocketAddr;

use auth_tests::{
    Program, Request, Response,
    demo::{Credential, SetCookie, Tokens},
    example,
};

fn start(name: &str) -> Program {
    Program::spawn(example(name).args(["127.0.0.1:0", "127.0.0.1:0"]))
}

/// A cookie session of `user`, at a program that asks for no password.
#[track_caller]
fn session(server: SocketAddr, user: &str) -> Credential {
    let answer = Request::post("/login")
        .form(&format!("user={user}"))
        .send(server);
    let cookie = SetCookie::of(&answer).unwrap_or_else(|| panic!("no cookie: {answer:?}"));
    Credential::Cookie(cookie.pair)
}

fn get(server: SocketAddr, path: &str, who: &Credential) -> Response {
    who.on(Request::get(path)).send(server)
}

fn post(server: SocketAddr, path: &str, who: &Credential) -> Response {
    who.on(Request::post(path)).send(server)
}

#[test]
fn routes_by_role() {
    let program = start("roles");
    let server = program.http();
    // user, may read, may write, may see users
    let rows = [
        ("rita", 200, 403, 403),
        ("erin", 200, 200, 403),
        ("adam", 200, 200, 200),
    ];
    for (user, read, write, users) in rows {
        let who = session(server, user);
        assert_eq!(get(server, "/articles", &who).status, read, "{user}");
        assert_eq!(post(server, "/articles", &who).status, write, "{user}");
        assert_eq!(get(server, "/users", &who).status, users, "{user}");
    }
    assert_eq!(get(server, "/articles", &Credential::None).status, 401);
    let nobody = Request::post("/login").form("user=mallory").send(server);
    assert_eq!(nobody.status, 401, "{nobody:?}");

    let (adam, erin) = (session(server, "adam"), session(server, "erin"));
    assert_eq!(post(server, "/users/erin/demote", &erin).status, 403);
    assert_eq!(post(server, "/users/erin/demote", &adam).status, 204);
    assert_eq!(get(server, "/articles", &erin).status, 401);
    assert_eq!(get(server, "/articles", &adam).status, 200);
}

#[test]
fn an_api_and_pages_in_one_service() {
    let program = start("api_and_browser");
    let server = program.http();
    let browser = session(server, "alice");
    let answer = Request::post("/token").form("user=alice").send(server);
    assert_eq!(answer.status, 200, "{answer:?}");
    let tokens = Tokens::of(&answer);
    let app = tokens.access.clone();

    assert_eq!(
        get(server, "/api/me", &browser).text(),
        "alice by session\n"
    );
    assert_eq!(get(server, "/api/me", &app).text(), "alice by token\n");
    assert!(get(server, "/", &browser).text().contains("Hello alice"));
    let page = Request::get("/").header("accept", "text/html").send(server);
    assert_eq!(page.status, 303);
    assert_eq!(page.header("location"), Some("/login?next=/"));

    assert_eq!(post(server, "/api/logout-everywhere", &browser).status, 204);
    for who in [&browser, &app] {
        assert_eq!(get(server, "/api/me", who).status, 401);
    }
    let refresh = format!("grant_type=refresh_token&refresh_token={}", tokens.refresh);
    let refused = Request::post("/token/refresh").form(&refresh).send(server);
    assert_eq!(refused.status, 400, "{refused:?}");
}

#[test]
fn refusals_in_a_shape_of_ones_own() {
    let program = start("problem_json");
    let server = program.http();
    let alice = Credential::Bearer(program.wait_for("token for alice: "));
    assert_eq!(get(server, "/me", &alice).text(), "alice\n");
    let rows = [
        (
            "nobody",
            Credential::None,
            401,
            "https://errors.example/login-required",
        ),
        (
            "a bad token",
            Credential::Bearer("x".to_owned()),
            401,
            "https://errors.example/token",
        ),
    ];
    for (row, who, status, kind) in rows {
        let refused = get(server, "/me", &who);
        assert_eq!(refused.status, status, "{row}");
        assert_eq!(
            refused.header("content-type"),
            Some("application/problem+json"),
            "{row}"
        );
        assert!(refused.header("www-authenticate").is_some(), "{row}");
        assert_eq!(refused.json()["type"], kind, "{row}");
    }
}

#[test]
fn a_store_of_ones_own_sees_every_revocation() {
    let program = start("custom_store");
    let server = program.http();
    let alice = Credential::Bearer(program.wait_for("token for alice: "));
    assert_eq!(get(server, "/me", &alice).text(), "alice\n");
    assert_eq!(post(server, "/logout-everywhere", &alice).status, 204);
    assert_eq!(program.wait_for("audit: "), "revoked: everything of alice");
    assert_eq!(get(server, "/me", &alice).status, 401);
}

#[test]
fn a_service_behind_a_gateway_believes_the_signature_only() {
    let program = start("gateway");
    let server = program.http();
    let behind = program.wait_for("the service behind: http://");
    let behind: SocketAddr = behind.parse().expect("an address");

    let alice = session(server, "alice");
    let verified = get(server, "/verify", &alice);
    assert_eq!(verified.status, 200, "{verified:?}");
    assert_eq!(verified.header("set-cookie"), None);
    let assertion = verified.header("x-auth-assertion").expect("an assertion");
    let orders = Request::get("/orders").bearer(assertion).send(behind);
    assert_eq!(
        (orders.status, orders.text()),
        (200, "the orders of alice\n")
    );

    // An assertion is no access token, a cookie means nothing behind, and nobody is nobody.
    assert_eq!(
        Request::get("/verify")
            .bearer(assertion)
            .send(server)
            .status,
        401
    );
    assert_eq!(get(behind, "/orders", &alice).status, 401);
    let rows = [
        ("nobody", Request::get("/verify")),
        (
            "as gRPC",
            Request::post("/verify").header("content-type", "application/grpc"),
        ),
        (
            "two headers",
            Request::get("/verify").bearer("x").bearer("y"),
        ),
    ];
    for (row, request) in rows {
        assert_eq!(request.send(server).status, 401, "{row}");
    }
}

#[test]
fn a_page_that_refreshes_in_two_tabs_stays_logged_in() {
    let program = start("spa_refresh");
    let server = program.http();
    let page = Request::get("/").send(server);
    assert!(page.text().contains("/app.js"), "{page:?}");
    assert!(
        Request::get("/app.js")
            .send(server)
            .text()
            .contains("navigator.locks")
    );

    let tokens = Tokens::of(&Request::post("/token").form("user=alice").send(server));
    let refresh = |token: &str| {
        let form = format!("grant_type=refresh_token&refresh_token={token}");
        Request::post("/token/refresh").form(&form).send(server)
    };
    let (one, two) = (refresh(&tokens.refresh), refresh(&tokens.refresh));
    assert_eq!((one.status, two.status), (200, 200));
    let newer = Tokens::of(&one);
    assert_eq!(newer.refresh, Tokens::of(&two).refresh);
    let alice = newer.access;
    assert_eq!(get(server, "/api/me", &alice).text(), "alice");

    let revoke = format!("token={}", newer.refresh);
    assert_eq!(
        Request::post("/token/revoke")
            .form(&revoke)
            .send(server)
            .status,
        200
    );
    assert_eq!(get(server, "/api/me", &alice).status, 401);
    let over = refresh(&newer.refresh);
    assert_eq!(
        (over.status, &over.json()["error"]),
        (400, &"invalid_grant".into())
    );
}
