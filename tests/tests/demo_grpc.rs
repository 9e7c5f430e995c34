//! The Whoami service, called by grpcio and curl: identities, refusals, streams, odd metadata.

use std::{fs, net::SocketAddr};

use auth_tests::{
    Curl, Program, Redis, Request,
    demo::{COOKIE, Credential, Demo, NOBODY},
    example, grpc_client, python, vectors,
};
use serde_json::{Value, json};

const GRPC: &[&str] = &["--grpc", "127.0.0.1:0"];
const SERVICE: &str = "auth.demo.v1.Whoami";

/// The values of a metadata key, wherever a refusal carries it.
fn metadata<'a>(answer: &'a Value, key: &str) -> Vec<&'a str> {
    let all = ["initial_metadata", "trailing_metadata"].map(|name| &answer[name]);
    all.iter()
        .flat_map(|list| list.as_array().into_iter().flatten())
        .filter(|pair| pair[0] == key)
        .map(|pair| pair[1].as_str().expect("text"))
        .collect()
}

/// Refused with this code, message and challenge, and nothing else said.
#[track_caller]
fn assert_refused(answer: &Value, code: u8, message: &str, challenge: &str) {
    assert_eq!(answer["code"], code, "{answer}");
    assert_eq!(answer["details"], message);
    assert_eq!(metadata(answer, "www-authenticate"), [challenge]);
    assert_eq!(answer["messages"], json!([]));
}

fn get(server: SocketAddr, credential: &Credential) -> Value {
    call(server, "Get", credential)
}

fn call(server: SocketAddr, method: &str, credential: &Credential) -> Value {
    let method = ["--method", method];
    match credential {
        Credential::Bearer(token) => {
            grpc_client(server, &[&method[..], &["--token", token]].concat())
        }
        Credential::Cookie(pair) => {
            grpc_client(server, &[&method[..], &["--cookie", pair]].concat())
        }
        Credential::None => grpc_client(server, &method),
    }
}

#[test]
fn tokens_and_cookies_identify_the_caller() {
    let demo = Demo::start(GRPC);
    let server = demo.program().grpc();
    for (credential, kind) in [
        (demo.tokens("admin").access, "token"),
        (demo.session("admin"), "session"),
    ] {
        let me = demo.me(&credential);
        let answer = get(server, &credential);
        assert_eq!(answer["code"], 0, "{answer}");
        let expected = json!({
            "subject": "admin",
            "login": me["login"],
            "kind": kind,
            "scopes": ["read", "admin"],
            "auth_time": me["auth_time"],
            "expires_at": me["expires_at"],
        });
        let mut identity = answer["messages"][0].clone();
        if let Some(scopes) = identity["scopes"].as_array_mut() {
            scopes.sort_by_key(|scope| scope == "admin");
        }
        assert_eq!(identity, expected);
        assert_eq!(metadata(&answer, "set-cookie"), [""; 0]);
    }
}

