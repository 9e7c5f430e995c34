//! What no honest client sends: broken headers, cookies, bodies and paths.

use std::{collections::BTreeSet, fs, io, thread};

use auth_tests::{
    Connection, Request, Response,
    demo::{COOKIE, Credential, Demo, SetCookie, Tokens, login},
    vectors,
};
use serde_json::{Value, json};

/// A line of a vector file.
struct Case(Value);

impl Case {
    fn all(file: &str) -> Vec<Self> {
        let text = fs::read_to_string(vectors().join(file)).expect("the vectors are there");
        let cases = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"));
        cases.map(Self).collect()
    }

    fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap_or_default()
    }

    /// The request that it describes, with the placeholders substituted.
    fn request(&self, target: &str, substitute: impl Fn(&str) -> String) -> Request {
        let headers = self.0["headers"].as_array().expect("a list");
        let headers: Vec<(&str, String)> = headers
            .iter()
            .map(|pair| {
                let text = |at: usize| pair[at].as_str().expect("text");
                (text(0), substitute(text(1)))
            })
            .collect();
        let query = headers.iter().find(|(name, _)| *name == ":path");
        let query = query.map_or("", |(_, path)| path.trim_start_matches('/'));
        let request = Request::new("GET", &format!("{target}{query}"));
        headers
            .iter()
            .filter(|(name, _)| *name != ":path")
            .fold(request, |request, (name, value)| {
                request.header(name, latin1(value))
            })
    }
}

/// One byte for each character.
fn latin1(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| u8::try_from(c).expect("latin-1"))
        .collect()
}

/// What became of a request to `/api/me`: a subject, or the refusal.
fn outcome(response: &Response) -> Result<String, (u16, Option<String>)> {
    if response.status == 200 {
        return Ok(response.json()["subject"]
            .as_str()
            .expect("a subject")
            .to_owned());
    }
    let challenge = response.header("www-authenticate").unwrap_or_default();
    let error = challenge
        .split_once("error=\"")
        .and_then(|(_, rest)| rest.split_once('"'));
    Err((response.status, error.map(|(code, _)| code.to_owned())))
}

/// Accepted as the right user, or refused as the client's fault.
fn assert_verdict(case: &Case, response: &Response, also_allowed: &[&str]) {
    let name = case.text("name");
    match (case.text("expect"), outcome(response)) {
        ("accept", Ok(subject)) => assert_eq!(subject, case.text("identity"), "{name}"),
        ("either", Ok(subject)) => assert!(also_allowed.contains(&&*subject), "{name}: {subject}"),
        ("reject" | "either", Err((400 | 401 | 431, _))) => {}
        (expected, found) => panic!("{name}: expected {expected}, found {found:?}"),
    }
    assert_eq!(response.header("set-cookie"), None, "{name}");
}

#[track_caller]
fn assert_alive(demo: &Demo) {
    assert_eq!(demo.send(&Request::get("/healthz")).status, 200);
    assert_eq!(demo.who(&demo.session("user-1")), "user-1");
    let printed = demo.program().output();
    assert!(!printed.contains("panicked"), "{printed}");
}

#[test]
fn every_shape_of_the_authorization_header_gets_its_verdict() {
    const MALFORMED: [&str; 11] = [
        "authz-two-spaces",
        "authz-tab",
        "authz-equals",
        "authz-two-tokens-space",
        "authz-trailing-comma",
        "authz-param",
        "authz-two-headers-same",
        "authz-two-headers-bob-alice",
        "authz-two-headers-basic-bearer",
        "authz-two-headers-empty-bearer",
        "authz-non-ascii-value",
    ];
    let demo = Demo::start(&[]);
    let alice = demo.tokens("alice").access;
    let bob = demo.tokens("user-1").access;
    let session = demo.session("alice");
    let substitute = |value: &str| {
        value
            .replace("<valid-token-of-alice>", alice.secret())
            .replace("<valid-token-of-bob>", bob.secret())
            .replace(
                "__Host-sid=M4UdvhFxvnfqPZ8eePaWPC5X691OKwCP5EbDHuv1ISw",
                &format!("{COOKIE}={}", session.secret()),
            )
    };
    let cases = Case::all("authz_header.jsonl");
    assert!(cases.len() >= 24);
    for case in &cases {
        let response = demo.send(&case.request("/api/me", substitute));
        assert_verdict(case, &response, &["alice"]);
        // The rows of the table: no credential, a malformed header, a token that is no good.
        let name = case.text("name");
        let expected = match name {
            _ if case.text("expect") == "accept" => continue,
            // Too long to be read at all, so that either will do.
            "authz-spaces-50k" => continue,
            _ if MALFORMED.contains(&name) => (400, Some("invalid_request")),
            "authz-long-64k" | "authz-bad-bearer-good-cookie" => (401, Some("invalid_token")),
            _ => (401, None),
        };
        let (status, error) = outcome(&response).expect_err(name);
        assert_eq!((status, error.as_deref()), expected, "{name}");
        assert_eq!(
            response.header("content-type"),
            Some("application/problem+json"),
            "{name}"
        );
    }
    assert_alive(&demo);
}

