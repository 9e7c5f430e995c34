//! The demo's other promises over HTTP: two credentials at once, gateways, scopes, forgery, errors.

use auth_tests::{
    Request, Response,
    demo::{COOKIE, Credential, Demo, NOBODY, SetCookie, Tokens, login, verified},
};
use serde_json::json;

/// A request with a bearer and a cookie.
fn both(bearer: &Credential, cookie: &Credential, request: Request) -> Request {
    cookie.on(bearer.on(request))
}

fn form(path: &str, body: &str) -> Request {
    Request::post(path).form(body)
}

/// Not the caller that the cookie is of, and nothing of his is changed.
#[track_caller]
fn assert_untouched(demo: &Demo, cookie: &Credential, response: &Response) {
    if let Some(set) = response.header("set-cookie") {
        assert!(!set.contains(cookie.secret()), "{response:?}");
        assert!(!set.contains("Max-Age=0"), "{response:?}");
    }
    assert_eq!(demo.who(cookie), "alice");
    let cart = demo.request("GET", "/session/data/cart", cookie);
    assert_eq!(cart.json(), "alice's", "{cart:?}");
}

/// Alice's session, with something in it.
fn alice_with_cart(demo: &Demo) -> Credential {
    let alice = demo.session("alice");
    let put = Request::new("PUT", "/session/data/cart").json(&json!("alice's"));
    assert_eq!(demo.send(&alice.on(put)).status, 204);
    alice
}

#[test]
fn a_bearer_with_the_cookie_of_another_acts_as_the_bearer() {
    let demo = Demo::start(&[]);
    let alice = alice_with_cart(&demo);
    let bob = demo.tokens("user-1").access;
    for get in [
        "/api/me",
        "/verify",
        "/public",
        "/api/logins",
        "/session/data/cart",
    ] {
        let response = demo.send(&both(&bob, &alice, Request::get(get)));
        assert!(response.status < 500, "{get}: {response:?}");
        assert_eq!(response.header("set-cookie"), None, "{get}");
        assert!(!response.text().contains("alice"), "{get}: {response:?}");
        assert_untouched(&demo, &alice, &response);
    }
    let me = demo
        .send(&both(&bob, &alice, Request::get("/api/me")))
        .json();
    assert_eq!(me["subject"], "user-1");
    assert_eq!(me["kind"], "token");

    for request in [
        Request::new("PUT", "/session/data/cart").json(&json!("bob's")),
        Request::new("DELETE", "/session/data/cart"),
        Request::post("/session/logout"),
        login("/session/login", "user-2"),
        Request::post("/api/password"),
        Request::new("DELETE", "/api/logins"),
        Request::post("/api/logout-everywhere"),
    ] {
        let bob = demo.tokens("user-1").access;
        let response = demo.send(&both(&bob, &alice, request));
        assert!(response.status < 500, "{response:?}");
        assert_untouched(&demo, &alice, &response);
    }
    // The last of them was bob's own: it ended his logins.
    assert_eq!(demo.who(&bob), NOBODY);
    assert_eq!(demo.logins(&alice).len(), 1);
}

#[test]
fn a_broken_bearer_is_refused_and_the_cookie_is_not_looked_at() {
    let demo = Demo::start(&[]);
    let alice = alice_with_cart(&demo);
    let revoked = demo.tokens("alice");
    let form = form(
        "/token/revoke",
        &format!("token={}", revoked.access.secret()),
    );
    assert_eq!(demo.send(&form).status, 200);

    let revoked = format!("Bearer {}", revoked.access.secret());
    for (authorization, status) in [
        ("Bearer junk", 401),
        ("Bearer a.b.c", 401),
        (&revoked, 401),
        ("Bearer", 400),
        ("Bearer a b", 400),
    ] {
        for (method, path) in [
            ("GET", "/api/me"),
            ("GET", "/verify"),
            ("GET", "/session/data/cart"),
            ("DELETE", "/session/data/cart"),
            ("POST", "/session/logout"),
            ("POST", "/api/logout-everywhere"),
        ] {
            let request = Request::new(method, path).header("authorization", authorization);
            let response = demo.send(&alice.on(request));
            // Gateways know nothing of 400.
            let expected = if path == "/verify" { 401 } else { status };
            assert_eq!(
                response.status, expected,
                "{authorization} {path}: {response:?}"
            );
            let error = if status == 400 {
                "invalid_request"
            } else {
                "invalid_token"
            };
            let challenge = response.header("www-authenticate").unwrap_or_default();
            assert!(
                challenge.contains(&format!("error=\"{error}\"")),
                "{challenge}"
            );
            assert_untouched(&demo, &alice, &response);
        }
    }
}

