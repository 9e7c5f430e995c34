//! Not asking a server that does not answer.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Duration,
};

/// So many failures in a row open it.
const OPENS_AFTER: u32 = 5;
/// While it is open, the server is asked so often.
pub(crate) const PROBE_EVERY: Duration = Duration::from_millis(500);

/// Opens after [`OPENS_AFTER`] failures in a row. While it is open every call fails at once, and one
/// task asks the server until it answers.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    failures: AtomicU32,
    is_open: AtomicBool,
}

impl Breaker {
    pub(crate) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    pub(crate) fn succeeded(&self) {
        self.failures.store(0, Ordering::Relaxed);
        self.is_open.store(false, Ordering::Relaxed);
    }

    /// Returns whether this failure has opened it: who is told so begins to probe.
    pub(crate) fn failed(&self) -> bool {
        let before = self.failures.fetch_add(1, Ordering::Relaxed);
        before.saturating_add(1) >= OPENS_AFTER && !self.is_open.swap(true, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_in_a_row_open_it_once() {
        let breaker = Breaker::default();
        for _ in 0..4 {
            assert!(!breaker.failed());
        }
        breaker.succeeded();
        for _ in 0..4 {
            assert!(!breaker.failed());
        }
        assert!(!breaker.is_open());
        assert!(breaker.failed());
        assert!(breaker.is_open());
        assert!(!breaker.failed());
        breaker.succeeded();
        assert!(!breaker.is_open());
    }
}
