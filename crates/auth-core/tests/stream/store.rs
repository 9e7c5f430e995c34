//! A store and a session that say what they are told to.

use std::{
    any::Any,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use auth_core::{
    Principal, SessionSource, StoreError, Unavailable, Verdict,
    revocation::{Op, Query},
    store::{Epoch, Notice, NoticeHub, Revocation, Revocations, Subscription},
};

/// Says what it is told to, and counts who asks and who listens.
#[derive(Debug)]
pub(crate) struct TestStore {
    verdict: Mutex<Verdict>,
    pub(crate) stale: Mutex<Option<Verdict>>,
    asked: AtomicUsize,
    listening: Arc<AtomicUsize>,
    subscribed: AtomicBool,
    hub: Mutex<NoticeHub>,
}

impl TestStore {
    pub(crate) fn new() -> Self {
        Self {
            verdict: Mutex::new(Verdict::Active),
            stale: Mutex::default(),
            asked: AtomicUsize::default(),
            listening: Arc::default(),
            subscribed: AtomicBool::default(),
            hub: Mutex::default(),
        }
    }

    pub(crate) fn says(&self, verdict: Verdict) {
        *self.verdict.lock().unwrap() = verdict;
    }

    pub(crate) fn tells(&self, notice: Notice) {
        self.hub.lock().unwrap().tell(notice);
    }

    /// Ends all subscriptions.
    pub(crate) fn falls_silent(&self) {
        *self.hub.lock().unwrap() = NoticeHub::default();
    }

    /// How often it was asked since the last time.
    pub(crate) fn was_asked(&self) -> usize {
        self.asked.swap(0, Ordering::SeqCst)
    }

    pub(crate) fn listeners(&self) -> usize {
        self.listening.load(Ordering::SeqCst)
    }
}

/// Counts itself.
struct Listening(Arc<AtomicUsize>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Revocations for TestStore {
    fn realm(&self) -> &str {
        "test"
    }

    async fn verdict(&self, _: &Query) -> Verdict {
        let subscribed = self.subscribed.load(Ordering::SeqCst);
        assert!(subscribed, "first listen, then ask");
        self.asked.fetch_add(1, Ordering::SeqCst);
        *self.verdict.lock().unwrap()
    }

    fn verdict_stale(&self, _: &Query, _: Duration) -> Option<Verdict> {
        *self.stale.lock().unwrap()
    }

    async fn epoch(&self, _: &str) -> Result<Epoch, Unavailable> {
        unreachable!("streams do not ask for it")
    }

    async fn revoke(&self, _: Op, _: &Revocation) -> Result<(), StoreError> {
        unreachable!("streams revoke nothing")
    }

    fn subscribe(&self) -> Subscription {
        let mut subscription = self.hub.lock().unwrap().subscribe();
        self.subscribed.store(true, Ordering::SeqCst);
        self.listening.fetch_add(1, Ordering::SeqCst);
        let listening = Listening(Arc::clone(&self.listening));
        Subscription::from_poll_fn(move |cx| {
            let _ = &listening;
            subscription.poll_next(cx)
        })
    }
}

/// A session whose store says what it is told to.
#[derive(Debug)]
pub(crate) struct TestSession {
    pub(crate) loaded: Result<Option<Principal>, Unavailable>,
    pub(crate) again: Mutex<Result<Option<Principal>, Unavailable>>,
}

#[async_trait]
impl SessionSource for TestSession {
    fn principal_now(&self) -> Option<Result<Option<Principal>, Unavailable>> {
        Some(self.loaded.clone())
    }

    async fn principal(&self) -> Result<Option<Principal>, Unavailable> {
        self.loaded.clone()
    }

    fn peek(&self) -> Option<Result<Option<Principal>, Unavailable>> {
        Some(self.loaded.clone())
    }

    async fn again(&self) -> Result<Option<Principal>, Unavailable> {
        self.again.lock().unwrap().clone()
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}
