//! Cookie sessions of the demo: login, data, logout, and the cookie itself.

use std::{
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use auth_tests::{
    Connection, Curl, Request, Response,
    demo::{COOKIE, Credential, Demo, NOBODY, SetCookie, login},
};
use serde_json::{Value, json};

/// Rounds of each race.
const ROUNDS: usize = 50;

fn put(key: &str, value: &Value) -> Request {
    Request::new("PUT", &format!("/session/data/{key}")).json(value)
}

fn write(demo: &Demo, who: &Credential, key: &str, value: &Value) {
    let response = demo.send(&who.on(put(key, value)));
    assert_eq!(response.status, 204, "{response:?}");
}

/// The value under a key, if there is one.
fn read(demo: &Demo, who: &Credential, key: &str) -> Option<Value> {
    let response = demo.request("GET", &format!("/session/data/{key}"), who);
    match response.status {
        200 => Some(response.json()),
        404 => None,
        _ => panic!("{response:?}"),
    }
}

/// An anonymous session, with a cart in it.
fn anonymous(demo: &Demo) -> Credential {
    let response = demo.send(&put("cart", &json!(["tea"])));
    assert_eq!(response.status, 204, "{response:?}");
    Credential::Cookie(SetCookie::of(&response).expect("a new session").pair)
}

/// The session that comes out of a login with the cookie of `before`.
fn logged_in(demo: &Demo, before: &Credential, user: &str) -> Credential {
    let response = demo.send(&before.on(login("/session/login", user)));
    assert_eq!(response.status, 204, "{response:?}");
    Credential::Cookie(SetCookie::of(&response).expect("a new id").pair)
}

/// A well-formed id that was never given out: a real one with other characters in the middle.
fn unknown(demo: &Demo) -> Credential {
    let real = demo.session("user-9");
    let id = real.secret();
    let (start, end) = (&id[..20], &id[30..]);
    let middle = if &id[20..30] == "0123456789" {
        "9876543210"
    } else {
        "0123456789"
    };
    Credential::Cookie(format!("{COOKIE}={start}{middle}{end}"))
}

/// Sends the requests at the same moment, each on its own connection.
fn at_once<const N: usize>(demo: &Demo, requests: [Request; N]) -> [Response; N] {
    let barrier = Barrier::new(N);
    let server = demo.http();
    thread::scope(|scope| {
        let send = |request: Request| {
            let barrier = &barrier;
            scope.spawn(move || {
                let mut connection = Connection::open(server).expect("a connection");
                barrier.wait();
                connection.send(&request).expect("an answer")
            })
        };
        requests
            .map(send)
            .map(|thread| thread.join().expect("it answered"))
    })
}

#[test]
fn a_session_from_login_to_logout_with_curl() {
    let demo = Demo::start(&[]);
    let curl = Curl::default();
    let post = |path: &str, body: &str| curl.run(["--include", "--data", body, &demo.url(path)]);
    let get = |path: &str| curl.run(["--write-out", "%{http_code}", &demo.url(path)]);

    assert!(get("/api/me").ends_with("401"));
    let answer = post("/session/login", "user=alice&password=wonderland");
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");

    let me: Value = serde_json::from_str(&curl.run([demo.url("/api/me")])).expect("JSON");
    assert_eq!(me["subject"], "alice");
    assert_eq!(me["kind"], "session");
    assert_eq!(me["scopes"], json!(["read"]));
    let seconds = |name: &str| me[name].as_u64().expect("seconds");
    // Unused from now on, it ends after 30 minutes, and at most the minute between two touches.
    let left = seconds("expires_at") - seconds("auth_time");
    assert!((1800..=1861).contains(&left), "{me}");

    let jar = curl.jar();
    let line = jar
        .lines()
        .find(|line| line.contains(COOKIE))
        .expect("the cookie");
    let id = line.rsplit('\t').next().expect("its value");
    demo.keep_secret(id);
    let cookie = Credential::Cookie(format!("{COOKIE}={id}"));
    let both = at_once(
        &demo,
        [
            cookie.on(put("left", &json!(1))),
            cookie.on(put("right", &json!(2))),
        ],
    );
    assert!(
        both.iter().all(|response| response.status == 204),
        "{both:?}"
    );
    assert_eq!(curl.run([demo.url("/session/data/left")]), "1");
    assert_eq!(curl.run([demo.url("/session/data/right")]), "2");

    let answer = post("/session/logout", "");
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    assert!(!curl.jar().contains(COOKIE));
    assert!(get("/api/me").ends_with("401"));
    assert_eq!(demo.who(&cookie), NOBODY);
}

#[test]
fn parallel_requests_keep_each_others_fields() {
    let demo = Demo::start(&[]);
    for who in [anonymous(&demo), demo.session("alice")] {
        for round in 0..ROUNDS {
            let value = json!(round);
            let keys = ["left", "right", "third"];
            let written = at_once(&demo, keys.map(|key| who.on(put(key, &value))));
            assert!(
                written.iter().all(|response| response.status == 204),
                "{written:?}"
            );
            for key in keys {
                assert_eq!(
                    read(&demo, &who, key),
                    Some(value.clone()),
                    "{key}, round {round}"
                );
            }
        }
    }
}

#[test]
fn a_write_that_races_a_logout_brings_nothing_back() {
    let demo = Demo::start(&[]);
    for round in 0..ROUNDS {
        let who = demo.session("user-1");
        write(&demo, &who, "cart", &json!("tea"));
        let [wrote, left] = at_once(
            &demo,
            [
                who.on(put("cart", &json!(round))),
                who.on(Request::post("/session/logout")),
            ],
        );
        assert_eq!(left.status, 204, "{left:?}");
        assert!(matches!(wrote.status, 204 | 409), "{wrote:?}");
        assert_eq!(demo.who(&who), NOBODY, "round {round}");
        assert_eq!(read(&demo, &who, "cart"), None, "round {round}");
        // Late, too.
        let late = demo.send(&who.on(put("cart", &json!("late"))));
        assert_eq!(late.status, 409, "{late:?}");
        assert!(SetCookie::of(&late).is_none(), "{late:?}");
        assert_eq!(read(&demo, &who, "cart"), None, "round {round}");
    }
}

#[test]
fn a_login_is_not_undone_by_a_parallel_write() {
    let demo = Demo::start(&[]);
    for round in 0..ROUNDS {
        let before = anonymous(&demo);
        let [login, wrote] = at_once(
            &demo,
            [
                before.on(login("/session/login", "user-1")),
                before.on(put("note", &json!(round))),
            ],
        );
        assert_eq!(login.status, 204, "{login:?}");
        let now = SetCookie::of(&login).expect("a new id").pair;
        let now = Credential::Cookie(now);
        assert_eq!(demo.who(&now), "user-1", "round {round}");
        assert_eq!(
            SetCookie::of(&wrote).map(|cookie| cookie.pair),
            None,
            "round {round}"
        );
        // Either it came first, and its field survives the login, or it was refused.
        let note = read(&demo, &now, "note");
        match wrote.status {
            204 => assert_eq!(note, Some(json!(round))),
            409 => assert_eq!(note, None),
            _ => panic!("{wrote:?}"),
        }
    }
}

#[test]
fn the_cookie_has_these_attributes_and_no_others() {
    const ALWAYS: [&str; 4] = ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"];
    let demo = Demo::start(&[]);
    let set = |request: &Request| {
        let response = demo.send(request);
        assert_eq!(response.status, 204, "{response:?}");
        SetCookie::of(&response).expect("a cookie")
    };
    let base64url = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');

    for body in [
        "user=alice&password=wonderland",
        "user=alice&password=wonderland&remember=false",
    ] {
        let cookie = set(&Request::post("/session/login").form(body));
        assert!(cookie.pair.starts_with("__Host-id="), "{cookie:?}");
        // 256 bits and the lane.
        assert!(
            cookie.value().len() >= 44 && cookie.value().chars().all(base64url),
            "{cookie:?}"
        );
        assert_eq!(cookie.attributes(), ALWAYS);
    }
    let anonymous = set(&put("cart", &json!(1)));
    assert_eq!(anonymous.attributes(), ALWAYS);

    let remembered = [
        Request::post("/session/login").form("user=alice&password=wonderland&remember=true"),
        Request::post("/session/login")
            .json(&json!({"user": "alice", "password": "wonderland", "remember": true})),
    ]
    .map(|request| set(&request));
    for mut cookie in remembered {
        let max_age = cookie
            .attributes
            .iter()
            .find_map(|a| a.strip_prefix("Max-Age="));
        let seconds: u64 = max_age.expect("Max-Age").parse().expect("a number");
        // What is left of the 12 hours.
        assert!((12 * 3600 - 2..=12 * 3600).contains(&seconds), "{cookie:?}");
        cookie
            .attributes
            .retain(|attribute| !attribute.starts_with("Max-Age="));
        assert_eq!(cookie.attributes(), ALWAYS);

        let removal = set(&Credential::Cookie(cookie.pair).on(Request::post("/session/logout")));
        assert_eq!(removal.pair, "__Host-id=");
        assert_eq!(
            removal.attributes(),
            ["HttpOnly", "Max-Age=0", "Path=/", "SameSite=Lax", "Secure"]
        );
    }
}

#[test]
fn the_insecure_cookie_is_another_one() {
    let demo = Demo::start(&["--insecure-cookie"]);
    let response = demo.send(&login("/session/login", "alice"));
    let cookie = SetCookie::of(&response).expect("a cookie");
    assert!(cookie.pair.starts_with("id="), "{cookie:?}");
    assert_eq!(cookie.attributes(), ["HttpOnly", "Path=/", "SameSite=Lax"]);
    assert_eq!(demo.who(&Credential::Cookie(cookie.pair.clone())), "alice");
    let secure = Credential::Cookie(format!("__Host-{}", cookie.pair));
    assert_eq!(demo.who(&secure), NOBODY);
}

#[test]
fn ids_that_were_not_given_out_are_never_adopted() {
    let demo = Demo::start(&[]);
    let logged_out = demo.session("alice");
    demo.request("POST", "/session/logout", &logged_out);
    let unknown = unknown(&demo);
    let others = ["A", "mine", &"A".repeat(46), &"0".repeat(43)]
        .map(|id| Credential::Cookie(format!("{COOKIE}={id}")));

    for offered in [vec![unknown, logged_out.clone()], others.to_vec()].concat() {
        assert_eq!(demo.who(&offered), NOBODY);
        for (request, begins) in [
            (login("/session/login", "user-1"), true),
            // By now the browser may have a session that this would push aside.
            (put("cart", &json!("planted")), offered != logged_out),
        ] {
            let response = demo.send(&offered.on(request));
            if !begins {
                assert_eq!(response.status, 409, "{response:?}");
                assert!(SetCookie::of(&response).is_none(), "{response:?}");
                assert_eq!(read(&demo, &offered, "cart"), None);
                continue;
            }
            assert_eq!(response.status, 204, "{offered:?}: {response:?}");
            let cookie = SetCookie::of(&response).expect("an id of ours");
            assert_ne!(cookie.value(), offered.secret());
            assert_eq!(demo.who(&offered), NOBODY);
            assert_eq!(read(&demo, &offered, "cart"), None);
        }
    }
}

#[test]
fn an_id_that_is_unknown_changes_nothing() {
    let demo = Demo::start(&[]);
    let unknown = unknown(&demo);
    for path in [
        "/api/me",
        "/public",
        "/verify",
        "/session/data/cart",
        "/healthz",
    ] {
        let response = demo.request("GET", path, &unknown);
        assert_eq!(
            SetCookie::of(&response).map(|cookie| cookie.pair),
            None,
            "{path}"
        );
    }
}

#[test]
fn a_login_always_makes_a_new_id_and_the_old_one_is_dead_at_once() {
    let demo = Demo::start(&[]);
    let mut before = anonymous(&demo);
    // From nobody to alice, from alice to alice again, from alice to somebody else.
    for user in ["alice", "alice", "user-1"] {
        let after = logged_in(&demo, &before, user);
        assert_ne!(after.secret(), before.secret());
        assert_eq!(demo.who(&after), user);

        assert_eq!(demo.who(&before), NOBODY);
        assert_eq!(read(&demo, &before, "cart"), None);
        let late = demo.send(&before.on(put("cart", &json!("late"))));
        assert_eq!(late.status, 409, "{late:?}");
        assert_eq!(late.header("set-cookie"), None);
        assert_eq!(late.header("www-authenticate"), None);
        let read = demo.request("GET", "/api/me", &before);
        assert_eq!(read.header("set-cookie"), None);
        before = after;
    }
}

#[test]
fn anonymous_data_survives_a_login_and_not_a_logout() {
    let demo = Demo::start(&[]);
    let nobody = anonymous(&demo);
    write(
        &demo,
        &nobody,
        "theme",
        &json!({"dark": true, "accent": null}),
    );

    let alice = logged_in(&demo, &nobody, "alice");
    assert_eq!(read(&demo, &alice, "cart"), Some(json!(["tea"])));
    assert_eq!(
        read(&demo, &alice, "theme"),
        Some(json!({"dark": true, "accent": null}))
    );

    let somebody_else = logged_in(&demo, &alice, "user-1");
    assert_eq!(read(&demo, &somebody_else, "cart"), None);
    write(&demo, &somebody_else, "cart", &json!("mine"));

    let response = demo.request("POST", "/session/logout", &somebody_else);
    assert_eq!(response.status, 204);
    assert_eq!(read(&demo, &somebody_else, "cart"), None);
    // Nor does an anonymous visitor's data survive his logout.
    let nobody = anonymous(&demo);
    demo.request("POST", "/session/logout", &nobody);
    assert_eq!(read(&demo, &nobody, "cart"), None);
}

#[test]
fn a_wrong_password_changes_nothing() {
    let demo = Demo::start(&[]);
    let alice = demo.session("alice");
    write(&demo, &alice, "cart", &json!("tea"));
    for body in [
        "user=alice&password=wrong",
        "user=admin&password=wonderland",
        "user=mallory&password=wonderland",
        "user=user-21&password=user-21",
        "user=user-01&password=user-01",
        "user=user-%2B1&password=user-%2B1",
        "user=alice&password=",
        "user=&password=",
    ] {
        for who in [&alice, &Credential::None] {
            let response = demo.send(&who.on(Request::post("/session/login").form(body)));
            assert_eq!(response.status, 401, "{body}: {response:?}");
            assert_eq!(response.header("set-cookie"), None, "{body}");
        }
        assert_eq!(demo.who(&alice), "alice");
        assert_eq!(read(&demo, &alice, "cart"), Some(json!("tea")));
    }
}

#[test]
fn data_is_any_json_and_can_be_removed() {
    let demo = Demo::start(&[]);
    let who = anonymous(&demo);
    assert_eq!(read(&demo, &who, "cart"), Some(json!(["tea"])));
    for value in [
        json!(null),
        json!(false),
        json!(-1.5),
        json!("\u{e4}\u{1F375}\n\""),
        json!([[], {}]),
        json!({"a": {"b": [1, 2, 3]}}),
    ] {
        write(&demo, &who, "value", &value);
        assert_eq!(read(&demo, &who, "value"), Some(value));
    }
    assert_eq!(
        demo.request("DELETE", "/session/data/value", &who).status,
        204
    );
    assert_eq!(read(&demo, &who, "value"), None);
    assert_eq!(read(&demo, &who, "cart"), Some(json!(["tea"])));
}

#[test]
fn a_session_in_constant_use_ends_at_its_absolute_end() {
    let demo = Demo::start(&["--session-idle", "1s", "--session-absolute", "1s"]);
    let start = Instant::now();
    let alice = demo.session("user-1");
    let mut used = 0;
    while demo.who(&alice) != NOBODY {
        used += 1;
        assert!(start.elapsed() < Duration::from_secs(20), "it lives on");
    }
    let ended = start.elapsed();
    assert!(
        used > 0 && ended > Duration::from_millis(900),
        "{used} {ended:?}"
    );
    assert_eq!(demo.who(&demo.session("user-1")), "user-1");
}
