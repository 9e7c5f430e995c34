//! Key sets, row by row. The keys are public test keys.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

use super::{KeySet, KeySetBuilder, spki};
use crate::{
    Algorithm::{self, *},
    ConfigErrorKind::{self, *},
};

const RSA_2048: &str = include_str!("../../tests/keys/rsa-2048.pem");
const RSA_2048_PKCS1: &str = include_str!("../../tests/keys/rsa-2048-pkcs1.pem");
const RSA_1024: &str = include_str!("../../tests/keys/rsa-1024.pem");
const RSA_1024_PKCS1: &str = include_str!("../../tests/keys/rsa-1024-pkcs1.pem");
const RSA_PSS: &str = include_str!("../../tests/keys/rsa-pss.pem");
const P256: &str = include_str!("../../tests/keys/ec-p256.pem");
const P256_COMPRESSED: &str = include_str!("../../tests/keys/ec-p256-compressed.pem");
const P384: &str = include_str!("../../tests/keys/ec-p384.pem");
const P521: &str = include_str!("../../tests/keys/ec-p521.pem");
const K256: &str = include_str!("../../tests/keys/ec-k256.pem");
const ED25519: &str = include_str!("../../tests/keys/ed25519.pem");
const ED448: &str = include_str!("../../tests/keys/ed448.pem");
const CERTIFICATE: &str = include_str!("../../tests/keys/certificate.pem");

/// The rows of a table: what it is, what is built, and what comes of it.
type Rows = Vec<(&'static str, KeySetBuilder, Result<(), ConfigErrorKind>)>;

fn check(rows: Rows) {
    for (what, builder, expected) in rows {
        let built = builder.build().map(|_| ()).map_err(|error| error.kind());
        let expected = if super::backend().is_some() {
            expected
        } else {
            Err(NoBackend)
        };
        assert_eq!(built, expected, "{what}");
    }
}

fn pem(algorithm: Algorithm, pem: impl AsRef<[u8]>) -> KeySetBuilder {
    KeySet::builder().pem(algorithm, "k", pem)
}

fn der(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with('-'));
    STANDARD.decode(lines.collect::<String>()).expect("base64")
}

/// The JWK of the key in a PEM.
fn jwk(pem: &str, algorithm: Algorithm) -> Value {
    let der = der(pem);
    let key = spki::key_of(&der, algorithm).expect("a public key");
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    match algorithm {
        Es256 | Es384 => {
            let (x, y) = key[1..].split_at(key.len() / 2);
            let crv = if algorithm == Es256 { "P-256" } else { "P-384" };
            json!({"kty": "EC", "crv": crv, "x": text(x), "y": text(y), "kid": "k"})
        }
        EdDsa => json!({"kty": "OKP", "crv": "Ed25519", "x": text(key), "kid": "k"}),
        _ => {
            let (n, e) = spki::rsa_numbers(key).expect("an RSA key");
            json!({"kty": "RSA", "n": text(&n[1..]), "e": text(e), "kid": "k"})
        }
    }
}

fn secret(length: usize) -> Value {
    let k = URL_SAFE_NO_PAD.encode(vec![7; length]);
    json!({"kty": "oct", "alg": "HS256", "k": k, "kid": "k"})
}

/// A JWK with some members set, or with null removed.
fn with(mut jwk: Value, members: Value) -> Value {
    let all = jwk.as_object_mut().expect("an object");
    for (name, value) in members.as_object().expect("an object") {
        if value.is_null() {
            all.remove(name);
        } else {
            all.insert(name.clone(), value.clone());
        }
    }
    jwk
}

fn one(jwk: Value) -> KeySetBuilder {
    KeySet::builder().jwk(&jwk.to_string())
}

fn set(keys: &[Value]) -> KeySetBuilder {
    KeySet::builder().jwks(&json!({ "keys": keys }).to_string())
}

