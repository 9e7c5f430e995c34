//! JSON web keys, and sets of them.

use super::*;

#[test]
fn json_web_keys() {
    let (rsa, p256) = (jwk_of(RSA_2048, Rs256), jwk_of(P256, Es256));
    let (p384, ed) = (jwk_of(P384, Es384), jwk_of(ED25519, EdDsa));
    let n = rsa["n"].as_str().expect("a modulus");
    let n_with_zero = {
        let n = URL_SAFE_NO_PAD.decode(n).expect("base64url");
        URL_SAFE_NO_PAD.encode([&[0][..], &n].concat())
    };
    let x = p256["x"].as_str().expect("a coordinate");
    let x = URL_SAFE_NO_PAD.decode(x).expect("base64url");
    let y = p256["y"].as_str().expect("a coordinate");
    let y = URL_SAFE_NO_PAD.decode(y).expect("base64url");
    let x_with_zero = URL_SAFE_NO_PAD.encode([&[0][..], &x].concat());
    // The same point, cut in another place.
    let (short, long) = (&x[..31], [&x[31..], &y].concat());
    let (short, long) = (URL_SAFE_NO_PAD.encode(short), URL_SAFE_NO_PAD.encode(long));
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
        (
            "RSA of 1024 bits",
            one(jwk_of(RSA_1024, Rs256)),
            Err(WeakKey),
        ),
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
            "a coordinate that took a byte of the other",
            one(with(p256.clone(), json!({"x": short, "y": long}))),
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
    let p256 = jwk_of(P256, Es256);
    let rsa = with(jwk_of(RSA_2048, Rs256), json!({"kid": "rsa"}));
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
                with(jwk_of(RSA_1024, Rs256), json!({"kid": "weak"})),
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
