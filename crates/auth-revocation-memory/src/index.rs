//! What a lane holds besides records: its revocations, and its subjects' lists of logins.

use std::{sync::Arc, time::Duration};

use auth_core::{
    Timestamp, Verdict,
    revocation::{Lane, LaneRecord, LoginKey, Place, Query, Standing, SubjectKey},
    store::{LoginInfo, LoginKind, SessionRecord},
};

use crate::{
    list::{Entry, EntryPlace, Index, Listed},
    session_cell::{SessionCell, State},
    store::Inner,
};

/// How long an admitted session may take to be there before it does not count any more.
const PENDING_FOR: Duration = Duration::from_secs(60);

/// A chain of ids that a session had within the last minute is followed so far.
const MAX_HOPS: usize = 1_000;

#[derive(Debug)]
pub(crate) struct LaneState {
    pub(crate) lane: Lane,
    pub(crate) revocations: LaneRecord,
    pub(crate) index: Index,
}

/// How a listed login is.
pub(crate) enum Health {
    Alive(LoginInfo),
    /// Admitted a moment ago: it counts, and there is nothing to show yet.
    Pending,
    Dead,
}

impl LaneState {
    pub(crate) fn new(lane: Lane, revocations: LaneRecord) -> Self {
        Self {
            lane,
            revocations,
            index: Index::default(),
        }
    }

    /// The verdict on a credential of ours that is no token.
    pub(crate) fn is_revoked(&self, subject: SubjectKey, login: LoginKey, version: u64) -> bool {
        self.revocations
            .verdict(&self.query(subject, login, version))
            != Verdict::Active
    }

    fn query(&self, subject: SubjectKey, login: LoginKey, version: u64) -> Query {
        let lane = self.lane;
        Query {
            place: Place { lane, subject },
            login: Some(login),
            token: None,
            standing: Standing::Version(version),
        }
    }

    /// Whether this very login was ended.
    pub(crate) fn is_ended(&self, subject: SubjectKey, login: LoginKey) -> bool {
        let query = self.query(subject, login, 0);
        self.revocations.entries(&query).login_ended
    }
}

impl Entry {
    fn info(&self) -> LoginInfo {
        LoginInfo {
            login: self.login,
            kind: self.kind,
            device: self.device.as_deref().map(str::to_owned),
            created_at: self.created_at,
            last_seen_at: self.created_at,
            expires_at: self.absolute_end,
        }
    }
}

/// What a session's record says for the list, and its version.
fn info(record: &SessionRecord) -> Option<(LoginInfo, u64)> {
    let login = record.login.as_ref()?;
    let info = LoginInfo {
        login: login.login,
        kind: LoginKind::Session,
        device: None,
        created_at: record.created_at,
        last_seen_at: record.last_seen_at,
        expires_at: record.absolute_end,
    };
    Some((info, login.version))
}

impl Inner {
    /// How a login is, from the record it stands for.
    pub(crate) fn health(
        &self,
        lane: &LaneState,
        subject: SubjectKey,
        listed: &Listed,
        now: Timestamp,
    ) -> Health {
        let health = match listed.session() {
            Ok((cell, device)) => {
                let login = listed.key();
                let found = login.and_then(|login| self.session_of(Arc::clone(cell), login, now));
                let found = found.and_then(|(_, record)| info(&record));
                found.map(|(info, version)| {
                    let device = device.map(str::to_owned);
                    (Health::Alive(LoginInfo { device, ..info }), version)
                })
            }
            Err(entry) => match entry.kind {
                LoginKind::Token => self.health_of_refresh(lane, entry, now),
                _ => self.health_of_session(entry, now),
            },
        };
        match (health, listed.key()) {
            // No login, but a note: what is revoked is not what it says.
            (Some((health, _)), _) if listed.is_note() => health,
            (Some((health, version)), Some(login)) if !lane.is_revoked(subject, login, version) => {
                health
            }
            _ => Health::Dead,
        }
    }