#[test]
fn other_schemes_are_no_credential_and_leave_the_cookie_alone() {
    let demo = Demo::start(&[]);
    let alice = demo.session("alice");
    for authorization in ["Basic YTpi", "BearerX abc", "Digest x"] {
        let request = Request::get("/api/me").header("authorization", authorization);
        assert_eq!(demo.send(&request).status, 401);
        assert_eq!(demo.send(&alice.on(request)).json()["subject"], "alice");
    }
}

#[test]
fn the_public_route_touches_nothing() {
    let demo = Demo::start(&[]);
    let before = {
        let response = demo.send(&Request::new("PUT", "/session/data/cart").json(&json!(1)));
        Credential::Cookie(SetCookie::of(&response).expect("a session").pair)
    };
    let logged_in = demo.send(&before.on(login("/session/login", "alice")));
    let alice = Credential::Cookie(SetCookie::of(&logged_in).expect("a session").pair);
    let made_up = Credential::Cookie(format!("{COOKIE}={}", "A".repeat(46)));
    let tokens = demo.tokens("alice").access;
    for who in [&Credential::None, &before, &alice, &made_up, &tokens] {
        let response = demo.request("GET", "/public", who);
        assert_eq!(response.status, 200, "{who:?}: {response:?}");
        assert_eq!(response.header("set-cookie"), None, "{who:?}");
    }
    assert_eq!(demo.who(&alice), "alice");
}

/// A gRPC refusal has the status 200, which to a gateway is a yes.
#[test]
fn a_gateway_is_told_no_whatever_the_request_says_it_is() {
    let demo = Demo::start(&[]);
    for method in ["GET", "POST", "PUT"] {
        for content_type in ["application/grpc", "application/grpc-web+proto"] {
            for authorization in [None, Some("Bearer junk"), Some("Bearer")] {
                let mut request = Request::new(method, "/verify")
                    .header("content-type", content_type)
                    .header("content-length", "0");
                if let Some(value) = authorization {
                    request = request.header("authorization", value);
                }
                let response = demo.send(&request);
                assert_eq!(
                    response.status, 401,
                    "{method} {content_type}: {response:?}"
                );
            }
        }
    }
    // Nor is anything but a POST answered as gRPC is.
    let request = Request::get("/api/me").header("content-type", "application/grpc");
    assert_eq!(demo.send(&request).status, 401);
}

#[test]
fn a_gateway_gets_exactly_200_and_an_assertion_for_the_upstream() {
    let demo = Demo::start(&[]);
    let set = demo.send(&Request::get("/.well-known/jwks.json")).json();
    let tokens = demo.tokens("alice");
    for who in [&demo.session("alice"), &tokens.access] {
        let response = demo.request("GET", "/verify", who);
        assert_eq!(response.status, 200, "{response:?}");
        assert_eq!(response.header("set-cookie"), None);
        let assertion = response.header("x-auth-assertion").expect("an assertion");
        demo.keep_secret(assertion);
        let (_, claims) = verified(assertion, &set, "https://auth.demo", "upstream");
        assert_eq!(claims["sub"], "alice");
        let seconds = |name: &str| claims[name].as_u64().expect("seconds");
        assert!(
            (55..=60).contains(&(seconds("exp") - seconds("iat"))),
            "{claims}"
        );
        // It is for the upstream, and opens nothing here.
        let misused = demo.request("GET", "/api/me", &Credential::Bearer(assertion.to_owned()));
        assert_eq!(misused.status, 401, "{misused:?}");
    }

    let ended = demo.session("alice");
    demo.request("POST", "/session/logout", &ended);
    let junk = Credential::Bearer("junk".to_owned());
    for who in [&Credential::None, &ended, &junk] {
        let response = demo.request("GET", "/verify", who);
        assert_eq!(response.status, 401, "{response:?}");
        assert_eq!(response.header("set-cookie"), None);
        assert_eq!(response.header("x-auth-assertion"), None);
        assert!(response.header("www-authenticate").is_some());
    }
    // Neither rotated nor touched: the refresh token is still the current one.
    let next = Tokens::of(&demo.refresh(&tokens.refresh));
    assert_eq!(demo.who(&next.access), "alice");
}

