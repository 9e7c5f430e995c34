//! The store and what it holds.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use auth_core::{
    Clock, Timestamp, Verdict,
    event::Events,
    revocation::{Lane, LaneRecord, Query},
    store::{NoticeHub, SessionRecord},
};
use parking_lot::RwLock;

use crate::{
    MemoryStoreBuilder,
    index::LaneState,
    janitor::Janitor,
    records::Records,
    refresh::{RefreshCell, RefreshKey},
    session_cell::{Revoked, SessionCell},
    tables::Tables,
};

/// Every store trait in one process.
///
/// Share it in an [`Arc`]. Nothing in it survives the process; tokens from before its start are
/// refused rather than trusted again.
pub struct MemoryStore {
    pub(crate) inner: Arc<Inner>,
    _janitor: Janitor,
}

/// What the janitor shares with the store.
///
/// Locks are taken in this order: a lane, then a session's or refresh login's cell, then a table of
/// sessions. Never two lanes, never a lane under a cell; two cells only the old and the fresh one of
/// a session; under a table's nothing.
pub(crate) struct Inner {
    pub(crate) realm: String,
    pub(crate) clock: Arc<dyn Clock>,
    lanes: Box<[RwLock<LaneState>]>,
    pub(crate) sessions: Tables,
    /// Only reached under the lock of their lane: what is in the map there is alive or expired.
    pub(crate) refresh_logins: Records<RefreshKey, RefreshCell>,
    pub(crate) hub: NoticeHub,
    pub(crate) events: Events,
    pub(crate) max_denied_tokens: usize,
    pub(crate) denied_tokens: AtomicUsize,
    /// When a full denylist may look in all lanes again for what has died, in ms.
    pub(crate) next_search: AtomicU64,
}

impl MemoryStore {
    /// A store of the realm `default`, with the default limits, on the system's clock.
    ///
    /// # Panics
    ///
    /// If the operating system gives no thread for cleaning up;
    /// [`builder`](Self::builder)`().build()` returns that as an error.
    #[must_use]
    pub fn new() -> Self {
        Self::builder()
            .build()
            .expect("the operating system gives a thread")
    }

    /// A store with other settings.
    pub fn builder() -> MemoryStoreBuilder {
        MemoryStoreBuilder::new()
    }

    /// Frees the memory of what is over by now; returns how many entries that were.
    ///
    /// A thread does it every minute, so that nobody has to call this; what is over is refused
    /// before it is removed.
    pub fn sweep(&self) -> usize {
        self.inner.sweep()
    }

    /// How much it holds.
    pub fn usage(&self) -> Usage {
        self.inner.usage()
    }

    pub(crate) fn from_parts(inner: Arc<Inner>, janitor: Janitor) -> Self {
        Self {
            inner,
            _janitor: janitor,
        }
    }

    #[cfg(test)]
    pub(crate) fn janitor(&mut self) -> &mut Janitor {
        &mut self._janitor
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows the realm and the clock, and nothing of what it holds.
impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("realm", &self.inner.realm)
            .field("clock", &self.inner.clock)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inner")
    }
}

/// How much a [`MemoryStore`] holds, with what is over but not yet swept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Usage {
    /// Sessions, and for a minute the ids that they had before.
    pub sessions: usize,
    /// Refresh logins.
    pub refresh_logins: usize,
    /// Entries of the lists of logins.
    pub listed_logins: usize,
    /// Revocations: of tokens, logins and subjects.
    pub revocations: usize,
    /// Denied tokens among them.
    pub denied_tokens: usize,
}

