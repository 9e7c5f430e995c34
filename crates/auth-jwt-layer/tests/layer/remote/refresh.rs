//! When keys are fetched.

use super::*;

#[tokio::test]
async fn keys_are_fetched_by_the_first_token_and_not_again() {
    let party = issuer("k1");
    let fetching = fetching(Says::Keys(party.jwks()));
    assert_eq!(fetching.provider.calls(), 0);
    for _ in 0..3 {
        let answer = fetching.send(&token(&party).await).await;
        assert_eq!(answer, passed("token alice"));
    }
    assert_eq!(fetching.provider.calls(), 1);
    assert_eq!(*fetching.provider.0.urls.lock().expect("no panic"), [URL]);
}

#[tokio::test]
async fn keys_can_be_fetched_before_the_first_token() {
    let party = issuer("k1");
    let fetching = fetching(Says::Down);
    let error = fetching.keys.ready().await.expect_err("it is down");
    assert_eq!(error.to_string(), "the keys could not be fetched");
    fetching.provider.says(Says::Keys(party.jwks()));
    // It is asked for, so it is done, whatever the cooldown.
    fetching.keys.ready().await.expect("there");
    fetching.keys.ready().await.expect("still there");
    assert_eq!(fetching.provider.calls(), 2);
    let answer = fetching.send(&token(&party).await).await;
    assert_eq!(answer, passed("token alice"));
    assert_eq!(fetching.provider.calls(), 2);
}

#[tokio::test]
async fn keys_are_refreshed_in_time_and_nobody_waits_for_that() {
    let party = issuer("k1");
    let keys = || party.jwks();
    for (what, says, every) in [
        ("nothing said", Says::Keys(keys()), 900),
        (
            "said to be short-lived",
            Says::KeysFor(keys(), "max-age=300"),
            300,
        ),
        (
            "said to be gone at once",
            Says::KeysFor(keys(), "max-age=0"),
            60,
        ),
        ("not to be kept", Says::KeysFor(keys(), "no-store"), 60),
        (
            "said to be long-lived",
            Says::KeysFor(keys(), "max-age=86400"),
            900,
        ),
    ] {
        let fetching = fetching(says);
        let token = token(&party).await;
        assert_eq!(fetching.status(&token).await, 200, "{what}");
        fetching.clock.advance(secs(every - 1));
        assert_eq!(fetching.status(&token).await, 200, "{what}");
        settle().await;
        assert_eq!(fetching.provider.calls(), 1, "{what}");
        fetching.clock.advance(secs(1));
        fetching.provider.hold();
        for _ in 0..3 {
            assert_eq!(fetching.status(&token).await, 200, "{what}");
            settle().await;
        }
        assert_eq!(fetching.provider.calls(), 2, "{what}");
        fetching.provider.release();
        settle().await;
        assert_eq!(fetching.status(&token).await, 200, "{what}");
        assert_eq!(fetching.provider.calls(), 2, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn keys_of_a_service_that_nobody_calls_are_refreshed_too() {
    let party = issuer("k1");
    let fetching = fetching(Says::Keys(party.jwks()));
    fetching.keys.ready().await.expect("there");
    tokio::time::sleep(secs(3600)).await;
    // It goes by the clock, which stood still.
    assert_eq!(fetching.provider.calls(), 1);
    fetching.clock.advance(secs(900));
    tokio::time::sleep(secs(61)).await;
    assert_eq!(fetching.provider.calls(), 2);
    // When nobody has the keys any more, nobody looks after them.
    let provider = fetching.provider.clone();
    let clock = fetching.clock.clone();
    drop(fetching);
    clock.advance(secs(900));
    tokio::time::sleep(secs(3600)).await;
    assert_eq!(provider.calls(), 2);
}

#[tokio::test]
async fn a_key_that_is_withdrawn_takes_its_tokens_along() {
    let (old, new) = (issuer("k1"), issuer("k2"));
    let fetching = fetching(Says::Keys(jwks(&[&old, &new])));
    let token = token(&old).await;
    for _ in 0..2 {
        assert_eq!(fetching.status(&token).await, 200);
    }
    fetching.provider.says(Says::Keys(jwks(&[&new])));
    fetching.clock.advance(secs(900));
    // This one has them fetched, and is not kept waiting.
    assert_eq!(fetching.status(&token).await, 200);
    settle().await;
    // Its key is looked for once more.
    assert_eq!(
        fetching.send(&token).await,
        invalid("the signature is invalid")
    );
}

#[tokio::test]
async fn a_clock_that_goes_back_stops_nothing() {
    let (old, new) = (issuer("k1"), issuer("k2"));
    let fetching = fetching(Says::Keys(jwks(&[&old])));
    fetching.clock.set(START.plus(secs(1000)));
    assert_eq!(fetching.status(&token(&old).await).await, 200);
    fetching.clock.set(START);
    fetching.provider.says(Says::Keys(jwks(&[&new])));
    assert_eq!(fetching.status(&token(&new).await).await, 200);
}

#[test]
fn without_a_runtime_nothing_is_fetched_and_nothing_panics() {
    let party = issuer("k1");
    let provider = Provider::new(Says::Keys(party.jwks()));
    let keys = RemoteKeys::jwks(URL).fetch_with(provider.clone());
    let keys = keys.clock(ManualClock::new(START)).build().expect("keys");
    let verifier = Verifier::builder(FOREIGN, AUDIENCE, keys).clock(ManualClock::new(START));
    let verifier = verifier.build().expect("a verifier");
    let verdict = verifier.verify(b"eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCJ9.e30.AA");
    assert!(verdict.is_err());
    assert_eq!(provider.calls(), 0);
}
