//! While the issuer's endpoint does not answer.

use auth_jwt_layer::VerifyError;

use super::*;

#[tokio::test]
async fn known_keys_serve_and_unknown_ones_are_503() {
    let (known, stranger) = (issuer("k1"), issuer("k2"));
    let (good, bad) = (token(&known).await, token(&stranger).await);
    for (what, says) in [
        ("down", Says::Down),
        ("panics", Says::Panic),
        ("500", Says::Status(500)),
        ("404", Says::Status(404)),
        ("a redirect", Says::Status(302)),
        ("no content", Says::Status(204)),
        ("no JSON", Says::Keys("<html>".to_owned())),
        ("no keys", Says::Keys(set([]))),
        ("something else", Says::Keys("[]".to_owned())),
        (
            "too large",
            Says::Keys(jwks(&[&known, &stranger]) + &" ".repeat(65_536)),
        ),
    ] {
        let fetching = fetching(Says::Keys(jwks(&[&known])));
        assert_eq!(fetching.status(&good).await, 200, "{what}");
        fetching.provider.says(says);
        for round in 0..96 {
            fetching.clock.advance(secs(900));
            let verifier = Verifier::builder(FOREIGN, AUDIENCE, fetching.keys.clone());
            // Tokens that are good for so long are not what this is about.
            let verifier = verifier.clock(ManualClock::new(START)).build();
            let verifier = verifier.expect("a verifier");
            let verdict = verifier.verify_or_fetch(good.as_bytes()).await;
            assert!(verdict.is_ok(), "{what}, {round}");
            if round % 24 == 0 {
                let verdict = verifier.verify_or_fetch(bad.as_bytes()).await;
                let unavailable = matches!(verdict, Err(VerifyError::Unavailable(_)));
                assert!(unavailable, "{what}, {round}: {verdict:?}");
            }
        }
        // 24 hours, and no longer.
        fetching.clock.advance(secs(1));
        let answer = fetching.send(&good).await;
        assert_eq!((answer.status, answer.challenge), (503, None), "{what}");
        fetching.provider.says(Says::Keys(jwks(&[&stranger])));
        fetching.clock.advance(secs(30));
        assert!(fetching.keys.ready().await.is_ok(), "{what}");
    }
}

#[tokio::test]
async fn without_keys_nobody_is_refused_as_invalid() {
    let party = issuer("k1");
    let fetching = fetching(Says::Down);
    let token = token(&party).await;
    for (waited, calls) in [(0, 1), (29, 1), (1, 2), (0, 2)] {
        fetching.clock.advance(secs(waited));
        let answer = fetching.send(&token).await;
        assert_eq!((answer.status, answer.challenge), (503, None));
        assert_eq!(fetching.provider.calls(), calls);
    }
    fetching.provider.says(Says::Keys(party.jwks()));
    fetching.clock.advance(secs(30));
    assert_eq!(fetching.status(&token).await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_says_nothing_is_given_2_s() {
    let party = issuer("k1");
    let fetching = fetching(Says::Nothing);
    let before = tokio::time::Instant::now();
    assert_eq!(fetching.status(&token(&party).await).await, 503);
    assert_eq!(before.elapsed(), secs(2));
    let error = fetching.keys.ready().await.expect_err("nothing came");
    assert_eq!(error.to_string(), "the keys were not there within 2s");
}

#[tokio::test]
async fn failures_are_told() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let log = told.clone();
    let fetching = fetching_with(Says::Down, |keys| {
        keys.on_failure(move |error| log.lock().expect("no panic").push(error.to_string()))
    });
    for says in [
        Says::Down,
        Says::Status(302),
        Says::Panic,
        Says::Keys("{}".to_owned()),
    ] {
        fetching.provider.says(says);
        assert!(fetching.keys.ready().await.is_err());
    }
    let expected = [
        "the keys could not be fetched",
        "the keys were answered with 302 Found",
        "the keys can not be fetched from here",
        "the document has no usable key",
    ];
    assert_eq!(*told.lock().expect("no panic"), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_refused_while_keys_rotate() {
    let parties: Vec<_> = (0..8).map(|i| issuer(&format!("k{i}"))).collect();
    let mut tokens = Vec::new();
    for party in &parties {
        tokens.push(token(party).await);
    }
    let fetching = Arc::new(fetching(Says::Keys(jwks(&[&parties[0]]))));
    assert_eq!(fetching.status(&tokens[0]).await, 200);
    let mut sent = 0;
    for pair in 1..parties.len() {
        fetching.clock.advance(secs(30));
        let both = [&parties[pair - 1], &parties[pair]];
        let barrier = Arc::new(tokio::sync::Barrier::new(9));
        fetching.provider.says(Says::Keys(jwks(&both)));
        let senders: Vec<_> = (0..8)
            .map(|number| {
                let fetching = Arc::clone(&fetching);
                let barrier = Arc::clone(&barrier);
                let token = tokens[pair - number % 2].clone();
                tokio::spawn(async move {
                    barrier.wait().await;
                    let mut refused = 0;
                    for _ in 0..50 {
                        refused += usize::from(fetching.status(&token).await != 200);
                    }
                    refused
                })
            })
            .collect();
        barrier.wait().await;
        for sender in senders {
            assert_eq!(sender.await.expect("no panic"), 0);
            sent += 50;
        }
    }
    assert_eq!(sent, 7 * 8 * 50);
}
