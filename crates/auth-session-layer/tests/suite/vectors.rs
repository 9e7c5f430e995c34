//! The cookie vectors of the workspace, with ids of a real store in their places.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use auth_core::Caller;
use auth_session_layer::Session;
use http::{HeaderName, HeaderValue, Request, Uri};
use parking_lot::Mutex;
use serde_json::Value;

use crate::{
    store::Call,
    support::{Browser, World, count, ok, put, secs},
};

fn vectors(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
    fs::read_to_string(path.join(name)).expect("the vectors are there")
}

/// Sessions in the states that the fixtures name, and the id that stands for each.
async fn fixtures(world: &World) -> (String, BTreeMap<String, (String, String)>) {
    let fixtures: Value = serde_json::from_str(&vectors("session_fixtures.json")).expect("JSON");
    let expired = world.browser_of("expired").await;
    world.advance(Duration::from_secs(24 * 60 * 60));
    let revoked = world.browser_of("revoked").await;
    revoked
        .visit_without_taking(world, async |session: Session| {
            session.logout().await.expect("available");
            ok()
        })
        .await;
    let unknown = World::new().browser_of("unknown").await;
    let ours = BTreeMap::from([
        ("alice", world.browser_of("alice").await),
        ("bob", world.browser_of("bob").await),
        ("anon", world.browser_with_cart().await),
        ("expired", expired),
        ("revoked", revoked),
        ("unknown", unknown),
    ]);
    let sessions = fixtures["sessions"].as_object().expect("sessions");
    assert_eq!(sessions.len(), ours.len());
    let ids = sessions.iter().map(|(name, session)| {
        let id = session["id"].as_str().expect("an id").to_owned();
        let ours = ours[name.as_str()].cookie.clone().expect("set");
        (name.clone(), (id, ours))
    });
    let name = fixtures["cookie_name"].as_str().expect("a name").to_owned();
    (name, ids.collect())
}

/// The placeholders of a header's value become ours, and each of its characters one byte.
fn ours(text: &str, name: &str, ids: &BTreeMap<String, (String, String)>) -> Vec<u8> {
    let short = |name: &str| name.trim_start_matches("__Host-").to_owned();
    let mut text = text.replace(&short(name), "id");
    // Whatever the case was about, it is about it still: pieces of alice's id become pieces of
    // her id with us, so that what is broken in the one is broken in the other.
    for (theirs, ours) in ids.values() {
        text = text.replace(theirs.as_str(), ours);
        text = text.replace(&theirs.to_lowercase(), &ours.to_lowercase());
        text = text.replace(&theirs[..42], &format!("{}{}", &ours[..42], &ours[42..45]));
        text = text.replace(&theirs[4..40], &ours[4..43]);
    }
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).expect("latin-1"))
        .collect()
}

