//! Signing keys that change while requests run.
#![allow(clippy::unwrap_used)] // In helpers, too.
#![cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]

#[path = "../issuer_support/mod.rs"]
mod issuer_support;
mod requests;

use std::time::Duration;

use auth_core::InvalidToken;
use auth_jwt_layer::{
    Algorithm, ConfigErrorKind, Issuer, IssuerConfigErrorKind, SigningKeys, Verifier,
};
use issuer_support::{AUDIENCE, ISSUER, START, World, decode, login, secs};

const LEAD: Duration = Duration::from_secs(3_600);
/// Access tokens live for 300 s, and verifiers may have 60 s of leeway.
const KEEP: Duration = Duration::from_secs(360);

fn key(kid: &str) -> SigningKeys {
    SigningKeys::builder()
        .generate_ed25519(kid)
        .build()
        .unwrap()
}

fn secret(kid: &str, byte: u8) -> SigningKeys {
    let keys = SigningKeys::builder().secret(Algorithm::Hs256, kid, [byte; 32]);
    keys.build().unwrap()
}

fn issuer(world: &World) -> Issuer {
    world.builder(key("a")).build().unwrap()
}

fn published(issuer: &Issuer) -> Vec<String> {
    let jwks: serde_json::Value = serde_json::from_str(&issuer.jwks()).unwrap();
    let keys = jwks["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

async fn signs(issuer: &Issuer) -> String {
    let tokens = login(issuer).await;
    let (header, _) = decode(tokens.access_token());
    header["kid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_key_is_published_before_it_signs_and_kept_after_its_last_token() {
    let world = World::new();
    let issuer = issuer(&world);
    let at = issuer.rotate_signing_key(&key("b")).unwrap();
    assert_eq!(at, START.plus(LEAD));
    let ms = Duration::from_millis(1);
    for (row, now, keys, signer) in [
        ("at once", START, &["a", "b"][..], "a"),
        ("just before it signs", at.minus(ms), &["a", "b"], "a"),
        ("when it signs", at, &["a", "b"], "b"),
        (
            "as long as a token may live",
            at.plus(KEEP).minus(ms),
            &["a", "b"],
            "b",
        ),
        ("after that", at.plus(KEEP), &["b"], "b"),
        ("long after", at.plus(LEAD * 100), &["b"], "b"),
        // A key that was retired does not come back with the time.
        ("when the clock steps back", START, &["b"], "b"),
    ] {
        world.clock.set(now);
        assert_eq!(published(&issuer), keys, "{row}");
        assert_eq!(signs(&issuer.clone()).await, signer, "{row}");
    }
}

#[tokio::test]
async fn a_token_of_the_old_key_lives_as_long_as_it_says_and_the_key_no_longer() {
    let world = World::new();
    let old = key("a");
    let issuer = world.builder(old.clone()).build().unwrap();
    let verifier = issuer.verifier().unwrap();
    // Somebody else's, by the same keys.
    let by_source = Verifier::builder(ISSUER, AUDIENCE, issuer.key_source());
    let by_source = by_source.clock(world.clock.clone()).build().unwrap();
    let at = issuer.rotate_signing_key(&key("b")).unwrap();
    world.clock.set(at.minus(secs(1)));
    let last = login(&issuer).await;
    let verify = |token: &str| {
        let (one, two) = (
            verifier.verify(token.as_bytes()),
            by_source.verify(token.as_bytes()),
        );
        assert_eq!(one.is_ok(), two.is_ok());
        one.map(|_| ())
    };
    world.clock.set(at.minus(secs(1)).plus(last.expires_in()));
    assert_eq!(verify(last.access_token()), Ok(()));
    world.clock.advance(secs(30));
    assert_eq!(verify(last.access_token()), Err(InvalidToken::Expired));

    // Whoever has stolen the key can sign with it until it is retired, and then no more.
    let stolen = World::new();
    stolen.clock.set(at.plus(KEEP).minus(secs(1)));
    let thief = stolen.builder(old).build().unwrap();
    let forged = login(&thief).await;
    world.clock.set(at.plus(KEEP).minus(secs(1)));
    assert_eq!(verify(forged.access_token()), Ok(()));
    world.clock.set(at.plus(KEEP));
    assert_eq!(verify(forged.access_token()), Err(InvalidToken::Key));
}

#[tokio::test]
async fn rotations_follow_each_other_however_fast() {
    let world = World::new();
    let issuer = issuer(&world);
    let b = issuer.rotate_signing_key(&key("b")).unwrap();
    world.clock.advance(secs(60));
    let c = issuer.rotate_signing_key(&key("c")).unwrap();
    assert_eq!(c, b.plus(secs(60)));
    assert_eq!(published(&issuer), ["a", "b", "c"]);
    world.clock.set(b);
    assert_eq!(signs(&issuer).await, "b");
    world.clock.set(c);
    assert_eq!(signs(&issuer).await, "c");
    world.clock.set(b.plus(KEEP));
    assert_eq!(published(&issuer), ["b", "c"]);
    world.clock.set(c.plus(KEEP));
    assert_eq!(published(&issuer), ["c"]);
    // Nobody looked while two took turns.
    issuer.rotate_signing_key(&key("d")).unwrap();
    world.clock.advance(secs(1));
    let e = issuer.rotate_signing_key(&key("e")).unwrap();
    world.clock.set(e.plus(KEEP));
    assert_eq!(published(&issuer), ["e"]);
    assert_eq!(signs(&issuer).await, "e");
}

#[tokio::test]
async fn the_same_key_again_changes_nothing() {
    let world = World::new();
    let (a, b) = (key("a"), key("b"));
    let issuer = world.builder(a.clone()).build().unwrap();
    assert_eq!(issuer.rotate_signing_key(&a).unwrap(), START);
    assert_eq!(published(&issuer), ["a"]);
    let at = issuer.rotate_signing_key(&b).unwrap();
    world.clock.advance(secs(600));
    assert_eq!(issuer.rotate_signing_key(&b).unwrap(), at);
    world.clock.set(at);
    assert_eq!(signs(&issuer).await, "b");
    // Back to the old one, which was about to be forgotten.
    let back = issuer.rotate_signing_key(&a).unwrap();
    assert_eq!(back, at.plus(LEAD));
    world.clock.set(back);
    assert_eq!(
        (signs(&issuer).await, published(&issuer).len()),
        ("a".to_owned(), 2)
    );
}

/// A restart in the middle of a rotation: both keys from the beginning, and told again.
#[tokio::test]
async fn a_key_that_was_configured_for_verifying_can_be_the_next() {
    let world = World::new();
    let keys = SigningKeys::builder()
        .generate_ed25519("a")
        .private_pem("b", B);
    let issuer = world.builder(keys.build().unwrap()).build().unwrap();
    assert_eq!(published(&issuer), ["a", "b"]);
    let b = SigningKeys::builder().private_pem("b", B).build().unwrap();
    let at = issuer.rotate_signing_key(&b).unwrap();
    assert_eq!(signs(&issuer).await, "a");
    world.clock.set(at.plus(KEEP));
    assert_eq!(
        (signs(&issuer).await, published(&issuer)),
        ("b".to_owned(), vec!["b".to_owned()])
    );
}

const B: &[u8] = include_bytes!("../issuer_keys/ed25519.pem");

#[tokio::test]
async fn what_does_not_fit_changes_nothing() {
    let world = World::new();
    let public = issuer(&world);
    let private = world.builder(secret("s", 1)).build().unwrap();
    for (row, issuer, new, kind) in [
        (
            "another key of the same id",
            &public,
            key("a"),
            ConfigErrorKind::DuplicateKey,
        ),
        (
            "another secret",
            &private,
            secret("s", 2),
            ConfigErrorKind::DuplicateKey,
        ),
        (
            "a secret beside keys",
            &public,
            secret("t", 1),
            ConfigErrorKind::MixedKeys,
        ),
        (
            "a key beside secrets",
            &private,
            key("t"),
            ConfigErrorKind::MixedKeys,
        ),
    ] {
        let error = issuer.rotate_signing_key(&new).unwrap_err();
        assert_eq!(error.kind(), kind, "{row}");
    }
    world.clock.advance(LEAD * 2);
    assert_eq!(
        (signs(&public).await, signs(&private).await),
        ("a".into(), "s".into())
    );
    // Secrets rotate, too, and are never published.
    private.rotate_signing_key(&secret("t", 2)).unwrap();
    world.clock.advance(LEAD);
    assert_eq!(signs(&private).await, "t");
    assert_eq!(private.jwks(), r#"{"keys":[]}"#);
}

#[tokio::test]
async fn a_key_that_was_dropped_is_refused_at_once() {
    let world = World::new();
    let issuer = issuer(&world);
    let verifier = issuer.verifier().unwrap();
    let tokens = login(&issuer).await;
    verifier.verify(tokens.access_token().as_bytes()).unwrap();
    let alone = issuer.drop_signing_key("a").unwrap_err();
    assert_eq!(alone.kind(), ConfigErrorKind::NoKeys);
    assert!(!issuer.drop_signing_key("unknown").unwrap());

    issuer.rotate_signing_key(&key("b")).unwrap();
    issuer.rotate_signing_key(&key("c")).unwrap();
    assert!(issuer.drop_signing_key("a").unwrap());
    // It had been verified before, and remembered.
    let refused = verifier.verify(tokens.access_token().as_bytes());
    assert_eq!(refused.unwrap_err(), InvalidToken::Key);
    assert_eq!(
        (signs(&issuer).await, published(&issuer)),
        ("b".into(), vec!["b".into(), "c".into()])
    );
    // The login itself goes on.
    issuer
        .refresh(tokens.refresh_token().as_bytes(), None)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_key_that_was_about_to_retire_signs_again_when_its_successor_is_dropped() {
    let world = World::new();
    let issuer = issuer(&world);
    let at = issuer.rotate_signing_key(&key("b")).unwrap();
    world.clock.set(at);
    assert_eq!(signs(&issuer).await, "b");
    assert!(issuer.drop_signing_key("b").unwrap());
    world.clock.set(at.plus(KEEP * 2));
    assert_eq!(
        (signs(&issuer).await, published(&issuer)),
        ("a".into(), vec!["a".into()])
    );
}

#[test]
fn a_lead_shorter_than_the_key_set_is_kept_for_fails_to_build() {
    let world = World::new();
    for (lead, ok) in [
        (secs(299), false),
        (secs(300), true),
        (secs(86_400 * 401), false),
    ] {
        let built = world.builder(key("a")).signing_lead(lead).build();
        let kind = built.err().map(|error| error.kind());
        assert_eq!(kind.is_none(), ok);
        assert!(kind.is_none_or(|kind| kind == IssuerConfigErrorKind::SigningLead));
    }
}
