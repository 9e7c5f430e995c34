//! The claims.

use auth_core::{InvalidToken, Scopes, Timestamp};
use serde_json::{Value, json};

use super::*;

#[test]
fn a_good_token_tells_who_it_is() {
    let members = json!({
        "jti": "t1", "iat": NOW, "client_id": "app", "scope": "read write", "auth_time": NOW - 60,
        "mail": "alice@example.com",
    });
    let verified = verifier().verify(token(members).as_bytes()).expect("good");
    assert_eq!((verified.issuer(), verified.subject()), ("iss", "alice"));
    assert_eq!(
        (verified.token_id(), verified.client_id()),
        (Some("t1"), Some("app"))
    );
    assert_eq!(verified.scopes(), &Scopes::parse("read write"));
    assert_eq!(verified.issued_at(), Some(Timestamp::from_secs(NOW)));
    assert_eq!(verified.auth_time(), Some(Timestamp::from_secs(NOW - 60)));
    assert_eq!(verified.expires_at(), Timestamp::from_secs(NOW + 300));

    #[derive(serde::Deserialize)]
    struct Ours {
        mail: String,
    }
    assert_eq!(
        verified.claims::<Ours>().expect("ours").mail,
        "alice@example.com"
    );
    assert_eq!(verified.claims::<Vec<u8>>(), Err(InvalidToken::Claims));
    assert!(!format!("{verified:?}").contains("example.com"));
}

