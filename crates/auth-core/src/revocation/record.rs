//! A lane's record of revocations: the one structure that all of them live in.

use std::{collections::HashMap, time::Duration};

use super::{
    Entries, LoginKey, Op, Query, Standing, SubjectEpoch, SubjectKey, TokenKey, Verdict, judge,
};
use crate::{Timestamp, random_bytes};

/// Nothing lives longer than this, so that nothing has to be remembered for longer: 400 days.
pub const MAX_LIFETIME: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// How much longer than its credential an entry is kept: the greatest leeway (60 s) and clock skew
/// (60 s) that a verifier may have.
pub const ENTRY_MARGIN: Duration = Duration::from_secs(120);

/// The revocations of one lane, as a store in this process keeps them.
///
/// Every method is one atomic step of the design, made under whatever lock guards the record.
/// `now` is the store's clock.
#[derive(Clone, Debug)]
pub struct LaneRecord {
    id: [u8; 16],
    count: u64,
    highest: u64,
    epoch: u64,
    epoch_op: Option<Op>,
    subjects: HashMap<SubjectKey, SubjectEntry>,
    logins: HashMap<LoginKey, Timestamp>,
    tokens: HashMap<TokenKey, Timestamp>,
    next_prune: usize,
    /// The latest time at which entries were forgotten.
    pruned_at: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct SubjectEntry {
    claim: SubjectEpoch,
    until: Timestamp,
    op: Op,
}

/// What a revocation did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recorded {
    /// It was recorded now.
    New,
    /// It was there already: nothing changed.
    Already,
}

/// The lane's denylist has reached its limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DenylistFull;

/// Entries are swept when this many have been added since, or as many as were left last time.
const PRUNE_AT_LEAST: usize = 64;

impl LaneRecord {
    /// An empty record with the epoch `epoch`: what was made before it is refused.
    pub fn new(epoch: u64) -> Self {
        Self::trusting(epoch, epoch)
    }

    /// An empty record that trusts versions from `epoch` to `highest`, though it does not know what
    /// was revoked among them.
    pub fn trusting(epoch: u64, highest: u64) -> Self {
        Self {
            id: random_bytes(),
            count: 0,
            highest: highest.max(epoch),
            epoch,
            epoch_op: None,
            subjects: HashMap::new(),
            logins: HashMap::new(),
            tokens: HashMap::new(),
            next_prune: PRUNE_AT_LEAST,
            pruned_at: Timestamp::default(),
        }
    }

    /// Its random id: another one means that the record is not the one it was.
    pub fn id(&self) -> &[u8; 16] {
        &self.id
    }

    /// How many revocations there have been.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How many entries there are now.
    pub fn len(&self) -> usize {
        self.subjects.len() + self.logins.len() + self.tokens.len()
    }

