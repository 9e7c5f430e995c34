//! Tokens of the demo: login, refresh, replay, revocation, and what others can verify.

use std::{fs, path::PathBuf, sync::Barrier, thread};

use auth_tests::{
    Connection, Request, Response,
    demo::{
        Credential, Demo, NOBODY, SetCookie, Tokens, login, private_key, signed, unverified,
        verified,
    },
};
use serde_json::{Value, json};

/// Every replay of a refresh token comes too late.
const NO_GRACE: &[&str] = &["--grace", "0s"];

/// The secret of the demos whose tokens are signed here.
const SECRET: &str = "a secret of more than thirty-two bytes, known to this test";

/// A demo that signs with [`SECRET`].
fn with_known_secret(name: &str) -> (Demo, PathBuf) {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.secret"));
    fs::write(&file, SECRET).expect("the folder for temporary files can be written");
    let path = file.to_str().expect("a path of text").to_owned();
    (Demo::start(&["--key", &path]), file)
}

#[track_caller]
fn assert_invalid_grant(response: &Response) {
    assert_eq!(response.status, 400, "{response:?}");
    assert_eq!(response.json()["error"], "invalid_grant");
    assert_eq!(response.header("cache-control"), Some("no-store"));
}

/// The token is refused with exactly this challenge.
#[track_caller]
fn assert_challenge(demo: &Demo, access: &Credential, description: &str) {
    let response = demo.request("GET", "/api/me", access);
    assert_eq!(response.status, 401, "{response:?}");
    let expected = format!(
        r#"Bearer realm="{}", error="invalid_token", error_description="{description}""#,
        demo.realm(),
    );
    assert_eq!(response.header("www-authenticate"), Some(&*expected));
    assert_eq!(response.header("set-cookie"), None);
}

#[track_caller]
fn assert_revoked(demo: &Demo, access: &Credential) {
    assert_challenge(demo, access, "the token was revoked");
}

fn refreshed(demo: &Demo, refresh_token: &str) -> Tokens {
    Tokens::of(&demo.refresh(refresh_token))
}

fn revoke(demo: &Demo, token: &str) {
    let response = demo.send(&Request::post("/token/revoke").form(&format!("token={token}")));
    assert_eq!(response.status, 200, "{response:?}");
}

fn jwks(demo: &Demo) -> Value {
    let response = demo.send(&Request::get("/.well-known/jwks.json"));
    assert_eq!(response.status, 200, "{response:?}");
    response.json()
}

#[test]
fn a_login_by_form_or_json_gives_both_tokens() {
    let demo = Demo::start(&[]);
    for request in [
        login("/token/login", "alice"),
        Request::post("/token/login").json(&json!({"user": "alice", "password": "wonderland"})),
    ] {
        let response = demo.send(&request);
        assert_eq!(response.status, 200, "{response:?}");
        assert_eq!(response.header("cache-control"), Some("no-store"));
        assert_eq!(response.header("set-cookie"), None);
        let body = response.json();
        assert_eq!(body["token_type"], "Bearer");
        assert_eq!(body["scope"], "read");
        // Five minutes, less up to 5 %.
        let expires_in = body["expires_in"].as_u64().expect("seconds");
        assert!((284..=300).contains(&expires_in), "{body}");

        let tokens = Tokens::of(&response);
        assert!(tokens.refresh.starts_with("art_"));
        let me = demo.me(&tokens.access);
        assert_eq!(me["subject"], "alice");
        assert_eq!(me["kind"], "token");
        assert_eq!(me["scopes"], json!(["read"]));
        assert!(
            me["login"].as_str().is_some_and(|login| login.len() == 22),
            "{me}"
        );
        let seconds = |name: &str| me[name].as_u64().expect("seconds");
        assert!(seconds("expires_at") - seconds("auth_time") <= 301, "{me}");
    }
}

#[test]
fn a_wrong_password_gives_no_token() {
    let demo = Demo::start(&[]);
    for body in [
        "user=alice&password=wrong",
        "user=mallory&password=wonderland",
        "user=admin&password=wonderland",
        "user=alice&password=",
    ] {
        let response = demo.send(&Request::post("/token/login").form(body));
        assert!(matches!(response.status, 400 | 401), "{body}: {response:?}");
        assert!(
            !response.text().contains("_token\":"),
            "{body}: {response:?}"
        );
    }
}