#[test]
fn pem_files() {
    let labelled = |label: &str| P256.replace("PUBLIC KEY", label);
    check(vec![
        ("RSA for RS256", pem(Rs256, RSA_2048), Ok(())),
        ("RSA for PS512", pem(Ps512, RSA_2048), Ok(())),
        ("RSA in PKCS #1", pem(Rs256, RSA_2048_PKCS1), Ok(())),
        ("P-256", pem(Es256, P256), Ok(())),
        ("P-384", pem(Es384, P384), Ok(())),
        ("Ed25519", pem(EdDsa, ED25519), Ok(())),
        (
            "other line ends",
            pem(Es256, P256.replace('\n', "\r\n")),
            Ok(()),
        ),
        (
            "white space around",
            pem(Es256, format!("\n {P256} \n")),
            Ok(()),
        ),
        (
            "all on one line",
            pem(Es256, P256.replace('\n', "")),
            Ok(()),
        ),
        ("RSA of 1024 bits", pem(Rs256, RSA_1024), Err(WeakKey)),
        (
            "RSA of 1024 bits in PKCS #1",
            pem(Rs256, RSA_1024_PKCS1),
            Err(WeakKey),
        ),
        ("RSA for ES256", pem(Es256, RSA_2048), Err(KeyMismatch)),
        (
            "RSA in PKCS #1 for ES256",
            pem(Es256, RSA_2048_PKCS1),
            Err(KeyMismatch),
        ),
        ("RSA for EdDSA", pem(EdDsa, RSA_2048), Err(KeyMismatch)),
        ("RSA for HS256", pem(Hs256, RSA_2048), Err(KeyMismatch)),
        (
            "RSA in PKCS #1 for HS256",
            pem(Hs256, RSA_2048_PKCS1),
            Err(KeyMismatch),
        ),
        (
            "RSA that is for PSS only",
            pem(Rs256, RSA_PSS),
            Err(KeyMismatch),
        ),
        ("P-256 for ES384", pem(Es384, P256), Err(KeyMismatch)),
        ("P-384 for ES256", pem(Es256, P384), Err(KeyMismatch)),
        ("P-256 for RS256", pem(Rs256, P256), Err(KeyMismatch)),
        ("P-256 for HS256", pem(Hs256, P256), Err(KeyMismatch)),
        ("P-521", pem(Es384, P521), Err(KeyMismatch)),
        ("secp256k1", pem(Es256, K256), Err(KeyMismatch)),
        ("Ed448", pem(EdDsa, ED448), Err(KeyMismatch)),
        (
            "a compressed point",
            pem(Es256, P256_COMPRESSED),
            Err(KeyFormat),
        ),
        ("a certificate", pem(Es256, CERTIFICATE), Err(KeyFormat)),
        (
            "a private key",
            pem(Es256, labelled("PRIVATE KEY")),
            Err(PrivateKey),
        ),
        (
            "a private EC key",
            pem(Es256, labelled("EC PRIVATE KEY")),
            Err(PrivateKey),
        ),
        (
            "an encrypted private key",
            pem(Es256, labelled("ENCRYPTED PRIVATE KEY")),
            Err(PrivateKey),
        ),
        (
            "SPKI labelled as PKCS #1",
            pem(Rs256, RSA_2048.replace("PUBLIC", "RSA PUBLIC")),
            Err(KeyFormat),
        ),
        (
            "PKCS #1 labelled as SPKI",
            pem(Rs256, RSA_2048_PKCS1.replace("RSA PUBLIC", "PUBLIC")),
            Err(KeyFormat),
        ),
        (
            "text before it",
            pem(Es256, format!("x\n{P256}")),
            Err(KeyFormat),
        ),
        (
            "text after it",
            pem(Es256, format!("{P256}x")),
            Err(KeyFormat),
        ),
        (
            "two of them",
            pem(Es256, format!("{P256}{P256}")),
            Err(KeyFormat),
        ),
        (
            "another END",
            pem(Es256, P256.replace("END PUBLIC", "END RSA PUBLIC")),
            Err(KeyFormat),
        ),
        (
            "no END",
            pem(Es256, &P256[..P256.len() - 10]),
            Err(KeyFormat),
        ),
        (
            "headers inside",
            pem(Es256, P256.replace("KEY-----\nM", "KEY-----\nA: b\n\nM")),
            Err(KeyFormat),
        ),
        (
            "not base64",
            pem(Es256, P256.replace("KEY-----\nM", "KEY-----\n!")),
            Err(KeyFormat),
        ),
        (
            "no body",
            pem(Es256, "-----BEGIN PUBLIC KEY----------END PUBLIC KEY-----"),
            Err(KeyFormat),
        ),
        (
            "only BEGIN",
            pem(Es256, "-----BEGIN PUBLIC KEY-----"),
            Err(KeyFormat),
        ),
        ("not UTF-8", pem(Es256, b"-----BEGIN \xff"), Err(KeyFormat)),
        ("nothing", pem(Es256, ""), Err(KeyFormat)),
        ("no id", KeySet::builder().pem(Es256, "", P256), Err(KeyId)),
    ]);
}