#[test]
fn every_shape_of_the_cookie_header_gets_its_verdict() {
    let demo = Demo::start(&[]);
    let alice = demo.session("alice");
    let bob = demo.session("user-1");
    let revoked = demo.session("alice");
    assert_eq!(
        demo.request("POST", "/session/logout", &revoked).status,
        204
    );
    let id = alice.secret().to_owned();
    // Well formed and never given out: the middles of two ids exchanged.
    let unknown = [&id[..20], &bob.secret()[20..40], &id[40..]].concat();
    // The shapes that are not made of the whole id are made of ours here.
    let lower = id.to_lowercase();
    let standard_alphabet = format!("{}+", &id[..id.len() - 1]);
    let tab_inside = format!("{}\t{}", &id[..20], &id[21..]);
    let other_spelling = {
        // The last character carries four unused bits: the next one is the same id, spelled wrong.
        let last = id.as_bytes()[id.len() - 1];
        format!("{}{}", &id[..id.len() - 1], char::from(last + 1))
    };
    let fullwidth = {
        let wide = |c: char| match c {
            '!'..='~' => char::from_u32(u32::from(c) + 0xfee0).expect("a fullwidth form"),
            _ => c,
        };
        let start: String = id[..4].chars().map(wide).collect();
        let start: String = start.bytes().map(char::from).collect();
        format!("{start}{}", &id[4..])
    };
    let substitute = |name: &str, value: &str| {
        let value = match name {
            "cookie-id-lower" => format!("__Host-sid={lower}"),
            "cookie-id-std-alphabet" => format!("__Host-sid={standard_alphabet}"),
            "cookie-id-tab-inside" => format!("__Host-sid={tab_inside}"),
            "cookie-id-noncanonical-bits" => format!("__Host-sid={other_spelling}"),
            "cookie-id-fullwidth" => format!("__Host-sid={fullwidth}"),
            _ => value.to_owned(),
        };
        // The bare name and the encoded one, too.
        value
            .replace("Host-sid", "Host-id")
            .replace("Host%2Dsid", "Host%2Did")
            .replace("sid=M4Udv", "id=M4Udv")
            .replace("M4UdvhFxvnfqPZ8eePaWPC5X691OKwCP5EbDHuv1ISw", &id)
            .replace("GhZ-EjYoNrO52cu06Ra_JrLSXrSqnusNLB_-LUlzvEM", bob.secret())
            .replace(
                "MUmO6L6QdXBKB6f4VA4luHbSVAvVdwz5hJX5mPEoDm8",
                revoked.secret(),
            )
            .replace("aweXM66I7hJ8iwNLKPdPbuliZrgu8fa6An7oyPHmOt4", &unknown)
    };
    let cases = Case::all("cookie_header.jsonl");
    assert!(cases.len() >= 53);
    for case in &cases {
        let name = case.text("name");
        let request = case.request("/api/me", |value| substitute(name, value));
        let response = demo.send(&request);
        let allowed = match name {
            "cookie-embedded-in-quoted" => ["user-1"],
            _ => ["alice"],
        };
        assert_verdict(case, &response, &allowed);
    }
    assert_ne!(unknown, id);
    let offered = Credential::Cookie(format!("{COOKIE}={unknown}"));
    let put = Request::new("PUT", "/session/data/cart").json(&json!(1));
    let made = demo.send(&offered.on(put));
    assert_ne!(
        SetCookie::of(&made).expect("a session of its own").value(),
        unknown
    );
    assert_eq!(demo.who(&alice), "alice");
    assert_alive(&demo);
}

