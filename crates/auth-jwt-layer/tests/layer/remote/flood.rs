//! Tokens that name keys which are not there: fetched for, but not often.

use std::sync::Barrier;

use auth_core::InvalidToken;
use auth_jwt_layer::VerifyError;

use super::*;

#[tokio::test]
async fn a_new_key_is_fetched_at_its_first_use() {
    let (old, new) = (issuer("k1"), issuer("k2"));
    let fetching = fetching(Says::Keys(jwks(&[&old])));
    assert_eq!(fetching.status(&token(&old).await).await, 200);
    // Also right after the first fetch.
    fetching.provider.says(Says::Keys(jwks(&[&old, &new])));
    for party in [&new, &old] {
        assert_eq!(fetching.status(&token(party).await).await, 200);
    }
    assert_eq!(fetching.provider.calls(), 2);
}

#[tokio::test]
async fn an_unknown_key_is_fetched_for_once_in_30_s() {
    let (known, stranger) = (issuer("k1"), issuer("k2"));
    let fetching = fetching(Says::Keys(jwks(&[&known])));
    let (good, bad) = (token(&known).await, token(&stranger).await);
    assert_eq!(fetching.status(&good).await, 200);
    for (waited, calls) in [(0, 2), (0, 2), (29, 2), (1, 3), (0, 3), (29, 3), (1, 4)] {
        fetching.clock.advance(secs(waited));
        assert_eq!(
            fetching.send(&bad).await,
            invalid("the signature is invalid")
        );
        assert_eq!(fetching.status(&good).await, 200);
        assert_eq!(fetching.provider.calls(), calls);
    }
}

#[tokio::test]
async fn the_cooldown_counts_failures_too_and_says_when_to_come_back() {
    let (known, stranger) = (issuer("k1"), issuer("k2"));
    let fetching = fetching(Says::Keys(jwks(&[&known])));
    let (good, bad) = (token(&known).await, token(&stranger).await);
    assert_eq!(fetching.status(&good).await, 200);
    fetching.provider.says(Says::Down);
    for (waited, calls, retry_after) in [(0, 2, "30"), (10, 2, "20"), (19, 2, "1"), (1, 3, "30")] {
        fetching.clock.advance(secs(waited));
        let answer = fetching.send(&bad).await;
        assert_eq!((answer.status, answer.challenge), (503, None));
        assert_eq!(answer.retry_after.as_deref(), Some(retry_after));
        assert_eq!(fetching.status(&good).await, 200);
        assert_eq!(fetching.provider.calls(), calls);
    }
    fetching
        .provider
        .says(Says::Keys(jwks(&[&known, &stranger])));
    fetching.clock.advance(secs(30));
    assert_eq!(fetching.status(&bad).await, 200);
}

