//! The copy of all lanes.

use std::collections::HashMap;

use auth_core::{
    Timestamp,
    revocation::{
        ENTRY_MARGIN, Entries, LANES, Lane, LoginKey, Query, SubjectEpoch, SubjectKey, TokenKey,
    },
    store::Notice,
};
use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::time::Moment;
use crate::{entry::Entry, seen::Standing};

/// Entries past their time are looked for when so many have come, or as many as were left last time.
const PRUNE_AT_LEAST: usize = 64;

/// What this node knows of every lane.
#[derive(Debug)]
pub(crate) struct Copy(Box<[RwLock<LaneCopy>]>);

/// One lane. Whatever comes in, entries only ever leave it when their own time is over.
#[derive(Debug, Default)]
pub(crate) struct LaneCopy {
    /// Up to where the entries are complete, if they are; the id is empty until the lane was read.
    standing: Standing,
    is_complete: bool,
    proven: Option<Moment>,
    tokens: HashMap<TokenKey, Timestamp>,
    logins: HashMap<LoginKey, Timestamp>,
    subjects: HashMap<SubjectKey, Claim>,
    next_prune: usize,
    /// The latest time at which entries were dropped, by the store's clock.
    pruned_at: Timestamp,
}

/// A subject's claim. Few spare a login, so that what they need is kept apart.
#[derive(Debug)]
struct Claim {
    epoch: u64,
    until: Timestamp,
    spared: Option<Box<Spared>>,
}

#[derive(Debug)]
struct Spared {
    login: LoginKey,
    floor: u64,
}

/// What was read of a lane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Extent {
    /// Every entry it has.
    Whole,
    /// The entries that were written after the lane stood at this `n`.
    Since(u64),
}

/// What was not known before.
#[derive(PartialEq, Eq, Debug, Default)]
pub(crate) struct News {
    /// One for each new entry.
    pub(crate) notices: Vec<Notice>,
    /// Whether the lane's own epoch has risen.
    pub(crate) is_raised: bool,
    /// Whether it is another record than before, or the first.
    pub(crate) is_another: bool,
}

impl Copy {
    /// Of no lane yet.
    pub(crate) fn new() -> Self {
        Self((0..LANES).map(|_| RwLock::default()).collect())
    }

    pub(crate) fn lane(&self, lane: Lane) -> RwLockReadGuard<'_, LaneCopy> {
        self.0[usize::from(lane.index())].read()
    }

    fn write(&self, lane: Lane) -> RwLockWriteGuard<'_, LaneCopy> {
        self.0[usize::from(lane.index())].write()
    }

    /// Applies what was read of a lane, unless the copy is newer; `now` is the store's clock. None if
    /// it is older, or does not join on to the copy: the lane has to be read whole.
    pub(crate) fn apply(
        &self,
        lane: Lane,
        standing: Standing,
        entries: impl IntoIterator<Item = Entry>,
        extent: Extent,
        now: Timestamp,
    ) -> Option<News> {
        let mut copy = self.write(lane);
        if !copy.may_become(&standing, extent) {
            return None;
        }
        let mut news = News {
            is_raised: standing.e > copy.standing.e,
            is_another: standing.id != copy.standing.id,
            ..News::default()
        };
        for entry in entries {
            news.notices.extend(copy.insert(lane, entry));
        }
        copy.standing = standing;
        copy.is_complete = true;
        if copy.len() >= copy.next_prune.max(PRUNE_AT_LEAST) {
            copy.prune(now);
        }
        Some(news)
    }

    /// Adds one revocation, whatever else there is of the lane; its notice if it was not known.
    pub(crate) fn insert(&self, lane: Lane, entry: Entry) -> Option<Notice> {
        self.write(lane).insert(lane, entry)
    }

    /// Everything written to the lane before `moment` is in its copy. False if entries may be missing
    /// all the same: the store's clock, which shows `now`, has stepped back behind a time at which
    /// some were dropped.
    pub(crate) fn prove(&self, lane: Lane, moment: Option<Moment>, now: Timestamp) -> bool {
        let mut copy = self.write(lane);
        // Of the margin that entries are kept for, a verifier may use half.
        if now.plus(ENTRY_MARGIN / 2) < copy.pruned_at {
            copy.pruned_at = now;
            copy.is_complete = false;
            copy.proven = None;
            return false;
        }
        if copy.is_complete {
            copy.proven = match (copy.proven, moment) {
                (Some(known), Some(moment)) => Some(known.max(moment)),
                (known, moment) => moment.or(known),
            };
        }
        true
    }

    /// Drops the entries whose time is over at `now`, by the store's clock.
    pub(crate) fn prune(&self, lane: Lane, now: Timestamp) {
        self.write(lane).prune(now);
    }
}

