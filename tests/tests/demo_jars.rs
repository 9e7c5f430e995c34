//! The cookie jar of Python's requests against the demo. (curl's is in `demo_session.rs`, a browser's
//! in `browser.rs`.)

use auth_tests::{demo::Demo, python};
use serde_json::{Value, json};

/// The statuses of the steps, the cart as it was read, and the names in the jar.
fn visit(demo: &Demo) -> (Vec<u64>, Value, Value) {
    let args = [&demo.url(""), "alice", "wonderland"];
    let line = python("tests/python/jar.py", args);
    let visit: Value = serde_json::from_str(&line).expect("the script prints JSON");
    let steps = visit["steps"].as_array().expect("a list");
    let status = |step: &Value| step[1].as_u64().expect("a status");
    (
        steps.iter().map(status).collect(),
        steps[3][2].clone(),
        visit["jar"].clone(),
    )
}

#[test]
fn a_session_from_login_to_logout_with_requests() {
    let demo = Demo::start(&["--insecure-cookie"]);
    let (statuses, cart, jar) = visit(&demo);
    assert_eq!(statuses, [204, 204, 200, 200, 204, 401]);
    assert_eq!(cart, r#"["tea"]"#);
    let id = ["id"];
    assert_eq!(jar, json!([id, id, id, id, [], []]));
}

/// A jar that knows no trustworthy origins sends a Secure cookie over TLS only: nobody is logged in,
/// and what every request begins is a session of its own.
#[test]
fn a_secure_cookie_does_not_leave_the_jar_of_requests_without_tls() {
    let demo = Demo::start(&[]);
    let (statuses, _, jar) = visit(&demo);
    assert_eq!(statuses, [204, 204, 401, 404, 204, 401]);
    assert_eq!(jar[1], json!(["__Host-id"]));
}
