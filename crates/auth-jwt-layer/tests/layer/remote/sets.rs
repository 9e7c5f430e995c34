//! What is taken of a set that was fetched.

use super::*;

/// A key of the set with some members set, or with null removed.
fn changed(party: &Issuer, members: Value) -> Value {
    let mut key = keys_of(party).remove(0);
    for (name, value) in members.as_object().expect("an object") {
        match value.is_null() {
            true => {
                key.as_object_mut().expect("an object").remove(name);
            }
            false => key[name] = value.clone(),
        }
    }
    key
}

#[tokio::test]
async fn one_bad_key_never_takes_the_others_along() {
    let (good, other) = (issuer("good"), issuer("other"));
    let secret = json!({"kty": "oct", "kid": "s", "alg": "HS256", "k": "A".repeat(43)});
    for (what, bad) in [
        ("a secret", secret),
        (
            "a private key",
            changed(&other, json!({"d": "A".repeat(43)})),
        ),
        (
            "a key to encrypt with",
            changed(&other, json!({"use": "enc"})),
        ),
        ("an unknown curve", changed(&other, json!({"crv": "Ed448"}))),
        ("an unknown type", changed(&other, json!({"kty": "AKP"}))),
        (
            "an unknown algorithm",
            changed(&other, json!({"alg": "ES256K"})),
        ),
        (
            "no point of its curve",
            changed(&other, json!({"x": "A".repeat(42)})),
        ),
        ("a weak one", changed(&other, json!({"x": "A".repeat(43)}))),
        (
            "a member of another type",
            changed(&other, json!({"kid": 7})),
        ),
        ("an empty id", changed(&other, json!({"kid": ""}))),
        ("the same id", changed(&other, json!({"kid": "good"}))),
        ("no key", json!(null)),
        ("a list", json!([])),
    ] {
        let both = [keys_of(&good).remove(0), bad];
        let fetching = fetching(Says::Keys(set(both)));
        assert_eq!(fetching.status(&token(&good).await).await, 200, "{what}");
        let answer = fetching.send(&token(&other).await).await;
        assert_eq!(answer, invalid("the signature is invalid"), "{what}");
    }
}

#[tokio::test]
async fn a_set_without_a_usable_key_does_not_replace_the_one_before() {
    let good = issuer("good");
    let fetching = fetching(Says::Keys(good.jwks()));
    let token = token(&good).await;
    assert_eq!(fetching.status(&token).await, 200);
    let private = changed(&good, json!({"d": "A".repeat(43)}));
    fetching.provider.says(Says::Keys(set([private])));
    fetching.clock.advance(secs(900));
    for _ in 0..3 {
        assert_eq!(fetching.status(&token).await, 200);
        settle().await;
    }
    assert_eq!(fetching.provider.calls(), 2);
}

#[tokio::test]
async fn a_key_without_an_id_answers_if_it_is_the_only_one() {
    let party = issuer("k1");
    let fetching = fetching(Says::Keys(set([changed(&party, json!({"kid": null}))])));
    assert_eq!(fetching.status(&token(&party).await).await, 200);
}

#[tokio::test]
async fn the_largest_set_is_of_64_kib() {
    let party = issuer("k1");
    let keys = party.jwks();
    for (size, status) in [(65_536, 200), (65_537, 503)] {
        let padded = keys.clone() + &" ".repeat(size - keys.len());
        let fetching = fetching(Says::Keys(padded));
        assert_eq!(
            fetching.status(&token(&party).await).await,
            status,
            "{size}"
        );
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    use auth_jwt_layer::ConfigErrorKind::{KeyTimes, KeyUrl};
    let keys = || RemoteKeys::jwks(URL);
    let day = 24 * 60 * 60;
    for (what, builder, expected) in [
        ("the defaults", keys(), None),
        ("no URL", RemoteKeys::jwks("keys.json"), Some(KeyUrl)),
        (
            "http",
            RemoteKeys::jwks("http://issuer.example/keys"),
            Some(KeyUrl),
        ),
        (
            "http, allowed",
            RemoteKeys::jwks("http://issuer.example/keys").insecure_allow_http(),
            None,
        ),
        (
            "http from here",
            RemoteKeys::jwks("http://127.0.0.1:1/keys"),
            None,
        ),
        (
            "an issuer by http",
            RemoteKeys::discover("http://issuer.example"),
            Some(KeyUrl),
        ),
        (
            "an issuer that is no URL",
            RemoteKeys::discover("issuer"),
            Some(KeyUrl),
        ),
        ("every minute", keys().refresh_every(secs(60)), None),
        ("more often", keys().refresh_every(secs(59)), Some(KeyTimes)),
        ("once a day", keys().refresh_every(secs(day)), None),
        (
            "more seldom",
            keys().refresh_every(secs(day + 1)).stale_for(secs(2 * day)),
            Some(KeyTimes),
        ),
        (
            "stale before it is refreshed",
            keys().stale_for(secs(899)),
            Some(KeyTimes),
        ),
        ("no cooldown", keys().cooldown(secs(0)), Some(KeyTimes)),
        ("no time", keys().timeout(secs(0)), Some(KeyTimes)),
    ] {
        let kind = builder.build().err().map(|error| error.kind());
        assert_eq!(kind, expected, "{what}");
    }
}
