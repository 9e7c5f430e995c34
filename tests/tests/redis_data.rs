//! What a session holds on Redis, as other programs read it.

use auth_tests::{
    Redis, Request,
    demo::{Credential, Demo},
    python,
};
use serde_json::{Value, json};

/// Values of every kind that JSON has.
fn values() -> [(&'static str, Value); 6] {
    [
        ("cart", json!({"apples": 3, "list": [1.5, null, true]})),
        ("name", json!("G\u{fc}nther \u{1f980} \"quoted\"\n")),
        ("count", json!(9_007_199_254_740_993_u64)),
        ("nothing", Value::Null),
        ("empty", json!("")),
        ("na\u{ef}ve field", json!(false)),
    ]
}

fn keep(demo: &Demo, who: &Credential) {
    for (name, value) in values() {
        let path = format!(
            "/session/data/{}",
            name.replace(' ', "%20").replace('\u{ef}', "%C3%AF")
        );
        let put = Request::new("PUT", &path).json(&value);
        assert_eq!(demo.send(&who.on(put)).status, 204, "{name}");
    }
}

#[test]
fn values_are_plain_json_under_the_names_that_they_were_given() {
    let redis = Redis::start(&[]);
    let demo = Demo::start(&["--redis", &redis.url()]);
    keep(&demo, &demo.session("alice"));
    let key = redis.cli(&["--scan", "--pattern", "auth:s:*"]);
    assert_eq!(key.lines().count(), 1, "{key}");
    for (name, value) in values() {
        let text = redis.cli(&["HGET", &key, &format!("f:{name}")]);
        let read: Value = serde_json::from_str(&text).expect("it is JSON");
        assert_eq!(read, value, "{name}");
    }
}

#[test]
fn python_reads_them_as_they_are() {
    let redis = Redis::start(&[]);
    let demo = Demo::start(&["--redis", &redis.url()]);
    keep(&demo, &demo.session("alice"));
    let line = python("tests/python/session_data.py", [&redis.url()]);
    let read: Value = serde_json::from_str(&line).expect("the script prints JSON");
    let expected: serde_json::Map<_, _> = values()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    assert_eq!(read, json!([expected]));
}
