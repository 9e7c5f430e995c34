//! One session's record, changed in place.

use std::sync::Arc;

use auth_core::{
    Timestamp,
    revocation::{Lane, LoginKey, MAX_LIFETIME, Op, Place, Query, Standing, SubjectKey},
    store::{
        Commit, CommitOutcome, Establish, Established, Fields, Load, LoginChange, SessionKey,
        SessionLogin, SessionRecord, TOMBSTONE,
    },
};
use parking_lot::{Mutex, MutexGuard};

use crate::fields::{NotChanged, changed};

/// What is under one session key.
///
/// A cell never comes back to life: once its state is not `Live` any more, nothing is written to it,
/// whoever still holds it, in the map or out of it.
///
/// There may be millions of them: it holds what a verdict needs and the record has not, and names of
/// 128 or 64 bits where that is enough.
#[derive(Debug)]
pub(crate) struct SessionCell {
    pub(crate) id: CellId,
    /// What the verdict rests on, but for the version; [`NOBODY`] if there is no login. A key's login
    /// never changes: a login makes a new key.
    login: (Place, LoginKey),
    /// Of the command that made it as much as tells it from another: the key is random, too.
    born: u32,
    state: Mutex<State>,
}

/// The key of no login: no hash is all zeros.
const NOBODY: LoginKey = LoginKey::from_bytes([0; 16]);

/// A session's key: its lane, and 128 bits of the SHA-256 of its id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct CellId {
    lane: Lane,
    hash: [u8; 16],
}

impl CellId {
    pub(crate) fn of(key: &SessionKey) -> Self {
        let hash = key.hash.first_chunk().expect("it is half of the hash");
        Self {
            lane: key.lane,
            hash: *hash,
        }
    }

    pub(crate) fn lane(&self) -> Lane {
        self.lane
    }

    /// For tables. Ids are random and this store's own: nobody can choose them so that they collide.
    pub(crate) fn hash(&self) -> u64 {
        let hash = self.hash.first_chunk().expect("it is half of the id");
        u64::from_le_bytes(*hash)
    }
}

/// Half of an [`Op`]: enough to tell the commands to one session apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Command(u64);

impl Command {
    fn short(self) -> u32 {
        self.0 as u32
    }
}

impl From<Op> for Command {
    fn from(op: Op) -> Self {
        let half = op.as_bytes().first_chunk().expect("it is half of the op");
        Self(u64::from_le_bytes(*half))
    }
}

/// That a session's login was revoked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Revoked {
    /// When, if that is known.
    pub(crate) at: Option<Timestamp>,
}

#[derive(Debug)]
pub(crate) enum State {
    Live(Live),
    Gone(Box<Gone>),
    /// `absolute_end` is what its session's was.
    Ended {
        until: Timestamp,
        absolute_end: Timestamp,
    },
}

#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) record: Arc<SessionRecord>,
    /// The last command that changed it, so that its repetition does not.
    op: Command,
}

#[derive(Debug)]
pub(crate) struct Gone {
    pub(crate) successor: SessionKey,
    pub(crate) op: Command,
    until: Timestamp,
    /// Of the session that was here.
    pub(crate) absolute_end: Timestamp,
}

impl SessionCell {
    pub(crate) fn new(realm: &str, key: &SessionKey, record: Arc<SessionRecord>, op: Op) -> Self {
        let login = match &record.login {
            Some(login) => (
                Place::of(realm, &login.subject),
                LoginKey::of(realm, &login.subject, &login.login),
            ),
            None => {
                let subject = SubjectKey::from_bytes([0; 16]);
                let lane = key.lane;
                (Place { lane, subject }, NOBODY)
            }
        };
        let op = Command::from(op);
        Self {
            id: CellId::of(key),
            born: op.short(),
            login,
            state: Mutex::new(State::Live(Live { record, op })),
        }
    }

    /// What to ask the subject's lane of the session `record` that is here, if anybody is logged in.
    pub(crate) fn query(&self, record: &SessionRecord) -> Option<Query> {
        let login = record.login.as_ref()?;
        let (place, key) = self.login;
        Some(Query {
            place,
            login: Some(key),
            token: None,
            standing: Standing::Version(login.version),
        })
    }

