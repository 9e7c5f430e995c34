//! What a lane holds besides records: its revocations, and its subjects' lists of logins.

use std::{collections::HashMap, sync::Arc, time::Duration};

use auth_core::{
    LoginId, Timestamp, Verdict,
    revocation::{Lane, LaneRecord, LoginKey, Op, Place, Query, Standing, SubjectKey},
    store::{LoginInfo, LoginKind, MAX_LISTED_LOGINS, SessionKey, SessionRecord},
};

use crate::{session_cell::State, store::Inner};

/// How long an admitted session may take to be there before it does not count any more.
const PENDING_FOR: Duration = Duration::from_secs(60);

/// A chain of ids that a session had within the last minute is followed so far.
const MAX_HOPS: usize = 1_000;

#[derive(Debug)]
pub(crate) struct LaneState {
    pub(crate) lane: Lane,
    pub(crate) revocations: LaneRecord,
    /// Each in the order of admission.
    pub(crate) index: HashMap<SubjectKey, Vec<Entry>>,
}

/// One login in its subject's list.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) login: LoginId,
    pub(crate) key: LoginKey,
    pub(crate) kind: LoginKind,
    pub(crate) device: Option<Box<str>>,
    pub(crate) created_at: Timestamp,
    pub(crate) absolute_end: Timestamp,
    pub(crate) version: u64,
    /// The admission, and whom it ended: what its repetition is told.
    pub(crate) op: Op,
    pub(crate) ended: Box<[LoginId]>,
    /// Where the session was when last looked for; it may have moved on.
    pub(crate) session: Option<SessionKey>,
    /// Whether the session is still to come.
    pub(crate) pending: bool,
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
            index: HashMap::new(),
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

    pub(crate) fn entry_mut(&mut self, subject: &SubjectKey, login: LoginId) -> Option<&mut Entry> {
        let entries = self.index.get_mut(subject)?;
        entries.iter_mut().find(|entry| entry.login == login)
    }

    pub(crate) fn enter(&mut self, subject: SubjectKey, entry: Entry) {
        let entries = self.index.entry(subject).or_default();
        entries.retain(|other| other.login != entry.login);
        if entries.len() >= MAX_LISTED_LOGINS {
            entries.remove(0);
        }
        // Most subjects have one login or two: no room for four.
        if entries.len() < 4 {
            entries.reserve_exact(1);
        }
        entries.push(entry);
    }

    /// Takes a login out of the list.
    pub(crate) fn leave(&mut self, subject: &SubjectKey, login: LoginId) -> Option<Entry> {
        let entries = self.index.get_mut(subject)?;
        let at = entries.iter().position(|entry| entry.login == login)?;
        let entry = entries.remove(at);
        if entries.is_empty() {
            self.index.remove(subject);
        }
        Some(entry)
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

impl Inner {
    /// How `entry` is, from the record it stands for.
    pub(crate) fn health(
        &self,
        lane: &LaneState,
        subject: SubjectKey,
        entry: &Entry,
        now: Timestamp,
    ) -> Health {
        let health = match (entry.kind, entry.session) {
            (LoginKind::Token, _) => self.health_of_refresh(lane, entry, now),
            (_, Some(at)) => self.health_of_session(at, entry, now),
            (_, None) if now < entry.absolute_end => {
                Some((Health::Alive(entry.info()), entry.version))
            }
            (_, None) => None,
        };
        match health {
            Some((health, version)) if !lane.is_revoked(subject, entry.key, version) => health,
            _ => Health::Dead,
        }
    }

    fn health_of_session(
        &self,
        at: SessionKey,
        entry: &Entry,
        now: Timestamp,
    ) -> Option<(Health, u64)> {
        let Some((_, record)) = self.session_of(at, entry.login, now) else {
            let is_awaited = entry.pending && now < entry.created_at.plus(PENDING_FOR);
            return is_awaited.then_some((Health::Pending, entry.version));
        };
        let info = LoginInfo {
            last_seen_at: record.last_seen_at,
            expires_at: record.absolute_end,
            ..entry.info()
        };
        let version = record.login.as_ref().map_or(entry.version, |l| l.version);
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

    /// Where the session of `login` is now, which was under `at` once, and the session.
    pub(crate) fn session_of(
        &self,
        mut at: SessionKey,
        login: LoginId,
        now: Timestamp,
    ) -> Option<(SessionKey, Arc<SessionRecord>)> {
        for _ in 0..MAX_HOPS {
            let cell = self.sessions.get(&at)?;
            match &*cell.state() {
                State::Gone(gone) => at = gone.successor,
                State::Live(live) => {
                    let its = live.record.login.as_ref().map(|l| l.login);
                    let is_it = its == Some(login) && !live.record.is_expired(now);
                    return is_it.then(|| (at, Arc::clone(&live.record)));
                }
                State::Ended { .. } => return None,
            }
        }
        None
    }

    /// Drops dead entries from all lists of a lane; returns how many.
    pub(crate) fn prune_index(&self, lane: &mut LaneState, now: Timestamp) -> usize {
        let subjects: Vec<SubjectKey> = lane.index.keys().copied().collect();
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
        let Some(mut entries) = lane.index.remove(&subject) else {
            return 0;
        };
        let before = entries.len();
        entries.retain(|entry| !matches!(self.health(lane, subject, entry, now), Health::Dead));
        let dropped = before - entries.len();
        if !entries.is_empty() {
            lane.index.insert(subject, entries);
        }
        dropped
    }
}
