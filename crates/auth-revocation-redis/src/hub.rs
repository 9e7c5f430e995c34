//! Telling subscribers what was revoked.

use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
    task::{Context, Poll, Waker},
};

use auth_core::store::{Notice, Subscription};
use parking_lot::{Mutex, RwLock};

/// How many notices wait for one subscriber before it is told that it lags.
pub(crate) const BACKLOG: usize = 1_024;

/// Everybody who listens.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    subscribers: RwLock<Vec<Weak<Mutex<Queue>>>>,
}

#[derive(Debug, Default)]
struct Queue {
    notices: VecDeque<Notice>,
    waker: Option<Waker>,
    closed: bool,
}

impl Hub {
    pub(crate) fn subscribe(&self) -> Subscription {
        let queue = Arc::new(Mutex::new(Queue::default()));
        let mut subscribers = self.subscribers.write();
        subscribers.retain(|one| one.strong_count() > 0);
        subscribers.push(Arc::downgrade(&queue));
        Subscription::from_poll_fn(move |cx| queue.lock().poll(cx))
    }

    /// Tells everybody. Called after the revocation is in force, outside of its lane's lock.
    pub(crate) fn tell(&self, notice: Notice) {
        for queue in self.subscribers.read().iter().filter_map(Weak::upgrade) {
            let waker = queue.lock().push(notice);
            wake(waker);
        }
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        for queue in self.subscribers.get_mut().iter().filter_map(Weak::upgrade) {
            let waker = {
                let mut queue = queue.lock();
                queue.closed = true;
                queue.waker.take()
            };
            wake(waker);
        }
    }
}

/// Wakers run foreign code: never under a lock of ours.
fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl Queue {
    fn push(&mut self, notice: Notice) -> Option<Waker> {
        if self.notices.len() >= BACKLOG {
            // Whoever lags looks at everything again: what waited tells nothing more.
            self.notices.clear();
            self.notices.push_back(Notice::Lagged);
        }
        self.notices.push_back(notice);
        self.waker.take()
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Notice>> {
        if let Some(notice) = self.notices.pop_front() {
            return Poll::Ready(Some(notice));
        }
        if self.closed {
            return Poll::Ready(None);
        }
        self.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(subscription: &mut Subscription) -> Poll<Option<Notice>> {
        subscription.poll_next(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn who_is_too_slow_is_told_so() {
        let hub = Hub::default();
        let mut slow = hub.subscribe();
        for _ in 0..=BACKLOG {
            hub.tell(Notice::All);
        }
        assert_eq!(poll(&mut slow), Poll::Ready(Some(Notice::Lagged)));
        assert_eq!(poll(&mut slow), Poll::Ready(Some(Notice::All)));
        assert_eq!(poll(&mut slow), Poll::Pending);
    }

    #[test]
    fn the_end_of_the_store_ends_the_subscription_after_what_waits() {
        let hub = Hub::default();
        let mut subscription = hub.subscribe();
        hub.tell(Notice::All);
        drop(hub);
        assert_eq!(poll(&mut subscription), Poll::Ready(Some(Notice::All)));
        assert_eq!(poll(&mut subscription), Poll::Ready(None));
    }

    #[test]
    fn who_left_is_forgotten() {
        let hub = Hub::default();
        for _ in 0..100 {
            drop(hub.subscribe());
        }
        let _listening = hub.subscribe();
        assert_eq!(hub.subscribers.read().len(), 1);
    }
}