#[test]
fn der_keys() {
    let built = |algorithm, bytes: &[u8]| KeySet::builder().der(algorithm, "k", bytes);
    let (p256, rsa, ed) = (der(P256), der(RSA_2048), der(ED25519));
    let mut off_curve = p256.clone();
    *off_curve.last_mut().expect("not empty") ^= 1;
    let mut unused_bits = p256.clone();
    let at = unused_bits.len() - 66;
    unused_bits[at] = 1;
    let mut rsa_without_null = rsa.clone();
    let null = rsa.windows(2).position(|w| w == [5, 0]).expect("a null");
    rsa_without_null[null] = 4;
    let mut negative = rsa.clone();
    let zero = rsa.windows(5).position(|w| w[..4] == [2, 0x82, 1, 1]);
    negative[zero.expect("the modulus") + 4] = 0x80;
    check(vec![
        ("RSA", built(Ps256, &rsa), Ok(())),
        ("P-256", built(Es256, &p256), Ok(())),
        ("P-384", built(Es384, &der(P384)), Ok(())),
        ("Ed25519", built(EdDsa, &ed), Ok(())),
        ("another algorithm's", built(Es384, &p256), Err(KeyMismatch)),
        ("for a secret", built(Hs256, &rsa), Err(KeyMismatch)),
        (
            "PKCS #1 alone",
            built(Rs256, &der(RSA_2048_PKCS1)),
            Err(KeyFormat),
        ),
        (
            "a certificate",
            built(Es256, &der(CERTIFICATE)),
            Err(KeyFormat),
        ),
        (
            "a point off the curve",
            built(Es256, &off_curve),
            Err(KeyFormat),
        ),
        ("unused bits", built(Es256, &unused_bits), Err(KeyFormat)),
        (
            "RSA with other parameters",
            built(Rs256, &rsa_without_null),
            Err(KeyMismatch),
        ),
        (
            "a negative modulus",
            built(Rs256, &negative),
            Err(KeyFormat),
        ),
        (
            "a byte after it",
            built(Es256, &[&p256[..], &[0]].concat()),
            Err(KeyFormat),
        ),
        ("PEM", built(Es256, P256.as_bytes()), Err(KeyFormat)),
        ("nothing", built(Es256, &[]), Err(KeyFormat)),
        (
            "a length that never ends",
            built(Es256, &[0x30, 0x84, 255, 255, 255, 255]),
            Err(KeyFormat),
        ),
    ]);
    // Cut off anywhere it is refused, and nothing panics.
    for key in [&p256, &rsa, &ed] {
        for length in 0..key.len() {
            for algorithm in [Rs256, Es256, EdDsa] {
                assert!(
                    built(algorithm, &key[..length]).build().is_err(),
                    "{length}"
                );
            }
        }
    }
}

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
            "no id",
            KeySet::builder().secret(Hs256, "", [7; 32]),
            Err(KeyId),
        ),
    ]);
}

