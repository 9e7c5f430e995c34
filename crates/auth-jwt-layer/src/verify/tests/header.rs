//! The header, and the shape of a token.

use auth_core::InvalidToken;
use serde_json::json;

use super::*;

#[test]
fn the_header() {
    use InvalidToken::*;
    let tokens = |members| sign(with(header(), members).to_string(), claims().to_string());
    let raw = |text: &str| sign(text, claims().to_string());
    let x5c = "A".repeat(4000);
    let many: String = (0..40).map(|i| format!(r#""m{i}":0,"#)).collect();
    let jwk = json!({"jwk": {"kty": "oct", "k": ""}, "jku": "https://evil.example", "x5u": "x", "x5c": [x5c]});
    for (what, token, expected) in [
        ("at+jwt", tokens(json!({})), Ok(())),
        ("keys and addresses of the token's own", tokens(jwk), Ok(())),
        (
            "no kid, where there is one key",
            tokens(json!({"kid": null})),
            Ok(()),
        ),
        (
            "white space",
            raw(" {\"alg\" :\"HS256\",\n\"typ\":\"at+jwt\"} "),
            Ok(()),
        ),
        (
            "a name with an escape",
            raw(r#"{"\u0061lg":"HS256","typ":"at+jwt"}"#),
            Ok(()),
        ),
        (
            "alg twice",
            raw(r#"{"alg":"HS256","alg":"HS256","typ":"at+jwt"}"#),
            Err(Malformed),
        ),
        (
            "alg twice, once with an escape",
            raw(r#"{"alg":"HS256","\u0061lg":"none","typ":"at+jwt"}"#),
            Err(Malformed),
        ),
        (
            "something else twice",
            raw(r#"{"alg":"HS256","typ":"at+jwt","x":1,"x":1}"#),
            Err(Malformed),
        ),
        ("no alg", tokens(json!({"alg": null})), Err(Malformed)),
        ("alg is a number", tokens(json!({"alg": 1})), Err(Malformed)),
        (
            "alg is a list",
            tokens(json!({"alg": ["HS256"]})),
            Err(Malformed),
        ),
        ("alg none", tokens(json!({"alg": "none"})), Err(Algorithm)),
        ("alg nOnE", tokens(json!({"alg": "nOnE"})), Err(Algorithm)),
        ("alg is empty", tokens(json!({"alg": ""})), Err(Algorithm)),
        (
            "alg in lower case",
            tokens(json!({"alg": "hs256"})),
            Err(Algorithm),
        ),
        (
            "another algorithm of the family",
            tokens(json!({"alg": "HS512"})),
            Err(Algorithm),
        ),
        (
            "an algorithm of another family",
            tokens(json!({"alg": "RS256"})),
            Err(Algorithm),
        ),
        ("another kid", tokens(json!({"kid": "other"})), Err(Key)),
        ("an empty kid", tokens(json!({"kid": ""})), Err(Key)),
        (
            "kid is a path",
            tokens(json!({"kid": "../../dev/null"})),
            Err(Key),
        ),
        ("kid is a number", tokens(json!({"kid": 1})), Err(Malformed)),
        (
            "kid is null",
            raw(r#"{"alg":"HS256","typ":"at+jwt","kid":null}"#),
            Err(Malformed),
        ),
        (
            "crit",
            tokens(json!({"crit": ["exp"], "exp": 1})),
            Err(Critical),
        ),
        ("crit, empty", tokens(json!({"crit": []})), Err(Critical)),
        (
            "crit, of another type",
            tokens(json!({"crit": false})),
            Err(Critical),
        ),
        ("b64", tokens(json!({"b64": false})), Err(Critical)),
        ("enc", tokens(json!({"enc": "A128GCM"})), Err(Malformed)),
        ("zip", tokens(json!({"zip": "DEF"})), Err(Malformed)),
        (
            "too many members",
            raw(&format!(r#"{{{many}"alg":"HS256","typ":"at+jwt"}}"#)),
            Err(Malformed),
        ),
        ("a list", raw("[]"), Err(Malformed)),
        ("null", raw("null"), Err(Malformed)),
        (
            "two objects",
            raw(r#"{"alg":"HS256","typ":"at+jwt"}{}"#),
            Err(Malformed),
        ),
        (
            "a comment",
            raw(r#"{"alg":"HS256","typ":"at+jwt"}//"#),
            Err(Malformed),
        ),
        (
            "a trailing comma",
            raw(r#"{"alg":"HS256","typ":"at+jwt",}"#),
            Err(Malformed),
        ),
        (
            "a byte order mark",
            raw("\u{feff}{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}"),
            Err(Malformed),
        ),
        (
            "a lone surrogate",
            raw(r#"{"alg":"HS256","typ":"at+jwt","x":"\ud800"}"#),
            Err(Malformed),
        ),
        (
            "deep",
            raw(&format!(
                r#"{{"alg":"HS256","typ":"at+jwt","x":{}}}"#,
                "[".repeat(2000)
            )),
            Err(Malformed),
        ),
    ] {
        assert_eq!(verdict(&verifier(), &token), expected, "{what}");
    }
    let not_utf8 = sign(
        b"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"x\":\"\xff\"}",
        claims().to_string(),
    );
    assert_eq!(verdict(&verifier(), &not_utf8), Err(Malformed));
}

#[test]
fn the_type() {
    let lax = builder().accept_typ_jwt().build().expect("a verifier");
    // What it is, and whether it is taken by default and when plain JWTs are asked for.
    for (typ, strict_takes, lax_takes) in [
        (json!("at+jwt"), true, true),
        (json!("AT+JWT"), true, true),
        (json!("application/at+jwt"), true, true),
        (json!("Application/At+Jwt"), true, true),
        (json!("JWT"), false, true),
        (json!("jwt"), false, true),
        (json!("application/jwt"), false, true),
        (json!(null), false, true),
        (json!(""), false, false),
        (json!(" at+jwt"), false, false),
        (json!("at+jwt; x"), false, false),
        (json!("at+jwt\u{0}"), false, false),
        (json!("at\u{ff0b}jwt"), false, false),
        (json!("logout+jwt"), false, false),
        (json!("dpop+jwt"), false, false),
        (json!("JOSE"), false, false),
        (json!(["at+jwt"]), false, false),
        (json!(1), false, false),
    ] {
        let token = sign(
            with(header(), json!({"typ": typ})).to_string(),
            claims().to_string(),
        );
        assert_eq!(
            verifier().verify(token.as_bytes()).is_ok(),
            strict_takes,
            "{typ}"
        );
        assert_eq!(lax.verify(token.as_bytes()).is_ok(), lax_takes, "{typ}");
    }
}

#[test]
fn the_shape() {
    use InvalidToken::{Malformed, Signature, TooLarge};
    let good = token(json!({}));
    let parts: Vec<&str> = good.split('.').collect();
    let [head, body, tail] = parts[..] else {
        panic!("three parts")
    };
    for (what, token, expected) in [
        ("as it should be", good.clone(), Ok(())),
        ("nothing", String::new(), Err(Malformed)),
        ("one part", head.to_owned(), Err(Malformed)),
        ("two parts", format!("{head}.{body}"), Err(Malformed)),
        ("four parts", format!("{good}."), Err(Malformed)),
        ("five parts", format!("{good}.a.a"), Err(Malformed)),
        ("dots", "..".to_owned(), Err(Malformed)),
        ("no header", format!(".{body}.{tail}"), Err(Malformed)),
        ("no claims", format!("{head}..{tail}"), Err(Malformed)),
        ("no signature", format!("{head}.{body}."), Err(Malformed)),
        ("padding", format!("{good}="), Err(Malformed)),
        ("space before", format!(" {good}"), Err(Malformed)),
        ("a line end after", format!("{good}\n"), Err(Malformed)),
        (
            "the other alphabet",
            format!("{head}.{body}.{}+", &tail[1..]),
            Err(Malformed),
        ),
        (
            "part of a signature",
            format!("{head}.{body}.{}", &tail[..40]),
            Err(Signature),
        ),
        (
            "a signature with more behind it",
            format!("{good}AAAA"),
            Err(Signature),
        ),
        (
            "another signature",
            format!("{head}.{body}.{}", "A".repeat(43)),
            Err(Signature),
        ),
        (
            "an endless signature",
            format!("{head}.{body}.{}", "A".repeat(700)),
            Err(TooLarge),
        ),
        (
            "header and claims exchanged",
            format!("{body}.{head}.{tail}"),
            Err(Malformed),
        ),
    ] {
        assert_eq!(verdict(&verifier(), &token), expected, "{what}");
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    let good = token(json!({"jti": "t", "iat": NOW}));
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            assert!(verifier().verify(&bytes).is_err(), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn the_size_limit_comes_before_all_else() {
    let good = token(json!({}));
    let exact = builder()
        .size_limit(good.len())
        .build()
        .expect("a verifier");
    assert_eq!(verdict(&exact, &good), Ok(()));
    let less = builder()
        .size_limit(good.len() - 1)
        .build()
        .expect("a verifier");
    assert_eq!(verdict(&less, &good), Err(InvalidToken::TooLarge));
    assert_eq!(
        verdict(&verifier(), &".".repeat(8193)),
        Err(InvalidToken::TooLarge)
    );
    assert_eq!(
        verdict(&verifier(), &".".repeat(8192)),
        Err(InvalidToken::Malformed)
    );
    // A good token of the greatest size.
    let pad = |n: usize| token(json!({"pad": "x".repeat(n)}));
    let sizes: Vec<String> = (5900..6100).map(pad).collect();
    let largest = sizes
        .iter()
        .rfind(|token| token.len() <= 8192)
        .expect("one");
    assert!(largest.len() > 8190);
    assert_eq!(verdict(&verifier(), largest), Ok(()));
}

#[test]
fn one_key_is_tried_and_no_other() {
    let keys = KeySet::builder()
        .secret(Algorithm::Hs256, "other", [7; 32])
        .secret(Algorithm::Hs256, "k", SECRET);
    let clock = ManualClock::new(Timestamp::from_secs(NOW));
    let verifier = Verifier::builder("iss", "aud", keys.build().expect("keys")).clock(clock);
    let verifier = verifier.build().expect("a verifier");
    for (kid, expected) in [
        (json!("k"), Ok(())),
        (json!("other"), Err(InvalidToken::Signature)),
        (json!(null), Err(InvalidToken::Key)),
    ] {
        let header = with(header(), json!({ "kid": kid })).to_string();
        assert_eq!(
            verdict(&verifier, &sign(header, claims().to_string())),
            expected,
            "{kid}"
        );
    }
}
