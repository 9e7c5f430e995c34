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

mod jwk;
mod pem;
mod set;
#[cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
mod use_of;

const RSA_2048: &str = include_str!("../../../tests/keys/rsa-2048.pem");
const RSA_2048_PKCS1: &str = include_str!("../../../tests/keys/rsa-2048-pkcs1.pem");
const RSA_1024: &str = include_str!("../../../tests/keys/rsa-1024.pem");
const RSA_1024_PKCS1: &str = include_str!("../../../tests/keys/rsa-1024-pkcs1.pem");
const RSA_PSS: &str = include_str!("../../../tests/keys/rsa-pss.pem");
const P256: &str = include_str!("../../../tests/keys/ec-p256.pem");
const P256_COMPRESSED: &str = include_str!("../../../tests/keys/ec-p256-compressed.pem");
const P384: &str = include_str!("../../../tests/keys/ec-p384.pem");
const P521: &str = include_str!("../../../tests/keys/ec-p521.pem");
const K256: &str = include_str!("../../../tests/keys/ec-k256.pem");
const ED25519: &str = include_str!("../../../tests/keys/ed25519.pem");
const ED448: &str = include_str!("../../../tests/keys/ed448.pem");
const CERTIFICATE: &str = include_str!("../../../tests/keys/certificate.pem");

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

fn from_pem(algorithm: Algorithm, pem: impl AsRef<[u8]>) -> KeySetBuilder {
    KeySet::builder().pem(algorithm, "k", pem)
}

fn der(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with('-'));
    STANDARD.decode(lines.collect::<String>()).expect("base64")
}

/// The JWK of the key in a PEM.
fn jwk_of(pem: &str, algorithm: Algorithm) -> Value {
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
