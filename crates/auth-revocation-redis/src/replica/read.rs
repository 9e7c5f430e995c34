//! Reading a lane into the copy: the changes since it was read last, or all of it.

use std::sync::atomic::Ordering::Relaxed;

use auth_core::{Timestamp, revocation::Lane};

use super::{Replica, copy::Extent};
use crate::{
    client::{Wire, Words},
    entry::Entry,
    reply::{Failure, Reply},
    seen::Standing,
    store::{self, Inner},
};

/// What was read first of a lane: its standing, the op of its epoch, and the ring of changes.
const HEAD: [&str; 6] = ["id", "e", "h", "n", "o", "r"];
/// The width of a name in the ring.
const RING_WIDTH: usize = 24;

/// One way to one master.
pub(super) struct Reader<'a> {
    pub(super) inner: &'a Inner,
    pub(super) replica: &'a Replica,
    pub(super) wire: &'a Wire,
    /// The clock of the store.
    pub(super) now: Timestamp,
}

impl Reader<'_> {
    /// Brings the copy of a lane up to date, and tells what is new. `is_joined` says that it was read
    /// before over this connection: only then are the changes since enough.
    pub(super) async fn read(&self, lane: Lane, is_joined: bool) -> Result<(), Failure> {
        let mut is_joined = is_joined;
        for _ in 0..3 {
            if self.try_read(lane, is_joined).await? {
                return Ok(());
            }
            is_joined = false;
        }
        Err(Failure::refused("TRYAGAIN the lane keeps changing"))
    }

    /// False if it has to be read whole, or once more.
    async fn try_read(&self, lane: Lane, is_joined: bool) -> Result<bool, Failure> {
        // What was known before the server is asked, as for a verdict.
        let known = self.inner.seen.standing(lane);
        let (copy, is_complete) = {
            let copy = self.replica.copy.lane(lane);
            (copy.standing().clone(), copy.is_complete())
        };
        if !is_complete {
            return self.read_whole(lane, &known).await;
        }
        let head = self.hmget(lane, &HEAD).await?;
        if head.len() != HEAD.len() {
            return Err(Failure::unreadable());
        }
        let Some(new) = self.standing(&head, &known)? else {
            return self.raise(lane).await;
        };
        if new == copy {
            self.inner.seen.remember(lane, new);
            return Ok(true);
        }
        let ring = head[5].text().unwrap_or_default();
        let names = match new.n.checked_sub(copy.n) {
            Some(gap) if is_joined && new.id == copy.id => names(ring, gap),
            _ => None,
        };
        let Some(names) = names else {
            return self.read_whole(lane, &known).await;
        };
        let entries = if names.is_empty() {
            Vec::new()
        } else {
            let values = self.hmget(lane, &names).await?;
            let pairs = names.iter().zip(&values);
            pairs
                .filter(|(_, value)| **value != Reply::Nil)
                .filter_map(|(name, value)| Entry::parse(name, value))
                .collect()
        };
        Ok(self.apply(lane, new, &head[4], entries, Extent::Since(copy.n)))
    }

    async fn read_whole(&self, lane: Lane, known: &Standing) -> Result<bool, Failure> {
        let key = vec![self.inner.keys.lane(lane)];
        let deadline = self.inner.limits.write;
        let all = self.wire.send("HGETALL", Words::from(key), false, deadline);
        let all = all.await?.list()?;
        let (mut head, mut entries) = (vec![Reply::Nil; 5], Vec::with_capacity(all.len() / 2));
        for pair in all.chunks_exact(2) {
            let name = pair[0].text().unwrap_or_default();
            if let Some(entry) = Entry::parse(name, &pair[1]) {
                entries.push(entry);
            } else if let Some(at) = HEAD[..5].iter().position(|&it| it == name) {
                head[at] = pair[1].clone();
            }
        }
        match self.standing(&head, known)? {
            Some(new) => Ok(self.apply(lane, new, &head[4], entries, Extent::Whole)),
            None => self.raise(lane).await,
        }
    }

    /// Where the lane stands; None if it has lost something.
    fn standing(&self, head: &[Reply], known: &Standing) -> Result<Option<Standing>, Failure> {
        let new = store::now(head)?;
        let is_lost = known.is_lost_in(new.as_ref());
        Ok(new.filter(|_| !is_lost))
    }

    async fn raise(&self, lane: Lane) -> Result<bool, Failure> {
        let connection = self.inner.connection();
        let step = self.inner.raise(&connection, lane);
        step.await.map(|_| false)
    }

    fn apply(
        &self,
        lane: Lane,
        new: Standing,
        op: &Reply,
        entries: Vec<Entry>,
        extent: Extent,
    ) -> bool {
        let copy = &self.replica.copy;
        let applied = copy.apply(lane, new.clone(), entries, extent, self.now);
        let Some(news) = applied else {
            return false;
        };
        self.inner.seen.remember(lane, new);
        if news.is_another {
            // Of a lane that was not known, everything is new.
            self.replica.untold.lagged.store(true, Relaxed);
            return true;
        }
        for notice in news.notices {
            self.inner.hub.tell(notice);
        }
        let is_own = op.text().is_some_and(|op| self.replica.was_own(op));
        if news.is_raised && !is_own {
            self.replica.untold.all.store(true, Relaxed);
        }
        true
    }

    async fn hmget<S: AsRef<str>>(&self, lane: Lane, names: &[S]) -> Result<Vec<Reply>, Failure> {
        let mut words = vec![self.inner.keys.lane(lane)];
        words.extend(names.iter().map(|name| name.as_ref().to_owned()));
        let deadline = self.inner.limits.write;
        let answer = self.wire.send("HMGET", Words::from(words), false, deadline);
        answer.await?.list()
    }
}

/// The fields that the last `gap` changes wrote, if the ring goes back that far.
fn names(ring: &str, gap: u64) -> Option<Vec<&str>> {
    let width = usize::try_from(gap).ok()?.checked_mul(RING_WIDTH)?;
    let ring = ring.get(ring.len().checked_sub(width)?..)?;
    let name = |at: usize| ring.get(at..at + RING_WIDTH).map(str::trim_end);
    let names = (0..width).step_by(RING_WIDTH).map(name);
    // The epoch was read already.
    let names = names.filter(|name| *name != Some("e"));
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_names_the_last_changes_if_it_goes_back_that_far() {
        let name = |n: usize| format!("t:{n:022}");
        let ring = format!("{}{:<24}{}", name(1), "e", name(2));
        let (one, two) = (name(1), name(2));
        let rows = [
            (0, Some(vec![])),
            (1, Some(vec![two.as_str()])),
            (2, Some(vec![two.as_str()])),
            (3, Some(vec![one.as_str(), two.as_str()])),
            (4, None),
            (u64::MAX, None),
        ];
        for (gap, expected) in rows {
            assert_eq!(names(&ring, gap), expected, "{gap}");
        }
        assert_eq!(names("", 0), Some(vec![]));
        assert_eq!(names("", 1), None);
        assert_eq!(names("té", 1), None);
    }
}