#[tokio::test]
async fn every_shape_of_the_cookie_header_is_served_as_the_vectors_say() {
    let world = World::new();
    let (name, ids) = fixtures(&world).await;
    let (mut ran, mut raw_only) = (0, Vec::new());
    for line in vectors("cookie_header.jsonl").lines() {
        let case: Value = serde_json::from_str(line).expect("JSON");
        let case_name = case["name"].as_str().expect("a name");
        if case["raw_only"] == true {
            // Bytes that `HeaderValue` does not hold, so that no layer ever sees them.
            raw_only.push(case_name.to_owned());
            continue;
        }
        let mut request = Request::new(String::new());
        for header in case["headers"].as_array().expect("headers") {
            let (key, value) = (header[0].as_str(), header[1].as_str());
            let (key, value) = (key.expect("a name"), value.expect("a value"));
            if key == ":path" {
                *request.uri_mut() = Uri::try_from(value).expect("a URI");
                continue;
            }
            let key: HeaderName = key.parse().expect("a header name");
            let value = HeaderValue::from_bytes(&ours(value, &name, &ids));
            request.headers_mut().append(key, value.expect(case_name));
        }
        let found = Mutex::new(None);
        let handler = async |request: Request<String>| {
            let caller = request.extensions().get::<Caller>().expect("a caller");
            let principal = caller.principal().await.expect("available");
            *found.lock() = principal.map(|p| p.subject().to_owned());
            ok()
        };
        let response = world.send(request, handler).await;
        assert_eq!(response.status(), 200, "{case_name}");
        assert!(response.headers().is_empty(), "{case_name}");
        let found = found.into_inner();
        match case["expect"].as_str() {
            Some("accept") => {
                assert_eq!(found.as_deref(), case["identity"].as_str(), "{case_name}")
            }
            Some("reject") => assert_eq!(found, None, "{case_name}"),
            Some("either") => {
                let other = if case_name == "cookie-embedded-in-quoted" {
                    "bob"
                } else {
                    "alice"
                };
                assert!(
                    found.is_none() || found.as_deref() == Some(other),
                    "{case_name}"
                );
            }
            other => panic!("{case_name}: {other:?}"),
        }
        let calls = world.store.calls();
        if case["must"]
            .as_str()
            .is_some_and(|must| must.contains("no store command"))
        {
            assert_eq!(calls, [], "{case_name}");
        }
        assert!(calls.len() <= 1, "{case_name}");
        ran += 1;
    }
    assert_eq!(raw_only, ["cookie-nul-before", "cookie-nul-in-id"]);
    assert_eq!(ran + raw_only.len(), 53);
}

/// Where each statement of `set_cookie_out.jsonl` is proven.
#[tokio::test]
async fn every_statement_about_set_cookie_has_its_test() {
    let proven = BTreeMap::from([
        (
            "setcookie-login-attributes",
            "cookie::the_host_prefix_works_and_the_attributes_are_the_safe_ones",
        ),
        (
            "setcookie-no-set-cookie-on-cached",
            "cookie::a_response_that_sets_the_cookie_is_never_cached",
        ),
        ("setcookie-id-entropy", "id::ids_differ_and_are_not_shown"),
        (
            "setcookie-id-hashed-at-rest",
            "id::at_rest_there_is_only_the_sha_256",
        ),
        (
            "setcookie-max-age-extreme",
            "cookie::settings_that_can_not_work_fail_where_the_layer_is_built",
        ),
        (
            "setcookie-expires-year-9999",
            "vectors::no_date_is_ever_formatted",
        ),
        (
            "setcookie-rolling-throttle",
            "expiry::a_thousand_requests_in_a_second_are_recorded_as_one_use",
        ),
    ]);
    let all = vectors("set_cookie_out.jsonl");
    let names: Vec<String> = all
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .map(|case| case["name"].as_str().expect("a name").to_owned())
        .collect();
    assert_eq!(names.len(), proven.len());
    for name in names {
        assert!(proven.contains_key(name.as_str()), "{name}");
    }
}

#[tokio::test]
async fn no_date_is_ever_formatted() {
    let world = World::new();
    // As late as a clock goes: there is a Max-Age, and no Expires.
    world.clock.set(auth_core::Timestamp::from_millis(u64::MAX));
    let mut browser = Browser::default();
    let login = auth_session_layer::Login::new("alice").persistent(true);
    let response = browser
        .visit(&world, async |session| {
            crate::support::log_in(&session, login.clone())
        })
        .await;
    let cookie = crate::support::our_cookie(response.headers());
    assert!(cookie.is_none_or(|cookie| !cookie.contains("Expires")));
}

#[tokio::test]
async fn the_store_never_sees_an_id() {
    let world = World::new();
    let browser = world.browser_with_cart().await;
    world.advance(secs(1));
    browser
        .visit_without_taking(&world, async |session| put(&session, "cart", "rum").await)
        .await;
    assert_eq!(count(&world.store.calls(), Call::Commit), 1);
    let id = browser.cookie.expect("set");
    assert!(!format!("{:?}", world.store.inner).contains(&id));
}
