//! Several issuers in one layer.

use std::time::Duration;

use auth_core::{
    InvalidToken, ManualClock, Rejection, RejectionKind, Verdict,
    revocation::{Op, Query},
    store::{Revocation, Revocations},
};
use auth_jwt_layer::{Algorithm, ConfigErrorKind, JwtLayer, KeySet, Verifier, VerifierBuilder};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tower::ServiceExt;

use crate::support::*;

const OTHER: &str = "https://third.example";
const OTHER_SECRET: &[u8] = b"the third party's secret, of 32 bytes";

/// Of a third issuer, whose key has the same id as the second one's.
fn other_verifier(clock: &ManualClock) -> VerifierBuilder {
    let keys = KeySet::builder().secret(Algorithm::Hs256, "k", OTHER_SECRET);
    Verifier::builder(OTHER, "other-api", keys.build().expect("keys")).clock(clock.clone())
}

fn other_claims(members: Value) -> Value {
    let mut claims = foreign_claims(json!({"iss": OTHER, "aud": "other-api"}));
    for (name, value) in members.as_object().expect("an object") {
        claims[name] = value.clone();
    }
    claims
}

fn header() -> Value {
    json!({"alg": "HS256", "typ": "at+jwt", "kid": "k"})
}

/// Like [`sign`], with the third issuer's key.
fn sign_as_other(header: &Value, claims: &Value) -> String {
    let text = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!("{}.{}", text(header), text(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(OTHER_SECRET).expect("any length");
    mac.update(signed.as_bytes());
    format!(
        "{signed}.{}",
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    )
}

fn other_token(members: Value) -> String {
    sign_as_other(&header(), &other_claims(members))
}

fn both() -> JwtLayer {
    let clock = ManualClock::new(START);
    let verifier = foreign_verifier(&clock).build().expect("a verifier");
    let other = other_verifier(&clock).build().expect("a verifier");
    let layer = JwtLayer::builder(verifier).trust(other).build();
    layer.expect("a layer")
}

async fn why(layer: &JwtLayer, token: &str) -> InvalidToken {
    let service = Handler::default().behind(layer);
    let response = service.oneshot(bearer(token)).await.expect("no error");
    let rejection = response.extensions().get::<Rejection>();
    match rejection.map(Rejection::kind) {
        Some(RejectionKind::InvalidToken(why)) => *why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_issuers_tokens_are_checked_by_its_own_rules() {
    let layer = both();
    for (what, token, expected) in [
        ("the first's", foreign_token(json!({})), Ok(())),
        ("the second's", other_token(json!({})), Ok(())),
        (
            "the first's, for the second's audience",
            foreign_token(json!({"aud": "other-api"})),
            Err(InvalidToken::Audience),
        ),
        (
            "the second's, for the first's audience",
            other_token(json!({"aud": AUDIENCE})),
            Err(InvalidToken::Audience),
        ),
        (
            "a third one's",
            other_token(json!({"iss": "https://fourth.example"})),
            Err(InvalidToken::Issuer),
        ),
        (
            "one's with a slash more",
            other_token(json!({"iss": format!("{OTHER}/")})),
            Err(InvalidToken::Issuer),
        ),
        (
            "of no issuer",
            sign_as_other(&header(), &json!({"sub": "alice"})),
            Err(InvalidToken::Claims),
        ),
        (
            "of both issuers",
            other_token(json!({"iss": [FOREIGN, OTHER]})),
            Err(InvalidToken::Claims),
        ),
    ] {
        match expected {
            Ok(()) => {
                let answer = send(&layer, bearer(&token)).await;
                assert_eq!(answer, passed("token alice"), "{what}");
            }
            Err(expected) => assert_eq!(why(&layer, &token).await, expected, "{what}"),
        }
    }
}

#[tokio::test]
async fn keys_of_one_issuer_never_verify_tokens_of_another() {
    let layer = both();
    let first_by_second = sign_as_other(&header(), &foreign_claims(json!({})));
    let second_by_first = sign(&header(), &other_claims(json!({})));
    for token in [first_by_second, second_by_first] {
        assert_eq!(why(&layer, &token).await, InvalidToken::Signature);
    }
}

#[tokio::test]
async fn an_issuer_that_is_named_twice_is_none() {
    // What chooses the key must be what is believed afterwards.
    let claims = |first: &str, second: &str| {
        let rest = foreign_claims(json!({"iss": null})).to_string();
        format!(
            r#"{{"iss":"{first}",{},"iss":"{second}"}}"#,
            &rest[1..rest.len() - 1]
        )
    };
    let layer = both();
    for (first, second) in [(FOREIGN, OTHER), (OTHER, FOREIGN), (FOREIGN, FOREIGN)] {
        let text = |bytes: &str| URL_SAFE_NO_PAD.encode(bytes);
        let signed = format!(
            "{}.{}",
            text(&header().to_string()),
            text(&claims(first, second))
        );
        for secret in [&b"a test secret of thirty-two bytes"[..], OTHER_SECRET] {
            let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("any length");
            mac.update(signed.as_bytes());
            let mac = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
            let why = why(&layer, &format!("{signed}.{mac}")).await;
            assert!(
                [InvalidToken::Claims, InvalidToken::Signature].contains(&why),
                "{first} {second}: {why:?}"
            );
        }
    }
}

#[tokio::test]
async fn our_own_and_foreign_tokens_are_taken_back_in_their_own_realms() {
    let world = World::new();
    let foreign = foreign_verifier(&world.clock).build().expect("a verifier");
    let layer = world.own().trust(foreign).build().expect("a layer");
    let tokens = world
        .issuer
        .login(auth_jwt_layer::TokenLogin::new("alice"))
        .await;
    let ours = tokens.expect("logged in").access_token().to_owned();
    world.clock.advance(Duration::from_secs(10));
    let theirs = foreign_token(json!({"iat": START.as_secs() + 10}));
    for token in [&ours, &theirs] {
        assert_eq!(send(&layer, bearer(token)).await, passed("token alice"));
    }

    world.store.revoke_subject("alice").await.expect("revoked");
    assert_eq!(
        send(&layer, bearer(&ours)).await,
        invalid("the token was revoked")
    );
    assert_eq!(send(&layer, bearer(&theirs)).await, passed("token alice"));

    let revocation = Revocation::subject(FOREIGN, "alice");
    let revoked = world.store.revoke(Op::random(), &revocation).await;
    revoked.expect("revoked");
    assert_eq!(
        send(&layer, bearer(&theirs)).await,
        invalid("the token was revoked")
    );
}

#[tokio::test]
async fn a_realm_is_mapped_for_one_issuer_and_not_for_the_others() {
    let clock = ManualClock::new(START);
    let store = Told::new(Some(Verdict::Active), None, None);
    let mapped = foreign_verifier(&clock).realm("staff").build();
    let layer = JwtLayer::builder(mapped.expect("a verifier"))
        .trust(other_verifier(&clock).build().expect("a verifier"))
        .store(store.clone())
        .build()
        .expect("a layer");
    for token in [foreign_token(json!({})), other_token(json!({}))] {
        assert_eq!(send(&layer, bearer(&token)).await, passed("token alice"));
    }
    let expected = [
        Query::foreign("staff", "alice", START).token(FOREIGN, "t1"),
        Query::foreign(OTHER, "alice", START).token(OTHER, "t1"),
    ];
    assert_eq!(store.says().asked, expected);
}

#[tokio::test]
async fn the_size_is_limited_for_each_issuer() {
    let clock = ManualClock::new(START);
    let small = foreign_verifier(&clock).size_limit(400).build();
    let layer = JwtLayer::builder(small.expect("a verifier"))
        .trust(other_verifier(&clock).build().expect("a verifier"))
        .build()
        .expect("a layer");
    let long = json!({"note": "x".repeat(400)});
    let answer = send(&layer, bearer(&other_token(long.clone()))).await;
    assert_eq!(answer, passed("token alice"));
    assert_eq!(
        why(&layer, &foreign_token(long)).await,
        InvalidToken::TooLarge
    );
    let longest = other_token(json!({"note": "x".repeat(8192)}));
    assert_eq!(why(&layer, &longest).await, InvalidToken::TooLarge);
}

#[test]
fn two_verifiers_of_one_issuer_are_refused() {
    let clock = ManualClock::new(START);
    let verifier = || foreign_verifier(&clock).build().expect("a verifier");
    let layer = JwtLayer::builder(verifier()).trust(verifier()).build();
    let kind = layer.err().map(|error| error.kind());
    assert_eq!(kind, Some(ConfigErrorKind::DuplicateIssuer));
}
