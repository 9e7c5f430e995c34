//! Tokens that were verified before.

use serde_json::json;

use super::*;
use crate::{ConfigErrorKind, KeySource, LiveKeys};

const OTHER_SECRET: &[u8] = b"another secret of thirty-two bytes";
const ED25519: &str = include_str!("../../../tests/keys/ed25519.pem");

fn keys(kid: &str, secret: &[u8]) -> KeySet {
    let keys = KeySet::builder().secret(Algorithm::Hs256, kid, secret);
    keys.build().expect("keys")
}

fn public_keys() -> KeySet {
    let keys = KeySet::builder().pem(Algorithm::EdDsa, "k", ED25519);
    keys.build().expect("keys")
}

/// One that remembers, with a clock and keys that can be changed.
fn caching(
    change: impl Fn(VerifierBuilder) -> VerifierBuilder,
) -> (Verifier, ManualClock, LiveKeys) {
    let clock = ManualClock::new(Timestamp::from_secs(NOW));
    let keys = LiveKeys::new(keys("k", SECRET));
    let builder = Verifier::builder("iss", "aud", keys.clone())
        .clock(clock.clone())
        .cache(1 << 20);
    (change(builder).build().expect("a verifier"), clock, keys)
}

#[test]
fn tokens_are_remembered_where_keys_are_public_or_it_is_asked_for() {
    let build = |keys: KeySource| Verifier::builder("iss", "aud", keys);
    let secret = || keys("k", SECRET).into();
    for (what, builder, is_caching) in [
        ("a secret", build(secret()), false),
        ("a secret, and asked for", build(secret()).cache(1), true),
        ("public keys", build(public_keys().into()), true),
        (
            "live ones",
            build(LiveKeys::new(public_keys()).into()),
            true,
        ),
        (
            "public keys, and switched off",
            build(public_keys().into()).cache(0),
            false,
        ),
    ] {
        let verifier = builder.build().expect("a verifier");
        assert_eq!(verifier.is_caching(), is_caching, "{what}");
    }
}

#[test]
fn a_good_token_is_remembered_and_a_bad_one_is_not() {
    let (verifier, ..) = caching(|builder| builder);
    let good = token(json!({}));
    assert!(!verifier.remembers(good.as_bytes()));
    for _ in 0..2 {
        assert_eq!(verdict(&verifier, &good), Ok(()));
        assert!(verifier.remembers(good.as_bytes()));
    }
    // A clone is the same verifier.
    assert!(verifier.clone().remembers(good.as_bytes()));
    for (what, bad) in [
        ("expired", token(json!({"exp": 1}))),
        ("for somebody else", token(json!({"aud": "x"}))),
        ("forged", format!("{}A", &good[..good.len() - 1])),
        ("garbage", "a.b.c".to_owned()),
    ] {
        for _ in 0..2 {
            assert!(verdict(&verifier, &bad).is_err(), "{what}");
            assert!(!verifier.remembers(bad.as_bytes()), "{what}");
        }
    }
}

#[test]
fn the_time_is_checked_of_what_is_remembered() {
    use InvalidToken::{Claims, Expired, NotYetValid};
    let same = |builder: VerifierBuilder| builder;
    let short = |builder: VerifierBuilder| builder.max_lifetime(secs(600));
    let at = |change: i64| Timestamp::from_secs(NOW.saturating_add_signed(change));
    let cases: [(_, fn(VerifierBuilder) -> _, _, _); 6] = [
        ("just before it expires", same, 329, Ok(())),
        ("just when it has expired", same, 330, Err(Expired)),
        ("long after", same, 10_000_000, Err(Expired)),
        ("the clock went back to nbf", same, -40, Ok(())),
        (
            "the clock went back before nbf",
            same,
            -41,
            Err(NotYetValid),
        ),
        (
            "the clock went back, and it lives for too long",
            short,
            -301,
            Err(Claims),
        ),
    ];
    for (what, change, moved, expected) in cases {
        let (verifier, clock, _) = caching(change);
        // `max_lifetime` counts from now where there is no `iat`.
        let token = match what.contains("too long") {
            true => token(json!({})),
            false => token(json!({"nbf": NOW - 10})),
        };
        assert_eq!(verdict(&verifier, &token), Ok(()), "{what}");
        clock.set(at(moved));
        assert!(verifier.remembers(token.as_bytes()), "{what}");
        assert_eq!(verdict(&verifier, &token), expected, "{what}");
    }
}

#[test]
fn a_key_that_is_gone_takes_its_tokens_along() {
    let good = token(json!({}));
    for (what, replaced_by, expected) in [
        ("the same keys", keys("k", SECRET), Ok(())),
        (
            "another key of the id",
            keys("k", OTHER_SECRET),
            Err(InvalidToken::Signature),
        ),
        (
            "a key of another id",
            keys("k2", SECRET),
            Err(InvalidToken::Key),
        ),
    ] {
        let (verifier, _, keys) = caching(|builder| builder);
        assert_eq!(verdict(&verifier, &good), Ok(()), "{what}");
        keys.replace(replaced_by).expect("of the same kind");
        assert!(!verifier.remembers(good.as_bytes()), "{what}");
        assert_eq!(verdict(&verifier, &good), expected, "{what}");
    }
    let (verifier, _, keys) = caching(|builder| builder);
    let refused = keys.replace(public_keys()).map_err(|error| error.kind());
    assert_eq!(refused, Err(ConfigErrorKind::MixedKeys));
    assert_eq!(verdict(&verifier, &good), Ok(()));
}

#[test]
fn other_bytes_with_the_same_claims_are_another_token() {
    let (verifier, ..) = caching(|builder| builder);
    let good = token(json!({}));
    assert_eq!(verdict(&verifier, &good), Ok(()));
    let (signed, signature) = good.rsplit_once('.').expect("three parts");
    let (header, claims) = signed.split_once('.').expect("three parts");
    let flipped = match signature.as_bytes()[0] {
        b'A' => 'B',
        _ => 'A',
    };
    for (what, other) in [
        (
            "another signature",
            format!("{signed}.{flipped}{}", &signature[1..]),
        ),
        ("padding", format!("{good}=")),
        ("a byte more", format!("{good}A")),
        (
            "other claims",
            format!("{header}.{}.{signature}", &claims[..claims.len() - 4]),
        ),
        ("no signature", format!("{signed}.")),
    ] {
        assert!(!verifier.remembers(other.as_bytes()), "{what}");
        assert!(verdict(&verifier, &other).is_err(), "{what}");
    }
}

#[test]
fn what_one_verifier_remembers_another_does_not_know() {
    let (verifier, ..) = caching(|builder| builder);
    let (strict, ..) = caching(|builder| builder.require_token_id());
    let good = token(json!({}));
    assert_eq!(verdict(&verifier, &good), Ok(()));
    assert_eq!(verdict(&strict, &good), Err(InvalidToken::Claims));
}
