//! Whole sets.

use super::*;

#[test]
fn secrets_are_as_long_as_their_hash() {
    let built = |algorithm, length| KeySet::builder().secret(algorithm, "k", vec![7; length]);
    check(vec![
        ("32 for HS256", built(Hs256, 32), Ok(())),
        ("31 for HS256", built(Hs256, 31), Err(WeakKey)),
        ("none for HS256", built(Hs256, 0), Err(WeakKey)),
        ("48 for HS384", built(Hs384, 48), Ok(())),
        ("47 for HS384", built(Hs384, 47), Err(WeakKey)),
        ("64 for HS512", built(Hs512, 64), Ok(())),
        ("63 for HS512", built(Hs512, 63), Err(WeakKey)),
        ("1,000 for HS256", built(Hs256, 1000), Ok(())),
        ("for RS256", built(Rs256, 64), Err(KeyMismatch)),
        ("for EdDSA", built(EdDsa, 32), Err(KeyMismatch)),
        (
            "a public key as a secret",
            KeySet::builder().secret(Hs256, "k", RSA_2048),
            Err(KeyMismatch),
        ),
        (
            "the same after white space",
            KeySet::builder().secret(Hs256, "k", format!("\n{P256}")),
            Err(KeyMismatch),
        ),
        (
            "the same after a byte order mark",
            KeySet::builder().secret(Hs256, "k", format!("\u{feff}{P256}")),
            Err(KeyMismatch),
        ),
        (
            "no id",
            KeySet::builder().secret(Hs256, "", [7; 32]),
            Err(KeyId),
        ),
    ]);
}

/// Anybody could sign with a public key that is taken for a secret (RFC 8725 section 2.1).
#[test]
fn a_key_file_of_any_kind_is_no_secret() {
    let secret = |bytes: Vec<u8>| KeySet::builder().secret(Hs256, "k", bytes);
    let jwk = jwk_of(P256, Es256);
    let set = json!({ "keys": [jwk] }).to_string();
    let mut rows = vec![
        ("a JWK", secret(jwk.to_string().into()), Err(KeyMismatch)),
        ("a JWK set", secret(set.clone().into()), Err(KeyMismatch)),
        (
            "a list of JWKs",
            secret(json!([jwk]).to_string().into()),
            Err(KeyMismatch),
        ),
        (
            "a JWK set on several lines",
            secret(format!("\u{feff}\n{set:#}\r\n").into()),
            Err(KeyMismatch),
        ),
        (
            "a JWK with escapes",
            secret(jwk.to_string().replace("kty", "\\u006bty").into()),
            Err(KeyMismatch),
        ),
        (
            "a certificate in DER",
            secret(der(CERTIFICATE)),
            Err(KeyMismatch),
        ),
    ];
    for (what, pem) in [
        ("RSA in DER", RSA_2048),
        ("RSA in DER, PKCS #1", RSA_2048_PKCS1),
        ("P-256 in DER", P256),
        ("P-384 in DER", P384),
        ("Ed25519 in DER", ED25519),
    ] {
        rows.push((what, secret(der(pem)), Err(KeyMismatch)));
    }
    // What only begins like one may be a secret.
    for (what, bytes) in [
        ("a brace", b"{this is no JSON, but 32 bytes long".to_vec()),
        ("a list", b"[this is no JSON, but 32 bytes long".to_vec()),
        ("a sequence", [&[0x30, 34][..], &[7; 34]].concat()),
        (
            "two sequences",
            [&[0x30, 34, 0x30, 5][..], &[7; 32]].concat(),
        ),
    ] {
        rows.push((what, secret(bytes), Ok(())));
    }
    check(rows);
}

#[test]
fn what_does_not_go_together() {
    let p256 = || KeySet::builder().pem(Es256, "a", P256);
    let hs = || KeySet::builder().secret(Hs256, "s", [7; 32]);
    check(vec![
        ("nothing", KeySet::builder(), Err(NoKeys)),
        (
            "several public keys",
            p256().pem(Rs256, "b", RSA_2048).pem(EdDsa, "c", ED25519),
            Ok(()),
        ),
        ("several secrets", hs().secret(Hs512, "t", [8; 64]), Ok(())),
        (
            "a public key and a secret",
            p256().secret(Hs256, "s", [7; 32]),
            Err(MixedKeys),
        ),
        (
            "a secret and a public key",
            hs().pem(Es256, "a", P256),
            Err(MixedKeys),
        ),
        (
            "a secret and a JWK set",
            hs().jwks(&json!({"keys": [jwk_of(P256, Es256)]}).to_string()),
            Err(MixedKeys),
        ),
        (
            "one id twice",
            p256().pem(Rs256, "a", RSA_2048),
            Err(DuplicateKey),
        ),
        (
            "ids that differ in case",
            p256().pem(Rs256, "A", RSA_2048),
            Ok(()),
        ),
        (
            "the first error counts",
            p256().pem(Es256, "", P256).secret(Hs256, "s", [7; 1]),
            Err(KeyId),
        ),
    ]);
}

#[test]
fn an_error_names_the_key_and_shows_nothing_of_it() {
    let secret = "hunter2 hunter2";
    let error = KeySet::builder().secret(Hs256, "old", secret).build();
    let error = error.expect_err("too short");
    if crate::keys::backend().is_none() {
        return;
    }
    assert_eq!(error.key_id(), Some("old"));
    assert_eq!(
        error.to_string(),
        r#"the key is too weak or too large (key "old")"#
    );
    assert!(!format!("{error:?}").contains("hunter"));
}
