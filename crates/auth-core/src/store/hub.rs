//! Telling subscribers what was revoked.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak},
    task::{Context, Poll, Waker},
};

use super::{Notice, Subscription};

/// How many notices wait for one subscriber before it is told that it lags.
pub const NOTICE_BACKLOG: usize = 1_024;

/// Everybody who listens to a store, for authors of stores. Needs no async runtime; a subscriber
/// that is too slow is told [`Notice::Lagged`], and dropping the hub ends all subscriptions.
#[derive(Debug, Default)]
pub struct NoticeHub {
    subscribers: RwLock<Vec<Weak<Mutex<Queue>>>>,
}

#[derive(Debug, Default)]
struct Queue {
    notices: VecDeque<Notice>,
    waker: Option<Waker>,
    closed: bool,
}

impl NoticeHub {
    /// One more subscriber, from now on.
    pub fn subscribe(&self) -> Subscription {
        let queue = Arc::new(Mutex::new(Queue::default()));
        let mut subscribers = unpoisoned(self.subscribers.write());
        subscribers.retain(|one| one.strong_count() > 0);
        subscribers.push(Arc::downgrade(&queue));
        Subscription::from_poll_fn(move |cx| lock(&queue).poll(cx))
    }

    /// Tells everybody. To be called after the revocation is in force, and under no lock: wakers run
    /// foreign code.
    pub fn tell(&self, notice: Notice) {
        let wakers: Vec<Waker> = unpoisoned(self.subscribers.read())
            .iter()
            .filter_map(Weak::upgrade)
            .filter_map(|queue| lock(&queue).push(notice))
            .collect();
        // They run foreign code, which may subscribe: not under a lock of ours.
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Drop for NoticeHub {
    fn drop(&mut self) {
        for queue in unpoisoned(self.subscribers.get_mut())
            .iter()
            .filter_map(Weak::upgrade)
        {
            let waker = {
                let mut queue = lock(&queue);
                queue.closed = true;
                queue.waker.take()
            };
            wake(waker);
        }
    }
}

/// What is guarded here is whole after every step, so that a panic elsewhere has not spoiled it.
fn unpoisoned<T>(guard: Result<T, PoisonError<T>>) -> T {
    guard.unwrap_or_else(PoisonError::into_inner)
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    unpoisoned(queue.lock())
}

/// Wakers run foreign code: never under a lock of ours.
fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl Queue {
    fn push(&mut self, notice: Notice) -> Option<Waker> {
        if self.notices.len() >= NOTICE_BACKLOG {
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
    use std::task::Wake;

    use super::*;

    fn poll(subscription: &mut Subscription) -> Poll<Option<Notice>> {
        subscription.poll_next(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn who_is_too_slow_is_told_so() {
        let hub = NoticeHub::default();
        let mut slow = hub.subscribe();
        for _ in 0..=NOTICE_BACKLOG {
            hub.tell(Notice::All);
        }
        assert_eq!(poll(&mut slow), Poll::Ready(Some(Notice::Lagged)));
        assert_eq!(poll(&mut slow), Poll::Ready(Some(Notice::All)));
        assert_eq!(poll(&mut slow), Poll::Pending);
    }

    #[test]
    fn the_end_of_the_store_ends_the_subscription_after_what_waits() {
        let hub = NoticeHub::default();
        let mut subscription = hub.subscribe();
        hub.tell(Notice::All);
        drop(hub);
        assert_eq!(poll(&mut subscription), Poll::Ready(Some(Notice::All)));
        assert_eq!(poll(&mut subscription), Poll::Ready(None));
    }

    /// Subscribes when it is woken.
    struct Subscribes(NoticeHub);

    impl Wake for Subscribes {
        fn wake(self: Arc<Self>) {
            drop(self.0.subscribe());
        }
    }

    #[test]
    fn who_is_woken_may_subscribe() {
        let subscribes = Arc::new(Subscribes(NoticeHub::default()));
        let waker = Waker::from(Arc::clone(&subscribes));
        let mut listening = subscribes.0.subscribe();
        let poll = listening.poll_next(&mut Context::from_waker(&waker));
        assert_eq!(poll, Poll::Pending);
        subscribes.0.tell(Notice::All);
    }

    #[test]
    fn who_left_is_forgotten() {
        let hub = NoticeHub::default();
        for _ in 0..100 {
            drop(hub.subscribe());
        }
        let _listening = hub.subscribe();
        assert_eq!(unpoisoned(hub.subscribers.read()).len(), 1);
    }
}
