//! Sessions.

use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{
    StoreError, Timestamp,
    revocation::{LoginKey, Place},
    store::{
        Commit, CommitOutcome, Establish, Established, Load, SessionKey, SessionLogin,
        SessionRecord, Sessions,
    },
};

use crate::{
    MemoryStore,
    session_cell::{SessionCell, State, established},
    store::Inner,
};

#[async_trait]
impl Sessions for MemoryStore {
    fn load_now(&self, key: &SessionKey) -> Option<Result<Load, StoreError>> {
        Some(Ok(self.inner.load(key)))
    }

    async fn load(&self, key: &SessionKey) -> Result<Load, StoreError> {
        Ok(self.inner.load(key))
    }

    fn touch(&self, key: &SessionKey) {
        if let Some(cell) = self.inner.sessions.get(key) {
            cell.touch(self.inner.now());
        }
    }

    async fn commit(&self, commit: &Commit) -> Result<CommitOutcome, StoreError> {
        let inner = &self.inner;
        let now = inner.now();
        Ok(match inner.sessions.get(&commit.key) {
            Some(cell) if inner.is_good(&cell, now) => cell.commit(commit, now),
            _ => CommitOutcome::Ended,
        })
    }

    async fn establish(&self, establish: &Establish) -> Result<Established, StoreError> {
        let inner = &self.inner;
        let made = match &establish.old {
            Some(old) => inner.go_on(old, establish),
            None => inner.begin(establish),
        };
        if let Ok(record) = &made {
            inner.list(&establish.new, record);
        }
        Ok(made.map_or_else(|not| not, Established::Done))
    }

    async fn end(&self, key: &SessionKey) -> Result<(), StoreError> {
        let inner = &self.inner;
        let cell = inner.sessions.get(key);
        if let Some(login) = cell.and_then(|cell| cell.end(inner.now())) {
            inner.unlist(&login);
        }
        Ok(())
    }
}

/// The session as an [`Establish`] left it, or why it did not.
type Made = Result<Arc<SessionRecord>, Established>;

impl Inner {
    fn load(&self, key: &SessionKey) -> Load {
        let Some(cell) = self.sessions.get(key) else {
            return Load::Absent;
        };
        let now = self.now();
        let load = cell.load(now);
        let Load::Live(record) = &load else {
            return load;
        };
        // The verdict comes after the record: what was acknowledged before this call counts.
        match self.revoked(&cell, record, now) {
            Some(revoked) => cell.end_revoked(revoked.at, now),
            None => load,
        }
    }

    /// Whether a session is there whose login was not revoked.
    fn is_good(&self, cell: &SessionCell, now: Timestamp) -> bool {
        let record = cell.record();
        record.is_some_and(|record| self.revoked(cell, &record, now).is_none())
    }

    fn begin(&self, establish: &Establish) -> Made {
        let record = Arc::new(established(None, establish, self.now())?);
        let kept = Arc::clone(&record);
        let cell = SessionCell::new(&self.realm, &establish.new, kept, establish.op);
        match self.sessions.insert_new(&Arc::new(cell)) {
            Ok(()) => Ok(record),
            Err(there) if there.is_born_of(establish.op) => self.again(&establish.new),
            Err(_) => Err(Established::Ended),
        }
    }

    fn go_on(&self, old: &SessionKey, establish: &Establish) -> Made {
        let cell = self.sessions.get(old).ok_or(Established::Ended)?;
        let is_good = self.is_good(&cell, self.now());
        let mut state = cell.state();
        let now = self.now();
        let live = match &*state {
            State::Live(live) if is_good && !live.record.is_expired(now) => live,
            State::Gone(gone) if gone.op == establish.op.into() => {
                drop(state);
                return self.again(&establish.new);
            }
            _ => return Err(Established::Ended),
        };
        let record = Arc::new(established(Some(&live.record), establish, now)?);
        let kept = Arc::clone(&record);
        let fresh = SessionCell::new(&self.realm, &establish.new, kept, establish.op);
        self.sessions
            .insert_new(&Arc::new(fresh))
            .map_err(|_| Established::Ended)?;
        // Nobody has seen the new one without the old one being gone: its lock is still held.
        let replaced = State::replaced(&live.record, establish, now);
        *state = replaced;
        Ok(record)
    }

    /// What a repeated command is told: the session that it made, as it is now.
    fn again(&self, key: &SessionKey) -> Made {
        match self.load(key) {
            Load::Live(record) => Ok(record),
            _ => Err(Established::Ended),
        }
    }

    /// Tells the list of logins where a session is now.
    fn list(&self, key: &SessionKey, record: &SessionRecord) {
        let Some(login) = &record.login else {
            return;
        };
        let place = Place::of(&self.realm, &login.subject);
        let key_of_login = LoginKey::of(&self.realm, &login.subject, &login.login);
        self.step(place.lane, |lane, now| {
            // Two moves may come here in either order: the session is where its ids lead to.
            if let Some(cell) = self.sessions.get(key)
                && let Some((cell, record)) = self.session_of(cell, key_of_login, now)
            {
                let end = record.absolute_end;
                lane.index
                    .set_session(&place.subject, key_of_login, cell, end);
            }
        });
    }

    fn unlist(&self, login: &SessionLogin) {
        self.withdraw(&login.subject, login.login);
    }
}