    /// Where its subject's state is, if anybody is logged in.
    pub(crate) fn place(&self) -> Option<Place> {
        self.login_key().map(|_| self.login.0)
    }

    /// Its login's key, if anybody is logged in.
    pub(crate) fn login_key(&self) -> Option<LoginKey> {
        Some(self.login.1).filter(|key| *key != NOBODY)
    }

    /// The session that is here, whether or not it has expired or was revoked.
    pub(crate) fn record(&self) -> Option<Arc<SessionRecord>> {
        match &*self.state() {
            State::Live(live) => Some(Arc::clone(&live.record)),
            _ => None,
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Whether `op` made it.
    pub(crate) fn is_born_of(&self, op: Op) -> bool {
        self.born == Command::from(op).short()
    }

    /// What is there, but for the verdict on its login.
    pub(crate) fn load(&self, now: Timestamp) -> Load {
        self.state().load(now)
    }

    /// Ends it because its login was revoked, at `at` if that is known; what is there then.
    pub(crate) fn end_revoked(&self, at: Option<Timestamp>, now: Timestamp) -> Load {
        let mut state = self.state();
        state.end_revoked(at, now);
        state.load(now)
    }

    pub(crate) fn touch(&self, now: Timestamp) {
        if let State::Live(live) = &mut *self.state()
            && !live.record.is_expired(now)
            && live.record.last_seen_at < now
        {
            Arc::make_mut(&mut live.record).last_seen_at = now;
        }
    }

    pub(crate) fn commit(&self, commit: &Commit, now: Timestamp) -> CommitOutcome {
        let mut state = self.state();
        let State::Live(live) = &mut *state else {
            return CommitOutcome::Ended;
        };
        if live.record.is_expired(now) {
            return CommitOutcome::Ended;
        }
        let op = Command::from(commit.op);
        if live.op == op {
            return CommitOutcome::Done(Arc::clone(&live.record));
        }
        match changed(&live.record.fields, &commit.changes) {
            Err(NotChanged::Conflict) => CommitOutcome::Conflict(Arc::clone(&live.record)),
            Err(NotChanged::TooLarge) => CommitOutcome::TooLarge,
            Ok(fields) => {
                // A new one, as other requests still look at the one that was.
                let before = &live.record;
                live.record = Arc::new(SessionRecord {
                    last_seen_at: before.last_seen_at.max(now),
                    login: before.login.clone(),
                    fields,
                    ..**before
                });
                live.op = op;
                CommitOutcome::Done(Arc::clone(&live.record))
            }
        }
    }

    /// Ends it; gives the login it had, if it was alive.
    pub(crate) fn end(&self, now: Timestamp) -> Option<SessionLogin> {
        let mut state = self.state();
        let State::Live(live) = &*state else {
            return None;
        };
        let login = live.record.login.clone();
        *state = State::Ended {
            until: now.plus(TOMBSTONE),
            absolute_end: live.record.absolute_end,
        };
        login
    }

    /// Whether it may leave the map; if so nothing can be written to it any more.
    pub(crate) fn sweep(&self, revoked: Option<Revoked>, now: Timestamp) -> bool {
        let mut state = self.state();
        if let Some(Revoked { at }) = revoked {
            state.end_revoked(at, now);
        }
        match &*state {
            State::Live(live) if live.record.is_expired(now) => {
                let absolute_end = live.record.absolute_end;
                *state = State::Ended {
                    until: now,
                    absolute_end,
                };
                true
            }
            State::Live(_) => false,
            State::Gone(gone) => gone.until <= now,
            State::Ended { until, .. } => *until <= now,
        }
    }
}

impl State {
    fn load(&self, now: Timestamp) -> Load {
        match self {
            Self::Live(live) if !live.record.is_expired(now) => {
                Load::Live(Arc::clone(&live.record))
            }
            Self::Gone(gone) if now < gone.until => Load::Gone,
            Self::Ended { until, .. } if now < *until => Load::Ended,
            _ => Load::Absent,
        }
    }

    fn end_revoked(&mut self, at: Option<Timestamp>, now: Timestamp) {
        if let Self::Live(live) = self {
            // What had expired has not ended.
            let until = match live.record.is_expired(now) {
                true => now,
                false => at.unwrap_or(now).plus(TOMBSTONE),
            };
            *self = Self::Ended {
                until,
                absolute_end: live.record.absolute_end,
            };
        }
    }

    pub(crate) fn replaced(old: &SessionRecord, establish: &Establish, now: Timestamp) -> Self {
        Self::Gone(Box::new(Gone {
            absolute_end: old.absolute_end,
            successor: establish.new,
            op: establish.op.into(),
            until: now.plus(TOMBSTONE),
        }))
    }
}

/// The session that `establish` makes of `old`, or from nothing.
pub(crate) fn established(
    old: Option<&Arc<SessionRecord>>,
    establish: &Establish,
    now: Timestamp,
) -> Result<SessionRecord, Established> {
    let mut record = match (old, &establish.login) {
        // A new id for the same login: its limits go on.
        (Some(old), LoginChange::Keep | LoginChange::Confirm) => SessionRecord {
            last_seen_at: old.last_seen_at.max(now),
            ..SessionRecord::clone(old)
        },
        (old, _) => SessionRecord {
            created_at: now,
            last_seen_at: now,
            // Nothing outlives what revocations are remembered for.
            absolute_end: now.plus(establish.lifetimes.absolute.min(MAX_LIFETIME)),
            idle: establish.lifetimes.idle,
            login: None,
            fields: old.map(|old| old.fields.clone()).unwrap_or_default(),
        },
    };
    match (&establish.login, &mut record.login) {
        (LoginChange::Set(login), _) => {
            record.login = Some(SessionLogin {
                auth_time: now,
                ..login.clone()
            });
        }
        (LoginChange::Confirm, Some(login)) => login.auth_time = login.auth_time.max(now),
        _ => {}
    }
    if !establish.keep_data {
        record.fields = Fields::new();
    }
    match changed(&record.fields, &establish.changes) {
        Ok(fields) => record.fields = fields,
        Err(NotChanged::TooLarge) => return Err(Established::TooLarge),
        Err(NotChanged::Conflict) => {
            let now_there = old.map_or_else(|| Arc::new(record), Arc::clone);
            return Err(Established::Conflict(now_there));
        }
    }
    Ok(record)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use auth_core::{revocation::Lane, store::Lifetimes};

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000);

    fn establish() -> Establish {
        Establish {
            old: None,
            new: SessionKey {
                lane: Lane::random(),
                hash: [1; 32],
            },
            login: LoginChange::Keep,
            keep_data: true,
            changes: Vec::new(),
            lifetimes: Lifetimes {
                idle: None,
                absolute: Duration::from_secs(100),
            },
            op: Op::random(),
        }
    }

    /// A request took the cell out of the map, and its clock was read, before the sweep.
    #[test]
    fn what_was_swept_takes_no_write_from_a_request_that_still_holds_it() {
        for revoked in [None, Some(Revoked { at: None })] {
            let establish = establish();
            let record = established(None, &establish, NOW).expect("there are no changes");
            let cell = SessionCell::new("r", &establish.new, Arc::new(record), establish.op);
            let end = NOW.plus(Duration::from_secs(100));
            let swept_at = if revoked.is_some() { NOW } else { end };
            // What was revoked is known to have ended for a while.
            assert_eq!(cell.sweep(revoked, swept_at), revoked.is_none());
            let commit = Commit {
                key: establish.new,
                changes: Vec::new(),
                op: Op::random(),
            };
            assert_eq!(cell.commit(&commit, NOW), CommitOutcome::Ended);
            cell.touch(NOW);
            assert!(matches!(cell.load(NOW), Load::Absent | Load::Ended));
            assert!(!matches!(&*cell.state(), State::Live(_)));
        }
    }
}