impl LaneCopy {
    /// Where the lane stood when it was read.
    pub(crate) fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Whether its entries are all that there were when it was read.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Up to when all that was written is here.
    pub(crate) fn proven(&self) -> Option<Moment> {
        self.proven
    }

    /// What concerns `query`.
    pub(crate) fn entries(&self, query: &Query) -> Entries {
        let subject = self.subjects.get(&query.place.subject);
        Entries {
            epoch: self.standing.e,
            subject: subject.map(Claim::epoch),
            login_ended: query.login.is_some_and(|l| self.logins.contains_key(&l)),
            token_denied: query.token.is_some_and(|t| self.tokens.contains_key(&t)),
        }
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.tokens.len() + self.logins.len() + self.subjects.len()
    }

    fn may_become(&self, new: &Standing, extent: Extent) -> bool {
        let known = &self.standing;
        let is_not_older = if new.id == known.id {
            new.n >= known.n && new.e >= known.e
        } else {
            known.id.is_empty() || new.e > known.h
        };
        is_not_older
            && match extent {
                Extent::Whole => true,
                // The changes up to there are known, and those from there on are given.
                Extent::Since(n) => self.is_complete && new.id == known.id && n <= known.n,
            }
    }

    fn insert(&mut self, lane: Lane, entry: Entry) -> Option<Notice> {
        let later = |known: &mut Timestamp, until: Timestamp| {
            let is_new = *known == Timestamp::default();
            *known = until.max(*known);
            is_new
        };
        let is_new = match entry {
            Entry::Token(token, until) => later(self.tokens.entry(token).or_default(), until),
            Entry::Login(login, until) => later(self.logins.entry(login).or_default(), until),
            Entry::Subject(subject, claim, until) => {
                let known = self.subjects.get(&subject);
                let is_new = known.is_none_or(|known| known.epoch < claim.epoch);
                if is_new {
                    let until = known.map_or(until, |known| known.until.max(until));
                    self.subjects.insert(subject, Claim::new(claim, until));
                }
                is_new
            }
        };
        is_new.then(|| entry.notice(lane))
    }

    fn prune(&mut self, now: Timestamp) {
        let before = self.len();
        self.tokens.retain(|_, until| *until > now);
        self.logins.retain(|_, until| *until > now);
        self.subjects.retain(|_, claim| claim.until > now);
        shrink(&mut self.tokens);
        shrink(&mut self.logins);
        shrink(&mut self.subjects);
        self.next_prune = self.len() * 5 / 4 + PRUNE_AT_LEAST;
        if self.len() < before {
            self.pruned_at = self.pruned_at.max(now);
        }
    }
}

/// Room that was once needed is given back.
fn shrink<K: Eq + std::hash::Hash, V>(map: &mut HashMap<K, V>) {
    if map.capacity() > 2 * map.len() {
        map.shrink_to_fit();
    }
}

impl Claim {
    fn new(claim: SubjectEpoch, until: Timestamp) -> Self {
        let spared = claim.keep.map(|login| {
            Box::new(Spared {
                login,
                floor: claim.floor,
            })
        });
        Self {
            epoch: claim.epoch,
            until,
            spared,
        }
    }