/// Bodies that are wrong for every route that takes one.
fn bodies() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    const JSON: &str = "application/json";
    const FORM: &str = "application/x-www-form-urlencoded";
    let deep = |open: &str, depth: usize| open.repeat(depth).into_bytes();
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        ("nothing", JSON, Vec::new()),
        ("not JSON", JSON, text("{user:")),
        (
            "JSON and more",
            JSON,
            text(r#"{"user":"a","password":"b"}}"#),
        ),
        ("a bare word", JSON, text("nonsense")),
        ("a control character", JSON, text("\"\u{1}\"")),
        (
            "invalid UTF-8",
            JSON,
            b"{\"user\":\"\xff\xfe\",\"password\":\"\xc3\"}".to_vec(),
        ),
        (
            "half a surrogate",
            JSON,
            text(r#"{"user":"\ud800","password":"x"}"#),
        ),
        ("deep lists", JSON, deep("[", 200_000)),
        ("deep objects", JSON, deep("{\"a\":", 100_000)),
        ("a NUL", JSON, b"\0".to_vec()),
        ("a number without end", JSON, text("1e999999999")),
        ("a form that is nothing", FORM, Vec::new()),
        ("a form without names", FORM, text("&&&=&=x&")),
        (
            "a form with broken escapes",
            FORM,
            text("user=%&password=%zz&token%=&refresh_token%q=1"),
        ),
        (
            "a form of other bytes",
            FORM,
            b"user=\xff\xfe&\x00=\x80".to_vec(),
        ),
        (
            "another content type",
            "text/plain",
            text("user=alice&password=wonderland"),
        ),
        ("XML", "application/xml", text("<user>alice</user>")),
        ("a broken content type", ";;=", text("{}")),
        ("a content type that is none", "\u{1}", text("{}")),
        (
            "many parts",
            "multipart/form-data; boundary=x",
            text("--x\r\n\r\nuser\r\n--x--"),
        ),
    ]
}

/// JSON of the wrong shape for the routes that want certain members.
fn wrong_shapes() -> Vec<Vec<u8>> {
    [
        json!(null),
        json!([]),
        json!("alice"),
        json!({}),
        json!({"user": null, "password": null, "token": null, "refresh_token": null}),
        json!({"user": 1, "password": true, "token": 1.5, "refresh_token": {}}),
        json!({"user": ["alice"], "password": ["wonderland"], "token": [], "refresh_token": [[]]}),
        json!({"user": {"$ne": ""}, "password": {"$ne": ""}, "token": {}, "refresh_token": 0}),
    ]
    .iter()
    .map(|value| value.to_string().into_bytes())
    .collect()
}

/// Sends as much as the server takes, and reads its answer if it gives one.
fn send_anyway(demo: &Demo, request: &Request) -> io::Result<Response> {
    Connection::open(demo.http())?.send(request)
}

#[test]
fn malformed_bodies_are_the_clients_fault() {
    let demo = Demo::start(&[]);
    let admin = demo.tokens("admin").access;
    let alice = demo.session("alice");
    let routes = [
        ("POST", "/session/login", &Credential::None),
        ("POST", "/token/login", &Credential::None),
        ("POST", "/token/refresh", &Credential::None),
        ("POST", "/token/revoke", &Credential::None),
        ("POST", "/token/introspect", &admin),
        ("PUT", "/session/data/cart", &alice),
        ("PUT", "/session/data/cart", &Credential::None),
    ];
    for (method, path, who) in routes {
        let mut tried = bodies();
        if method == "POST" {
            let shapes = wrong_shapes().into_iter();
            tried.extend(shapes.map(|body| ("the wrong shape", "application/json", body)));
        } else {
            // What is wrong there is what is not JSON.
            tried.retain(|(name, _, _)| {
                *name != "half a surrogate" && !name.contains("content type")
            });
        }
        for (name, content_type, body) in tried {
            let request = Request::new(method, path)
                .header("content-type", latin1(content_type))
                .body(body);
            let response = demo.send(&who.on(request));
            assert!(
                (400..500).contains(&response.status),
                "{method} {path}, {name}: {response:?}"
            );
            assert_eq!(response.header("set-cookie"), None, "{path}, {name}");
        }
        let huge = [&b"\""[..], &vec![b'a'; 8 * 1024 * 1024], b"\""].concat();
        for content_type in ["application/json", "application/x-www-form-urlencoded"] {
            let request = Request::new(method, path)
                .header("content-type", content_type)
                .body(huge.clone());
            // It may hang up before all of it was sent.
            if let Ok(response) = send_anyway(&demo, &who.on(request)) {
                assert!(
                    (400..500).contains(&response.status),
                    "{path}: {response:?}"
                );
            }
        }
    }
    assert_eq!(demo.who(&admin), "admin");
    assert_eq!(demo.who(&alice), "alice");
    assert_alive(&demo);
}