#[tokio::test]
async fn a_thousand_tokens_wait_for_one_fetch() {
    let (known, new) = (issuer("k1"), issuer("k2"));
    let before = jwks(&[&known]);
    let cold = |says| (fetching(says), 1);
    for (what, (fetching, calls), is_published) in [
        (
            "at the start, of a good key",
            cold(Says::Keys(jwks(&[&new]))),
            true,
        ),
        (
            "at the start, of an unknown key",
            cold(Says::Keys(before.clone())),
            false,
        ),
        (
            "later, of a new key",
            (fetching(Says::Keys(before.clone())), 2),
            true,
        ),
        (
            "later, of an unknown key",
            (fetching(Says::Keys(before.clone())), 2),
            false,
        ),
    ] {
        if calls == 2 {
            fetching.keys.ready().await.expect("there");
        }
        if is_published {
            fetching.provider.says(Says::Keys(jwks(&[&known, &new])));
        }
        fetching.provider.hold();
        let token = token(&new).await;
        let sent: Vec<_> = (0..1000)
            .map(|_| {
                let (layer, token) = (fetching.layer.clone(), token.clone());
                tokio::spawn(async move { send(&layer, bearer(&token)).await.status })
            })
            .collect();
        settle().await;
        fetching.provider.release();
        for answer in sent {
            let status = answer.await.expect("no panic");
            assert_eq!(status, if is_published { 200 } else { 401 }, "{what}");
        }
        // Those that come later find that it was looked for.
        for _ in 0..10 {
            fetching.status(&token).await;
        }
        assert_eq!(fetching.provider.calls(), calls, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn threads_that_race_for_a_new_key_have_it_fetched_once() {
    let (known, new) = (issuer("k1"), issuer("k2"));
    let fetching = fetching(Says::Keys(jwks(&[&known])));
    fetching.keys.ready().await.expect("there");
    for round in 0..20 {
        fetching.clock.advance(secs(30));
        let before = fetching.provider.calls();
        let token = token(&new).await;
        let barrier = Arc::new(Barrier::new(4));
        let verifier = Verifier::builder(FOREIGN, AUDIENCE, fetching.keys.clone())
            .clock(ManualClock::new(START))
            .build()
            .expect("a verifier");
        let racing: Vec<_> = (0..4)
            .map(|_| {
                let (verifier, token) = (verifier.clone(), token.clone());
                let (barrier, runtime) = (barrier.clone(), tokio::runtime::Handle::current());
                std::thread::spawn(move || {
                    barrier.wait();
                    runtime
                        .block_on(verifier.verify_or_fetch(token.as_bytes()))
                        .map(|_| ())
                })
            })
            .collect();
        let unknown = Err(VerifyError::Invalid(InvalidToken::Key));
        for racer in racing {
            let verdict = tokio::task::spawn_blocking(|| racer.join().expect("no panic"));
            assert_eq!(verdict.await.expect("no panic"), unknown, "{round}");
        }
        // One more where the refresh is due as well, as that may have been underway already.
        let fetched = fetching.provider.calls() - before;
        assert!((1..=2).contains(&fetched), "{round}: {fetched}");
    }
}

#[tokio::test]
async fn a_request_that_is_dropped_while_it_waits_takes_nothing_along() {
    let party = issuer("k1");
    let fetching = fetching(Says::Keys(party.jwks()));
    fetching.provider.hold();
    let token = token(&party).await;
    let mut waiting = Box::pin(send(&fetching.layer, bearer(&token)));
    assert!(begun(&mut waiting).await);
    settle().await;
    drop(waiting);
    fetching.provider.release();
    assert_eq!(fetching.status(&token).await, 200);
    assert_eq!(fetching.provider.calls(), 1);
}

#[tokio::test]
async fn tokens_of_other_issuers_and_kinds_are_not_fetched_for() {
    let known = issuer("k1");
    let fetching = fetching(Says::Keys(jwks(&[&known])));
    fetching.keys.ready().await.expect("there");
    let header = |members: Value| {
        let mut header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "other"});
        for (name, value) in members.as_object().expect("an object") {
            header[name] = value.clone();
        }
        header
    };
    let claims = foreign_claims(json!({}));
    for (what, token) in [
        (
            "of another issuer",
            sign(&header(json!({})), &foreign_claims(json!({"iss": OWN}))),
        ),
        (
            "of no issuer",
            sign(&header(json!({})), &foreign_claims(json!({"iss": null}))),
        ),
        (
            "of another type",
            sign(&header(json!({"typ": "JWT"})), &claims),
        ),
        (
            "of an unknown algorithm",
            sign(&header(json!({"alg": "none"})), &claims),
        ),
        ("critical", sign(&header(json!({"crit": ["b64"]})), &claims)),
        (
            "without a key's id",
            sign(&json!({"alg": "EdDSA", "typ": "at+jwt"}), &claims),
        ),
        (
            "of the key, by another algorithm",
            sign(&header(json!({"kid": "k1", "alg": "HS256"})), &claims),
        ),
        (
            "of the key, forged",
            sign(&header(json!({"kid": "k1"})), &claims),
        ),
    ] {
        assert_eq!(fetching.status(&token).await, 401, "{what}");
        assert_eq!(fetching.provider.calls(), 1, "{what}");
    }
}
