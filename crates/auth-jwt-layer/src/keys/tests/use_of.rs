//! What a set is for: finding keys, and verifying with them.

use super::*;

#[test]
fn ids_are_needed_where_there_are_two_keys() {
    let one = KeySet::builder().pem(Es256, "a", P256);
    let two = KeySet::builder()
        .pem(Es256, "a", P256)
        .pem(Rs256, "b", RSA_2048);
    let (one, two) = (one.build().expect("one"), two.build().expect("two"));
    let nameless = with(jwk_of(P256, Es256), json!({"kid": null}));
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
        ("any, of one without", &nameless, Some("a"), Some(Es256)),
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