#[test]
fn json_web_keys() {
    let (rsa, p256) = (jwk(RSA_2048, Rs256), jwk(P256, Es256));
    let (p384, ed) = (jwk(P384, Es384), jwk(ED25519, EdDsa));
    let n = rsa["n"].as_str().expect("a modulus");
    let n_with_zero = {
        let n = URL_SAFE_NO_PAD.decode(n).expect("base64url");
        URL_SAFE_NO_PAD.encode([&[0][..], &n].concat())
    };
    let x = p256["x"].as_str().expect("a coordinate");
    let x_with_zero = {
        let x = URL_SAFE_NO_PAD.decode(x).expect("base64url");
        URL_SAFE_NO_PAD.encode([&[0][..], &x].concat())
    };
    check(vec![
        ("RSA", one(rsa.clone()), Ok(())),
        ("P-256", one(p256.clone()), Ok(())),
        ("P-384", one(p384.clone()), Ok(())),
        ("Ed25519", one(ed.clone()), Ok(())),
        ("a secret", one(secret(32)), Ok(())),
        (
            "without an id",
            one(with(p256.clone(), json!({"kid": null}))),
            Ok(()),
        ),
        (
            "members nobody knows",
            one(with(p256.clone(), json!({"x5t": 1, "": []}))),
            Ok(()),
        ),
        (
            "RSA for PS384",
            one(with(rsa.clone(), json!({"alg": "PS384"}))),
            Ok(()),
        ),
        (
            "alg Ed25519",
            one(with(ed.clone(), json!({"alg": "Ed25519"}))),
            Ok(()),
        ),
        (
            "alg EdDSA",
            one(with(ed.clone(), json!({"alg": "EdDSA"}))),
            Ok(()),
        ),
        (
            "use sig",
            one(with(p256.clone(), json!({"use": "sig"}))),
            Ok(()),
        ),
        (
            "key_ops with verify",
            one(with(p256.clone(), json!({"key_ops": ["sign", "verify"]}))),
            Ok(()),
        ),
        (
            "a modulus with a leading zero",
            one(with(rsa.clone(), json!({"n": n_with_zero}))),
            Ok(()),
        ),
        (
            "use enc",
            one(with(p256.clone(), json!({"use": "enc"}))),
            Err(UnusableKey),
        ),
        (
            "use in capitals",
            one(with(p256.clone(), json!({"use": "SIG"}))),
            Err(UnusableKey),
        ),
        (
            "no key_ops at all",
            one(with(p256.clone(), json!({"key_ops": []}))),
            Err(UnusableKey),
        ),
        (
            "key_ops without verify",
            one(with(p256.clone(), json!({"key_ops": ["sign"]}))),
            Err(UnusableKey),
        ),
        (
            "use sig, key_ops encrypt",
            one(with(
                p256.clone(),
                json!({"use": "sig", "key_ops": ["encrypt"]}),
            )),
            Err(UnusableKey),
        ),
        (
            "alg for encryption",
            one(with(rsa.clone(), json!({"alg": "RSA-OAEP"}))),
            Err(UnusableKey),
        ),
        (
            "alg none",
            one(with(rsa.clone(), json!({"alg": "none"}))),
            Err(UnusableKey),
        ),
        (
            "alg in lower case",
            one(with(rsa.clone(), json!({"alg": "rs256"}))),
            Err(UnusableKey),
        ),
        (
            "a secret that does not say its alg",
            one(with(secret(32), json!({"alg": null}))),
            Err(UnusableKey),
        ),
        (
            "kty nobody knows",
            one(json!({"kty": "AKP", "pub": ""})),
            Err(UnusableKey),
        ),
        (
            "kty in lower case",
            one(with(p256.clone(), json!({"kty": "ec"}))),
            Err(UnusableKey),
        ),
        (
            "P-521",
            one(with(p256.clone(), json!({"crv": "P-521"}))),
            Err(UnusableKey),
        ),
        (
            "no crv",
            one(with(p256.clone(), json!({"crv": null}))),
            Err(UnusableKey),
        ),
        (
            "Ed25519 as EC",
            one(with(ed.clone(), json!({"kty": "EC"}))),
            Err(UnusableKey),
        ),
        (
            "X25519",
            one(with(ed.clone(), json!({"crv": "X25519"}))),
            Err(UnusableKey),
        ),
        (
            "alg of another curve",
            one(with(p256.clone(), json!({"alg": "ES384"}))),
            Err(KeyMismatch),
        ),
        (
            "alg of another family: RSA",
            one(with(rsa.clone(), json!({"alg": "ES256"}))),
            Err(KeyMismatch),
        ),
        (
            "alg of another family: EC",
            one(with(p256.clone(), json!({"alg": "RS256"}))),
            Err(KeyMismatch),
        ),
        (
            "alg of another family: OKP",
            one(with(ed.clone(), json!({"alg": "ES256"}))),
            Err(KeyMismatch),
        ),
        (
            "RSA with alg HS256",
            one(with(rsa.clone(), json!({"alg": "HS256"}))),
            Err(KeyMismatch),
        ),
        (
            "a secret with alg RS256",
            one(with(secret(64), json!({"alg": "RS256"}))),
            Err(KeyMismatch),
        ),
        ("a short secret", one(secret(31)), Err(WeakKey)),
        ("an empty secret", one(secret(0)), Err(WeakKey)),
        ("RSA of 1024 bits", one(jwk(RSA_1024, Rs256)), Err(WeakKey)),
        (
            "exponent 1",
            one(with(rsa.clone(), json!({"e": "AQ"}))),
            Err(WeakKey),
        ),
        (
            "an even exponent",
            one(with(rsa.clone(), json!({"e": "AQAA"}))),
            Err(WeakKey),
        ),
        (
            "an Ed25519 point of order 4",
            one(with(ed.clone(), json!({"x": "A".repeat(43)}))),
            Err(WeakKey),
        ),
        (
            "RSA with d",
            one(with(rsa.clone(), json!({"d": "AQ"}))),
            Err(PrivateKey),
        ),
        (
            "RSA with a prime",
            one(with(rsa.clone(), json!({"p": "AQ"}))),
            Err(PrivateKey),
        ),
        (
            "EC with d",
            one(with(p256.clone(), json!({"d": "AQ"}))),
            Err(PrivateKey),
        ),
        (
            "EC with a d of another type",
            one(with(p256.clone(), json!({"d": 1}))),
            Err(PrivateKey),
        ),
        (
            "Ed25519 with d",
            one(with(ed.clone(), json!({"d": "AQ"}))),
            Err(PrivateKey),
        ),
        (
            "no n",
            one(with(rsa.clone(), json!({"n": null}))),
            Err(KeyFormat),
        ),
        (
            "no e",
            one(with(rsa.clone(), json!({"e": null}))),
            Err(KeyFormat),
        ),
        (
            "no y",
            one(with(p256.clone(), json!({"y": null}))),
            Err(KeyFormat),
        ),
        (
            "no k",
            one(with(secret(32), json!({"k": null}))),
            Err(KeyFormat),
        ),
        (
            "n with padding",
            one(with(rsa.clone(), json!({"n": format!("{n}==")}))),
            Err(KeyFormat),
        ),
        (
            "a point off the curve",
            one(with(p256.clone(), json!({"y": p256["x"]}))),
            Err(KeyFormat),
        ),
        (
            "a point of another curve",
            one(with(p256.clone(), json!({"crv": "P-384"}))),
            Err(KeyFormat),
        ),
        (
            "a coordinate that is too long",
            one(with(p256.clone(), json!({"x": x_with_zero}))),
            Err(KeyFormat),
        ),
        (
            "no Ed25519 point",
            one(with(
                ed.clone(),
                json!({"x": format!("Ag{}", "A".repeat(41))}),
            )),
            Err(KeyFormat),
        ),
        (
            "Ed25519 of 31 bytes",
            one(with(ed.clone(), json!({"x": "A".repeat(42)}))),
            Err(KeyFormat),
        ),
        (
            "a kid that is a number",
            one(with(p256.clone(), json!({"kid": 1}))),
            Err(KeyFormat),
        ),
        (
            "an empty kid",
            one(with(p256.clone(), json!({"kid": ""}))),
            Err(KeyId),
        ),
        (
            "no kty",
            one(with(p256.clone(), json!({"kty": null}))),
            Err(KeyFormat),
        ),
        ("an array", KeySet::builder().jwk("[]"), Err(KeyFormat)),
        ("not JSON", KeySet::builder().jwk("{"), Err(KeyFormat)),
        (
            "a member twice",
            KeySet::builder().jwk(r#"{"kty":"oct","kty":"EC"}"#),
            Err(KeyFormat),
        ),
        (
            "as deep as it gets",
            KeySet::builder().jwk(&"[".repeat(100_000)),
            Err(KeyFormat),
        ),
        (
            "a set",
            KeySet::builder().jwk(r#"{"keys":[]}"#),
            Err(KeyFormat),
        ),
    ]);
}

#[test]
fn json_web_key_sets() {
    let p256 = jwk(P256, Es256);
    let rsa = with(jwk(RSA_2048, Rs256), json!({"kid": "rsa"}));
    let odd = |members| with(p256.clone(), members);
    check(vec![
        ("two keys", set(&[p256.clone(), rsa.clone()]), Ok(())),
        (
            "beside one for encryption",
            set(&[p256.clone(), with(rsa.clone(), json!({"use": "enc"}))]),
            Ok(()),
        ),
        (
            "beside one of an unknown type",
            set(&[json!({"kty": "AKP"}), p256.clone()]),
            Ok(()),
        ),
        (
            "beside one that is no object",
            set(&[json!(1), json!(null), json!("x"), p256.clone()]),
            Ok(()),
        ),
        (
            "beside one without a type",
            set(&[json!({}), p256.clone()]),
            Ok(()),
        ),
        (
            "beside one with members of other types",
            set(&[odd(json!({"kid": 7})), p256.clone()]),
            Ok(()),
        ),
        (
            "beside one for encryption with the same id",
            set(&[odd(json!({"use": "enc"})), p256.clone()]),
            Ok(()),
        ),
        ("none", set(&[]), Err(NoKeys)),
        (
            "none that can be used",
            set(&[json!({"kty": "AKP"}), odd(json!({"use": "enc"}))]),
            Err(NoKeys),
        ),
        (
            "a secret",
            set(&[p256.clone(), with(secret(32), json!({"kid": "s"}))]),
            Err(SymmetricKey),
        ),
        ("only a secret", set(&[secret(32)]), Err(SymmetricKey)),
        (
            "a secret without alg",
            set(&[with(secret(32), json!({"alg": null}))]),
            Err(SymmetricKey),
        ),
        (
            "a secret for encryption",
            set(&[with(secret(32), json!({"use": "enc"}))]),
            Err(SymmetricKey),
        ),
        ("a weak secret", set(&[secret(1)]), Err(SymmetricKey)),
        (
            "a private key",
            set(&[odd(json!({"d": "AQ"}))]),
            Err(PrivateKey),
        ),
        (
            "the same id twice",
            set(&[p256.clone(), with(rsa.clone(), json!({"kid": "k"}))]),
            Err(DuplicateKey),
        ),
        (
            "the same key twice",
            set(&[p256.clone(), p256.clone()]),
            Err(DuplicateKey),
        ),
        (
            "two without an id",
            set(&[
                odd(json!({"kid": null})),
                with(rsa.clone(), json!({"kid": null})),
            ]),
            Err(DuplicateKey),
        ),
        (
            "a weak key",
            set(&[
                p256.clone(),
                with(jwk(RSA_1024, Rs256), json!({"kid": "weak"})),
            ]),
            Err(WeakKey),
        ),
        (
            "a point off the curve",
            set(&[odd(json!({"y": p256["x"]}))]),
            Err(KeyFormat),
        ),
        (
            "a key alone",
            KeySet::builder().jwks(&p256.to_string()),
            Err(KeyFormat),
        ),
        (
            "keys is no array",
            KeySet::builder().jwks(r#"{"keys":{}}"#),
            Err(KeyFormat),
        ),
        (
            "keys twice",
            KeySet::builder().jwks(r#"{"keys":[],"keys":[]}"#),
            Err(KeyFormat),
        ),
        ("not JSON", KeySet::builder().jwks("<html>"), Err(KeyFormat)),
    ]);
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
            hs().jwks(&json!({"keys": [jwk(P256, Es256)]}).to_string()),
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
    if super::backend().is_none() {
        return;
    }
    assert_eq!(error.key_id(), Some("old"));
    assert_eq!(
        error.to_string(),
        r#"the key is too weak or too large (key "old")"#
    );
    assert!(!format!("{error:?}").contains("hunter"));
}

#[cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
mod with_a_backend {
    use super::*;

    #[test]
    fn a_token_without_a_key_id_means_the_only_key() {
        let one = KeySet::builder().pem(Es256, "a", P256);
        let two = KeySet::builder()
            .pem(Es256, "a", P256)
            .pem(Rs256, "b", RSA_2048);
        let (one, two) = (one.build().expect("one"), two.build().expect("two"));
        let nameless = with(jwk(P256, Es256), json!({"kid": null}));
        let nameless = KeySet::builder().jwk(&nameless.to_string()).build();
        let nameless = nameless.expect("one without an id");
        for (what, keys, kid, found) in [
            ("its id", &one, Some("a"), Some(Es256)),
            ("none, of one", &one, None, Some(Es256)),
            ("another", &one, Some("b"), None),
            ("in another case", &one, Some("A"), None),
            ("an empty one", &one, Some(""), None),
            ("the first of two", &two, Some("a"), Some(Es256)),
            ("the second of two", &two, Some("b"), Some(Rs256)),
            ("none, of two", &two, None, None),
            ("none, of one without", &nameless, None, Some(Es256)),
            ("one, of one without", &nameless, Some("a"), None),
        ] {
            let algorithm = keys.find(kid).map(|key| key.algorithm());
            assert_eq!(algorithm, found, "{what}");
        }
    }

    #[test]
    fn debug_shows_ids_and_algorithms_only() {
        let secret = b"0123456789abcdef0123456789abcdef";
        let builder = KeySet::builder().secret(Hs256, "kid-1", secret);
        assert_eq!(format!("{builder:?}"), r#"{Some("kid-1"): Hs256}"#);
        let keys = builder.build().expect("a key set");
        assert_eq!(format!("{keys:?}"), r#"{Some("kid-1"): Hs256}"#);
        let verifier = crate::Verifier::builder("iss", "aud", keys);
        for shown in [format!("{verifier:?}"), format!("{:?}", verifier.build())] {
            assert!(shown.contains("kid-1"));
            for secret in ["0123", "[48, 49", "MDEy"] {
                assert!(!shown.contains(secret), "{shown}");
            }
        }
    }

    #[test]
    fn signatures_of_any_length_are_refused_without_a_panic() {
        for (algorithm, pem) in [
            (Rs256, RSA_2048),
            (Ps256, RSA_2048),
            (Es256, P256),
            (Es384, P384),
            (EdDsa, ED25519),
        ] {
            let keys = KeySet::builder().pem(algorithm, "k", pem).build();
            let keys = keys.expect("a key set");
            let key = keys.find(Some("k")).expect("a key");
            for length in 0..=520 {
                for byte in [0, 1, 0xff] {
                    assert!(
                        !key.verifies(b"message", &vec![byte; length]),
                        "{algorithm}: {length}"
                    );
                }
            }
        }
    }
}