    /// Without a login to spare, the floor says nothing.
    fn epoch(&self) -> SubjectEpoch {
        SubjectEpoch {
            epoch: self.epoch,
            keep: self.spared.as_ref().map(|spared| spared.login),
            floor: self.spared.as_ref().map_or(0, |spared| spared.floor),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::time::at, *};

    const LONG: Timestamp = Timestamp::from_millis(u64::MAX);
    const START: Timestamp = Timestamp::from_millis(0);

    fn standing(id: &str, e: u64, h: u64, n: u64) -> Standing {
        let id = id.to_owned();
        Standing { id, e, h, n }
    }

    fn key(n: u64) -> [u8; 16] {
        // As evenly spread as the hashes that names are.
        (u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)).to_le_bytes()
    }

    fn token(n: u64) -> Entry {
        Entry::Token(TokenKey::from_bytes(key(n)), LONG)
    }

    fn subject(n: u64, epoch: u64) -> Entry {
        let claim = SubjectEpoch {
            epoch,
            ..SubjectEpoch::default()
        };
        Entry::Subject(SubjectKey::from_bytes(key(n)), claim, LONG)
    }

    fn lane() -> Lane {
        Lane::new(7).expect("it is one")
    }

    #[test]
    fn only_what_is_newer_and_joins_on_is_applied() {
        use Extent::{Since, Whole};
        let known = || standing("a", 10, 20, 5);
        let rows = [
            ("the same again", standing("a", 10, 20, 5), Whole, true),
            ("newer", standing("a", 10, 30, 7), Whole, true),
            ("raised", standing("a", 30, 30, 6), Whole, true),
            ("fewer revocations", standing("a", 10, 20, 4), Whole, false),
            ("a lower epoch", standing("a", 9, 20, 5), Whole, false),
            ("made anew above", standing("b", 21, 21, 5), Whole, true),
            ("made anew below", standing("b", 20, 25, 9), Whole, false),
            (
                "changes from here",
                standing("a", 10, 30, 6),
                Since(5),
                true,
            ),
            ("from before", standing("a", 10, 30, 6), Since(3), true),
            ("with a gap", standing("a", 10, 30, 8), Since(6), false),
            (
                "of another record",
                standing("b", 21, 21, 6),
                Since(5),
                false,
            ),
        ];
        for (row, new, extent, expected) in rows {
            let copy = Copy::new();
            assert!(copy.apply(lane(), known(), [], Whole, START).is_some());
            let applied = copy.apply(lane(), new.clone(), [token(1)], extent, START);
            assert_eq!(applied.is_some(), expected, "{row}");
            let stands = copy.lane(lane()).standing().clone();
            assert_eq!(stands, if expected { new } else { known() }, "{row}");
            assert_eq!(copy.lane(lane()).len(), usize::from(expected), "{row}");
        }
        let copy = Copy::new();
        let first = copy.apply(lane(), known(), [], Since(0), START);
        assert_eq!(first, None, "changes of what was never read");
    }

    #[test]
    fn a_reload_forgets_nothing_and_tells_what_is_new() {
        let copy = Copy::new();
        let all = [token(1), subject(2, 15)];
        copy.apply(lane(), standing("a", 10, 20, 2), all, Extent::Whole, START);
        let now = [subject(2, 12), subject(3, 25), token(4)];
        let news = copy.apply(lane(), standing("a", 30, 30, 5), now, Extent::Whole, START);
        let expected = News {
            notices: vec![
                Notice::Subject(lane(), SubjectKey::from_bytes(key(3)), None),
                Notice::Token(lane(), TokenKey::from_bytes(key(4))),
            ],
            is_raised: true,
            is_another: false,
        };
        assert_eq!(news, Some(expected));
        assert_eq!(copy.lane(lane()).len(), 4);
        assert_eq!(copy.insert(lane(), token(1)), None);
        assert_eq!(copy.insert(lane(), subject(2, 15)), None);
        assert!(copy.insert(lane(), subject(2, 16)).is_some());
    }

