//! What somebody writes by hand who takes no such crate.

use std::{
    convert::Infallible,
    hash::BuildHasher as _,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Extension, Router,
    body::Body,
    extract::{FromRef, FromRequestParts},
    response::Response,
    routing::get,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hashbrown::{DefaultHashBuilder, HashMap};
use http::{HeaderMap, Request, StatusCode, header, request::Parts};
use moka::sync::Cache;
use parking_lot::RwLock;
use sha2::{Digest as _, Sha256};
use tower::{Service, layer::layer_fn};

use super::{COUNT, HELLO, NoOpLayer, SUBJECT, Work, tokens::TokenClaims};
use crate::keys::{AUDIENCE, ISSUER, Key};

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("after 1970").as_millis() as u64
}

// --- jsonwebtoken with a denylist in moka -------------------------------------------------------

/// jsonwebtoken 11 with aws-lc, and the denied `jti` in a moka cache.
#[derive(Clone)]
pub struct Verifying(Arc<VerifyingInner>);

struct VerifyingInner {
    key: jsonwebtoken::DecodingKey,
    validation: jsonwebtoken::Validation,
    denied: Cache<String, ()>,
}

impl Verifying {
    pub fn new(key: Key) -> Self {
        let mut validation = jsonwebtoken::Validation::new(key.name().parse().expect("known"));
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        let jwk = serde_json::from_value(key.jwk()).expect("a JWK");
        Self(Arc::new(VerifyingInner {
            key: jsonwebtoken::DecodingKey::from_jwk(&jwk).expect("a key"),
            validation,
            denied: denylist(),
        }))
    }

    pub fn deny(&self, jti: String) {
        self.0.denied.insert(jti, ());
    }
}

/// A denylist as it is written by hand.
pub fn denylist() -> Cache<String, ()> {
    let denied = Cache::builder().max_capacity(100_000_000);
    denied.time_to_live(Duration::from_secs(6 * 3600)).build()
}

/// Who the token names.
struct Who(String);

impl FromRequestParts<Verifying> for Who {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, state: &Verifying) -> Result<Self, StatusCode> {
        let Verifying(inner) = state;
        let token = bearer(&parts.headers).ok_or(StatusCode::UNAUTHORIZED)?;
        let claims = jsonwebtoken::decode::<TokenClaims>(token, &inner.key, &inner.validation);
        let claims = claims.map_err(|_| StatusCode::UNAUTHORIZED)?.claims;
        if inner.denied.contains_key(&claims.jti) {
            return Err(StatusCode::UNAUTHORIZED);
        }
        Ok(Self(claims.sub))
    }
}

pub fn verifying(state: Verifying) -> Router {
    Router::new()
        .route("/", get(|Who(subject)| async { subject }))
        .with_state(state)
        .layer(NoOpLayer)
}

/// The same for requests without a token.
pub fn verifying_anonymous(state: Verifying) -> Router {
    let hello = |who: Result<Who, StatusCode>| async move {
        assert!(who.is_err());
        HELLO
    };
    Router::new()
        .route("/", get(hello))
        .with_state(state)
        .layer(NoOpLayer)
}

// --- The least that a remembered token can cost ---------------------------------------------------

/// Tokens verified before, and a denylist, both sharded maps.
#[derive(Clone)]
pub struct Remembering(Arc<(Sharded<Box<str>, Arc<TokenClaims>>, Sharded<Box<str>, u64>)>);

impl Remembering {
    pub fn new(verified: &[String]) -> Self {
        let (known, denied) = (Sharded::default(), Sharded::default());
        for token in verified {
            let claims = token.split('.').nth(1).expect("claims");
            let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64url");
            let claims = serde_json::from_slice(&claims).expect("JSON");
            known.insert(token.as_str().into(), Arc::new(claims));
        }
        Self(Arc::new((known, denied)))
    }
}

struct Remembered(Arc<TokenClaims>);

