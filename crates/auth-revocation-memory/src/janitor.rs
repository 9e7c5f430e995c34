//! The thread that removes what is over.

use std::{
    io,
    sync::{Arc, Weak},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};

use crate::store::Inner;

/// How long it rests at least. What is over is refused at once; this only frees its memory.
const REST: Duration = Duration::from_secs(60);

/// It rests so many times as long as it swept, so that it never takes more than a fraction of one
/// core, however much there is to look at.
const REST_PER_SWEEP: u32 = 50;

/// Sweeps a store every minute for as long as it is there. A thread of its own, because a store
/// needs no async runtime, and an idle process makes no calls to piggyback on.
#[derive(Debug)]
pub(crate) struct Janitor {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Stop {
    asked: Mutex<bool>,
    changed: Condvar,
}

impl Janitor {
    pub(crate) fn start(inner: &Arc<Inner>) -> io::Result<Self> {
        Self::resting(inner, REST)
    }

    fn resting(inner: &Arc<Inner>, rest: Duration) -> io::Result<Self> {
        let stop = Arc::new(Stop::default());
        let (weak, asked) = (Arc::downgrade(inner), Arc::clone(&stop));
        let thread = thread::Builder::new()
            .name("auth-janitor".to_owned())
            .spawn(move || work(&weak, &asked, rest))?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }

    #[cfg(test)]
    pub(crate) fn thread(&mut self) -> JoinHandle<()> {
        self.thread.take().expect("taken once")
    }
}

impl Drop for Janitor {
    /// Asks it to end, and does not wait for it: stores are dropped on threads that must not block.
    fn drop(&mut self) {
        *self.stop.asked.lock() = true;
        self.stop.changed.notify_all();
        drop(self.thread.take());
    }
}

fn work(inner: &Weak<Inner>, stop: &Stop, at_least: Duration) {
    let mut rest = at_least;
    while !stop.within(rest) {
        let Some(inner) = inner.upgrade() else {
            return;
        };
        let began = Instant::now();
        inner.sweep();
        rest = at_least.max(began.elapsed().saturating_mul(REST_PER_SWEEP));
    }
}

impl Stop {
    /// Waits for `rest`; whether it was asked to stop.
    fn within(&self, rest: Duration) -> bool {
        let until = Instant::now() + rest;
        let mut asked = self.asked.lock();
        while !*asked {
            if self.changed.wait_until(&mut asked, until).timed_out() {
                break;
            }
        }
        *asked
    }
}

#[cfg(test)]
mod tests {
    use auth_core::{Clock, LoginId, ManualClock, Timestamp, revocation::Place};

    use super::*;
    use crate::{MemoryStore, revocations::end_once};

    #[test]
    fn the_thread_ends_with_its_store() {
        let mut store = MemoryStore::new();
        let thread = store.janitor().thread();
        drop(store);
        thread
            .join()
            .expect("it ends, long before its rest is over");
    }

    #[test]
    fn it_sweeps_by_itself_for_as_long_as_the_store_is_there() {
        let clock = ManualClock::new(Timestamp::from_secs(1_000));
        let store = MemoryStore::builder().clock(clock.clone()).build();
        let store = store.expect("the settings are good");
        let mut janitor = Janitor::resting(&store.inner, Duration::from_millis(1))
            .expect("the operating system gives a thread");
        let thread = janitor.thread();
        for _ in 0..3 {
            let place = Place::of("r", "alice");
            let key = auth_core::revocation::LoginKey::of("r", "alice", &LoginId::random());
            let end = Some(clock.now());
            store.inner.step(place.lane, |lane, now| {
                end_once(lane, place.subject, key, end, now);
            });
            assert_eq!(store.usage().revocations, 1);
            clock.advance(Duration::from_secs(1_000));
            while store.usage().revocations > 0 {
                thread::yield_now();
            }
        }
        drop(store);
        thread.join().expect("it ends when the store is gone");
    }
}
