//! The demo with other issuers whose tokens it takes, too: `--trust`.

use std::{
    fs,
    path::PathBuf,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use auth_tests::{
    demo::{Credential, Demo, NOBODY, private_key, signed},
    example, python,
};
use serde_json::{Value, json};

/// An issuer without a server: a private key, whose public half is in a file.
struct Party {
    issuer: &'static str,
    audience: &'static str,
    key: String,
    jwks: PathBuf,
}

const STAFF: &str = "https://staff.example";
const PARTNER: &str = "https://partner.example";

impl Party {
    /// Every one's key goes by the same id.
    fn new(issuer: &'static str, audience: &'static str, test: &str) -> Self {
        let key = private_key("EdDSA");
        let jwks = python("tests/python/tokens.py", ["jwks", &key, "EdDSA", "key"]);
        let name = issuer.trim_start_matches("https://");
        let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{name}.json"));
        fs::write(&file, jwks).expect("the folder for temporary files can be written");
        Self {
            issuer,
            audience,
            key,
            jwks: file,
        }
    }

    fn flag(&self) -> String {
        let jwks = self.jwks.to_str().expect("a path of text");
        format!("{},{},{jwks}", self.issuer, self.audience)
    }

    fn token(&self, start: u64, members: &Value) -> Credential {
        let mut claims = json!({
            "iss": self.issuer, "aud": self.audience, "sub": "alice", "jti": format!("t{start}"),
            "iat": start, "exp": start + 300, "scope": "read",
        });
        for (name, value) in members.as_object().expect("an object") {
            claims[name] = value.clone();
        }
        let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "key"});
        Credential::Bearer(signed(&header, &claims, &self.key))
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("after 1970").as_secs()
}

/// The demo, and a time of issue that it takes: from a foreign issuer it takes none from before 2 s after its start,
/// as the store in memory forgot what was revoked until then.
fn demo(parties: &[&Party]) -> (Demo, u64) {
    let flags: Vec<_> = parties
        .iter()
        .flat_map(|party| ["--trust".to_owned(), party.flag()])
        .collect();
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    let demo = Demo::start(&flags);
    let start = now() + 3;
    // Tokens may be issued 2 s ahead of us.
    while now() + 2 < start {
        thread::sleep(Duration::from_millis(20));
    }
    (demo, start)
}

fn challenge(demo: &Demo, token: &Credential) -> String {
    let response = demo.request("GET", "/api/me", token);
    assert_eq!(response.status, 401, "{response:?}");
    let challenge = response.header("www-authenticate").expect("a challenge");
    let (_, description) = challenge
        .split_once("error_description=")
        .expect("an error");
    description.trim_matches('"').to_owned()
}

#[test]
fn tokens_of_each_issuer_are_taken_by_its_own_rules() {
    let staff = Party::new(STAFF, "intranet", "rules");
    let partner = Party::new(PARTNER, "partners", "rules");
    let (demo, start) = demo(&[&staff, &partner]);
    for party in [&staff, &partner] {
        let me = demo.me(&party.token(start, &json!({})));
        let expected = json!({
            "subject": "alice", "login": null, "kind": "token", "scopes": ["read"],
            "auth_time": null, "expires_at": start + 300,
        });
        assert_eq!(me, expected);
    }
    // Our own go on as ever, and are not taken for the others'.
    assert_eq!(demo.who(&demo.tokens("alice").access), "alice");
    let other_key = |party: &Party, key: &Party| {
        let claims = json!({"iss": party.issuer, "aud": party.audience});
        key.token(start, &claims)
    };
    for (what, token, expected) in [
        (
            "the other's audience",
            staff.token(start, &json!({"aud": "partners"})),
            "the token is for another audience",
        ),
        (
            "our audience",
            staff.token(start, &json!({"aud": "demo"})),
            "the token is for another audience",
        ),
        (
            "signed by the other",
            other_key(&staff, &partner),
            "the signature is invalid",
        ),
        (
            "signed by the other, the other way round",
            other_key(&partner, &staff),
            "the signature is invalid",
        ),
        (
            "in our name",
            staff.token(start, &json!({"iss": "https://auth.demo", "aud": "demo"})),
            "the signature is invalid",
        ),
        (
            "of somebody else",
            staff.token(start, &json!({"iss": "https://evil.example"})),
            "the issuer is not trusted",
        ),
        (
            "without an id",
            staff.token(start, &json!({"jti": null})),
            "the claims are invalid",
        ),
        (
            "from before the start",
            staff.token(start - 30, &json!({})),
            "the token was revoked",
        ),
        (
            "from the future",
            staff.token(start + 60, &json!({})),
            "the token is not valid yet",
        ),
    ] {
        assert_eq!(challenge(&demo, &token), expected, "{what}");
    }
}

