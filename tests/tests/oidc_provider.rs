//! Keys that somebody else's OpenID provider publishes: found, rotated, and out of reach.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use auth_core::{Clock, InvalidToken, ManualClock, SystemClock};
use auth_jwt_layer::{RemoteKeys, RemoteKeysError, Verifier, VerifyError};
use auth_tests::{
    Connection, Provider, Request,
    demo::{Credential, Demo, private_key, signed},
};
use serde_json::json;

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A verifier that found its keys by discovery, by a clock that the test moves.
fn discovering(provider: &Provider) -> (Verifier, RemoteKeys, ManualClock) {
    let clock = ManualClock::new(SystemClock.now());
    let keys = RemoteKeys::discover(provider.issuer()).clock(clock.clone());
    let keys = keys.build().expect("keys");
    let verifier = Verifier::builder(&provider.issuer(), provider.audience(), keys.clone());
    (verifier.build().expect("a verifier"), keys, clock)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_discovered_and_followed_when_they_rotate() {
    let provider = Provider::start();
    let (verifier, keys, clock) = discovering(&provider);
    keys.ready().await.expect("there");
    let mut tokens = vec![provider.token("alice")];
    for rotation in 0..4 {
        for token in &tokens {
            let verified = verifier.verify_or_fetch(token.as_bytes()).await;
            let verified = verified.expect("of a key that is published");
            assert_eq!(verified.subject(), "alice", "{rotation}");
            assert!(verified.scopes().contains("read"));
        }
        clock.advance(secs(30));
        provider.rotate();
        // The key before last is not published any more.
        tokens = vec![tokens.pop().expect("a token"), provider.token("alice")];
    }
    // What was verified by a key that is withdrawn is good for nothing once that is known.
    let old = &tokens[0];
    assert!(verifier.verify_or_fetch(old.as_bytes()).await.is_ok());
    provider.rotate();
    clock.advance(secs(30));
    let new = provider.token("alice");
    assert!(verifier.verify_or_fetch(new.as_bytes()).await.is_ok());
    let verdict = verifier.verify_or_fetch(old.as_bytes()).await.map(|_| ());
    assert_eq!(verdict, Err(VerifyError::Invalid(InvalidToken::Key)));
}

#[tokio::test]
async fn an_issuer_by_another_name_is_another_issuer() {
    let provider = Provider::start();
    let other_name = provider.issuer().replace("127.0.0.1", "localhost");
    // Authlib's provider names itself as it is called, so it is called with a slash more.
    let keys = RemoteKeys::discover(format!("{}/", provider.issuer()));
    let error = keys.build().expect("keys").ready().await;
    assert!(matches!(error, Err(RemoteKeysError::Issuer)), "{error:?}");
    let keys = RemoteKeys::discover(other_name).build().expect("keys");
    keys.ready().await.expect("there");
}

/// A demo that takes the provider's tokens, and has its keys.
fn demo(provider: &Provider) -> Demo {
    let keys = format!("{}/keys", provider.issuer());
    let trust = format!("{},{},{keys}", provider.issuer(), provider.audience());
    let demo = Demo::start(&["--trust", &trust]);
    // The store in memory takes no foreign tokens from before 2 s after its start.
    let start = now() + 3;
    while now() < start {
        thread::sleep(Duration::from_millis(20));
    }
    demo
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("after 1970").as_secs()
}

/// Tokens of the provider's, by keys that it does not know.
fn strangers(provider: &Provider, count: usize) -> Vec<String> {
    let key = private_key("ES256");
    let claims = json!({
        "iss": provider.issuer(), "aud": provider.audience(), "sub": "mallory", "jti": "t",
        "iat": now(), "exp": now() + 300,
    });
    let token = |number| {
        let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": format!("stranger-{number}")});
        signed(&header, &claims, &key)
    };
    (0..count).map(token).collect()
}

/// Sends the tokens by turns on connections of their own until told to stop; counts what is sent, and what is not
/// answered with 200.
fn keep_sending(demo: &Demo, tokens: &[String], stop: &AtomicBool, sent: &AtomicUsize) -> usize {
    let mut connection = Connection::open(demo.http()).expect("the demo listens");
    let mut refused = 0;
    for token in tokens.iter().cycle() {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let response = connection.send(&Request::get("/api/me").bearer(token));
        refused += usize::from(response.expect("an answer").status != 200);
        sent.fetch_add(1, Ordering::SeqCst);
    }
    refused
}

#[test]
fn nobody_is_refused_while_the_provider_rotates_its_keys_and_when_it_is_gone() {
    let provider = Provider::start();
    let demo = demo(&provider);
    let old: Vec<_> = ["a", "b"].map(|client| provider.token(client)).into();
    let (stop, sent) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let senders: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| keep_sending(&demo, &old, &stop, &sent)))
            .collect();
        let at_least = |count: usize| {
            let target = sent.load(Ordering::SeqCst) + count;
            while sent.load(Ordering::SeqCst) < target {
                thread::yield_now();
            }
        };
        at_least(100);
        provider.rotate();
        let new = provider.token("carol");
        // The first use of the new key, on several connections at once.
        let barrier = Barrier::new(4);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    barrier.wait();
                    assert_eq!(demo.who(&Credential::Bearer(new.clone())), "carol");
                });
            }
        });
        at_least(100);
        let strangers = strangers(&provider, 1);
        drop(provider);
        at_least(100);
        assert_eq!(demo.who(&Credential::Bearer(new.clone())), "carol");
        let response = demo.request("GET", "/api/me", &Credential::Bearer(strangers[0].clone()));
        // The keys were fetched for the new one a moment ago, so it is not tried again yet: the last fetch succeeded.
        assert_eq!(response.status, 401, "{response:?}");
        at_least(100);
        stop.store(true, Ordering::SeqCst);
        for sender in senders {
            assert_eq!(sender.join().expect("no panic"), 0, "refused");
        }
    });
}

#[test]
fn while_the_provider_is_gone_an_unknown_key_is_503_and_a_known_one_serves() {
    let provider = Provider::start();
    let demo = demo(&provider);
    let good = Credential::Bearer(provider.token("alice"));
    let strangers = strangers(&provider, 3);
    drop(provider);
    for stranger in strangers {
        let response = demo.request("GET", "/api/me", &Credential::Bearer(stranger));
        assert_eq!(response.status, 503, "{response:?}");
        assert_eq!(response.header("www-authenticate"), None);
        let after = response.header("retry-after").expect("when to come back");
        assert!((1..=30).contains(&after.parse::<u64>().expect("seconds")));
        assert_eq!(demo.who(&good), "alice");
    }
    demo.program().wait_for("the keys could not be fetched");
}

#[test]
fn a_flood_of_unknown_keys_costs_the_provider_one_request() {
    let provider = Provider::start();
    let demo = demo(&provider);
    assert_eq!(provider.fetched("keys"), 1);
    let strangers = strangers(&provider, 8);
    thread::scope(|scope| {
        for part in strangers.chunks(2) {
            let demo = &demo;
            scope.spawn(move || {
                for stranger in part.iter().cycle().take(50) {
                    let bearer = Credential::Bearer(stranger.clone());
                    let response = demo.request("GET", "/api/me", &bearer);
                    assert_eq!(response.status, 401, "{response:?}");
                }
            });
        }
    });
    assert_eq!(provider.fetched("keys"), 2);
    let good = Credential::Bearer(provider.token("alice"));
    assert_eq!(demo.who(&good), "alice");
    assert_eq!(provider.fetched("keys"), 2);
}