#[test]
fn routes_that_take_no_body_do_not_mind_any() {
    let demo = Demo::start(&[]);
    let mut broken = Vec::new();
    for (method, path) in [
        ("POST", "/session/logout"),
        ("DELETE", "/session/data/cart"),
        ("POST", "/api/password"),
        ("DELETE", "/api/logins"),
        ("DELETE", "/api/logins/AAAAAAAAAAAAAAAAAAAAAA"),
        ("POST", "/api/revoke-subject/nobody"),
        ("POST", "/api/logout-everywhere"),
        ("POST", "/api/revoke-all"),
    ] {
        for (name, content_type, body) in bodies() {
            let request = Request::new(method, path)
                .header("content-type", latin1(content_type))
                .body(body);
            let callers = [
                Credential::None,
                demo.session("user-2"),
                demo.tokens("user-2").access,
            ];
            for who in &callers {
                let response = demo.send(&who.on(request.clone()));
                if response.status >= 500 {
                    let who = who.kind();
                    broken.push(format!(
                        "{method} {path}, {name}, by {who}: {}",
                        response.status
                    ));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert_alive(&demo);
}

#[test]
fn session_data_has_its_limits() {
    let demo = Demo::start(&[]);
    let alice = demo.session("user-1");
    let put = |key: &str, value: &Value| {
        let request = Request::new("PUT", &format!("/session/data/{key}")).json(value);
        demo.send(&alice.on(request)).status
    };
    // 16 KiB a field, 64 KiB and 64 fields in all.
    let kib = |n: usize| json!("x".repeat(n * 1024 - 2));
    assert_eq!(put("large", &kib(15)), 204);
    let too_large = put("large", &kib(17));
    assert!((400..500).contains(&too_large), "{too_large}");
    // Which limit it is, and of what.
    let request = Request::new("PUT", "/session/data/large").json(&kib(17));
    let refused = demo.send(&alice.on(request));
    assert_eq!(refused.status, 413);
    let why = "session field \"large\": larger than 16 KiB of JSON";
    assert_eq!(refused.json()["detail"], why);
    for key in ["a", "b", "c"] {
        assert_eq!(put(key, &kib(15)), 204);
    }
    let too_much = put("d", &kib(15));
    assert!((400..500).contains(&too_much), "{too_much}");
    assert_eq!(put("d", &json!("small")), 204);

    let other = demo.session("user-2");
    let put = |key: usize| {
        let request = Request::new("PUT", &format!("/session/data/key-{key}")).json(&json!(key));
        demo.send(&other.on(request)).status
    };
    assert!((0..64).all(|key| put(key) == 204));
    let too_many = put(64);
    assert!((400..500).contains(&too_many), "{too_many}");
    assert_eq!(put(63), 204);
    assert_eq!(
        demo.request("DELETE", "/session/data/key-0", &other).status,
        204
    );
    assert_eq!(put(64), 204);
    assert_alive(&demo);
}

#[test]
fn odd_paths_and_names_are_the_clients_fault() {
    let demo = Demo::start(&[]);
    let alice = demo.tokens("alice");
    let admin = demo.session("admin");
    let long = "a".repeat(8000);
    let names = [
        "",
        ".",
        "..",
        "%",
        "%00",
        "%0d%0a",
        "%ff%fe",
        "%2e%2e%2f",
        "%2F",
        "a/b",
        "a:b",
        "{tag}",
        "*",
        "'",
        "\"",
        "$",
        "__proto__",
        "%F0%9F%8D%B5",
        "AAAAAAAAAAAAAAAAAAAAAB",
        "-",
        &long,
    ];
    let mut broken = Vec::new();
    for who in [&alice.access, &admin, &Credential::None] {
        for name in names {
            for (method, prefix) in [
                ("GET", "/session/data/"),
                ("PUT", "/session/data/"),
                ("DELETE", "/session/data/"),
                ("DELETE", "/api/logins/"),
                ("GET", "/api/logins/"),
                ("GET", "/"),
                ("GET", "/api/me"),
                ("POST", "/api/revoke-subject/"),
            ] {
                let target = format!("{prefix}{name}");
                // Some of these are not even HTTP: then the answer is 400, without a body.
                let request = Request::new(method, &target).json(&json!(1));
                let response = demo.send(&who.on(request));
                if response.status >= 500 {
                    let (who, start) = (who.kind(), target.get(..60).unwrap_or(&target));
                    broken.push(format!("{method} {start}, by {who}: {}", response.status));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    // What differs from a login's id by its spelling is not that login.
    let login = demo.login_of(&alice.access);
    for id in [
        login.to_lowercase(),
        format!("{login}="),
        format!("{login}A"),
        format!("%20{login}"),
    ] {
        if id != login {
            let response = demo.request("DELETE", &format!("/api/logins/{id}"), &alice.access);
            assert!(response.status < 500, "{id}: {response:?}");
        }
    }
    assert_eq!(demo.who(&alice.access), "alice");
    assert_eq!(
        demo.who(&Tokens::of(&demo.refresh(&alice.refresh)).access),
        "alice"
    );
    assert_eq!(demo.who(&admin), "admin");
    assert_alive(&demo);
}

#[test]
fn only_the_methods_of_a_route_are_served() {
    let demo = Demo::start(&[]);
    let alice = demo.session("alice");
    for (path, wrong) in [
        ("/session/login", "GET"),
        ("/session/logout", "GET"),
        ("/token/login", "GET"),
        ("/token/refresh", "GET"),
        ("/token/revoke", "GET"),
        ("/token/introspect", "GET"),
        ("/api/password", "GET"),
        ("/api/logout-everywhere", "GET"),
        ("/api/revoke-all", "GET"),
        ("/api/me", "POST"),
        ("/healthz", "DELETE"),
    ] {
        for who in [&Credential::None, &alice] {
            let response = demo.request(wrong, path, who);
            assert!(
                matches!(response.status, 401 | 403 | 405),
                "{wrong} {path}: {response:?}"
            );
        }
        assert_eq!(demo.who(&alice), "alice");
    }
    assert_alive(&demo);
}

#[test]
fn odd_users_devices_and_scopes_are_the_clients_fault() {
    let demo = Demo::start(&[]);
    let long = "x".repeat(100_000);
    let mut broken = Vec::new();
    for odd in [
        "",
        " ",
        "\0",
        "\r\n",
        "\"\\",
        "\u{e4}\u{1F375}",
        "../..",
        "{tag}",
        "*",
        &long,
    ] {
        for path in ["/session/login", "/token/login"] {
            for body in [
                json!({"user": odd, "password": odd}),
                json!({"user": "user-1", "password": odd}),
                json!({"user": "user-1", "password": "user-1", "device": odd}),
                json!({"user": "user-1", "password": "user-1", "scope": odd}),
                json!({"user": "user-1", "password": "user-1", "remember": odd}),
            ] {
                let response = demo.send(&Request::post(path).json(&body));
                if response.status >= 500 {
                    let body = body.to_string();
                    let start: String = body.chars().take(200).collect();
                    broken.push(format!("{path} {start}: {}", response.status));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    // Whatever was kept of it can be listed.
    assert!(demo.logins(&demo.session("user-1")).len() > 1);
    assert_alive(&demo);
}

#[test]
fn many_clients_at_once_get_no_server_error() {
    const CLIENTS: usize = 12;
    let demo = Demo::start(&[]);
    let served = |client: usize| {
        let user = format!("user-{}", client % 3 + 1);
        let mut statuses = BTreeSet::new();
        let mut note = |response: Response| {
            statuses.insert(response.status);
            response
        };
        for round in 0..10 {
            // Either may lose against a revocation of the same user.
            let session = note(demo.send(&login("/session/login", &user)));
            let Some(cookie) = SetCookie::of(&session) else {
                continue;
            };
            let session = Credential::Cookie(cookie.pair);
            let tokens = note(demo.send(&login("/token/login", &user)));
            if tokens.status != 200 {
                continue;
            }
            let tokens = Tokens::of(&tokens);
            let key = format!("/session/data/key-{}", round % 4);
            let put = Request::new("PUT", &key).json(&json!([client, round]));
            note(demo.send(&session.on(put)));
            note(demo.request("GET", &key, &session));
            let refreshed = note(demo.refresh(&tokens.refresh));
            note(demo.refresh(&tokens.refresh));
            if refreshed.status == 200 {
                note(demo.request("GET", "/api/logins", &Tokens::of(&refreshed).access));
            }
            let (method, path) = [
                ("POST", "/session/logout"),
                ("DELETE", "/api/logins"),
                ("POST", "/api/password"),
                ("POST", "/api/logout-everywhere"),
            ][(client + round) % 4];
            note(demo.request(method, path, &session));
            note(demo.request("GET", "/api/me", &session));
            note(demo.request("GET", "/verify", &tokens.access));
        }
        statuses
    };
    let statuses: BTreeSet<u16> = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| scope.spawn(move || served(client)))
            .collect();
        let joined = clients
            .into_iter()
            .map(|client| client.join().expect("served"));
        joined.flatten().collect()
    });
    assert!(
        statuses
            .iter()
            .all(|status| [200, 204, 400, 401, 404, 409].contains(status)),
        "{statuses:?}"
    );
    assert!(
        statuses.contains(&200) && statuses.contains(&401),
        "{statuses:?}"
    );
    assert_alive(&demo);
}