    fn health_of_session(&self, entry: &Entry, now: Timestamp) -> Option<(Health, u64)> {
        let cell = match &entry.place {
            EntryPlace::Session(cell) => Some(Arc::clone(cell)),
            EntryPlace::Awaited(Some(key)) => self.sessions.get(key),
            EntryPlace::Awaited(None) | EntryPlace::Elsewhere => {
                let is_alive = now < entry.absolute_end;
                return is_alive.then(|| (Health::Alive(entry.info()), entry.version));
            }
        };
        let found = cell.and_then(|cell| self.session_of(cell, entry.key, now));
        let Some((_, record)) = found else {
            let is_awaited = entry.is_awaited() && now < entry.created_at.plus(PENDING_FOR);
            return is_awaited.then_some((Health::Pending, entry.version));
        };
        let (of_record, version) = info(&record)?;
        let info = LoginInfo {
            last_seen_at: of_record.last_seen_at,
            expires_at: of_record.expires_at,
            ..entry.info()
        };
        Some((Health::Alive(info), version))
    }

    fn health_of_refresh(
        &self,
        lane: &LaneState,
        entry: &Entry,
        now: Timestamp,
    ) -> Option<(Health, u64)> {
        let cell = self.refresh_logins.get(&(lane.lane, entry.login))?;
        let record = cell.record.lock();
        if record.is_expired(now) {
            return None;
        }
        let info = LoginInfo {
            last_seen_at: record.last_seen_at,
            ..entry.info()
        };
        Some((Health::Alive(info), record.version))
    }

    /// Where the session of `login` is now, which was in `cell` once, and the session.
    pub(crate) fn session_of(
        &self,
        cell: Arc<SessionCell>,
        login: LoginKey,
        now: Timestamp,
    ) -> Option<(Arc<SessionCell>, Arc<SessionRecord>)> {
        let found = self.last_session_of(cell, login);
        found.filter(|(_, record)| !record.is_expired(now))
    }

    /// The same, though it may have expired.
    pub(crate) fn last_session_of(
        &self,
        mut cell: Arc<SessionCell>,
        login: LoginKey,
    ) -> Option<(Arc<SessionCell>, Arc<SessionRecord>)> {
        for _ in 0..MAX_HOPS {
            let successor = match &*cell.state() {
                State::Gone(gone) => gone.successor,
                State::Live(live) => {
                    let is_it = cell.login_key() == Some(login);
                    return is_it.then(|| (Arc::clone(&cell), Arc::clone(&live.record)));
                }
                State::Ended { .. } => return None,
            };
            cell = self.sessions.get(&successor)?;
        }
        None
    }

    /// When a login would have ended at the latest, whose session was in `cell` once, whatever has
    /// become of it since; if that is known.
    pub(crate) fn absolute_end_of(
        &self,
        mut cell: Arc<SessionCell>,
        login: LoginKey,
    ) -> Option<Timestamp> {
        let mut end = None;
        for _ in 0..MAX_HOPS {
            let (its, successor) = match &*cell.state() {
                State::Live(live) => (live.record.absolute_end, None),
                State::Gone(gone) => (gone.absolute_end, Some(gone.successor)),
                State::Ended { absolute_end, .. } => (*absolute_end, None),
            };
            if cell.login_key() == Some(login) {
                end = end.max(Some(its));
            }
            match successor.and_then(|successor| self.sessions.get(&successor)) {
                Some(next) => cell = next,
                None => break,
            }
        }
        end
    }

    /// Drops dead entries from all lists of a lane; returns how many.
    pub(crate) fn prune_index(&self, lane: &mut LaneState, now: Timestamp) -> usize {
        let subjects = lane.index.subjects();
        subjects
            .into_iter()
            .map(|subject| self.prune_subject(lane, subject, now))
            .sum()
    }

    /// Drops dead entries from a subject's list; returns how many.
    pub(crate) fn prune_subject(
        &self,
        lane: &mut LaneState,
        subject: SubjectKey,
        now: Timestamp,
    ) -> usize {
        let is_dead =
            |listed: &Listed| matches!(self.health(lane, subject, listed, now), Health::Dead);
        // Mostly there is none.
        if !lane.index.of(&subject).iter().any(is_dead) {
            return 0;
        }
        let mut all = lane.index.take(&subject);
        let before = all.len();
        all.retain(|listed| !matches!(self.health(lane, subject, listed, now), Health::Dead));
        let dropped = before - all.len();
        lane.index.put(&subject, all);
        dropped
    }
}
