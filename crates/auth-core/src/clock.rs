//! Time, injected: everything that compares times asks a [`Clock`].

use std::{
    fmt,
    future::{Future, poll_fn},
    mem,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Poll, Waker},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A point in time: milliseconds since the Unix epoch, UTC, without leap seconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The latest time anything here accepts: 9999-12-31T23:59:59Z, in seconds since the epoch.
    pub const MAX_SECS: u64 = 253_402_300_799;

    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// From seconds since the Unix epoch, saturating.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down (a JWT `NumericDate`, RFC 7519 section 2).
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// This time and `duration` more, saturating.
    pub const fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// This time less `duration`, not before the epoch.
    pub const fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }

    /// How long ago `earlier` was, zero if it is still to come.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Shown as milliseconds since the epoch.
impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0)
    }
}

/// `Duration::as_millis` is u128; anything beyond u64 is "for ever".
const fn millis(duration: Duration) -> u64 {
    let millis = duration.as_millis();
    if millis > u64::MAX as u128 {
        u64::MAX
    } else {
        millis as u64
    }
}

/// Tells the time.
///
/// Layers, issuers and stores each take one, so that tests decide what time it is.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time now. May step backwards, as wall clocks do.
    fn now(&self) -> Timestamp;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }
}

/// The system's wall clock: the default everywhere.
#[derive(Clone, Copy, Default, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A clock set before 1970 reads as the epoch: everything is then "not yet valid".
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp(millis(since_epoch))
    }
}

/// Waits: the one thing here that needs an async runtime, and so is given by the application.
///
/// A closure is one, and so is tokio's function as it stands: `tokio::time::sleep`.
pub trait Timer: Send + Sync + 'static {
    /// Completes `duration` from now.
    fn sleep(&self, duration: Duration) -> Sleep;
}

/// What a [`Timer`] gives.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

impl<F, S> Timer for F
where
    F: Fn(Duration) -> S + Send + Sync + 'static,
    S: Future<Output = ()> + Send + 'static,
{
    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(self(duration))
    }
}

/// A clock that stands still until it is told otherwise, for tests, and the [`Timer`] that goes by
/// it. Clones show the same time.
#[derive(Clone)]
pub struct ManualClock(Arc<Manual>);

struct Manual {
    now: AtomicU64,
    /// Of those who sleep. Each looks at the time for itself.
    sleepers: Mutex<Vec<Waker>>,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self(Arc::new(Manual {
            now: AtomicU64::new(now.0),
            sleepers: Mutex::default(),
        }))
    }

    /// Sets the time, backwards too.
    pub fn set(&self, now: Timestamp) {
        self.0.now.store(now.0, Ordering::SeqCst);
        self.wake();
    }

    /// Moves the time forward.
    pub fn advance(&self, by: Duration) {
        self.0.now.fetch_add(millis(by), Ordering::SeqCst);
        self.wake();
    }

    fn wake(&self) {
        let sleepers = mem::take(&mut *self.sleepers());
        sleepers.into_iter().for_each(Waker::wake);
    }

    fn sleepers(&self) -> std::sync::MutexGuard<'_, Vec<Waker>> {
        let sleepers = self.0.sleepers.lock();
        sleepers.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.now.load(Ordering::SeqCst))
    }
}

impl Timer for ManualClock {
    fn sleep(&self, duration: Duration) -> Sleep {
        let (clock, until) = (self.clone(), self.now().plus(duration));
        Box::pin(poll_fn(move |cx| {
            // Under the lock, so that the time does not come between the look and the nap.
            let mut sleepers = clock.sleepers();
            if clock.now() >= until {
                return Poll::Ready(());
            }
            sleepers.push(cx.waker().clone());
            Poll::Pending
        }))
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ManualClock").field(&self.now()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_instead_of_wrapping() {
        let end = Timestamp::from_millis(u64::MAX);
        assert_eq!(end.plus(Duration::MAX), end);
        assert_eq!(Timestamp::from_secs(u64::MAX), end);
        assert_eq!(
            Timestamp::from_millis(5).minus(Duration::from_secs(1)),
            Timestamp::default()
        );
        assert_eq!(Timestamp::default().since(end), Duration::ZERO);
    }

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = ManualClock::new(Timestamp::from_secs(10));
        let seen_elsewhere = clock.clone();
        clock.advance(Duration::from_millis(1500));
        assert_eq!(seen_elsewhere.now().as_millis(), 11_500);
        clock.set(Timestamp::from_secs(1));
        assert_eq!(seen_elsewhere.now().as_secs(), 1);
    }
}
