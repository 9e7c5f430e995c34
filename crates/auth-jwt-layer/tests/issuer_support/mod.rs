//! What the tests of the issuer share: a time and a place, and a store that can be told to fail.
// Each test program uses its own part of it.
#![allow(dead_code, clippy::unwrap_used)]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use auth_core::{
    Clock, Event, LoginId, ManualClock, StoreError, Timestamp, Unavailable, Verdict,
    revocation::{Lane, Op, Query},
    store::{
        Admission, Admitted, Epoch, LoginPage, Logins, RefreshLogins, RefreshRecord, RefreshStart,
        Revocation, Revocations, Rotated, Rotation, RotationState, RotationStep, Subscription,
        rotation_step,
    },
};
use auth_jwt_layer::{Issuer, IssuerBuilder, RefreshKeys, SigningKeys, TokenLogin, Tokens};
use auth_revocation_memory::MemoryStore;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

pub(crate) const ISSUER: &str = "https://auth.example";
pub(crate) const AUDIENCE: &str = "api";
pub(crate) const START: Timestamp = Timestamp::from_secs(1_800_000_000);
pub(crate) const GRACE: Duration = Duration::from_secs(30);

pub(crate) fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A clock for all, a store, and what was heard.
pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) store: Arc<Double>,
    pub(crate) events: Arc<Mutex<Vec<Event>>>,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = ManualClock::new(START);
        let memory = MemoryStore::builder().clock(clock.clone()).build().unwrap();
        Self {
            store: Arc::new(Double::new(memory, clock.clone())),
            clock,
            events: Arc::default(),
        }
    }

    pub(crate) fn builder(&self, keys: SigningKeys) -> IssuerBuilder {
        let events = self.events.clone();
        Issuer::builder(ISSUER, AUDIENCE, keys, self.store.clone())
            .clock(self.clock.clone())
            .on_event(move |event: &Event| events.lock().unwrap().push(event.clone()))
    }

    pub(crate) fn issuer(&self) -> Issuer {
        self.builder(ed25519()).build().unwrap()
    }

    /// How far its clock was moved.
    pub(crate) fn clock_since_start(&self) -> Duration {
        self.clock.now().since(START)
    }

    /// One with the ring of these keys, the first being the current one.
    pub(crate) fn issuer_with(&self, ring: &[u8]) -> Issuer {
        let ring = RefreshKeys::from_keys(ring.iter().map(|&key| [key; 32])).unwrap();
        self.builder(ed25519()).refresh_keys(ring).build().unwrap()
    }

    /// What it was told that is not every day's.
    pub(crate) fn heard(&self) -> Vec<Event> {
        let mut heard = self.heard_all();
        heard.retain(|event| {
            !matches!(
                event,
                Event::LoggedIn { .. }
                    | Event::LoggedOut { .. }
                    | Event::Refreshed { .. }
                    | Event::Unavailable { .. }
                    | Event::LoginRefused { .. }
            )
        });
        heard
    }

    pub(crate) fn heard_all(&self) -> Vec<Event> {
        std::mem::take(&mut *self.events.lock().unwrap())
    }

    /// What the store says of an access token.
    pub(crate) async fn verdict(&self, issuer: &Issuer, tokens: &Tokens) -> Verdict {
        let verifier = issuer.verifier().unwrap();
        let verified = verifier.verify(tokens.access_token().as_bytes()).unwrap();
        let login = verified.session_id().unwrap().parse().unwrap();
        let version = verified.version().unwrap();
        let query = Query::own(self.store.realm(), verified.subject(), &login, version)
            .token(verified.issuer(), verified.token_id().unwrap());
        self.store.verdict(&query).await
    }
}

pub(crate) fn ed25519() -> SigningKeys {
    SigningKeys::builder()
        .generate_ed25519("ed")
        .build()
        .unwrap()
}

pub(crate) async fn login(issuer: &Issuer) -> Tokens {
    let login = TokenLogin::new("alice").scopes(auth_core::Scopes::parse("read write"));
    issuer.login(login).await.unwrap()
}

