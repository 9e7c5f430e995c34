//! The `verify` tool, as somebody at a terminal uses it.

use std::{
    env, fs,
    io::Write,
    path::PathBuf,
    process::{Command, Output, Stdio, id},
    thread,
};

use auth_tests::{WallClock, example, vectors};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

/// A file that is there as long as this is.
struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path = env::temp_dir().join(format!("auth-tests-{}-{name}", id()));
        fs::write(&path, bytes).expect("the folder for temporary files can be written");
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("UTF-8")
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

const POLICY: [&str; 4] = [
    "--issuer",
    "https://issuer.test",
    "--audience",
    "api://orders",
];

fn verify(args: &[&str], lines: Vec<u8>) -> Output {
    run(example("verify"), args, lines)
}

fn run(mut tool: Command, args: &[&str], lines: Vec<u8>) -> Output {
    let mut child = tool
        .args(POLICY)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the tool was built");
    let mut stdin = child.stdin.take().expect("piped");
    // On a thread of its own: the tool answers while it reads.
    let writer = thread::spawn(move || {
        // A tool that ends early, for its flags, does not read.
        let _ = stdin.write_all(&lines);
    });
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("written");
    output
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

fn cases() -> Vec<Value> {
    let lines = fs::read_to_string(vectors().join("attacks.jsonl")).expect("the vectors");
    let cases = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("a case"));
    cases.collect()
}

fn keys() -> Vec<Value> {
    let set = fs::read_to_string(vectors().join("jwks_public.json")).expect("the vectors");
    let set: Value = serde_json::from_str(&set).expect("a JWK set");
    set["keys"].as_array().expect("keys").clone()
}

fn bytes_of(case: &Value) -> Vec<u8> {
    match case["token_b64"].as_str() {
        Some(bytes) => STANDARD.decode(bytes).expect("base64"),
        None => case["token"].as_str().expect("a token").as_bytes().to_vec(),
    }
}

#[test]
fn every_hostile_line_gets_one_answer_and_the_right_one() {
    let cases = cases();
    for key in keys() {
        let alg = key["alg"].as_str().expect("alg");
        let (flag, content) = match key["k"].as_str() {
            Some(k) => (
                "--secret-file",
                URL_SAFE_NO_PAD.decode(k).expect("base64url"),
            ),
            None => ("--jwks", json!({ "keys": [key] }).to_string().into_bytes()),
        };
        let keys = TempFile::new(alg, &content);
        let asked: Vec<_> = cases
            .iter()
            .filter(|case| case["alg"] == *alg && !bytes_of(case).contains(&b'\n'))
            // A secret in a file has no id: to the tool it is the key of tokens that name any.
            .filter(|case| flag == "--jwks" || case["class"] != "kid")
            .collect();
        let lines = asked
            .iter()
            .flat_map(|case| [bytes_of(case), b"\n".to_vec()].concat());
        let output = verify(
            &[flag, keys.path(), "--accept-typ", "JWT", "--require-jti"],
            lines.collect(),
        );
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        let answers: Vec<_> = text(&output.stdout).lines().collect();
        assert_eq!(answers.len(), asked.len());
        for (case, answer) in asked.iter().zip(answers) {
            let name = &case["name"];
            match case["expect"].as_str() {
                Some("accept") => assert!(answer.starts_with("accept "), "{name}: {answer}"),
                Some("reject") => assert!(answer.starts_with("reject "), "{name}: {answer}"),
                _ => {}
            }
        }
    }
}

#[test]
fn a_secret_verifies_hmac_and_only_its_own() {
    let plain = cases()
        .into_iter()
        .find(|case| case["name"] == "control-plain/HS256");
    let token = bytes_of(&plain.expect("a control"));
    let key = keys()
        .into_iter()
        .find(|key| key["kty"] == "oct")
        .expect("a secret");
    let secret = URL_SAFE_NO_PAD
        .decode(key["k"].as_str().expect("k"))
        .expect("base64url");

    let right = TempFile::new("right", &[&secret[..], b"\n"].concat());
    let output = verify(&["--secret-file", right.path()], token.clone());
    assert_eq!(text(&output.stdout), "accept user-1001\n");
    assert_eq!(output.status.code(), Some(0));

    let wrong = TempFile::new("wrong", &[7; 32]);
    let output = verify(&["--secret-file", wrong.path()], token);
    assert_eq!(text(&output.stdout), "reject signature\n");
    assert_eq!(output.status.code(), Some(1));

    let short = TempFile::new("short", b"secret");
    let output = verify(&["--secret-file", short.path()], Vec::new());
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stdout), "");
}