#[test]
fn a_scope_may_be_narrower_and_never_wider() {
    let demo = Demo::start(&[]);
    let with_scope = |user: &str, password: &str, scope: &str| {
        let body = format!("user={user}&password={password}&scope={scope}");
        demo.send(&Request::post("/token/login").form(&body))
    };
    let narrow = with_scope("admin", "root-of-trust", "read");
    assert_eq!(narrow.json()["scope"], "read");
    let narrow = Tokens::of(&narrow);
    assert_eq!(
        demo.request("GET", "/api/admin", &narrow.access).status,
        403
    );
    // The refreshed one is no wider, whatever is asked for.
    for ask in ["", "&scope=read", "&scope=read+admin"] {
        let body = format!("refresh_token={}{ask}", narrow.refresh);
        let response = demo.send(&Request::post("/token/refresh").form(&body));
        if response.status == 200 {
            let access = Tokens::of(&response).access;
            assert_eq!(
                demo.request("GET", "/api/admin", &access).status,
                403,
                "{ask}"
            );
        } else {
            assert_eq!(response.status, 400, "{ask}: {response:?}");
        }
    }

    let wide = with_scope("alice", "wonderland", "read+admin");
    if wide.status == 200 {
        let access = Tokens::of(&wide).access;
        assert_eq!(demo.request("GET", "/api/admin", &access).status, 403);
    } else {
        assert_eq!(wide.status, 400, "{wide:?}");
    }

    let full = with_scope("admin", "root-of-trust", "read+admin");
    let access = Tokens::of(&full).access;
    assert_eq!(demo.request("GET", "/api/admin", &access).status, 200);
}

#[test]
fn a_refresh_keeps_the_login_and_changes_both_tokens() {
    let demo = Demo::start(&[]);
    let first = demo.tokens("alice");
    let by_json = Request::post("/token/refresh").json(&json!({"refresh_token": first.refresh}));
    let response = demo.send(&by_json);
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert_eq!(response.json()["token_type"], "Bearer");
    assert_eq!(response.json()["scope"], "read");
    let second = Tokens::of(&response);
    let third = refreshed(&demo, &second.refresh);

    assert_ne!(first.refresh, second.refresh);
    assert_ne!(second.refresh, third.refresh);
    assert_ne!(first.access, second.access);
    let login = demo.login_of(&first.access);
    assert_eq!(demo.login_of(&second.access), login);
    assert_eq!(demo.login_of(&third.access), login);
    assert_eq!(demo.logins(&third.access).len(), 1);
    assert_eq!(
        demo.me(&third.access)["auth_time"],
        demo.me(&first.access)["auth_time"]
    );
}

#[test]
fn a_replay_inside_the_grace_gives_the_same_successor() {
    let demo = Demo::start(&[]);
    let first = demo.tokens("alice");
    let second = refreshed(&demo, &first.refresh);
    for _ in 0..3 {
        let again = refreshed(&demo, &first.refresh);
        assert_eq!(again.refresh, second.refresh);
        assert_eq!(demo.who(&again.access), "alice");
    }
    // Nobody was thrown out, and the successor goes on.
    let third = refreshed(&demo, &second.refresh);
    assert_ne!(third.refresh, second.refresh);
    assert_eq!(refreshed(&demo, &second.refresh).refresh, third.refresh);
    assert_eq!(demo.who(&first.access), "alice");
}

#[test]
fn the_grace_is_for_the_immediate_predecessor_only() {
    let demo = Demo::start(&[]);
    let first = demo.tokens("user-1");
    let second = refreshed(&demo, &first.refresh);
    let third = refreshed(&demo, &second.refresh);
    assert_invalid_grant(&demo.refresh(&first.refresh));
    assert_invalid_grant(&demo.refresh(&third.refresh));
    assert_revoked(&demo, &third.access);
}