impl<S: Send + Sync> FromRequestParts<S> for Remembered
where
    Remembering: FromRef<S>,
{
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, StatusCode> {
        let Remembering(maps) = Remembering::from_ref(state);
        let token = bearer(&parts.headers).ok_or(StatusCode::UNAUTHORIZED)?;
        let claims = maps.0.get(token).ok_or(StatusCode::UNAUTHORIZED)?;
        let is_good = claims.exp > now_ms() / 1000 && maps.1.get(&*claims.jti).is_none();
        is_good
            .then_some(Self(claims))
            .ok_or(StatusCode::UNAUTHORIZED)
    }
}

pub fn remembering(state: Remembering) -> Router {
    let who = |Remembered(claims)| async move { claims.sub.clone() };
    Router::new()
        .route("/", get(who))
        .with_state(state)
        .layer(NoOpLayer)
}

/// A map of many locks.
struct Sharded<K, V> {
    hasher: DefaultHashBuilder,
    shards: Box<[RwLock<HashMap<K, V>>]>,
}

impl<K, V> Default for Sharded<K, V> {
    fn default() -> Self {
        Self {
            hasher: DefaultHashBuilder::default(),
            shards: (0..64).map(|_| RwLock::default()).collect(),
        }
    }
}

impl<K: std::hash::Hash + Eq, V: Clone> Sharded<K, V> {
    fn shard<Q: std::hash::Hash + ?Sized>(&self, key: &Q) -> &RwLock<HashMap<K, V>> {
        &self.shards[(self.hasher.hash_one(key) >> 32) as usize % self.shards.len()]
    }

    fn insert(&self, key: K, value: V) {
        self.shard(&key).write().insert(key, value);
    }

    fn get<Q>(&self, key: &Q) -> Option<V>
    where
        Q: std::hash::Hash + hashbrown::Equivalent<K> + ?Sized,
    {
        self.shard(key).read().get(key).cloned()
    }
}

// --- The least that a session can cost ------------------------------------------------------------

/// Sessions under the SHA-256 of their ids.
#[derive(Clone)]
pub struct HandSessions(Arc<Sharded<[u8; 32], Arc<HandSession>>>);

#[derive(Debug)]
struct HandSession {
    subject: String,
    ends_ms: u64,
    count: String,
}

const HAND_COOKIE: &str = "__Host-id=";
const HAND_ID: [u8; 32] = [9; 32];

impl HandSessions {
    /// One session, and the cookie it is under.
    pub fn new() -> (Self, String) {
        let sessions = Sharded::default();
        let session = HandSession {
            subject: SUBJECT.to_owned(),
            ends_ms: u64::MAX,
            count: COUNT.to_string(),
        };
        sessions.insert(Sha256::digest(HAND_ID).into(), Arc::new(session));
        let cookie = format!("{HAND_COOKIE}{}", URL_SAFE_NO_PAD.encode(HAND_ID));
        (Self(Arc::new(sessions)), cookie)
    }

    fn find(&self, headers: &HeaderMap) -> Option<Arc<HandSession>> {
        let mut cookies = headers.get(header::COOKIE)?.to_str().ok()?.split("; ");
        let value = cookies.find_map(|cookie| cookie.strip_prefix(HAND_COOKIE))?;
        let mut id = [0; 32];
        URL_SAFE_NO_PAD.decode_slice(value, &mut id).ok()?;
        let hash: [u8; 32] = Sha256::digest(id).into();
        self.0
            .get(&hash)
            .filter(|session| session.ends_ms > now_ms() && !session.subject.is_empty())
    }
}

#[derive(Clone)]
struct HandLayer<S> {
    inner: S,
    sessions: HandSessions,
}

impl<S> Service<Request<Body>> for HandLayer<S>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> S::Future {
        if let Some(session) = self.sessions.find(request.headers()) {
            request.extensions_mut().insert(session);
        }
        self.inner.call(request)
    }
}

pub fn sessions(sessions: HandSessions, work: Work) -> Router {
    let router = match work {
        Work::Read => Router::new().route(
            "/",
            get(
                |Extension(session): Extension<Arc<HandSession>>| async move {
                    let count: u64 = serde_json::from_str(&session.count).expect("JSON");
                    count.to_string()
                },
            ),
        ),
        _ => Router::new().route("/", get(|| async { HELLO })),
    };
    router.layer(layer_fn(move |inner| HandLayer {
        inner,
        sessions: sessions.clone(),
    }))
}