#[test]
fn the_time_can_be_told() {
    let case = cases()
        .into_iter()
        .find(|case| case["name"] == "control-plain/EdDSA");
    let token = bytes_of(&case.expect("a control"));
    let key = keys()
        .into_iter()
        .find(|key| key["alg"] == "EdDSA")
        .expect("a key");
    let jwks = TempFile::new("time", json!({ "keys": [key] }).to_string().as_bytes());
    let rows = [
        ("4102444829", "accept user-1001\n", 0),
        ("4102444830", "reject expired\n", 1),
        ("1699999969", "reject not-yet-valid\n", 1),
        ("1699999970", "accept user-1001\n", 0),
    ];
    for (now, answer, code) in rows {
        let output = verify(&["--jwks", jwks.path(), "--now", now], token.clone());
        assert_eq!(
            (text(&output.stdout), output.status.code()),
            (answer, Some(code)),
            "{now}"
        );
    }
}

#[test]
fn before_1970_no_token_is_valid_yet() {
    let case = cases()
        .into_iter()
        .find(|case| case["name"] == "control-plain/EdDSA");
    let token = bytes_of(&case.expect("a control"));
    let key = keys().into_iter().find(|key| key["alg"] == "EdDSA");
    let set = json!({ "keys": [key.expect("a key")] }).to_string();
    let jwks = TempFile::new("before-1970", set.as_bytes());
    let clock = WallClock::standing();
    let ask = || {
        let mut tool = example("verify");
        clock.show(&mut tool);
        let output = run(tool, &["--jwks", jwks.path()], token.clone());
        (text(&output.stdout).to_owned(), output.status.code())
    };
    assert_eq!(ask(), ("accept user-1001\n".to_owned(), Some(0)));
    for ms in [1, 1_000, u32::MAX] {
        clock.set_before_1970(ms);
        assert_eq!(ask(), ("reject not-yet-valid\n".to_owned(), Some(1)));
    }
}

#[test]
fn explain_shows_what_is_unverified_as_such() {
    let case = cases()
        .into_iter()
        .find(|case| case["name"] == "control-plain/EdDSA");
    let token = String::from_utf8(bytes_of(&case.expect("a control"))).expect("ASCII");
    let key = keys()
        .into_iter()
        .find(|key| key["alg"] == "ES256")
        .expect("a key");
    let jwks = TempFile::new("explain", json!({ "keys": [key] }).to_string().as_bytes());
    let output = verify(&["--jwks", jwks.path(), "explain", &token], Vec::new());
    let shown = text(&output.stdout);
    assert!(shown.starts_with("header (unverified): {"), "{shown}");
    assert!(shown.contains("claims (unverified): {"), "{shown}");
    assert!(shown.contains("\"sub\": \"user-1001\""), "{shown}");
    assert!(shown.ends_with("reject key\n"), "{shown}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn explain_prints_nothing_that_a_terminal_would_obey() {
    let key = TempFile::new("terminal", &[7; 32]);
    let text = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let header = text("{\"alg\":\"HS256\",\"x\":\"\u{9b}31m\u{7f}\u{202e}\\u001b[31m\"}");
    let claims = text("{\"n\u{2066}\":\"Zo\u{eb} \u{1f511} \u{e0041}\"}");
    let token = format!("{header}.{claims}.AA");
    let output = verify(
        &["--secret-file", key.path(), "explain", &token],
        Vec::new(),
    );
    let shown = std::str::from_utf8(&output.stdout).expect("UTF-8");
    for expected in [
        "\"x\": \"\\u009b31m\\u007f\\u202e\\u001b[31m\"",
        "\"n\\u2066\": \"Zo\u{eb} \u{1f511} \\udb40\\udc41\"",
    ] {
        assert!(shown.contains(expected), "{shown:?}");
    }
}

#[test]
fn bad_flags_and_keys_are_told_and_exit_with_2() {
    let nonsense = TempFile::new("nonsense", b"{\"keys\":[]}");
    let rows: [(&str, &[&str]); 5] = [
        ("no keys", &[]),
        ("no such file", &["--jwks", "no/such/file"]),
        ("an empty set", &["--jwks", nonsense.path()]),
        (
            "too much leeway",
            &["--jwks", nonsense.path(), "--leeway", "1h"],
        ),
        (
            "an unknown flag",
            &["--jwks", nonsense.path(), "--frobnicate"],
        ),
    ];
    for (row, args) in rows {
        let output = verify(args, Vec::new());
        assert_eq!(output.status.code(), Some(2), "{row}");
        assert_eq!(text(&output.stdout), "", "{row}");
        assert!(!output.stderr.is_empty(), "{row}");
    }
}