#[test]
fn a_replay_after_the_grace_ends_that_login_and_no_other() {
    let demo = Demo::start(NO_GRACE);
    let session = demo.session("alice");
    let (stolen, other) = (demo.tokens("alice"), demo.tokens("alice"));
    let somebody_else = demo.tokens("user-1");
    let second = refreshed(&demo, &stolen.refresh);
    assert_eq!(demo.who(&stolen.access), "alice");

    assert_invalid_grant(&demo.refresh(&stolen.refresh));
    assert_invalid_grant(&demo.refresh(&second.refresh));
    assert_revoked(&demo, &stolen.access);
    assert_revoked(&demo, &second.access);

    for live in [&session, &other.access] {
        assert_eq!(demo.who(live), "alice");
    }
    assert_eq!(demo.logins(&session).len(), 2);
    assert_eq!(demo.who(&refreshed(&demo, &other.refresh).access), "alice");
    assert_eq!(
        demo.who(&refreshed(&demo, &somebody_else.refresh).access),
        "user-1"
    );
    assert_eq!(demo.who(&demo.tokens("alice").access), "alice");
}

#[test]
fn a_thief_and_his_victim_are_both_out_whoever_comes_first() {
    let demo = Demo::start(NO_GRACE);
    // Both have the first token, and refresh in turns.
    for _ in ["the thief is first", "the victim is first"] {
        let had_by_both = demo.tokens("user-1");
        let of_the_first = refreshed(&demo, &had_by_both.refresh);
        let of_the_first_again = refreshed(&demo, &of_the_first.refresh);
        assert_invalid_grant(&demo.refresh(&had_by_both.refresh)); // the second one comes
        assert_invalid_grant(&demo.refresh(&of_the_first_again.refresh));
        for tokens in [&had_by_both, &of_the_first, &of_the_first_again] {
            assert_revoked(&demo, &tokens.access);
        }
    }
    assert!(demo.logins(&demo.tokens("user-1").access).len() == 1);

    // Inside the grace they share one successor, so that the next turn tells.
    let demo = Demo::start(&[]);
    let had_by_both = demo.tokens("user-1");
    let thief = refreshed(&demo, &had_by_both.refresh);
    let victim = refreshed(&demo, &had_by_both.refresh);
    assert_eq!(thief.refresh, victim.refresh);
    let thief_again = refreshed(&demo, &thief.refresh);
    let thief_further = refreshed(&demo, &thief_again.refresh);
    assert_invalid_grant(&demo.refresh(&victim.refresh));
    assert_invalid_grant(&demo.refresh(&thief_further.refresh));
    assert_revoked(&demo, &victim.access);
    assert_revoked(&demo, &thief_further.access);
}

#[test]
fn two_hundred_refreshes_at_once_get_one_successor() {
    const CALLERS: usize = 200;
    let demo = Demo::start(&[]);
    let first = demo.tokens("alice");
    let server = demo.http();
    let barrier = Barrier::new(CALLERS);
    let answers: Vec<Response> = thread::scope(|scope| {
        let threads: Vec<_> = (0..CALLERS)
            .map(|_| {
                let (barrier, body) = (&barrier, format!("refresh_token={}", first.refresh));
                scope.spawn(move || {
                    let mut connection = Connection::open(server).expect("a connection");
                    barrier.wait();
                    let request = Request::post("/token/refresh").form(&body);
                    connection.send(&request).expect("an answer")
                })
            })
            .collect();
        let joined = threads
            .into_iter()
            .map(|thread| thread.join().expect("it answered"));
        joined.collect()
    });

    let all: Vec<Tokens> = answers.iter().map(Tokens::of).collect();
    assert_eq!(all.len(), CALLERS);
    let successor = &all[0].refresh;
    assert_ne!(*successor, first.refresh);
    assert!(all.iter().all(|tokens| tokens.refresh == *successor));
    for tokens in [&all[0], &all[CALLERS / 2], &all[CALLERS - 1]] {
        assert_eq!(demo.who(&tokens.access), "alice");
    }
    assert_eq!(demo.logins(&all[0].access).len(), 1);
    let next = refreshed(&demo, successor);
    assert_ne!(next.refresh, *successor);
    assert_eq!(demo.who(&next.access), "alice");
}

