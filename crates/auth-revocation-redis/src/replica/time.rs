//! When something was, by two clocks.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use auth_core::{Clock, SystemClock, Timestamp};

/// A moment of this process, by its monotonic clock and by the wall clock.
///
/// The first does not step, and may stand still while the machine is suspended; the second goes on,
/// and may step. What is older by either of them is older.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Moment {
    /// Since some moment before all others.
    pub(crate) monotonic: Duration,
    pub(crate) wall: Timestamp,
}

impl Moment {
    /// How long ago it was.
    pub(crate) fn age(self, now: Self) -> Duration {
        let ran = now.monotonic.saturating_sub(self.monotonic);
        ran.max(now.wall.since(self.wall))
    }

    /// The earlier of two.
    pub(crate) fn min(self, other: Self) -> Self {
        if other.monotonic < self.monotonic {
            other
        } else {
            self
        }
    }

    /// The later of two.
    pub(crate) fn max(self, other: Self) -> Self {
        if other.monotonic > self.monotonic {
            other
        } else {
            self
        }
    }
}

/// Tells the moment; tests bring their own.
#[derive(Clone)]
pub(crate) struct Moments(Arc<dyn Fn() -> Moment + Send + Sync>);

impl Moments {
    /// This machine's clocks.
    pub(crate) fn of_the_system() -> Self {
        let start = Instant::now();
        Self::new(move || Moment {
            monotonic: start.elapsed(),
            wall: SystemClock.now(),
        })
    }

    pub(crate) fn new(now: impl Fn() -> Moment + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    pub(crate) fn now(&self) -> Moment {
        (self.0)()
    }
}

impl fmt::Debug for Moments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Moments({:?})", self.now())
    }
}

/// So many ms after the start, by both clocks.
#[cfg(test)]
pub(crate) fn at(millis: u64) -> Moment {
    Moment {
        monotonic: Duration::from_millis(millis),
        wall: Timestamp::from_millis(millis),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_age_of_the_two_clocks_counts() {
        let at = |monotonic, wall| Moment {
            monotonic: Duration::from_millis(monotonic),
            wall: Timestamp::from_millis(wall),
        };
        let rows = [
            ("both agree", at(1_000, 51_000), at(1_500, 51_500), 500),
            ("suspended", at(1_000, 51_000), at(1_010, 91_000), 40_000),
            (
                "the wall clock stepped back",
                at(1_000, 51_000),
                at(1_500, 20_000),
                500,
            ),
            ("and ahead", at(1_000, 51_000), at(1_500, 52_000), 1_000),
        ];
        for (row, then, now, age) in rows {
            assert_eq!(then.age(now), Duration::from_millis(age), "{row}");
        }
    }
}