#[test]
fn the_claims() {
    use InvalidToken::*;
    let raw = |members: &str| {
        let claims = format!(
            r#"{{"iss":"iss","aud":"aud","sub":"alice","exp":{},{members}}}"#,
            NOW + 300
        );
        sign(header().to_string(), claims)
    };
    let many: Vec<String> = (0..129).map(|i| format!(r#""m{i}":0"#)).collect();
    for (what, token, expected) in [
        ("the least", token(json!({})), Ok(())),
        (
            "sub of the greatest length",
            token(json!({"sub": "x".repeat(1024)})),
            Ok(()),
        ),
        (
            "aud among others",
            token(json!({"aud": ["x", "aud"]})),
            Ok(()),
        ),
        (
            "aud is a list of one",
            token(json!({"aud": ["aud"]})),
            Ok(()),
        ),
        (
            "exp with a fraction",
            token(json!({"exp": NOW as f64 + 0.5})),
            Ok(()),
        ),
        (
            "members of any kind",
            raw(r#""a":[1,{"b":null}],"c":-1e3"#),
            Ok(()),
        ),
        ("128 others", raw(&many[1..].join(",")), Ok(())),
        (
            "sid of another type, in somebody else's token",
            token(json!({"sid": 1, "ver": "x", "gen": []})),
            Ok(()),
        ),
        ("no iss", token(json!({"iss": null})), Err(Claims)),
        ("iss is a list", token(json!({"iss": ["iss"]})), Err(Claims)),
        ("iss is another", token(json!({"iss": "iss2"})), Err(Issuer)),
        ("iss is empty", token(json!({"iss": ""})), Err(Issuer)),
        (
            "iss with a slash more",
            token(json!({"iss": "iss/"})),
            Err(Issuer),
        ),
        ("iss in capitals", token(json!({"iss": "ISS"})), Err(Issuer)),
        ("no aud", token(json!({"aud": null})), Err(Claims)),
        (
            "aud is another",
            token(json!({"aud": "aud2"})),
            Err(Audience),
        ),
        (
            "aud is an empty list",
            token(json!({"aud": []})),
            Err(Audience),
        ),
        ("aud is empty", token(json!({"aud": ""})), Err(Audience)),
        (
            "aud is a prefix",
            token(json!({"aud": "au"})),
            Err(Audience),
        ),
        (
            "aud holds ours in a longer string",
            token(json!({"aud": "aud x"})),
            Err(Audience),
        ),
        (
            "aud with a number among others",
            token(json!({"aud": ["aud", 1]})),
            Err(Claims),
        ),
        (
            "aud with a list in it",
            token(json!({"aud": [["aud"]]})),
            Err(Claims),
        ),
        (
            "aud is an object",
            token(json!({"aud": {"aud": 1}})),
            Err(Claims),
        ),
        ("aud is true", token(json!({"aud": true})), Err(Claims)),
        ("aud twice", raw(r#""aud":"aud""#), Err(Claims)),
        ("no sub", token(json!({"sub": null})), Err(Claims)),
        ("sub is empty", token(json!({"sub": ""})), Err(Claims)),
        ("sub is a number", token(json!({"sub": 7})), Err(Claims)),
        (
            "sub is too long",
            token(json!({"sub": "x".repeat(1025)})),
            Err(Claims),
        ),
        ("sub twice", raw(r#""sub":"bob""#), Err(Claims)),
        (
            "sub twice, once with an escape",
            raw(r#""su\u0062":"bob""#),
            Err(Claims),
        ),
        ("no exp", token(json!({"exp": null})), Err(Claims)),
        (
            "exp is a string",
            token(json!({"exp": (NOW + 300).to_string()})),
            Err(Claims),
        ),
        (
            "exp is u64::MAX",
            token(json!({"exp": u64::MAX})),
            Err(Claims),
        ),
        ("exp in ms", token(json!({"exp": NOW * 1000})), Err(Claims)),
        ("exp is negative", token(json!({"exp": -1})), Err(Claims)),
        ("exp is true", token(json!({"exp": true})), Err(Claims)),
        (
            "exp twice",
            raw(&format!(r#""exp":{}"#, NOW + 300)),
            Err(Claims),
        ),
        (
            "nbf is a string",
            token(json!({"nbf": NOW.to_string()})),
            Err(Claims),
        ),
        ("nbf is null", raw(r#""nbf":null"#), Err(Claims)),
        ("nbf is a list", token(json!({"nbf": [NOW]})), Err(Claims)),
        (
            "iat is a string",
            token(json!({"iat": NOW.to_string()})),
            Err(Claims),
        ),
        ("iat is null", raw(r#""iat":null"#), Err(Claims)),
        (
            "auth_time is a string",
            token(json!({"auth_time": "1"})),
            Err(Claims),
        ),
        ("jti is a number", token(json!({"jti": 1})), Err(Claims)),
        ("jti is empty", token(json!({"jti": ""})), Err(Claims)),
        (
            "jti is too long",
            token(json!({"jti": "x".repeat(1025)})),
            Err(Claims),
        ),
        (
            "client_id is a list",
            token(json!({"client_id": ["a"]})),
            Err(Claims),
        ),
        ("another member twice", raw(r#""x":1,"x":1"#), Err(Claims)),
        ("129 others", raw(&many.join(",")), Err(Claims)),
        (
            "a lone surrogate in another member",
            raw(r#""x":"\udc00""#),
            Err(Claims),
        ),
        (
            "a number out of range in another member",
            raw(r#""x":1e999"#),
            Err(Claims),
        ),
        (
            "31 deep",
            raw(&format!(r#""x":{}{}"#, "[".repeat(31), "]".repeat(31))),
            Ok(()),
        ),
        (
            "32 deep",
            raw(&format!(r#""x":{}{}"#, "[".repeat(32), "]".repeat(32))),
            Err(Claims),
        ),
        (
            "2,500 deep",
            raw(&format!(r#""x":{}{}"#, "[".repeat(2500), "]".repeat(2500))),
            Err(Claims),
        ),
        ("a list", sign(header().to_string(), "[]"), Err(Claims)),
        ("a string", sign(header().to_string(), "\"x\""), Err(Claims)),
        ("null", sign(header().to_string(), "null"), Err(Claims)),
        (
            "two objects",
            sign(header().to_string(), format!("{0}{0}", claims())),
            Err(Claims),
        ),
        (
            "white space around",
            sign(header().to_string(), format!(" {} \n", claims())),
            Ok(()),
        ),
    ] {
        assert_eq!(verdict(&verifier(), &token), expected, "{what}");
    }
    let not_utf8 = |bytes: &[u8]| {
        let claims = claims().to_string();
        let claims = [
            &claims.as_bytes()[..claims.len() - 1],
            b",\"x\":",
            bytes,
            b"}",
        ]
        .concat();
        verdict(&verifier(), &sign(header().to_string(), claims))
    };
    assert_eq!(not_utf8(b"\"\xff\""), Err(Claims));
    assert_eq!(not_utf8(b"[{\"a\":\"\xc0\x80\"}]"), Err(Claims));
    assert_eq!(not_utf8(b"{\"\xed\xa0\x80\":1}"), Err(Claims));
}

#[test]
fn a_token_id_where_a_store_is_asked() {
    let verifier = builder().require_token_id().build().expect("a verifier");
    for (what, members, expected) in [
        ("both", json!({"jti": "t", "iat": NOW}), Ok(())),
        ("no jti", json!({"iat": NOW}), Err(InvalidToken::Claims)),
        ("no iat", json!({"jti": "t"}), Err(InvalidToken::Claims)),
        ("neither", json!({}), Err(InvalidToken::Claims)),
    ] {
        assert_eq!(verdict(&verifier, &token(members)), expected, "{what}");
    }
}

#[test]
fn sid_gen_and_ver_are_believed_of_our_own_issuer_only() {
    let own = builder().own().build().expect("a verifier");
    let good = token(json!({"sid": "s", "gen": 3, "ver": 5}));
    let verified = own.verify(good.as_bytes()).expect("good");
    assert_eq!(
        (
            verified.session_id(),
            verified.generation(),
            verified.version()
        ),
        (Some("s"), Some(3), Some(5))
    );
    let verified = verifier().verify(good.as_bytes()).expect("good");
    assert_eq!(
        (
            verified.session_id(),
            verified.generation(),
            verified.version()
        ),
        (None, None, None)
    );
    for (what, members) in [
        ("sid is a number", json!({"sid": 1})),
        ("sid is empty", json!({"sid": ""})),
        ("gen is negative", json!({"gen": -1})),
        ("gen is a string", json!({"gen": "1"})),
        ("ver has a fraction", json!({"ver": 1.5})),
        ("ver is beyond u64", json!({"ver": 1e30})),
        ("ver is a string", json!({"ver": "5"})),
    ] {
        assert_eq!(
            verdict(&own, &token(members.clone())),
            Err(InvalidToken::Claims),
            "{what}"
        );
        assert_eq!(verdict(&verifier(), &token(members)), Ok(()), "{what}");
    }
}

#[test]
fn nothing_is_said_of_claims_without_a_good_signature() {
    let forged = |members: Value| {
        let token = token(members);
        let signed = token.rsplit_once('.').expect("three parts").0;
        format!("{signed}.{}", "A".repeat(43))
    };
    for members in [
        json!({"exp": 1}),
        json!({"aud": 1}),
        json!({"nbf": Timestamp::MAX_SECS}),
    ] {
        assert_eq!(
            verdict(&verifier(), &forged(members)),
            Err(InvalidToken::Signature)
        );
    }
}