#[test]
fn the_audience_of_assertions_is_as_the_flag_says() {
    let demo = Demo::start(&["--assertion-audience", "orders"]);
    let set = demo.send(&Request::get("/.well-known/jwks.json")).json();
    let response = demo.request("GET", "/verify", &demo.session("alice"));
    let assertion = response.header("x-auth-assertion").expect("an assertion");
    verified(assertion, &set, "https://auth.demo", "orders");
}

#[test]
fn without_the_scope_the_challenge_says_which() {
    let demo = Demo::start(&[]);
    let realm = demo.realm();
    for (who, scheme) in [
        (demo.session("alice"), "Session"),
        (demo.tokens("alice").access, "Bearer"),
    ] {
        let response = demo.request("GET", "/api/admin", &who);
        assert_eq!(response.status, 403, "{response:?}");
        let expected =
            format!(r#"{scheme} realm="{realm}", error="insufficient_scope", scope="admin""#);
        assert_eq!(response.header("www-authenticate"), Some(&*expected));
        assert_eq!(
            response.header("content-type"),
            Some("application/problem+json")
        );
        let problem = response.json();
        assert_eq!(problem["status"], 403);
        assert_eq!(problem["error"], "insufficient_scope");
        assert_eq!(response.header("set-cookie"), None);
    }
    for who in [demo.session("admin"), demo.tokens("admin").access] {
        assert_eq!(demo.request("GET", "/api/admin", &who).status, 200);
    }
    let anonymous = demo.send(&Request::get("/api/admin"));
    assert_eq!(anonymous.status, 401);
    let expected = format!(r#"Bearer realm="{realm}""#);
    assert_eq!(anonymous.header("www-authenticate"), Some(&*expected));
}

#[test]
fn other_sites_can_not_use_the_cookie_to_change_anything() {
    let demo = Demo::start(&[]);
    let alice = alice_with_cart(&demo);
    let routes = || {
        [
            form("/session/login", "user=user-1&password=user-1"),
            Request::post("/session/logout"),
            Request::new("PUT", "/session/data/cart").json(&json!("forged")),
            Request::new("DELETE", "/session/data/cart"),
            Request::post("/api/password"),
            Request::new("DELETE", "/api/logins"),
            Request::post("/api/logout-everywhere"),
        ]
    };
    for request in routes() {
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://elsewhere.example"),
            ("origin", "null"),
        ] {
            let response = demo.send(&alice.on(request.clone().header(name, value)));
            assert_eq!(response.status, 403, "{name}: {value}: {request:?}");
            assert_untouched(&demo, &alice, &response);
        }
    }
    // Reading is no change, and a page of the demo's own may do all of it.
    let read = Request::get("/api/me").header("sec-fetch-site", "cross-site");
    assert_eq!(demo.send(&alice.on(read)).status, 200);
    let origin = demo.url("");
    for (name, value) in [("sec-fetch-site", "same-origin"), ("origin", &*origin)] {
        let put = Request::new("PUT", "/session/data/cart").json(&json!("alice's"));
        assert_eq!(
            demo.send(&alice.on(put.header(name, value))).status,
            204,
            "{name}"
        );
        let others = Request::new("DELETE", "/api/logins").header(name, value);
        assert_eq!(demo.send(&alice.on(others)).status, 204, "{name}");
    }
}

#[test]
fn errors_are_problems_or_pages_as_the_client_asks() {
    let demo = Demo::start(&[]);
    let alice = demo.session("alice");
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for (request, status) in [
        (Request::get("/api/me"), 401),
        (
            Request::get("/api/me").header("authorization", "Bearer"),
            400,
        ),
        (Request::get("/api/me").bearer("junk"), 401),
        (alice.on(Request::get("/api/admin")), 403),
        (form("/session/login", "user=alice&password=wrong"), 401),
        (form("/session/login", "nothing"), 400),
        (alice.on(Request::get("/session/data/none")), 404),
        (Request::get("/no-such-page"), 404),
        (Request::post("/healthz"), 405),
        (
            alice
                .on(Request::post("/session/logout"))
                .header("sec-fetch-site", "cross-site"),
            403,
        ),
    ] {
        for accept in [None, Some("application/json"), Some("*/*")] {
            let request = match accept {
                None => request.clone(),
                Some(accept) => request.clone().header("accept", accept),
            };
            let response = demo.send(&request);
            assert_eq!(response.status, status, "{request:?}: {response:?}");
            assert_eq!(
                response.header("content-type"),
                Some("application/problem+json"),
                "{request:?}"
            );
            let problem = response.json();
            assert_eq!(problem["status"], status, "{request:?}");
            assert!(
                problem["title"].is_string() && problem["type"].is_string(),
                "{problem}"
            );
        }
        let page = demo.send(&request.clone().header("accept", browser));
        assert_eq!(page.status, status, "{request:?}");
        let content_type = page.header("content-type").unwrap_or_default();
        assert!(
            content_type.starts_with("text/html"),
            "{request:?}: {page:?}"
        );
        assert!(page.text().contains('<'), "{page:?}");
        let json = demo.send(&request);
        assert_eq!(
            page.header("www-authenticate"),
            json.header("www-authenticate")
        );
    }
}

#[test]
fn the_page_is_html_and_starts_no_session() {
    let demo = Demo::start(&[]);
    let page = demo.send(&Request::get("/"));
    assert_eq!(page.status, 200);
    assert!(
        page.header("content-type")
            .is_some_and(|kind| kind.starts_with("text/html"))
    );
    assert_eq!(page.header("set-cookie"), None);
    let html = page.text().to_lowercase();
    assert!(html.contains("<html") && html.contains("<script"), "{html}");
}

#[test]
fn what_happens_is_counted_once_each() {
    let demo = Demo::start(&[]);
    let session = demo.session("alice");
    let tokens = demo.tokens("alice");
    demo.refresh(&tokens.refresh);
    demo.refresh(&tokens.refresh);
    demo.request("GET", "/api/admin", &session);
    demo.request("GET", "/api/me", &Credential::Bearer("junk".to_owned()));
    demo.request("GET", "/api/me", &Credential::None);
    demo.request("POST", "/session/logout", &session);
    demo.request("POST", "/api/logout-everywhere", &tokens.access);
    let metrics = demo.send(&Request::get("/metrics"));
    let mut counters: Vec<&str> = metrics.text().lines().collect();
    counters.retain(|line| line.starts_with("auth_"));
    counters.sort_unstable();
    assert_eq!(
        counters,
        [
            r#"auth_logins_total{kind="session"} 1"#,
            r#"auth_logins_total{kind="token"} 1"#,
            r#"auth_logouts_total{kind="session"} 1"#,
            r#"auth_refreshes_total{result="advanced"} 1"#,
            r#"auth_refreshes_total{result="replayed"} 1"#,
            r#"auth_refusals_total{reason="insufficient-scope"} 1"#,
            r#"auth_refusals_total{reason="malformed"} 1"#,
            r#"auth_refusals_total{reason="unauthenticated"} 1"#,
            r#"auth_revocations_total{target="login"} 1"#,
            r#"auth_revocations_total{target="subject"} 1"#,
        ]
    );
}

#[test]
fn liveness_and_metrics() {
    let demo = Demo::start(&[]);
    assert_eq!(demo.send(&Request::get("/healthz")).status, 200);
    assert_eq!(
        demo.send(&Request::get("/api/me").bearer("junk")).status,
        401
    );
    let metrics = demo.send(&Request::get("/metrics"));
    assert_eq!(metrics.status, 200);
    assert!(
        metrics
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/plain"))
    );
    // Prometheus text: comments, and samples of a name and a number.
    let samples: Vec<&str> = metrics
        .text()
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    assert!(
        metrics.text().contains("# TYPE ") && !samples.is_empty(),
        "{metrics:?}"
    );
    for sample in samples.iter().filter(|line| !line.is_empty()) {
        let value = sample.rsplit(' ').next().expect("a value");
        assert!(value.parse::<f64>().is_ok(), "{sample}");
    }
}