#[test]
fn a_foreign_alice_is_not_ours() {
    let staff = Party::new(STAFF, "intranet", "alice");
    let (demo, start) = demo(&[&staff]);
    let ours = demo.tokens("alice").access;
    let session = demo.session("alice");
    let theirs = staff.token(start, &json!({"auth_time": start}));
    let login = demo.login_of(&ours);

    assert_eq!(demo.logins(&ours).len(), 2);
    assert_eq!(demo.logins(&theirs), Vec::<Value>::new());
    for (method, path, status) in [
        ("DELETE", format!("/api/logins/{login}"), 404),
        ("DELETE", "/api/logins".to_owned(), 409),
        ("POST", "/api/password".to_owned(), 409),
        // Behind a gateway she would be ours.
        ("GET", "/verify".to_owned(), 403),
    ] {
        let response = demo.request(method, &path, &theirs);
        assert_eq!(response.status, status, "{path}: {response:?}");
    }
    let response = demo.request("POST", "/api/logout-everywhere", &theirs);
    assert_eq!(response.status, 204, "{response:?}");
    assert_eq!(challenge(&demo, &theirs), "the token was revoked");
    for credential in [&ours, &session] {
        assert_eq!(demo.who(credential), "alice");
    }
}

#[test]
fn foreign_tokens_are_taken_back() {
    let staff = Party::new(STAFF, "intranet", "back");
    let partner = Party::new(PARTNER, "partners", "back");
    let (demo, start) = demo(&[&staff, &partner]);
    let admin = demo.tokens("admin").access;
    let subject = |party: &Party, subject: &str| party.token(start, &json!({"sub": subject}));
    let revoke = |path: &str| {
        let response = demo.request("POST", path, &admin);
        assert_eq!(response.status, 204, "{response:?}");
    };
    let tokens = [
        subject(&staff, "bob"),
        subject(&partner, "bob"),
        subject(&staff, "carol"),
    ];
    let who = || tokens.each_ref().map(|token| demo.who(token));
    assert_eq!(who(), ["bob", "bob", "carol"]);
    // Our own bob, whom there is no token of.
    revoke("/api/revoke-subject/bob");
    assert_eq!(who(), ["bob", "bob", "carol"]);
    revoke(&format!("/api/revoke-subject/bob?realm={STAFF}"));
    assert_eq!(who(), [NOBODY, "bob", "carol"]);
    revoke("/api/revoke-all");
    assert_eq!(who(), [NOBODY; 3]);
}

#[test]
fn a_flag_that_can_not_be_right_is_said_to_be_wrong() {
    let staff = Party::new(STAFF, "intranet", "flags");
    let own = staff.flag().replace(STAFF, "https://auth.demo");
    let nameless = staff.flag().replace("intranet", "");
    for (flags, said) in [
        (
            vec!["https://a.example,b"],
            "ISSUER,AUDIENCE,JWKS-FILE-OR-URL",
        ),
        (
            vec!["https://a.example,b,missing.json"],
            "missing.json: No such file",
        ),
        (
            vec!["https://a.example,b,Cargo.toml"],
            "the key can not be read",
        ),
        (
            vec!["https://a.example,b,http://a.example/keys"],
            "not a URL to fetch keys from",
        ),
        (vec![&*nameless], "the audience is empty"),
        (vec![&*own], "two verifiers are for the same issuer"),
        (
            vec![&*staff.flag(), &*staff.flag()],
            "two verifiers are for the same issuer",
        ),
    ] {
        let mut command = example("demo");
        command.args(["--listen", "127.0.0.1:0"]);
        command.args(flags.iter().flat_map(|flag| ["--trust", flag]));
        let output = command.output().expect("`tests/run` builds the programs");
        let printed = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{flags:?}");
        assert!(printed.contains(said), "{flags:?}: {printed}");
    }
}
