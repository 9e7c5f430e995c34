//! The Whoami service's stream: it ends with the login of whoever watches, and with no other.

use std::{net::SocketAddr, sync::mpsc, thread, time::Duration};

use auth_tests::{
    demo::{Credential, Demo, NOBODY},
    grpc_client, python,
};
use serde_json::{Value, json};

const GRPC: &[&str] = &["--grpc", "127.0.0.1:0"];

/// Watches until the stream ends, or for so many messages.
fn watch(server: SocketAddr, credential: &Credential, count: Option<u8>) -> Value {
    let count = count.map(|count| ["--count".to_owned(), count.to_string()]);
    let credential = match credential {
        Credential::Bearer(token) => ["--token", token],
        Credential::Cookie(pair) => ["--cookie", pair],
        Credential::None => unreachable!("somebody"),
    };
    let mut args = ["--method", "Watch"].to_vec();
    args.extend(credential);
    args.extend(count.iter().flatten().map(String::as_str));
    grpc_client(server, &args)
}

fn messages(answer: &Value) -> usize {
    answer["messages"].as_array().map_or(0, Vec::len)
}

#[test]
fn a_stream_ends_when_its_token_expires() {
    let demo = Demo::start(&[GRPC, &["--access-ttl", "2s"]].concat());
    let answer = watch(demo.program().grpc(), &demo.tokens("alice").access, None);
    assert_eq!(answer["code"], 16, "{answer}");
    assert_eq!(answer["details"], "the login expired");
    assert!(messages(&answer) >= 1, "{answer}");
}

#[test]
fn a_stream_ends_with_a_session_that_is_not_used() {
    let demo = Demo::start(&[GRPC, &["--session-idle", "2s"]].concat());
    let answer = watch(demo.program().grpc(), &demo.session("alice"), None);
    assert_eq!(answer["code"], 16, "{answer}");
    assert_eq!(answer["details"], "the login expired");
    assert!(messages(&answer) >= 1, "{answer}");
}

#[test]
fn a_stream_goes_on_with_a_session_that_other_requests_use() {
    let demo = Demo::start(&[GRPC, &["--session-idle", "3s"]].concat());
    let session = demo.session("alice");
    let server = demo.program().grpc();
    thread::scope(|scope| {
        let (watching, done) = mpsc::channel::<()>();
        let session = &session;
        scope.spawn(|| {
            let done = done;
            // Used until the stream is over.
            while done.recv_timeout(Duration::from_millis(200))
                == Err(mpsc::RecvTimeoutError::Timeout)
            {
                assert_eq!(demo.request("GET", "/api/me", session).status, 200);
            }
        });
        // More messages, one a second, than there are seconds to the end of one that is not used.
        let answer = watch(server, session, Some(7));
        drop(watching);
        // Hung up by the client: CANCELLED.
        assert_eq!(
            (&answer["code"], messages(&answer)),
            (&json!(1), 7),
            "{answer}"
        );
    });
}

#[test]
fn a_stream_ends_when_its_login_does() {
    let demo = Demo::start(GRPC);
    let server = demo.program().grpc().to_string();
    let watch = |credential: &Credential, method: &str, path: &str| {
        let (key, value) = match credential {
            Credential::Bearer(token) => ("authorization", format!("Bearer {token}")),
            Credential::Cookie(pair) => ("cookie", pair.clone()),
            Credential::None => unreachable!("a login that can be ended"),
        };
        let url = demo.url(path);
        let line = python(
            "tests/python/grpc_watch.py",
            [&server, method, &url, key, &value],
        );
        serde_json::from_str::<Value>(&line).expect("the script prints JSON")
    };
    let kinds: [fn(&Demo) -> Credential; 2] = [
        |demo| demo.tokens("admin").access,
        |demo| demo.session("admin"),
    ];
    for log_in in kinds {
        for (method, path) in [
            ("DELETE", "/api/logins/{}"),
            ("POST", "/api/logout-everywhere"),
            ("POST", "/api/revoke-subject/admin"),
            ("POST", "/api/revoke-all"),
        ] {
            let credential = log_in(&demo);
            let path = path.replace("{}", &demo.login_of(&credential));
            let answer = watch(&credential, method, &path);
            assert_eq!(answer["ended"], 204, "{method} {path}: {answer}");
            assert_eq!(answer["code"], 16, "{method} {path}: {answer}");
            let subjects = answer["subjects"].as_array().expect("a list");
            assert!((1..=5).contains(&subjects.len()), "{answer}");
            assert!(
                subjects.iter().all(|subject| subject == "admin"),
                "{answer}"
            );
            assert_eq!(demo.who(&credential), NOBODY);
        }
    }
    let answer = watch(&demo.session("admin"), "POST", "/session/logout");
    assert_eq!(
        (&answer["ended"], &answer["code"]),
        (&json!(204), &json!(16)),
        "{answer}"
    );
}

#[test]
fn a_login_that_ends_while_its_streams_begin_ends_all_of_them() {
    let demo = Demo::start(GRPC);
    let server = demo.program().grpc().to_string();
    let args = [&server, &demo.url(""), "user-1", "15"];
    let answer = python("tests/python/grpc_watch_many.py", args);
    let answer: Value = serde_json::from_str(&answer).expect("the script prints JSON");
    assert_eq!(answer["streams"], 600, "{answer}");
    assert_eq!(answer["others"], json!([]));
}

#[test]
fn a_stream_goes_on_when_another_login_ends() {
    let demo = Demo::start(GRPC);
    let (watching, other) = (demo.tokens("alice").access, demo.tokens("alice").access);
    let server = demo.program().grpc().to_string();
    let value = format!("Bearer {}", watching.secret());
    let url = demo.url(&format!("/api/logins/{}", demo.login_of(&other)));
    // It ends by the time limit of the client: DEADLINE_EXCEEDED.
    let args = [&server, "DELETE", &url, "authorization", &value, "3"];
    let answer = python("tests/python/grpc_watch.py", args);
    let answer: Value = serde_json::from_str(&answer).expect("the script prints JSON");
    assert_eq!(
        (&answer["ended"], &answer["code"]),
        (&json!(204), &json!(4)),
        "{answer}"
    );
    assert!(
        answer["subjects"]
            .as_array()
            .is_some_and(|all| all.len() >= 2),
        "{answer}"
    );
    assert_eq!(demo.who(&other), NOBODY);
}
