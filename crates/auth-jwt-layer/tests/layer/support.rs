//! What the tests share: a time and a place, tokens, a handler that says who called, and a store that says what it is
//! told to.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use auth_core::{
    Caller, ManualClock, StoreError, Timestamp, Unavailable, Verdict,
    revocation::{Op, Query},
    store::{Epoch, Revocation, Revocations, Subscription},
};
use auth_jwt_layer::{
    Algorithm, Issuer, JwtLayer, JwtLayerBuilder, KeySet, SigningKeys, Verifier, VerifierBuilder,
};
use auth_revocation_memory::MemoryStore;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use http::{Request, Response, header::AUTHORIZATION};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::Notify;
use tower::{Layer, Service, ServiceExt, service_fn};

pub(crate) const START: Timestamp = Timestamp::from_secs(1_800_000_000);
/// Our own issuer, and somebody else's.
pub(crate) const OWN: &str = "https://auth.example";
pub(crate) const FOREIGN: &str = "https://login.elsewhere.example";
pub(crate) const AUDIENCE: &str = "api";

const SECRET: &[u8] = b"a test secret of thirty-two bytes";

/// Verifies the tokens of [`foreign_token`].
pub(crate) fn foreign_verifier(clock: &ManualClock) -> VerifierBuilder {
    let keys = KeySet::builder().secret(Algorithm::Hs256, "k", SECRET);
    Verifier::builder(FOREIGN, AUDIENCE, keys.build().expect("keys")).clock(clock.clone())
}

/// Good for five minutes from the start, issued at the start, unless the members say otherwise; null removes one.
pub(crate) fn foreign_claims(members: Value) -> Value {
    let start = START.as_secs();
    let mut claims = json!({
        "iss": FOREIGN, "aud": AUDIENCE, "sub": "alice", "jti": "t1", "iat": start, "exp": start + 300,
    });
    let all = claims.as_object_mut().expect("an object");
    for (name, value) in members.as_object().expect("an object") {
        if value.is_null() {
            all.remove(name);
        } else {
            all.insert(name.clone(), value.clone());
        }
    }
    claims
}

pub(crate) fn foreign_token(members: Value) -> String {
    let header = json!({"alg": "HS256", "typ": "at+jwt", "kid": "k"});
    sign(&header, &foreign_claims(members))
}

pub(crate) fn sign(header: &Value, claims: &Value) -> String {
    let text = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!("{}.{}", text(header), text(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).expect("any length");
    mac.update(signed.as_bytes());
    let mac = mac.finalize().into_bytes();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac))
}

/// A service of our own issuer's over a memory store.
pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) issuer: Issuer,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = ManualClock::new(START);
        let store = MemoryStore::builder().clock(clock.clone()).build();
        let store = Arc::new(store.expect("a store"));
        let keys = SigningKeys::builder().generate_ed25519("ed").build();
        let issuer = Issuer::builder(OWN, AUDIENCE, keys.expect("keys"), store.clone())
            .clock(clock.clone())
            .build()
            .expect("an issuer");
        Self {
            clock,
            store,
            issuer,
        }
    }

    pub(crate) fn own(&self) -> JwtLayerBuilder {
        let verifier = self.issuer.verifier().expect("a verifier");
        JwtLayer::builder(verifier).store(self.store.clone())
    }

    pub(crate) fn foreign(&self) -> JwtLayerBuilder {
        let verifier = foreign_verifier(&self.clock).build().expect("a verifier");
        JwtLayer::builder(verifier).store(self.store.clone())
    }
}

/// A handler that answers with who called, and counts.
#[derive(Clone, Default)]
pub(crate) struct Handler(Arc<AtomicUsize>);

impl Handler {
    pub(crate) fn calls(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    pub(crate) fn behind<L: Layer<HandlerService>>(&self, layer: &L) -> L::Service {
        layer.layer(HandlerService(self.clone()))
    }
}

#[derive(Clone)]
pub(crate) struct HandlerService(Handler);

impl Service<Request<()>> for HandlerService {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        self.0.0.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Ok(Response::new(who(&request))))
    }
}

/// Whom a request is from, as its caller says.
pub(crate) fn who(request: &Request<()>) -> String {
    let caller = request.extensions().get::<Caller>();
    match caller.map(Caller::principal_now) {
        None => "no caller".to_owned(),
        Some(None) => "not known yet".to_owned(),
        Some(Some(Err(_))) => "unavailable".to_owned(),
        Some(Some(Ok(None))) => "nobody".to_owned(),
        Some(Some(Ok(Some(principal)))) => {
            format!("{} {}", principal.kind().as_str(), principal.subject())
        }
    }
}

pub(crate) fn request() -> Request<()> {
    Request::new(())
}

pub(crate) fn bearer(token: &str) -> Request<()> {
    let mut request = request();
    let value = format!("Bearer {token}").parse().expect("a header value");
    request.headers_mut().insert(AUTHORIZATION, value);
    request
}

