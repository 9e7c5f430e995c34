//! What this node remembers of lanes, so that it notices when the server has forgotten.

use auth_core::revocation::{LANES, Lane, SubjectKey};
use auth_core::{
    Clock, SystemClock, Timestamp,
    revocation::{Entries, LoginKey, MAX_LIFETIME, Query, SubjectEpoch, TokenKey},
};
use parking_lot::Mutex;
use std::collections::HashMap;

/// Where a lane stands: the record's id, its epoch, the highest number, and how many revocations.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Standing {
    pub(crate) id: String,
    pub(crate) e: u64,
    pub(crate) h: u64,
    pub(crate) n: u64,
}

impl Standing {
    /// Whether a server that says `now` has lost something of this.
    pub(crate) fn is_lost_in(&self, now: Option<&Self>) -> bool {
        match now {
            None => true,
            Some(_) if self.id.is_empty() => false,
            Some(now) if now.id == self.id => now.n < self.n || now.e < self.e,
            Some(now) => now.e <= self.h,
        }
    }

    pub(crate) fn is_newer_than(&self, other: &Self) -> bool {
        if self.id == other.id {
            (self.n, self.e, self.h) > (other.n, other.e, other.h)
        } else {
            other.id.is_empty() || self.e > other.h
        }
    }
}

/// The newest standing of each lane, and what this node has revoked itself.
#[derive(Debug)]
pub(crate) struct Seen(Box<[Mutex<SeenLane>]>);

#[derive(Debug, Default)]
struct SeenLane {
    standing: Standing,
    epoch: u64,
    subjects: HashMap<SubjectKey, (SubjectEpoch, Timestamp)>,
    logins: HashMap<LoginKey, Timestamp>,
    tokens: HashMap<TokenKey, Timestamp>,
    next_prune: usize,
}

impl Seen {
    pub(crate) fn new() -> Self {
        Self((0..LANES).map(|_| Mutex::default()).collect())
    }

    fn lane(&self, lane: Lane) -> parking_lot::MutexGuard<'_, SeenLane> {
        self.0[usize::from(lane.index())].lock()
    }

    pub(crate) fn standing(&self, lane: Lane) -> Standing {
        self.lane(lane).standing.clone()
    }

    pub(crate) fn remember(&self, lane: Lane, standing: Standing) {
        let mut seen = self.lane(lane);
        if standing.is_newer_than(&seen.standing) {
            seen.standing = standing;
        }
    }

    pub(crate) fn refuse_login(&self, lane: Lane, login: LoginKey, until: Option<u64>) {
        self.lane(lane).keep(
            |seen, until| {
                seen.logins.insert(login, until);
            },
            until,
        );
    }

    pub(crate) fn refuse_token(&self, lane: Lane, token: TokenKey, until: Option<u64>) {
        self.lane(lane).keep(
            |seen, until| {
                seen.tokens.insert(token, until);
            },
            until,
        );
    }

    pub(crate) fn refuse_subject(&self, lane: Lane, subject: SubjectKey, claim: SubjectEpoch) {
        self.lane(lane).keep(
            |seen, until| {
                let known = seen.subjects.get(&subject);
                if known.is_none_or(|(known, _)| known.epoch <= claim.epoch) {
                    seen.subjects.insert(subject, (claim, until));
                }
            },
            None,
        );
    }

    pub(crate) fn refuse_all(&self, lane: Lane, epoch: u64) {
        let mut seen = self.lane(lane);
        seen.epoch = seen.epoch.max(epoch);
    }

    /// What the server says, and what this node knows better.
    pub(crate) fn merged(&self, query: &Query, mut entries: Entries) -> Entries {
        let seen = self.lane(query.place.lane);
        entries.epoch = entries.epoch.max(seen.epoch);
        entries.login_ended |= query.login.is_some_and(|l| seen.logins.contains_key(&l));
        entries.token_denied |= query.token.is_some_and(|t| seen.tokens.contains_key(&t));
        let own = seen
            .subjects
            .get(&query.place.subject)
            .map(|(claim, _)| *claim);
        if own.map_or(0, |s| s.epoch) > entries.subject.map_or(0, |s| s.epoch) {
            entries.subject = own;
        }
        entries
    }

    /// What a copy of the lane says that stands at `copy`, and what this node knows better; and
    /// whether it has seen more of the lane than the copy holds.
    pub(crate) fn merged_over(
        &self,
        query: &Query,
        entries: Entries,
        copy: &Standing,
    ) -> (Entries, bool) {
        let mut entries = self.merged(query, entries);
        let seen = self.lane(query.place.lane);
        entries.epoch = entries.epoch.max(seen.standing.e);
        (entries, seen.standing.is_newer_than(copy))
    }

    /// Whether this node has seen more of the lane than a copy that stands there.
    pub(crate) fn is_ahead_of(&self, lane: Lane, copy: &Standing) -> bool {
        self.lane(lane).standing.is_newer_than(copy)
    }
}

impl SeenLane {
    /// Keeps an entry until then, or as long as anything can live.
    fn keep(&mut self, insert: impl FnOnce(&mut Self, Timestamp), until: Option<u64>) {
        let now = SystemClock.now();
        let latest = now.plus(MAX_LIFETIME);
        insert(self, until.map_or(latest, Timestamp::from_millis));
        let len = |seen: &Self| seen.subjects.len() + seen.logins.len() + seen.tokens.len();
        if len(self) >= self.next_prune.max(64) {
            self.subjects.retain(|_, (_, until)| *until > now);
            self.logins.retain(|_, until| *until > now);
            self.tokens.retain(|_, until| *until > now);
            self.next_prune = len(self) * 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(id: &str, e: u64, h: u64, n: u64) -> Standing {
        Standing {
            id: id.to_owned(),
            e,
            h,
            n,
        }
    }

    #[test]
    fn what_is_a_loss_and_what_is_not() {
        let known = at("a", 10, 20, 5);
        let rows = [
            ("the same", Some(at("a", 10, 20, 5)), false),
            ("newer", Some(at("a", 10, 25, 6)), false),
            ("not there", None, true),
            ("fewer revocations", Some(at("a", 10, 25, 4)), true),
            ("an older epoch", Some(at("a", 9, 20, 5)), true),
            ("another, from before", Some(at("b", 20, 20, 0)), true),
            ("another, raised above it", Some(at("b", 21, 21, 5)), false),
        ];
        for (row, now, lost) in rows {
            assert_eq!(known.is_lost_in(now.as_ref()), lost, "{row}");
        }
        assert!(Standing::default().is_lost_in(None));
        assert!(!Standing::default().is_lost_in(Some(&known)));
    }

    #[test]
    fn only_newer_news_is_remembered() {
        let (seen, lane) = (Seen::new(), Lane::random());
        let now = || seen.standing(lane);
        seen.remember(lane, at("a", 10, 20, 5));
        seen.remember(lane, at("a", 10, 19, 4));
        assert_eq!(now(), at("a", 10, 20, 5));
        seen.remember(lane, at("b", 20, 20, 9));
        assert_eq!(now(), at("a", 10, 20, 5));
        seen.remember(lane, at("b", 21, 21, 5));
        assert_eq!(now(), at("b", 21, 21, 5));
    }
}