    /// How many of them are denied tokens.
    pub fn denied_tokens(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What concerns `query`. Entries past their time still count: nothing that they name can be
    /// alive.
    pub fn entries(&self, query: &Query) -> Entries {
        Entries {
            epoch: self.epoch,
            subject: self.subjects.get(&query.place.subject).map(|s| s.claim),
            login_ended: query.login.is_some_and(|l| self.logins.contains_key(&l)),
            token_denied: query.token.is_some_and(|t| self.tokens.contains_key(&t)),
        }
    }

    /// The verdict on `query`: the rule, and that a version which this record never handed out is
    /// from before it was made, by a clock that was ahead.
    pub fn verdict(&self, query: &Query) -> Verdict {
        match query.standing {
            Standing::Version(version) if version > self.highest => Verdict::Revoked,
            _ => judge(query, &self.entries(query)),
        }
    }

    /// Whether the clock has stepped back behind a time at which entries were forgotten: what they
    /// named may be alive again by `now`.
    pub fn has_forgotten(&self, now: Timestamp) -> bool {
        // Of the margin that entries are kept for, a verifier may use the leeway.
        now.plus(ENTRY_MARGIN / 2) < self.pruned_at
    }

    /// If it [has forgotten](Self::has_forgotten) something, refuses all that was made so far,
    /// rather than trust what was revoked among it; whether it did.
    pub fn make_up_for_the_clock(&mut self, now: Timestamp) -> bool {
        let has_forgotten = self.has_forgotten(now);
        if has_forgotten {
            self.pruned_at = now;
            self.epoch = self.bump(now);
        }
        has_forgotten
    }

    /// The version of a credential of `subject` that is made now.
    pub fn version(&self, subject: &SubjectKey) -> u64 {
        let claimed = self.subjects.get(subject).map_or(0, |s| s.claim.epoch);
        self.epoch.max(claimed)
    }

    /// Denies one token until `exp` and the margin have passed. At most `limit` tokens.
    ///
    /// # Errors
    ///
    /// [`DenylistFull`] when that many tokens that may still be alive are denied already.
    pub fn deny_token(
        &mut self,
        token: TokenKey,
        exp: Timestamp,
        limit: usize,
        now: Timestamp,
    ) -> Result<Recorded, DenylistFull> {
        let until = exp.min(now.plus(MAX_LIFETIME)).plus(ENTRY_MARGIN);
        if until <= now {
            return Ok(Recorded::Already);
        }
        if self.tokens.get(&token).is_some_and(|&known| known >= until) {
            return Ok(Recorded::Already);
        }
        if self.tokens.len() >= limit && !self.tokens.contains_key(&token) {
            self.prune(now);
            if self.tokens.len() >= limit {
                return Err(DenylistFull);
            }
        }
        self.tokens.insert(token, until);
        self.bump(now);
        Ok(Recorded::New)
    }

    /// Ends one login, whose record ends by itself at `end` at the latest.
    pub fn end_login(
        &mut self,
        login: LoginKey,
        end: Option<Timestamp>,
        now: Timestamp,
    ) -> Recorded {
        let latest = now.plus(MAX_LIFETIME);
        let until = end.map_or(latest, |end| end.min(latest)).plus(ENTRY_MARGIN);
        if self.logins.get(&login).is_some_and(|&known| known >= until) {
            return Recorded::Already;
        }
        self.logins.insert(login, until);
        self.bump(now);
        Recorded::New
    }

    /// Ends every login of `subject` made so far, but the one to `keep`, and every token.
    ///
    /// The kept login must have been good until now: what an earlier call had ended stays ended.
    pub fn raise_subject(
        &mut self,
        subject: SubjectKey,
        keep: Option<LoginKey>,
        op: Op,
        now: Timestamp,
    ) -> Recorded {
        let before = self.subjects.get(&subject).copied();
        if before.is_some_and(|s| s.op == op) {
            return Recorded::Already;
        }
        let floor = match before.map(|s| s.claim) {
            // Spared once more: what it had to reach then is what it has to reach now.
            Some(claim) if keep.is_some() && claim.keep == keep => claim.floor,
            Some(claim) => claim.epoch,
            None => 0,
        };
        let epoch = self.bump(now);
        self.subjects.insert(
            subject,
            SubjectEntry {
                claim: SubjectEpoch { epoch, keep, floor },
                until: now.plus(MAX_LIFETIME).plus(ENTRY_MARGIN),
                op,
            },
        );
        Recorded::New
    }

    /// Refuses everything in this lane that was made so far.
    pub fn raise_all(&mut self, op: Op, now: Timestamp) -> Recorded {
        if self.epoch_op == Some(op) {
            return Recorded::Already;
        }
        self.epoch = self.bump(now);
        self.epoch_op = Some(op);
        Recorded::New
    }

    /// Forgets the entries whose time has passed; returns how many.
    pub fn prune(&mut self, now: Timestamp) -> usize {
        let before = self.len();
        self.subjects.retain(|_, entry| entry.until > now);
        self.logins.retain(|_, until| *until > now);
        self.tokens.retain(|_, until| *until > now);
        self.next_prune = self.len() * 2 + PRUNE_AT_LEAST;
        let forgotten = before - self.len();
        if forgotten > 0 {
            self.pruned_at = self.pruned_at.max(now);
        }
        forgotten
    }

    /// Counts one revocation and hands out the next number: above all before it, and never below
    /// the clock, so that numbers order in time across restarts.
    fn bump(&mut self, now: Timestamp) -> u64 {
        self.count += 1;
        self.highest = self.highest.saturating_add(1).max(now.as_millis());
        if self.len() >= self.next_prune {
            self.prune(now);
        }
        self.highest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LoginId, revocation::Place};

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn key() -> SubjectKey {
        Place::of("r", "alice").subject
    }

    fn query(login: &LoginId, version: u64) -> Query {
        Query::own("r", "alice", login, version)
    }

    fn login_key(login: &LoginId) -> LoginKey {
        LoginKey::of("r", "alice", login)
    }

    #[test]
    fn a_login_after_a_revocation_works_at_once() {
        let (mut lane, login) = (LaneRecord::new(5), LoginId::random());
        let old = lane.version(&key());
        lane.raise_subject(key(), None, Op::random(), NOW);
        assert_eq!(lane.verdict(&query(&login, old)), Verdict::Revoked);
        let new = lane.version(&key());
        assert_eq!(lane.verdict(&query(&login, new)), Verdict::Active);
        lane.raise_all(Op::random(), NOW);
        assert_eq!(lane.verdict(&query(&login, new)), Verdict::Revoked);
        let newest = lane.version(&key());
        assert_eq!(lane.verdict(&query(&login, newest)), Verdict::Active);
    }

    #[test]
    fn numbers_rise_even_when_the_clock_stands_or_steps_back() {
        let mut lane = LaneRecord::new(0);
        let mut last = 0;
        for now in [NOW, NOW, Timestamp::from_millis(1), NOW.plus(MAX_LIFETIME)] {
            lane.raise_subject(key(), None, Op::random(), now);
            let version = lane.version(&key());
            assert!(version > last);
            last = version;
        }
        assert_eq!(last, NOW.plus(MAX_LIFETIME).as_millis());
    }

    #[test]
    fn a_replayed_command_does_not_bump_again() {
        let (mut lane, op) = (LaneRecord::new(0), Op::random());
        assert_eq!(lane.raise_subject(key(), None, op, NOW), Recorded::New);
        let version = lane.version(&key());
        assert_eq!(lane.raise_subject(key(), None, op, NOW), Recorded::Already);
        assert_eq!(lane.version(&key()), version);
        assert_eq!(lane.raise_all(op, NOW), Recorded::New);
        assert_eq!(lane.raise_all(op, NOW), Recorded::Already);
        assert_eq!(lane.count(), 2);
    }

    #[test]
    fn the_kept_login_stays_and_only_it() {
        let (mut lane, kept, other) = (LaneRecord::new(0), LoginId::random(), LoginId::random());
        let version = lane.version(&key());
        lane.raise_subject(key(), Some(login_key(&kept)), Op::random(), NOW);
        assert_eq!(lane.verdict(&query(&kept, version)), Verdict::Active);
        assert_eq!(lane.verdict(&query(&other, version)), Verdict::Revoked);
        // Again: it is still the one that stays.
        lane.raise_subject(key(), Some(login_key(&kept)), Op::random(), NOW);
        assert_eq!(lane.verdict(&query(&kept, version)), Verdict::Active);
    }

    #[test]
    fn keeping_a_login_does_not_bring_it_back() {
        let (mut lane, dead) = (LaneRecord::new(0), LoginId::random());
        let version = lane.version(&key());
        lane.raise_subject(key(), None, Op::random(), NOW);
        lane.raise_subject(key(), Some(login_key(&dead)), Op::random(), NOW);
        lane.raise_subject(key(), Some(login_key(&dead)), Op::random(), NOW);
        assert_eq!(lane.verdict(&query(&dead, version)), Verdict::Revoked);
    }

    #[test]
    fn entries_outlive_their_token_by_leeway_and_skew() {
        let (mut lane, exp) = (LaneRecord::new(0), NOW.plus(Duration::from_secs(300)));
        let query = Query::own("r", "alice", &LoginId::random(), 0).token("iss", "jti");
        let token = TokenKey::of("iss", "jti");
        lane.deny_token(token, exp, 10, NOW).expect("there is room");
        lane.prune(exp.plus(Duration::from_secs(119)));
        assert_eq!(lane.verdict(&query), Verdict::Revoked);
        lane.prune(exp.plus(Duration::from_secs(120)));
        assert!(lane.is_empty());
    }

    #[test]
    fn an_absurd_expiry_is_capped_and_a_past_one_stores_nothing() {
        let (mut lane, token) = (LaneRecord::new(0), TokenKey::of("iss", "jti"));
        lane.deny_token(token, Timestamp::from_millis(u64::MAX), 10, NOW)
            .expect("there is room");
        lane.prune(NOW.plus(MAX_LIFETIME).plus(ENTRY_MARGIN));
        assert!(lane.is_empty());
        lane.deny_token(token, Timestamp::default(), 10, NOW)
            .expect("nothing to store");
        assert!(lane.is_empty());
    }

    #[test]
    fn a_full_denylist_refuses_but_logins_still_end() {
        let mut lane = LaneRecord::new(0);
        let exp = NOW.plus(Duration::from_secs(300));
        let token = |n: u32| TokenKey::of("iss", &n.to_string());
        for n in 0..100 {
            lane.deny_token(token(n), exp, 100, NOW).expect("room");
        }
        assert_eq!(
            lane.deny_token(token(100), exp, 100, NOW),
            Err(DenylistFull)
        );
        assert_eq!(
            lane.deny_token(token(1), exp, 100, NOW),
            Ok(Recorded::Already)
        );
        let login = LoginId::random();
        lane.end_login(login_key(&login), None, NOW);
        assert_eq!(lane.verdict(&query(&login, u64::MAX)), Verdict::Revoked);
        // What has died makes room again.
        let later = exp.plus(ENTRY_MARGIN);
        let later_exp = later.plus(Duration::from_secs(300));
        assert_eq!(
            lane.deny_token(token(100), later_exp, 100, later),
            Ok(Recorded::New)
        );
    }

    #[test]
    fn a_clock_that_ran_ahead_and_back_brings_nothing_back_to_life() {
        let (mut lane, login) = (LaneRecord::new(5), LoginId::random());
        let exp = NOW.plus(Duration::from_secs(300));
        let denied = query(&login, 5).token("iss", "jti");
        lane.deny_token(TokenKey::of("iss", "jti"), exp, 10, NOW)
            .expect("room");
        let ahead = exp.plus(ENTRY_MARGIN);
        assert_eq!(lane.prune(ahead), 1);
        // By then the token is over, with all leeway.
        for now in [ahead, ahead.minus(ENTRY_MARGIN / 2)] {
            assert!(!lane.make_up_for_the_clock(now), "{now:?}");
        }
        assert_eq!(lane.verdict(&denied), Verdict::Active);
        let back = ahead.minus(ENTRY_MARGIN / 2 + Duration::from_millis(1));
        assert!(lane.make_up_for_the_clock(back));
        assert_eq!(lane.verdict(&denied), Verdict::Revoked);
        // Once: a login after that is good.
        let version = lane.version(&key());
        assert!(!lane.make_up_for_the_clock(back));
        assert_eq!(lane.verdict(&query(&login, version)), Verdict::Active);
    }

    #[test]
    fn a_version_that_was_never_handed_out_is_of_another_life() {
        let lane = LaneRecord::new(1_000);
        let login = LoginId::random();
        assert_eq!(lane.verdict(&query(&login, 1_000)), Verdict::Active);
        assert_eq!(lane.verdict(&query(&login, 1_001)), Verdict::Revoked);
        let trusting = LaneRecord::trusting(0, 1_000);
        assert_eq!(trusting.verdict(&query(&login, 1)), Verdict::Active);
        assert_eq!(trusting.verdict(&query(&login, 1_001)), Verdict::Revoked);
    }

    #[test]
    fn past_entries_go_away_by_themselves_as_new_ones_come() {
        let mut lane = LaneRecord::new(0);
        for n in 0..100_000u64 {
            let now = NOW.plus(Duration::from_secs(n));
            let exp = now.plus(Duration::from_secs(10));
            let token = TokenKey::of("iss", &n.to_string());
            lane.deny_token(token, exp, usize::MAX, now).expect("room");
        }
        // 130 are alive at any time.
        assert!(lane.len() < 500, "{}", lane.len());
    }
}
