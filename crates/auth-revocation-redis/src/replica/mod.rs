//! Replica mode: a local copy of all lanes, and the proof of how fresh it is.

mod copy;
mod follow;
mod master;
mod proof;
#[cfg(test)]
mod proof_model;
mod read;
mod time;

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use auth_core::{
    Timestamp, Verdict,
    revocation::{Lane, Query, Standing, judge},
    store::{Notice, NoticeHub},
};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

pub(crate) use follow::Following;
pub(crate) use master::arm;

use self::{
    copy::Copy,
    time::{Moment, Moments},
};
use crate::{entry::Entry, seen::Seen};

/// So many may ask the servers at the same time because the copy can not tell.
const ASKING: usize = 512;
/// So many of our own "everything is revoked" are known by their op.
const OWN_OPS: usize = 64;

/// How fresh verdicts are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Freshness {
    /// As fresh as the server: it is asked each time.
    #[default]
    Always,
    /// At most so old, at least 100 ms: a local copy of all revocations answers, as long as it is
    /// proven to hold everything that was written until that long ago. See
    /// [replica mode](crate#replica-mode).
    Within(Duration),
}

/// The copy, and what it may be used for.
#[derive(Debug)]
pub(crate) struct Replica {
    pub(crate) copy: Copy,
    pub(crate) within: Duration,
    pub(crate) moments: Moments,
    pub(crate) asking: Semaphore,
    /// What this node itself has revoked everything by.
    own_ops: Mutex<VecDeque<String>>,
    untold: Untold,
}

/// What is told once for many lanes. It waits here, so that it is not lost if reading them fails.
#[derive(Debug, Default)]
struct Untold {
    /// Everything was revoked, elsewhere.
    all: AtomicBool,
    /// A lane was read for the first time, or raised: look at everything again.
    lagged: AtomicBool,
}

impl Replica {
    pub(crate) fn new(within: Duration) -> Self {
        Self {
            copy: Copy::new(),
            within,
            moments: Moments::of_the_system(),
            asking: Semaphore::new(ASKING),
            own_ops: Mutex::default(),
            untold: Untold::default(),
        }
    }

    /// The verdict, if the copy is fresh enough for one.
    pub(crate) fn now(&self, query: &Query, seen: &Seen) -> Option<Verdict> {
        self.verdict(query, seen, |proven, is_behind| {
            !is_behind && proven.age(self.moments.now()) < self.within
        })
    }

    /// The verdict of the copy if it is not older than that.
    pub(crate) fn stale(&self, query: &Query, seen: &Seen, at_most: Duration) -> Option<Verdict> {
        self.verdict(query, seen, |proven, _| {
            proven.age(self.moments.now()) <= at_most
        })
    }

    /// Revoked at any age: what was revoked stays so. Active only if `is_good` says so of the
    /// moment up to which the lane is proven, and of whether this node has seen more of the lane
    /// than the copy holds.
    fn verdict(
        &self,
        query: &Query,
        seen: &Seen,
        is_good: impl Fn(Moment, bool) -> bool,
    ) -> Option<Verdict> {
        let copy = self.copy.lane(query.place.lane);
        let (entries, is_behind) = seen.merged_over(query, copy.entries(query), copy.standing());
        if judge(query, &entries) == Verdict::Revoked {
            return Some(Verdict::Revoked);
        }
        // A version that the copy does not know was made after a revocation elsewhere, or before the
        // server lost data: it can tell which.
        let is_known = match query.standing {
            Standing::Version(version) => version <= copy.standing().h,
            Standing::IssuedAt(_) => true,
        };
        let proven = copy.proven()?;
        (is_known && is_good(proven, is_behind)).then_some(Verdict::Active)
    }

    /// Whether the copy of a lane is fresh enough for verdicts of active logins.
    pub(crate) fn is_fresh(&self, lane: Lane, seen: &Seen) -> bool {
        let copy = self.copy.lane(lane);
        let is_fresh = |proven: Moment| proven.age(self.moments.now()) < self.within;
        copy.proven().is_some_and(is_fresh) && !seen.is_ahead_of(lane, copy.standing())
    }

    /// Remembers what was revoked; its notice if nobody has been told yet.
    pub(crate) fn learn(&self, lane: Lane, entry: Entry) -> Option<Notice> {
        self.copy.insert(lane, entry)
    }

    /// This node is about to revoke everything by `op`, and tells of it itself.
    pub(crate) fn is_own(&self, op: &str) {
        let mut ops = self.own_ops.lock();
        ops.truncate(OWN_OPS - 1);
        ops.push_front(op.to_owned());
    }

    /// It does not know whether it has revoked everything, and can not tell of it.
    pub(crate) fn is_not_own(&self, op: &str) {
        self.own_ops.lock().retain(|own| own != op);
    }

    fn was_own(&self, op: &str) -> bool {
        self.own_ops.lock().iter().any(|own| own == op)
    }

    fn tell(&self, hub: &NoticeHub) {
        if self.untold.all.swap(false, Relaxed) {
            hub.tell(Notice::All);
        }
        if self.untold.lagged.swap(false, Relaxed) {
            hub.tell(Notice::Lagged);
        }
    }

    /// Up to when the lane is proven goes into the copy. False if its entries may be incomplete.
    fn prove(&self, lane: Lane, moment: Option<Moment>, now: Timestamp) -> bool {
        self.copy.prove(lane, moment, now)
    }
}