    #[test]
    fn a_lane_whose_clock_stepped_back_keeps_what_it_says_and_proves_nothing() {
        let copy = Copy::new();
        let stands = |n| standing("a", 10, 20, n);
        let now = Timestamp::from_secs(1_000);
        assert!(copy.prove(lane(), Some(at(1)), now));
        assert_eq!(copy.lane(lane()).proven(), None, "it was never read");
        let short = Entry::Login(LoginKey::from_bytes(key(2)), now);
        copy.apply(lane(), stands(2), [token(1), short], Extent::Whole, START);
        for moment in [7, 5] {
            assert!(copy.prove(lane(), Some(at(moment)), now));
            assert_eq!(copy.lane(lane()).proven(), Some(at(7)));
        }
        copy.prune(lane(), now);
        let back = now.minus(ENTRY_MARGIN / 2);
        assert!(
            copy.prove(lane(), Some(at(8)), back),
            "nothing can be alive"
        );
        let back = back.minus(std::time::Duration::from_millis(1));
        assert!(!copy.prove(lane(), Some(at(9)), back));
        for _ in 0..2 {
            assert_eq!(copy.lane(lane()).proven(), None);
            assert_eq!(copy.lane(lane()).len(), 1);
            assert!(copy.prove(lane(), Some(at(9)), back));
        }
        for (n, extent) in [(1, Extent::Whole), (3, Extent::Since(2))] {
            let applied = copy.apply(lane(), stands(n), [], extent, back);
            assert_eq!(applied, None, "older, or only what came since");
        }
        assert!(
            copy.apply(lane(), stands(2), [short], Extent::Whole, back)
                .is_some()
        );
        assert!(copy.prove(lane(), Some(at(9)), back));
        assert_eq!(copy.lane(lane()).proven(), Some(at(9)));
        assert_eq!(copy.lane(lane()).len(), 2);
    }

    #[test]
    fn entries_leave_by_their_own_time() {
        let copy = Copy::new();
        let until = Timestamp::from_millis;
        let login = |n, at| Entry::Login(LoginKey::from_bytes(key(n)), until(at));
        let all = [login(1, 100), login(2, 200), login(1, 50)];
        copy.apply(lane(), standing("a", 0, 0, 2), all, Extent::Whole, START);
        for (now, left) in [(99, 2), (100, 1), (199, 1), (200, 0)] {
            copy.prune(lane(), until(now));
            assert_eq!(copy.lane(lane()).len(), left, "{now}");
        }
        for n in 0..10_000 {
            let one = [login(n, n + 10)];
            let standing = standing("a", 0, 0, n);
            copy.apply(lane(), standing, one, Extent::Whole, until(n));
            assert!(copy.lane(lane()).len() < 200, "those past their time go");
        }
    }

    /// The tables as hashbrown lays them out: a byte of control for each slot, and slots for 8/7 of
    /// the capacity, a power of two.
    fn bytes<K, V>(map: &HashMap<K, V>) -> usize {
        match map.capacity() {
            0 => 0,
            capacity => {
                let slots = (capacity * 8 / 7).next_power_of_two();
                slots * (size_of::<(K, V)>() + 1) + 16
            }
        }
    }

    #[test]
    fn a_revocation_takes_at_most_96_bytes() {
        type Make = fn(u64) -> Entry;
        let kinds: [(&str, Make); 3] = [
            ("tokens", token),
            ("logins", |n| {
                Entry::Login(LoginKey::from_bytes(key(n)), LONG)
            }),
            ("subjects", |n| subject(n, 5)),
        ];
        for (kind, make) in kinds {
            let mut lane_copy = LaneCopy::default();
            for n in 1..5_000 {
                lane_copy.insert(lane(), make(n));
                if n % 1_000 == 0 {
                    lane_copy.prune(START);
                }
                let LaneCopy {
                    tokens,
                    logins,
                    subjects,
                    ..
                } = &lane_copy;
                let taken = bytes(tokens) + bytes(logins) + bytes(subjects);
                let allowed = 96 * usize::try_from(n).expect("small") + 256;
                assert!(taken <= allowed, "{n} {kind}: {taken}");
            }
        }
        // And of each lane.
        assert!(size_of::<RwLock<LaneCopy>>() <= 320);
    }
}
