//! Keys that are fetched: what the tests share.

use std::{
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use auth_core::ManualClock;
use auth_jwt_layer::{
    BoxError, FetchKeys, Issuer, JwtLayer, RemoteKeys, RemoteKeysBuilder, SigningKeys, TokenLogin,
    Verifier,
};
use auth_revocation_memory::MemoryStore;
use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::support::*;

mod discovery;
mod endpoint;
mod flood;
mod outage;
mod refresh;
mod sets;

const URL: &str = "https://login.elsewhere.example/keys";

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Somebody else's issuer with one key, whose id is `kid`.
fn issuer(kid: &str) -> Issuer {
    let keys = SigningKeys::builder().generate_ed25519(kid).build();
    let store = MemoryStore::builder()
        .clock(ManualClock::new(START))
        .build();
    let store = Arc::new(store.expect("a store"));
    Issuer::builder(FOREIGN, AUDIENCE, keys.expect("keys"), store)
        .clock(ManualClock::new(START))
        .access_ttl(secs(3600))
        .build()
        .expect("an issuer")
}

async fn token(issuer: &Issuer) -> String {
    let tokens = issuer.login(TokenLogin::new("alice")).await;
    tokens.expect("logged in").access_token().to_owned()
}

/// One JWK set of the keys of all.
fn jwks(issuers: &[&Issuer]) -> String {
    set(issuers.iter().flat_map(|issuer| keys_of(issuer)))
}

fn keys_of(issuer: &Issuer) -> Vec<Value> {
    let mut jwks: Value = serde_json::from_str(&issuer.jwks()).expect("JSON");
    match jwks["keys"].take() {
        Value::Array(keys) => keys,
        other => panic!("{other}"),
    }
}

fn set(keys: impl IntoIterator<Item = Value>) -> String {
    json!({ "keys": keys.into_iter().collect::<Vec<_>>() }).to_string()
}

/// What a provider answers.
#[derive(Clone)]
enum Says {
    Keys(String),
    KeysFor(String, &'static str),
    Status(u16),
    Down,
    Panic,
    Nothing,
}

/// A provider that answers as it is told, and counts.
#[derive(Clone)]
struct Provider(Arc<Inner>);

struct Inner {
    says: Mutex<Says>,
    calls: AtomicUsize,
    urls: Mutex<Vec<String>>,
    /// While it is held back, it answers nobody.
    held: Mutex<bool>,
    released: Notify,
}

impl Provider {
    fn new(says: Says) -> Self {
        Self(Arc::new(Inner {
            says: Mutex::new(says),
            calls: AtomicUsize::new(0),
            urls: Mutex::default(),
            held: Mutex::new(false),
            released: Notify::new(),
        }))
    }

    fn says(&self, says: Says) {
        *self.0.says.lock().expect("no panic") = says;
    }

    fn calls(&self) -> usize {
        self.0.calls.load(Ordering::SeqCst)
    }

    fn hold(&self) {
        *self.0.held.lock().expect("no panic") = true;
    }

    fn release(&self) {
        *self.0.held.lock().expect("no panic") = false;
        self.0.released.notify_waiters();
    }
}

#[async_trait]
impl FetchKeys for Provider {
    async fn get(&self, url: &str) -> Result<Response<Bytes>, BoxError> {
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        self.0.urls.lock().expect("no panic").push(url.to_owned());
        loop {
            let released = self.0.released.notified();
            if !*self.0.held.lock().expect("no panic") {
                break;
            }
            released.await;
        }
        let says = self.0.says.lock().expect("no panic").clone();
        let response = Response::builder();
        match says {
            Says::Keys(body) => Ok(response.body(body.into())?),
            Says::KeysFor(body, cache_control) => {
                let response = response.header("cache-control", cache_control);
                Ok(response.body(body.into())?)
            }
            Says::Status(status) => {
                let keys = issuer("k").jwks();
                Ok(response.status(status).body(keys.into())?)
            }
            Says::Down => Err("connection refused".into()),
            Says::Panic => panic!("a client that panics"),
            Says::Nothing => std::future::pending().await,
        }
    }
}

/// A layer that has its keys from a provider.
struct Fetching {
    provider: Provider,
    clock: ManualClock,
    keys: RemoteKeys,
    layer: JwtLayer,
}

fn fetching(says: Says) -> Fetching {
    fetching_with(says, |keys| keys)
}

fn fetching_with(
    says: Says,
    change: impl FnOnce(RemoteKeysBuilder) -> RemoteKeysBuilder,
) -> Fetching {
    let provider = Provider::new(says);
    let clock = ManualClock::new(START);
    let keys = RemoteKeys::jwks(URL)
        .fetch_with(provider.clone())
        .clock(clock.clone());
    let keys = change(keys).build().expect("keys");
    let layer = layer(&keys, &clock);
    Fetching {
        provider,
        clock,
        keys,
        layer,
    }
}

fn layer(keys: &RemoteKeys, clock: &ManualClock) -> JwtLayer {
    let verifier = Verifier::builder(FOREIGN, AUDIENCE, keys.clone()).clock(clock.clone());
    let layer = JwtLayer::builder(verifier.build().expect("a verifier")).build();
    layer.expect("a layer")
}

impl Fetching {
    async fn send(&self, token: &str) -> Answer {
        send(&self.layer, bearer(token)).await
    }

    async fn status(&self, token: &str) -> u16 {
        self.send(token).await.status
    }
}

/// Lets everything run that can, without the time going on.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// Polls a future once.
async fn begun<F: Future + Unpin>(future: &mut F) -> bool {
    let once = std::future::poll_fn(|cx| {
        std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx).is_pending())
    });
    once.await
}
