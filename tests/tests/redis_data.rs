//! What a session holds on Redis, as other programs read it.

use auth_tests::{Redis, Request, demo::Demo};
use serde_json::{Value, json};

#[test]
fn values_are_plain_json_under_the_names_that_they_were_given() {
    let redis = Redis::start(&[]);
    let demo = Demo::start(&["--redis", &redis.url()]);
    let who = demo.session("alice");
    let values = [
        ("cart", json!({"apples": 3, "list": [1.5, null, true]})),
        ("name", json!("G\u{fc}nther \u{1f980} \"quoted\"\n")),
        ("count", json!(9_007_199_254_740_993_u64)),
        ("nothing", Value::Null),
    ];
    for (name, value) in &values {
        let put = Request::new("PUT", &format!("/session/data/{name}")).json(value);
        assert_eq!(demo.send(&who.on(put)).status, 204, "{name}");
    }
    let key = redis.cli(&["--scan", "--pattern", "auth:s:*"]);
    assert_eq!(key.lines().count(), 1, "{key}");
    for (name, value) in &values {
        let text = redis.cli(&["HGET", &key, &format!("f:{name}")]);
        let read: Value = serde_json::from_str(&text).expect("it is JSON");
        assert_eq!(read, *value, "{name}");
    }
}