/// What came of one request.
#[derive(PartialEq, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) challenge: Option<String>,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: String,
}

pub(crate) fn answer(response: &Response<String>) -> Answer {
    let text = |name: &str| {
        let value = response.headers().get(name)?;
        Some(value.to_str().expect("ASCII").to_owned())
    };
    Answer {
        status: response.status().as_u16(),
        challenge: text("www-authenticate"),
        retry_after: text("retry-after"),
        body: response.body().clone(),
    }
}

/// Let through, as this caller.
pub(crate) fn passed(who: &str) -> Answer {
    Answer {
        status: 200,
        challenge: None,
        retry_after: None,
        body: who.to_owned(),
    }
}

/// Refused as an invalid token, for this reason.
pub(crate) fn invalid(description: &str) -> Answer {
    Answer {
        status: 401,
        challenge: Some(format!(
            r#"Bearer realm="auth", error="invalid_token", error_description="{description}""#
        )),
        retry_after: None,
        body: String::new(),
    }
}

/// Refused as the store can not tell: no challenge, to be tried again.
pub(crate) fn unavailable() -> Answer {
    Answer {
        status: 503,
        challenge: None,
        retry_after: Some("1".to_owned()),
        body: String::new(),
    }
}

/// Sends one request through `layer` to a handler, which is called exactly when the request is let through.
pub(crate) async fn send<L>(layer: &L, request: Request<()>) -> Answer
where
    L: Layer<HandlerService>,
    L::Service: Service<Request<()>, Response = Response<String>, Error = Infallible>,
{
    let handler = Handler::default();
    let response = handler.behind(layer).oneshot(request).await;
    let answer = answer(&response.expect("no error"));
    assert_eq!(handler.calls(), usize::from(!answer.body.is_empty()));
    answer
}

/// A layer that changes requests before the next one sees them.
pub(crate) fn before<S, F>(
    inner: S,
    change: F,
) -> impl Service<Request<()>, Response = Response<String>, Error = Infallible> + Clone
where
    S: Service<Request<()>, Response = Response<String>, Error = Infallible> + Clone,
    F: Fn(&mut Request<()>) + Clone,
{
    service_fn(move |mut request: Request<()>| {
        change(&mut request);
        inner.clone().oneshot(request)
    })
}

/// A store that says what it is told to.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<Says>, Notify);

#[derive(Clone, Debug, Default)]
pub(crate) struct Says {
    pub(crate) now: Option<Verdict>,
    pub(crate) later: Option<Verdict>,
    pub(crate) stale: Option<Verdict>,
    /// How old the copy is.
    pub(crate) age: Duration,
    /// What it was asked: now and later, and stale.
    pub(crate) asked: Vec<Query>,
    pub(crate) asked_stale: usize,
}

impl Told {
    pub(crate) fn new(
        now: Option<Verdict>,
        later: Option<Verdict>,
        stale: Option<Verdict>,
    ) -> Arc<Self> {
        let says = Says {
            now,
            later,
            stale,
            ..Says::default()
        };
        Arc::new(Self(Mutex::new(says), Notify::new()))
    }

    pub(crate) fn says(&self) -> Says {
        self.0.lock().expect("no panic").clone()
    }

    /// Answers what is being waited for.
    pub(crate) fn answer(&self, verdict: Verdict) {
        self.0.lock().expect("no panic").later = Some(verdict);
        self.1.notify_waiters();
    }

    pub(crate) fn set_age(&self, age: Duration) {
        self.0.lock().expect("no panic").age = age;
    }
}

#[async_trait]
impl Revocations for Told {
    fn realm(&self) -> &str {
        "told"
    }

    fn verdict_now(&self, query: &Query) -> Option<Verdict> {
        let mut says = self.0.lock().expect("no panic");
        says.asked.push(*query);
        says.now
    }

    async fn verdict(&self, _: &Query) -> Verdict {
        loop {
            let answered = self.1.notified();
            if let Some(verdict) = self.says().later {
                return verdict;
            }
            answered.await;
        }
    }

    fn verdict_stale(&self, _: &Query, at_most: Duration) -> Option<Verdict> {
        let mut says = self.0.lock().expect("no panic");
        says.asked_stale += 1;
        says.stale.filter(|_| says.age <= at_most)
    }

    async fn epoch(&self, _: &str) -> Result<Epoch, Unavailable> {
        Err(Unavailable::default())
    }

    async fn revoke(&self, _: Op, _: &Revocation) -> Result<(), StoreError> {
        Err(Unavailable::default().into())
    }

    fn subscribe(&self) -> Subscription {
        Subscription::from_poll_fn(|_| std::task::Poll::Pending)
    }
}

/// A layer for foreign tokens over a store that says what it is told to.
pub(crate) fn over(store: &Arc<Told>) -> JwtLayerBuilder {
    let verifier = foreign_verifier(&ManualClock::new(START));
    JwtLayer::builder(verifier.build().expect("a verifier")).store(store.clone())
}