/// The header and the claims of a JWT, unverified.
pub(crate) fn decode(jwt: &str) -> (Value, Value) {
    let part = |n| {
        let part = jwt.split('.').nth(n).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    (part(0), part(1))
}

pub(crate) fn claims(tokens: &Tokens) -> Value {
    decode(tokens.access_token()).1
}

/// A [`MemoryStore`] that counts its calls, can fail, can pretend to be shared, and can have lost
/// what happened to a refresh login.
#[derive(Debug)]
pub(crate) struct Double {
    memory: MemoryStore,
    clock: ManualClock,
    calls: AtomicUsize,
    pub(crate) withdrawn: AtomicUsize,
    pub(crate) arrivals: AtomicUsize,
    pub(crate) is_shared: AtomicBool,
    /// Whether there is a copy that calls everything good.
    pub(crate) knows_nothing_yet: AtomicBool,
    fault: Mutex<Option<StoreError>>,
    restored: Mutex<Option<RefreshRecord>>,
}

impl Double {
    fn new(memory: MemoryStore, clock: ManualClock) -> Self {
        Self {
            memory,
            clock,
            calls: AtomicUsize::new(0),
            withdrawn: AtomicUsize::new(0),
            arrivals: AtomicUsize::new(0),
            is_shared: AtomicBool::new(false),
            knows_nothing_yet: AtomicBool::new(false),
            fault: Mutex::new(None),
            restored: Mutex::new(None),
        }
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    pub(crate) fn fail(&self, fault: Option<StoreError>) {
        *self.fault.lock().unwrap() = fault;
    }

    pub(crate) fn down() -> StoreError {
        StoreError::Unavailable(Unavailable::default())
    }

    pub(crate) async fn record(&self, tokens: &Tokens) -> Option<RefreshRecord> {
        let lane = Lane::of(self.memory.realm(), "alice");
        let login = self.memory.refresh_login(lane, tokens.login());
        login.await.unwrap()
    }

    /// From now on, this is what a failover has left of the one login there is.
    pub(crate) fn restore(&self, record: RefreshRecord) {
        *self.restored.lock().unwrap() = Some(record);
    }

    fn call(&self) -> Result<(), StoreError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        match *self.fault.lock().unwrap() {
            Some(fault) => Err(fault),
            None => Ok(()),
        }
    }

    fn rotate_restored(&self, record: &mut RefreshRecord, rotation: &Rotation) -> Rotated {
        let (now, presented) = (self.clock.now(), &rotation.presented);
        let step = rotation_step(&record.rotation, rotation, now);
        let subject = record.subject.clone();
        match step {
            RotationStep::Advance | RotationStep::Adopt => {
                record.rotation = RotationState::advanced(presented, &rotation.successor, now);
                Rotated::Advanced {
                    record: record.clone(),
                    adopted: step == RotationStep::Adopt,
                }
            }
            RotationStep::Replay => Rotated::Replayed {
                record: record.clone(),
            },
            RotationStep::Reuse => Rotated::Reused { subject },
            RotationStep::DataLoss => Rotated::DataLost { subject },
            RotationStep::Ahead => Rotated::Ahead { subject },
        }
    }
}

#[async_trait]
impl Revocations for Double {
    fn realm(&self) -> &str {
        self.memory.realm()
    }

    fn is_shared(&self) -> bool {
        self.is_shared.load(Ordering::SeqCst)
    }

    async fn verdict(&self, query: &Query) -> Verdict {
        match self.call() {
            Ok(()) => self.memory.verdict(query).await,
            Err(_) => Verdict::Unknown,
        }
    }

    fn verdict_now(&self, _: &Query) -> Option<Verdict> {
        let knows_nothing_yet = self.knows_nothing_yet.load(Ordering::SeqCst);
        knows_nothing_yet.then_some(Verdict::Active)
    }

    async fn epoch(&self, subject: &str) -> Result<Epoch, Unavailable> {
        self.call()?;
        self.memory.epoch(subject).await
    }

    async fn revoke(&self, op: Op, revocation: &Revocation) -> Result<(), StoreError> {
        self.call()?;
        self.memory.revoke(op, revocation).await
    }

    fn subscribe(&self) -> Subscription {
        self.memory.subscribe()
    }
}

#[async_trait]
impl Logins for Double {
    async fn admit(&self, admission: &Admission) -> Result<Admitted, StoreError> {
        self.call()?;
        self.memory.admit(admission).await
    }

    fn withdraw(&self, subject: &str, login: LoginId) {
        self.withdrawn.fetch_add(1, Ordering::SeqCst);
        self.memory.withdraw(subject, login);
    }

    async fn logins(
        &self,
        subject: &str,
        after: Option<LoginId>,
        limit: usize,
    ) -> Result<LoginPage, StoreError> {
        self.call()?;
        self.memory.logins(subject, after, limit).await
    }
}

#[async_trait]
impl RefreshLogins for Double {
    async fn start(&self, start: &RefreshStart) -> Result<Admitted, StoreError> {
        self.call()?;
        self.memory.start(start).await
    }

    async fn rotate(&self, rotation: &Rotation) -> Result<Rotated, StoreError> {
        self.call()?;
        if let Some(record) = &mut *self.restored.lock().unwrap() {
            return Ok(self.rotate_restored(record, rotation));
        }
        self.memory.rotate(rotation).await
    }

    fn arrived(&self, lane: Lane, login: LoginId, generation: u64) {
        self.arrivals.fetch_add(1, Ordering::SeqCst);
        self.memory.arrived(lane, login, generation);
    }

    async fn refresh_login(
        &self,
        lane: Lane,
        login: LoginId,
    ) -> Result<Option<RefreshRecord>, StoreError> {
        self.call()?;
        self.memory.refresh_login(lane, login).await
    }
}