impl Inner {
    pub(crate) fn new(
        realm: String,
        clock: Arc<dyn Clock>,
        max_denied_tokens: usize,
        trust_before_start: bool,
        events: Events,
    ) -> Self {
        let start = clock.now().as_millis();
        let epoch = if trust_before_start { 0 } else { start };
        Self {
            realm,
            clock,
            lanes: Lane::all()
                .map(|lane| RwLock::new(LaneState::new(lane, LaneRecord::trusting(epoch, start))))
                .collect(),
            sessions: Tables::new(),
            refresh_logins: Records::new(),
            hub: NoticeHub::default(),
            events,
            max_denied_tokens,
            denied_tokens: AtomicUsize::new(0),
            next_search: AtomicU64::new(0),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Looks at a lane.
    pub(crate) fn look<R>(&self, lane: Lane, look: impl FnOnce(&LaneState) -> R) -> R {
        look(&self.lanes[usize::from(lane.index())].read())
    }

    /// Makes one atomic step in a lane, at the store's time.
    pub(crate) fn step<R>(
        &self,
        lane: Lane,
        step: impl FnOnce(&mut LaneState, Timestamp) -> R,
    ) -> R {
        let mut state = self.lanes[usize::from(lane.index())].write();
        let now = self.now();
        state.revocations.make_up_for_the_clock(now);
        let before = state.revocations.denied_tokens();
        let result = step(&mut state, now);
        // Any step may prune, too.
        let after = state.revocations.denied_tokens();
        if after > before {
            self.denied_tokens
                .fetch_add(after - before, Ordering::Relaxed);
        } else {
            self.denied_tokens
                .fetch_sub(before - after, Ordering::Relaxed);
        }
        result
    }

    pub(crate) fn verdict(&self, query: &Query) -> Verdict {
        let ask = |lane: &LaneState| lane.revocations.verdict(query);
        self.judged(query.place.lane, self.now(), ask)
    }

    /// Asks a lane that has not forgotten what the question is about.
    fn judged<R>(&self, lane: Lane, now: Timestamp, ask: impl Fn(&LaneState) -> R) -> R {
        let judged = self.look(lane, |lane| {
            let has_forgotten = lane.revocations.has_forgotten(now);
            (!has_forgotten).then(|| ask(lane))
        });
        judged.unwrap_or_else(|| self.step(lane, |lane, _| ask(lane)))
    }

    /// Whether the login of the session `record`, which is in `cell`, was revoked.
    pub(crate) fn revoked(
        &self,
        cell: &SessionCell,
        record: &SessionRecord,
        now: Timestamp,
    ) -> Option<Revoked> {
        let query = cell.query(record)?;
        self.judged(query.place.lane, now, |lane| {
            let revocations = &lane.revocations;
            (revocations.verdict(&query) != Verdict::Active).then(|| Revoked {
                at: revocations.entries(&query).revoked_at(),
            })
        })
    }

    /// Removes what is over.
    pub(crate) fn sweep(&self) -> usize {
        let mut removed = 0;
        for cell in self.sessions.iter() {
            let record = cell.record();
            let revoked = record.and_then(|record| self.revoked(&cell, &record, self.now()));
            if cell.sweep(revoked, self.now()) {
                self.sessions.remove(&cell);
                removed += 1;
            }
        }
        for (key, cell) in self.refresh_logins.iter() {
            if self.look(key.0, |lane| !cell.is_alive(lane, self.now())) {
                removed +=
                    usize::from(self.step(key.0, |lane, now| self.drop_refresh(lane, key, now)));
            }
        }
        for lane in Lane::all() {
            removed += self.step(lane, |lane, now| {
                lane.revocations.prune(now) + self.prune_index(lane, now)
            });
        }
        self.sessions.maintain();
        self.refresh_logins.maintain();
        removed
    }

    fn usage(&self) -> Usage {
        let mut usage = Usage {
            sessions: self.sessions.len(),
            refresh_logins: self.refresh_logins.len(),
            ..Usage::default()
        };
        for lane in Lane::all() {
            self.look(lane, |lane| {
                usage.listed_logins += lane.index.len();
                usage.revocations += lane.revocations.len();
                usage.denied_tokens += lane.revocations.denied_tokens();
            });
        }
        usage
    }
}
