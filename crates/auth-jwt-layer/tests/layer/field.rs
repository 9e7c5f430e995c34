//! Where other middlewares for JWTs were found to break: each is a test here.

use auth_core::ManualClock;
use auth_jwt_layer::{Algorithm, ConfigErrorKind, JwtLayer, KeySet};
use serde_json::{Value, json};

use crate::support::*;

async fn sent(token: &str) -> Answer {
    let verifier = foreign_verifier(&ManualClock::new(START)).build();
    let layer = JwtLayer::builder(verifier.expect("a verifier")).build();
    send(&layer.expect("a layer"), bearer(token)).await
}

fn header(members: &[(&str, Value)]) -> Value {
    let mut header = json!({"alg": "HS256", "typ": "at+jwt", "kid": "k"});
    for (name, value) in members {
        header[*name] = value.clone();
    }
    header
}

/// CVE-2026-25537: a time of another type was no time.
#[tokio::test]
async fn a_string_nbf_does_not_skip_the_check() {
    let later = START.as_secs() + 1000;
    for members in [
        json!({"nbf": later.to_string()}),
        json!({"nbf": [later]}),
        json!({"nbf": {"$": later}}),
        json!({"iat": later.to_string()}),
        json!({"exp": "0"}),
    ] {
        let answer = sent(&foreign_token(members.clone())).await;
        assert_eq!(answer, invalid("the claims are invalid"), "{members}");
    }
}

#[tokio::test]
async fn missing_aud_and_iss_are_refused() {
    for name in ["aud", "iss", "sub", "exp"] {
        let answer = sent(&foreign_token(json!({ name: null }))).await;
        assert_eq!(answer, invalid("the claims are invalid"), "{name}");
    }
}

#[tokio::test]
async fn an_iss_among_others_is_refused() {
    let answer = sent(&foreign_token(
        json!({"iss": ["https://evil.example", FOREIGN]}),
    ))
    .await;
    assert_eq!(answer, invalid("the claims are invalid"));
}

#[tokio::test]
async fn the_algorithm_is_the_keys_and_not_the_tokens() {
    for alg in [
        "none", "None", "HS512", "RS256", "ES256", "EdDSA", "hs256", "",
    ] {
        let token = sign(&header(&[("alg", json!(alg))]), &foreign_claims(json!({})));
        assert_eq!(
            sent(&token).await,
            invalid("the signature is invalid"),
            "{alg:?}"
        );
    }
}

#[tokio::test]
async fn keys_are_not_tried_one_after_another() {
    // The right key is in the set, under another id.
    let token = sign(
        &header(&[("kid", json!("other"))]),
        &foreign_claims(json!({})),
    );
    assert_eq!(sent(&token).await, invalid("the signature is invalid"));
}

#[tokio::test]
async fn a_malformed_token_and_an_unknown_kid_are_401_with_a_challenge() {
    let unknown = sign(
        &header(&[("kid", json!("gone"))]),
        &foreign_claims(json!({})),
    );
    let no_kid_type = sign(&header(&[("kid", json!(7))]), &foreign_claims(json!({})));
    for token in [
        "x",
        "a.b",
        "a.b.c",
        "..",
        "e30.e30.e30",
        &unknown,
        &no_kid_type,
    ] {
        let answer = sent(token).await;
        assert_eq!(answer.status, 401, "{token}");
        let challenge = answer.challenge.expect("a challenge");
        assert!(challenge.starts_with(r#"Bearer realm="auth", error="invalid_token""#));
    }
}

#[test]
fn an_empty_secret_is_no_secret() {
    for secret in ["", "secret"] {
        let error = KeySet::builder()
            .secret(Algorithm::Hs256, "k", secret)
            .build();
        let kind = error.err().map(|error| error.kind());
        assert_eq!(kind, Some(ConfigErrorKind::WeakKey));
    }
}

#[tokio::test]
async fn iat_in_the_future_and_empty_names_are_refused() {
    for (members, description) in [
        (
            json!({"iat": START.as_secs() + 3600}),
            "the token is not valid yet",
        ),
        (json!({"sub": ""}), "the claims are invalid"),
        (json!({"jti": ""}), "the claims are invalid"),
        (json!({"exp": u64::MAX}), "the claims are invalid"),
    ] {
        assert_eq!(sent(&foreign_token(members)).await, invalid(description));
    }
}
