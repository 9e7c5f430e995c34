//! OWASP ASVS 5.0 V9 (self-contained tokens), requirement by requirement.

use auth_core::{
    ManualClock,
    policy::{Coverage, REQUIREMENTS},
    store::Revocations,
};
use auth_jwt_layer::{JwtLayer, TokenLogin, VerifierBuilder};
use serde_json::{Value, json};

use crate::support::*;

/// What the report says of one requirement.
#[track_caller]
fn says<H>(layer: &JwtLayer<H>, requirement: &str) -> (Coverage, String) {
    let policy = layer.policy();
    let mut lines = policy.of(requirement);
    let line = lines.next().expect("it is in the report");
    assert_eq!(lines.next(), None);
    (line.coverage(), line.text().to_owned())
}

fn layer(verifier: VerifierBuilder) -> JwtLayer {
    let layer = JwtLayer::builder(verifier.build().expect("a verifier"));
    layer.build().expect("a layer")
}

fn strict() -> JwtLayer {
    layer(foreign_verifier(&ManualClock::new(START)))
}

fn lax() -> JwtLayer {
    layer(foreign_verifier(&ManualClock::new(START)).accept_typ_jwt())
}

/// Whether a token with this header and these claims gets through.
async fn passes(layer: &JwtLayer, header: Value, claims: Value) -> bool {
    let token = sign(&header, &foreign_claims(claims));
    send(layer, bearer(&token)).await.status == 200
}

fn header() -> Value {
    json!({"alg": "HS256", "typ": "at+jwt", "kid": "k"})
}

#[test]
fn asvs_9_the_report_speaks_of_every_requirement() {
    let policy = strict().policy();
    for requirement in REQUIREMENTS {
        if requirement.number.starts_with("9.") {
            let lines = policy.of(requirement.number).count();
            assert_eq!(lines, 1, "{}", requirement.number);
        }
    }
    let report = policy.report();
    assert!(report.contains("token: "), "{report}");
}

#[tokio::test]
async fn asvs_9_1_1_signatures_are_checked() {
    let layer = strict();
    assert_eq!(says(&layer, "9.1.1").0, Coverage::Enforced);
    assert!(passes(&layer, header(), json!({})).await);
    let good = foreign_token(json!({}));
    let (signed, _) = good.rsplit_once('.').expect("three parts");
    let forged = format!("{signed}.{}", "A".repeat(43));
    assert_eq!(send(&layer, bearer(&forged)).await.status, 401);
}

#[tokio::test]
async fn asvs_9_1_2_only_the_algorithm_of_the_key_is_taken() {
    let layer = strict();
    assert_eq!(says(&layer, "9.1.2").0, Coverage::Enforced);
    assert!(passes(&layer, header(), json!({})).await);
    for algorithm in ["none", "None", "HS384", "RS256", ""] {
        let mut header = header();
        header["alg"] = algorithm.into();
        assert!(!passes(&layer, header, json!({})).await, "{algorithm}");
    }
}

#[tokio::test]
async fn asvs_9_1_3_keys_in_tokens_are_ignored() {
    let layer = strict();
    assert_eq!(says(&layer, "9.1.3").0, Coverage::Enforced);
    for name in ["jwk", "jku", "x5u", "x5c"] {
        let mut header = header();
        header[name] = json!({"kty": "oct", "k": "AAAA"});
        assert!(passes(&layer, header.clone(), json!({})).await, "{name}");
        header["kid"] = "another".into();
        assert!(!passes(&layer, header, json!({})).await, "{name}");
    }
}

#[tokio::test]
async fn asvs_9_2_1_tokens_are_good_within_their_time() {
    let layer = strict();
    let (coverage, text) = says(&layer, "9.2.1");
    assert_eq!(coverage, Coverage::Enforced);
    assert!(text.contains("30 s leeway"), "{text}");
    let start = START.as_secs();
    let rows = [
        ("over", json!({"iat": start - 99, "exp": start - 31})),
        ("not begun", json!({"nbf": start + 31})),
        ("without an end", json!({"exp": null})),
    ];
    let late = json!({"iat": start - 99, "exp": start - 29});
    assert!(passes(&layer, header(), late).await);
    for (row, claims) in rows {
        assert!(!passes(&layer, header(), claims).await, "{row}");
    }
}

#[tokio::test]
async fn asvs_9_2_2_tokens_are_of_the_right_type() {
    let mut plain = header();
    plain["typ"] = "JWT".into();
    let (strict, lax) = (strict(), lax());
    assert_eq!(says(&strict, "9.2.2").0, Coverage::Enforced);
    assert!(!passes(&strict, plain.clone(), json!({})).await);
    let (coverage, text) = says(&lax, "9.2.2");
    assert_eq!(coverage, Coverage::Application);
    assert!(text.contains(FOREIGN), "{text}");
    assert!(passes(&lax, plain, json!({})).await);
}

#[tokio::test]
async fn asvs_9_2_3_tokens_are_for_their_audience() {
    let layer = strict();
    let (coverage, text) = says(&layer, "9.2.3");
    assert_eq!(coverage, Coverage::Enforced);
    assert!(text.contains(AUDIENCE), "{text}");
    assert!(passes(&layer, header(), json!({})).await);
    assert!(!passes(&layer, header(), json!({"aud": "another"})).await);
}

#[test]
fn asvs_9_2_4_audiences_are_the_issuers_to_tell_apart() {
    assert_eq!(says(&strict(), "9.2.4").0, Coverage::Application);
}

#[tokio::test]
async fn asvs_7_4_1_tokens_can_be_taken_back_where_there_is_a_store() {
    assert_eq!(says(&strict(), "7.4.1").0, Coverage::Off);
    let world = World::new();
    let layer = world.own().build().expect("a layer");
    assert_eq!(says(&layer, "7.4.1").0, Coverage::Configured);
    let login = TokenLogin::new("alice");
    let tokens = world.issuer.login(login).await.expect("a login");
    let request = || bearer(tokens.access_token());
    assert_eq!(send(&layer, request()).await.status, 200);
    world.store.revoke_subject("alice").await.expect("memory");
    assert_eq!(send(&layer, request()).await.status, 401);
}