#[test]
fn a_made_up_refresh_token_ends_nothing() {
    let demo = Demo::start(NO_GRACE);
    let real = demo.tokens("user-1");
    let other = demo.tokens("user-1");
    let (mine, others) = (&real.refresh, &other.refresh);
    // Every character in turn, so every field: version, key, lane, login, generation, secret, MAC.
    let mut made_up: Vec<String> = (0..mine.len())
        .map(|at| {
            let character = if &mine[at..=at] == "A" { "B" } else { "A" };
            [&mine[..at], character, &mine[at + 1..]].concat()
        })
        .collect();
    // Two real tokens, cut and joined at every place.
    made_up.extend((5..mine.len()).map(|at| [&mine[..at], &others[at..]].concat()));
    made_up.extend([
        "art_".to_owned(),
        mine[4..].to_owned(),
        mine[..mine.len() - 1].to_owned(),
        format!("{mine}A"),
        format!("{mine}="),
        format!("{mine}%0A"),
        mine.to_uppercase(),
        "A".repeat(100_000),
        real.access.secret().to_owned(),
        demo.session("user-1").secret().to_owned(),
    ]);
    made_up.retain(|token| token != mine && token != others);
    for token in &made_up {
        assert_invalid_grant(&demo.refresh(token));
    }
    assert_eq!(demo.who(&real.access), "user-1");
    let next = refreshed(&demo, mine);
    assert_eq!(demo.who(&next.access), "user-1");
    assert_eq!(demo.who(&refreshed(&demo, others).access), "user-1");
}

#[test]
fn a_refresh_token_is_no_access_token_and_the_other_way_round() {
    let demo = Demo::start(&[]);
    let tokens = demo.tokens("alice");
    assert_challenge(
        &demo,
        &Credential::Bearer(tokens.refresh.clone()),
        "the token is malformed",
    );
    assert_invalid_grant(&demo.refresh(tokens.access.secret()));
    let session = demo.session("alice");
    assert_challenge(
        &demo,
        &Credential::Bearer(session.secret().to_owned()),
        "the token is malformed",
    );
    let as_cookie = Credential::Cookie(format!("__Host-id={}", tokens.access.secret()));
    assert_eq!(demo.who(&as_cookie), NOBODY);
}

