//! Requests that run while keys rotate.

use std::{convert::Infallible, sync::Arc, time::Duration};

use auth_core::{Clock, InvalidToken, ManualClock, Timestamp};
use auth_jwt_layer::{Issuer, JwtLayer, KeySet, Tokens, Verifier};
use http::{Request, Response};
use tokio::sync::{RwLock, mpsc};
use tower::{Layer, ServiceExt, service_fn};

use crate::{
    issuer_support::{AUDIENCE, ISSUER, World, login, secs},
    key, published,
};

/// For how long others keep the key set.
const CACHED: Duration = Duration::from_secs(300);

/// A verifier that knows the keys by fetching them, as seldom as it may.
struct Elsewhere(RwLock<(Timestamp, Verifier)>);

impl Elsewhere {
    fn fetch(issuer: &Issuer, clock: &ManualClock) -> (Timestamp, Verifier) {
        let now = clock.now();
        let keys = KeySet::builder().jwks(&issuer.jwks()).build().unwrap();
        let verifier = Verifier::builder(ISSUER, AUDIENCE, keys).clock(clock.clone());
        (now, verifier.build().unwrap())
    }

    async fn verify(&self, tokens: &Tokens) -> Result<(), InvalidToken> {
        let fetched = self.0.read().await;
        let verified = fetched.1.verify(tokens.access_token().as_bytes());
        verified.map(|_| ())
    }
}

async fn request(layer: &JwtLayer, tokens: &Tokens) -> http::StatusCode {
    let bearer = format!("Bearer {}", tokens.access_token());
    let request = Request::builder().header("authorization", bearer);
    let service = layer.layer(service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(Response::new(()))
    }));
    let response = service.oneshot(request.body(()).unwrap()).await.unwrap();
    response.status()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_requests_that_run_while_keys_rotate_none_is_refused() {
    const ROTATIONS: usize = 10;
    const WORKERS: usize = 4;
    let world = World::new();
    let builder = world.builder(key("0")).signing_lead(CACHED);
    let issuer = builder.build().unwrap();
    let layer = JwtLayer::builder(issuer.verifier().unwrap()).store(world.store.clone());
    let layer = layer.required().build().unwrap();
    let fetched = RwLock::new(Elsewhere::fetch(&issuer, &world.clock));
    let elsewhere = Arc::new(Elsewhere(fetched));

    // Time passes only when every worker has made some requests: none falls behind its tokens.
    let (requests, mut served) = mpsc::channel(1);
    let workers: Vec<_> = (0..WORKERS)
        .map(|worker| {
            let (issuer, elsewhere, layer) = (issuer.clone(), elsewhere.clone(), layer.clone());
            let requests = requests.clone();
            tokio::spawn(async move {
                let mut tokens = login(&issuer).await;
                loop {
                    assert_eq!(request(&layer, &tokens).await, 200);
                    assert_eq!(elsewhere.verify(&tokens).await, Ok(()));
                    if requests.send(worker).await.is_err() {
                        return;
                    }
                    let refreshed = issuer.refresh(tokens.refresh_token().as_bytes(), None);
                    tokens = refreshed.await.unwrap();
                }
            })
        })
        .collect();
    drop(requests);

    for rotation in 1..=ROTATIONS {
        issuer
            .rotate_signing_key(&key(&rotation.to_string()))
            .unwrap();
        for _minute in 0..10 {
            let mut made = [0; WORKERS];
            while made.iter().any(|made| *made < 2) {
                made[served.recv().await.expect("they run")] += 1;
            }
            let mut fetched = elsewhere.0.write().await;
            world.clock.advance(secs(60));
            if world.clock.now() >= fetched.0.plus(CACHED) {
                *fetched = Elsewhere::fetch(&issuer, &world.clock);
            }
        }
    }
    drop(served);
    for worker in workers {
        worker.await.unwrap();
    }
    assert_eq!(published(&issuer).last().unwrap(), &ROTATIONS.to_string());
    assert_eq!(world.heard(), []);
}