#[test]
fn refusals_are_statuses_with_the_challenge_as_metadata() {
    let demo = Demo::start(GRPC);
    let server = demo.program().grpc();
    let realm = demo.realm();
    let plain = format!(r#"Bearer realm="{realm}""#);
    let invalid_token = |description: &str| {
        format!(r#"{plain}, error="invalid_token", error_description="{description}""#)
    };

    let alice = demo.tokens("alice").access;
    assert_eq!(get(server, &alice)["code"], 0);
    let revoke = format!("token={}", alice.secret());
    assert_eq!(
        demo.send(&Request::post("/token/revoke").form(&revoke))
            .status,
        200
    );
    let unknown = Credential::Cookie(format!("{COOKIE}={}", "A".repeat(46)));
    let ended = demo.session("alice");
    assert_eq!(get(server, &ended)["code"], 0);
    demo.request("POST", "/session/logout", &ended);
    let junk = Credential::Bearer("junk".to_owned());

    for method in ["Get", "Watch"] {
        let refused = |credential: &Credential| call(server, method, credential);
        for anonymous in [&Credential::None, &unknown, &ended] {
            assert_refused(&refused(anonymous), 16, "authentication required", &plain);
        }
        let (revoked, malformed) = ("the token was revoked", "the token is malformed");
        assert_refused(&refused(&alice), 16, revoked, &invalid_token(revoked));
        assert_refused(&refused(&junk), 16, malformed, &invalid_token(malformed));
        let two = grpc_client(
            server,
            &[
                "--method",
                method,
                "--token",
                "a",
                "--metadata",
                "authorization=Bearer b",
            ],
        );
        let challenge = format!(r#"{plain}, error="invalid_request""#);
        assert_refused(&two, 16, "malformed Authorization header", &challenge);
    }
}

#[test]
fn a_bearer_of_one_with_the_cookie_of_another_acts_as_the_bearer() {
    let demo = Demo::start(GRPC);
    let server = demo.program().grpc();
    let cookie = demo.session("alice");
    let Credential::Cookie(pair) = &cookie else {
        unreachable!()
    };
    let bearer = demo.tokens("user-1").access;
    let both = grpc_client(server, &["--token", bearer.secret(), "--cookie", pair]);
    assert_eq!(both["messages"][0]["subject"], "user-1", "{both}");
    let broken = grpc_client(server, &["--token", "junk", "--cookie", pair]);
    assert_eq!(broken["code"], 16, "{broken}");
    assert_eq!(demo.who(&cookie), "alice");
}

#[test]
fn a_stream_goes_on_until_the_caller_hangs_up() {
    let demo = Demo::start(GRPC);
    let alice = demo.tokens("alice").access;
    let answer = grpc_client(
        demo.program().grpc(),
        &[
            "--method",
            "Watch",
            "--count",
            "2",
            "--token",
            alice.secret(),
        ],
    );
    assert_eq!(answer["code"], 1, "{answer}"); // CANCELLED, by us
    let messages = answer["messages"].as_array().expect("a list");
    assert_eq!(messages.len(), 2);
    assert!(
        messages.iter().all(|message| message["subject"] == "alice"),
        "{answer}"
    );
}

/// One call by curl, without a message: the HTTP status and the headers, in lower case.
///
/// A refusal does not wait for the message, and curl would not read it while it is still sending.
fn by_curl(server: SocketAddr, path: &str, headers: &[(&str, &str)]) -> String {
    let mut args: Vec<String> = ["--http2-prior-knowledge", "--include", "--request", "POST"]
        .map(str::to_owned)
        .into();
    for (name, value) in headers {
        args.extend(["--header".to_owned(), format!("{name}: {value}")]);
    }
    args.push(format!("http://{server}{path}"));
    Curl::default().run(args).to_lowercase()
}

#[test]
fn every_shape_of_grpc_metadata_gets_its_verdict() {
    let demo = Demo::start(GRPC);
    let server = demo.program().grpc();
    let alice = demo.tokens("alice").access;
    let text = fs::read_to_string(vectors().join("grpc_metadata.jsonl")).expect("the vectors");
    let cases: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert!(cases.len() >= 18);
    for case in cases {
        let name = case["name"].as_str().expect("text");
        let headers: Vec<(&str, String)> = case["headers"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|pair| {
                let value = pair[1].as_str().expect("text");
                let value = value.replace("pkg.Orders", SERVICE);
                let value = value.replace("<valid-token-of-alice>", alice.secret());
                (pair[0].as_str().expect("text"), value)
            })
            .collect();
        let find = |key: &str| headers.iter().find(|(name, _)| *name == key);
        let (_, path) = find(":path").expect("a path");
        let is_grpc = find("content-type").is_some_and(|(_, kind)| kind == "application/grpc");
        if is_grpc && name != "grpc-timeout-metadata" {
            let mut args = vec![server.to_string(), path.clone()];
            let metadata = headers
                .iter()
                .filter(|(key, _)| !matches!(*key, ":path" | "content-type"));
            args.extend(metadata.map(|(key, value)| format!("{key}={value}")));
            let answer = python("tests/python/grpc_raw.py", args);
            let answer: Value = serde_json::from_str(&answer).expect("the script prints JSON");
            let code = answer["code"].as_u64().expect("a number");
            if case["expect"] == "accept" {
                assert_eq!(code, 0, "{name}: {answer}");
                continue;
            }
            assert_eq!(answer["bytes"], 0, "{name}: {answer}");
            // A path that is none may be refused by the transport.
            let is_path = path.starts_with('/');
            assert!(code == 16 || !is_path && code != 0, "{name}: {answer}");
        } else {
            let headers: Vec<(&str, &str)> = headers
                .iter()
                .filter(|(key, _)| *key != ":path")
                .map(|(key, value)| (*key, value.as_str()))
                .collect();
            let answer = by_curl(server, path, &headers);
            if name == "grpc-timeout-metadata" {
                // Late, or without a message, but not served.
                assert!(answer.contains("grpc-status: "), "{answer}");
                assert!(!answer.contains("grpc-status: 0"), "{answer}");
            } else {
                // Not gRPC: plain HTTP is refused as plain HTTP.
                assert!(answer.starts_with("http/2 401"), "{name}: {answer}");
                let challenge = format!("www-authenticate: bearer realm=\"{}\"", demo.realm());
                assert!(
                    answer.contains(&challenge.to_lowercase()),
                    "{name}: {answer}"
                );
            }
        }
    }
    // However short of time a call is, a revoked token is refused.
    let revoke = format!("token={}", alice.secret());
    assert_eq!(
        demo.send(&Request::post("/token/revoke").form(&revoke))
            .status,
        200
    );
    let bearer = format!("Bearer {}", alice.secret());
    for timeout in ["1n", "0n", "99999999H", "1", "-1S", "x"] {
        let answer = by_curl(
            server,
            &format!("/{SERVICE}/Get"),
            &[
                ("content-type", "application/grpc"),
                ("grpc-timeout", timeout),
                ("authorization", &bearer),
            ],
        );
        assert!(!answer.contains("alice"), "{timeout}: {answer}");
        assert!(!answer.contains("grpc-status: 0"), "{timeout}: {answer}");
    }
    assert_eq!(get(server, &demo.tokens("alice").access)["code"], 0);
}

#[test]
fn a_refusal_is_a_trailers_only_answer() {
    let demo = Demo::start(GRPC);
    let server = demo.program().grpc();
    for kind in [
        "application/grpc",
        "application/grpc+proto",
        "application/grpc;x=y",
    ] {
        let answer = by_curl(
            server,
            &format!("/{SERVICE}/Get"),
            &[("content-type", kind)],
        );
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("http/2 200"), "{answer}");
        for line in [
            &format!("content-type: {kind}"),
            "grpc-status: 16",
            "www-authenticate: bearer",
        ] {
            assert!(head.contains(line), "{kind}: {answer}");
        }
        assert_eq!(body, "", "{answer}");
    }
}

/// The tonic server, and a token that it printed.
fn tonic_server(user: &str) -> (Program, Credential) {
    let server = Program::spawn(example("tonic_server").arg("127.0.0.1:0"));
    let token = server.wait_for(&format!("token for {user}: "));
    (server, Credential::Bearer(token))
}

#[test]
fn a_method_may_need_another_scope() {
    let (program, alice) = tonic_server("alice");
    let server = program.grpc();
    let admin = Credential::Bearer(program.wait_for("token for admin: "));

    let answer = get(server, &alice);
    assert_eq!(answer["code"], 0, "{answer}");
    assert_eq!(answer["messages"][0]["subject"], "alice");
    let missing = get(server, &Credential::None);
    let challenge = metadata(&missing, "www-authenticate");
    let plain = challenge.first().expect("a challenge").to_string();
    assert!(
        plain.starts_with("Bearer realm=\"") && plain.matches('"').count() == 2,
        "{plain}"
    );
    assert_refused(&missing, 16, "authentication required", &plain);

    assert_refused(
        &call(server, "Watch", &alice),
        7,
        "insufficient scope",
        &format!(r#"{plain}, error="insufficient_scope", scope="admin""#),
    );
    assert_refused(
        &call(server, "Watch", &Credential::None),
        16,
        "authentication required",
        &plain,
    );
    let watched = grpc_client(
        server,
        &[
            "--method",
            "Watch",
            "--count",
            "1",
            "--token",
            admin.secret(),
        ],
    );
    assert_eq!(watched["messages"][0]["subject"], "admin", "{watched}");
}

#[test]
fn a_token_of_one_program_is_none_of_another() {
    let (program, alice) = tonic_server("alice");
    let (other, _) = tonic_server("alice");
    assert_eq!(get(program.grpc(), &alice)["code"], 0);
    let answer = get(other.grpc(), &alice);
    assert_eq!(answer["code"], 16, "{answer}");
    let challenge = metadata(&answer, "www-authenticate").concat();
    assert!(challenge.contains(r#"error="invalid_token""#), "{answer}");

    let demo = Demo::start(&[]);
    assert_eq!(demo.who(&alice), NOBODY);
    assert_eq!(
        get(program.grpc(), &demo.tokens("alice").access)["code"],
        16
    );
}

#[test]
fn a_thousand_calls_with_bad_tokens_on_one_connection_ask_no_store() {
    let redis = Redis::start(&[]);
    let url = redis.url();
    let demo = Demo::start(&[GRPC, &["--redis", &url]].concat());
    let server = demo.program().grpc().to_string();
    let token = demo.tokens("alice").access;
    // What the store is asked for a token.
    let asked = || {
        let stats = redis.cli(&["INFO", "commandstats"]);
        let lines = stats.lines().filter(|it| it.starts_with("cmdstat_hmget"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let before = asked();
    let codes = python(
        "tests/python/grpc_flood.py",
        [&*server, token.secret(), "1000"],
    );
    let codes: Value = serde_json::from_str(&codes).expect("the script prints JSON");
    assert_eq!(codes, json!({"16": 1000}));
    assert_eq!(asked(), before);
    // The good one is asked about, so it would have been seen.
    assert_eq!(demo.who(&token), "alice");
    assert_ne!(asked(), before);
}