#[test]
fn a_revoked_access_token_is_refused_at_once_and_its_login_goes_on() {
    let demo = Demo::start(&[]);
    let (revoked, other) = (demo.tokens("alice"), demo.tokens("alice"));
    assert_eq!(demo.who(&revoked.access), "alice");
    revoke(&demo, revoked.access.secret());
    assert_revoked(&demo, &revoked.access);

    let response = demo.request("GET", "/api/me", &revoked.access);
    assert_eq!(
        response.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(
        response.json(),
        json!({
            "type": "about:blank",
            "title": "Unauthorized",
            "status": 401,
            "detail": "the token was revoked",
            "error": "invalid_token",
        }),
    );
    assert_eq!(demo.who(&other.access), "alice");
    assert_eq!(
        demo.who(&refreshed(&demo, &revoked.refresh).access),
        "alice"
    );
    revoke(&demo, revoked.access.secret()); // again
    assert_revoked(&demo, &revoked.access);
}

#[test]
fn a_revoked_refresh_token_ends_its_login_and_no_other() {
    let demo = Demo::start(&[]);
    let (revoked, other, session) = (
        demo.tokens("alice"),
        demo.tokens("alice"),
        demo.session("alice"),
    );
    revoke(&demo, &revoked.refresh);
    assert_invalid_grant(&demo.refresh(&revoked.refresh));
    assert_revoked(&demo, &revoked.access);
    assert_eq!(demo.who(&other.access), "alice");
    assert_eq!(demo.who(&refreshed(&demo, &other.refresh).access), "alice");
    assert_eq!(demo.logins(&session).len(), 2);
}

#[test]
fn revoking_what_is_no_token_is_no_error() {
    let demo = Demo::start(&[]);
    let tokens = demo.tokens("alice");
    let mac_broken = format!("{}AAAA", &tokens.refresh[..tokens.refresh.len() - 4]);
    let signature_broken = {
        let token = tokens.access.secret();
        format!("{}AAAA", &token[..token.len() - 4])
    };
    for token in ["x", "art_", "a.b.c", &mac_broken, &signature_broken] {
        revoke(&demo, token);
    }
    assert_eq!(demo.who(&tokens.access), "alice");
    assert_eq!(demo.who(&refreshed(&demo, &tokens.refresh).access), "alice");
}

#[test]
fn others_can_verify_the_tokens_by_the_key_set() {
    let demo = Demo::start(&[]);
    let set = jwks(&demo);
    let response = demo.send(&login("/token/login", "admin"));
    let expires_in = response.json()["expires_in"].as_u64().expect("seconds");
    let tokens = Tokens::of(&response);
    let (header, claims) = verified(tokens.access.secret(), &set, "https://auth.demo", "demo");
    assert_eq!(header["typ"], "at+jwt");
    assert_eq!(claims["sub"], "admin");
    assert_eq!(claims["scope"], "read admin");
    let me = demo.me(&tokens.access);
    assert_eq!(claims["sid"], me["login"]);
    assert_eq!(claims["auth_time"], me["auth_time"]);
    assert_eq!(claims["exp"], me["expires_at"]);
    let seconds = |name: &str| claims[name].as_u64().expect("seconds");
    assert_eq!(seconds("exp") - seconds("iat"), expires_in);
    assert!(seconds("nbf") <= seconds("iat"));
    assert!(
        claims["jti"].is_string() && claims["client_id"].is_string(),
        "{claims}"
    );
    assert!(claims["gen"].is_u64() && claims["ver"].is_u64(), "{claims}");

    for key in set["keys"].as_array().expect("keys") {
        for private in ["d", "k", "p", "q"] {
            assert!(key.get(private).is_none(), "{private} in {set}");
        }
    }
}

#[test]
fn issuer_and_audience_are_as_the_flags_say() {
    let demo = Demo::start(&["--issuer", "https://issuer.example", "--audience", "orders"]);
    let tokens = demo.tokens("alice");
    verified(
        tokens.access.secret(),
        &jwks(&demo),
        "https://issuer.example",
        "orders",
    );
    assert_eq!(demo.who(&tokens.access), "alice");
}

#[test]
fn only_an_admin_may_introspect() {
    let demo = Demo::start(&[]);
    let (admin, alice) = (demo.tokens("admin"), demo.tokens("alice"));
    let introspect = |who: &Credential, token: &str| {
        demo.send(&who.on(Request::post("/token/introspect").form(&format!("token={token}"))))
    };
    let active = introspect(&admin.access, alice.access.secret());
    assert_eq!(active.status, 200, "{active:?}");
    let body = active.json();
    let (_, claims) = unverified(alice.access.secret());
    assert_eq!(body["active"], true);
    for claim in [
        "sub",
        "scope",
        "exp",
        "iat",
        "iss",
        "aud",
        "client_id",
        "jti",
    ] {
        assert_eq!(body[claim], claims[claim], "{claim}");
    }

    assert_eq!(
        introspect(&Credential::None, alice.access.secret()).status,
        401
    );
    assert_eq!(introspect(&alice.access, alice.access.secret()).status, 403);
    let by_cookie = introspect(&demo.session("alice"), alice.access.secret());
    assert!(matches!(by_cookie.status, 401 | 403), "{by_cookie:?}");

    revoke(&demo, alice.access.secret());
    let signature_broken = format!("{}AAAA", &admin.access.secret()[..200]);
    for inactive in [alice.access.secret(), "x", "a.b.c", &signature_broken] {
        let response = introspect(&admin.access, inactive);
        assert_eq!(response.status, 200, "{response:?}");
        assert_eq!(response.json(), json!({"active": false}), "{inactive}");
    }
}

#[test]
fn what_a_token_says_is_checked_and_not_only_its_signature() {
    let (demo, _) = with_known_secret("checked");
    let tokens = demo.tokens("alice");
    let (header, claims) = unverified(tokens.access.secret());
    let now = claims["iat"].as_u64().expect("seconds");
    let with = |claim: &str, value: Value| {
        let mut changed = claims.clone();
        changed[claim] = value;
        Credential::Bearer(signed(&header, &changed, SECRET))
    };
    let without = |claim: &str| {
        let mut changed = claims.clone();
        changed.as_object_mut().expect("an object").remove(claim);
        Credential::Bearer(signed(&header, &changed, SECRET))
    };
    assert_eq!(demo.who(&with("sub", json!("alice"))), "alice");
    assert_eq!(demo.who(&with("exp", json!(now + 60))), "alice");

    let claims_invalid = "the claims are invalid";
    let rows = [
        (
            "expired, with all leeway",
            with("exp", json!(now - 120)),
            "the token expired",
        ),
        (
            "not valid yet",
            with("nbf", json!(now + 3600)),
            "the token is not valid yet",
        ),
        (
            "issued in the future",
            with("iat", json!(now + 3600)),
            "the token is not valid yet",
        ),
        (
            "nbf as text",
            with("nbf", json!((now + 3600).to_string())),
            claims_invalid,
        ),
        (
            "exp as text",
            with("exp", json!((now + 60).to_string())),
            claims_invalid,
        ),
        (
            "exp beyond the year 9999",
            with("exp", json!(253_402_300_800_u64)),
            claims_invalid,
        ),
        ("no exp", without("exp"), claims_invalid),
        ("no sub", without("sub"), claims_invalid),
        ("empty sub", with("sub", json!("")), claims_invalid),
        ("no jti", without("jti"), claims_invalid),
        ("no iat", without("iat"), claims_invalid),
        (
            "another issuer",
            with("iss", json!("https://other.demo")),
            "the issuer is not trusted",
        ),
        (
            "another audience",
            with("aud", json!("upstream")),
            "the token is for another audience",
        ),
    ];
    for (row, token, description) in rows {
        let response = demo.request("GET", "/api/me", &token);
        assert_eq!(response.status, 401, "{row}: {response:?}");
        let challenge = response.header("www-authenticate").unwrap_or_default();
        let expected = format!(r#"error="invalid_token", error_description="{description}""#);
        assert!(challenge.ends_with(&expected), "{row}: {challenge}");
    }
    // Which of these a verifier sees first is its own affair.
    for (row, token) in [
        ("no iss", without("iss")),
        ("no aud", without("aud")),
        (
            "issuer in a list",
            with("iss", json!(["https://auth.demo"])),
        ),
    ] {
        assert_eq!(demo.who(&token), NOBODY, "{row}");
    }
    // Another secret, another kind, critical extensions.
    let mut other_kind = header.clone();
    other_kind["typ"] = json!("JWT");
    let mut critical = header.clone();
    critical["crit"] = json!(["exp"]);
    let mut other_key = header.clone();
    other_key["kid"] = json!("another");
    let mut other_hash = header.clone();
    other_hash["alg"] = json!("HS512");
    for (token, description) in [
        (
            signed(&header, &claims, &SECRET.replace("this test", "nobody...")),
            "the signature is invalid",
        ),
        (
            signed(&other_key, &claims, SECRET),
            "the signature is invalid",
        ),
        (
            signed(&other_hash, &claims, SECRET),
            "the signature is invalid",
        ),
        (
            signed(&other_kind, &claims, SECRET),
            "the token is of another kind",
        ),
        (
            signed(&critical, &claims, SECRET),
            "the token is of another kind",
        ),
    ] {
        assert_challenge(&demo, &Credential::Bearer(token), description);
    }
    let mut unsigned = header.clone();
    unsigned["alg"] = json!("none");
    let unsigned = signed(&unsigned, &claims, SECRET);
    assert_eq!(demo.who(&Credential::Bearer(unsigned)), NOBODY);
}

#[test]
fn of_several_keys_the_first_signs_and_all_verify() {
    for algorithm in ["EdDSA", "ES256", "RS256"] {
        let pems = [private_key(algorithm), private_key(algorithm)];
        let files = [0, 1].map(|number| {
            let name = format!("{algorithm}-{number}.pem");
            let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
            fs::write(&file, &pems[number]).expect("the folder for temporary files can be written");
            file.to_str().expect("a path of text").to_owned()
        });
        let demo = Demo::start(&["--key", &files[0], "--key", &files[1]]);
        let set = jwks(&demo);
        let kids: Vec<&Value> = set["keys"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|key| &key["kid"])
            .collect();
        assert_eq!(kids.len(), 2, "{set}");

        let tokens = demo.tokens("alice");
        let (mut header, claims) =
            verified(tokens.access.secret(), &set, "https://auth.demo", "demo");
        assert_eq!(header["alg"], algorithm);
        let first = header["kid"].clone();
        let second = *kids
            .iter()
            .find(|kid| ***kid != first)
            .expect("another kid");
        let by =
            |header: &Value, pem: &str| demo.who(&Credential::Bearer(signed(header, &claims, pem)));
        assert_eq!(by(&header, &pems[0]), "alice");
        assert_eq!(by(&header, &pems[1]), NOBODY);
        header["kid"] = second.clone();
        assert_eq!(by(&header, &pems[1]), "alice");
        assert_eq!(by(&header, &pems[0]), NOBODY);
    }
}

#[test]
fn refresh_keys_come_from_a_file() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("refresh.keys");
    // 32 bytes each, in base64.
    let lines = format!("{}=\n{}=\n", "k".repeat(43), "A".repeat(43));
    fs::write(&file, lines).expect("the folder for temporary files can be written");
    let path = file.to_str().expect("a path of text").to_owned();
    let demo = Demo::start(&["--refresh-keys", &path]);
    let first = demo.tokens("alice");
    let second = refreshed(&demo, &first.refresh);
    assert_eq!(refreshed(&demo, &first.refresh).refresh, second.refresh);

    // Another process with these keys does not know the login, and ends nothing.
    let other = Demo::start(&["--refresh-keys", &path]);
    assert_invalid_grant(&other.refresh(&second.refresh));
    assert_eq!(demo.who(&refreshed(&demo, &second.refresh).access), "alice");
}

#[test]
fn a_login_of_long_ago_may_not_change_the_password() {
    let (demo, _) = with_known_secret("long-ago");
    let tokens = demo.tokens("alice");
    let other = demo.session("alice");
    let (header, mut claims) = unverified(tokens.access.secret());
    let auth_time = claims["auth_time"].as_u64().expect("seconds");
    claims["auth_time"] = json!(auth_time - 301);
    let stale = Credential::Bearer(signed(&header, &claims, SECRET));

    assert_eq!(demo.who(&stale), "alice");
    let response = demo.request("POST", "/api/password", &stale);
    assert_eq!(response.status, 401, "{response:?}");
    let expected = format!(
        r#"Bearer realm="{}", error="insufficient_user_authentication", max_age="300""#,
        demo.realm(),
    );
    assert_eq!(response.header("www-authenticate"), Some(&*expected));
    assert_eq!(demo.who(&other), "alice");

    claims["auth_time"] = json!(auth_time - 200);
    let recent = Credential::Bearer(signed(&header, &claims, SECRET));
    assert_eq!(demo.request("POST", "/api/password", &recent).status, 204);
    assert_eq!(demo.who(&other), NOBODY);
}

#[test]
fn tokens_of_before_a_restart_are_refused() {
    let (before, file) = with_known_secret("restart");
    let tokens = before.tokens("alice");
    assert_eq!(before.who(&tokens.access), "alice");
    drop(before);

    // What was revoked before is forgotten: so nothing of before is good.
    let after = Demo::start(&["--key", file.to_str().expect("a path of text")]);
    assert_revoked(&after, &tokens.access);
    assert_invalid_grant(&after.refresh(&tokens.refresh));
    assert_eq!(after.who(&after.tokens("alice").access), "alice");
}

#[test]
fn token_routes_set_no_cookie() {
    let demo = Demo::start(&[]);
    let session = demo.session("alice");
    let tokens = demo.tokens("alice");
    for request in [
        login("/token/login", "alice"),
        Request::post("/token/refresh").form(&format!("refresh_token={}", tokens.refresh)),
        Request::post("/token/revoke").form("token=x"),
        Request::get("/.well-known/jwks.json"),
    ] {
        for who in [&session, &Credential::None] {
            let response = demo.send(&who.on(request.clone()));
            assert_eq!(response.status, 200, "{response:?}");
            assert!(SetCookie::of(&response).is_none(), "{response:?}");
        }
    }
}

#[test]
fn an_expired_or_revoked_bearer_does_not_hinder_a_refresh() {
    let demo = Demo::start(&[]);
    let tokens = demo.tokens("alice");
    revoke(&demo, tokens.access.secret());
    // Clients attach the bearer that they have to every request.
    for bearer in [&tokens.access, &Credential::Bearer("junk".to_owned())] {
        let form = format!("refresh_token={}", tokens.refresh);
        let response = demo.send(&bearer.on(Request::post("/token/refresh").form(&form)));
        assert_eq!(response.status, 200, "{response:?}");
        let revoke = bearer.on(Request::post("/token/revoke").form("token=x"));
        assert_eq!(demo.send(&revoke).status, 200);
    }
}
