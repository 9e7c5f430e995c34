//! One step that a commit asks the store for.

use std::sync::Arc;

use auth_core::{
    LoginId, Timestamp,
    revocation::{Lane, Op},
    store::{
        Admission, Commit, Establish, Fields, Lifetimes, LoginChange, LoginKind, LoginLimit,
        SessionKey, SessionLogin, SessionRecord,
    },
};

use crate::{
    SessionError, SessionErrorKind,
    changes::Changes,
    id::SessionId,
    login::NewLogin,
    state::{Current, Live, Pending, subject_of},
};

/// One step of a commit: what was pending when it began. It does not change any more, but for
/// being fitted to what other requests saved meanwhile.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The session it starts from, if there is one.
    pub(crate) from: Option<Live>,
    pub(crate) step: Step,
    pub(crate) keep_data: bool,
    pub(crate) changes: Changes,
    op: Op,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Changes fields under the id that the session has.
    Fields,
    /// Begins a session, or moves it to a new id.
    Move { new: SessionId, who: Who },
}

/// Who is logged in after a move.
#[derive(Clone, Debug)]
pub(crate) enum Who {
    Same,
    /// The same, who has just proven it.
    Confirmed,
    Nobody,
    Login(Box<NewLogin>),
}

impl Plan {
    /// What to do about `pending`; None if that is nothing.
    ///
    /// # Errors
    ///
    /// If there is something to do, but the session is over.
    pub(crate) fn make(current: &Current, pending: Pending) -> Result<Option<Self>, SessionError> {
        let from = match current {
            Current::Live(live) => Some(live.clone()),
            _ => None,
        };
        let nothing = Fields::new();
        let saved = from.as_ref().map_or(&nothing, |live| &live.record.fields);
        let writes = pending.changes.change(saved);
        let step = match (pending.login, &from) {
            (Some(login), _) => Some(Who::Login(login)),
            (None, _) if pending.confirm => Some(Who::Confirmed),
            (None, Some(_)) if pending.rotate => Some(Who::Same),
            (None, None) if writes => Some(Who::Nobody),
            (None, Some(_)) if writes => None,
            // The browser might have another one by now: not ours to renew.
            (None, None) if pending.rotate && current.is_over() => Some(Who::Same),
            _ => return Ok(None),
        };
        match (current, &step) {
            (Current::Ended, Some(Who::Login(_))) => {}
            _ if current.is_over() => return Err(SessionErrorKind::Ended.into()),
            _ => {}
        }
        Ok(Some(Self::new(from, step, pending.changes)))
    }

    /// Moves a session to a new id, with its data but without its login.
    pub(crate) fn leave_login(from: Live, changes: Changes) -> Self {
        Self::new(Some(from), Some(Who::Nobody), changes)
    }

    fn new(from: Option<Live>, who: Option<Who>, changes: Changes) -> Self {
        let keep_data = match (&who, &from) {
            (Some(Who::Login(login)), Some(from)) => login.keeps_data_of(subject_of(from)),
            _ => true,
        };
        // A session stays in the lane it was born in: its old and its new id change in one step.
        let lane = || {
            from.as_ref()
                .map_or_else(Lane::random, |from| from.key.lane)
        };
        let step = match who {
            Some(who) => Step::Move {
                new: SessionId::random_in(lane()),
                who,
            },
            None => Step::Fields,
        };
        Self {
            from,
            step,
            keep_data,
            changes,
            op: Op::random(),
        }
    }

    /// The same step from the session as it is by now, with every update run again.
    pub(crate) fn rebased(&self, now: Option<Arc<SessionRecord>>) -> Result<Self, SessionError> {
        let mut rebased = self.clone();
        if let (Some(from), Some(now)) = (&mut rebased.from, now) {
            *from = Live::new(from.key, now);
            rebased.op = Op::random();
        }
        let mut changes = std::mem::take(&mut rebased.changes);
        changes.rebase(rebased.saved())?;
        rebased.changes = changes;
        Ok(rebased)
    }

    /// The fields that the changes are changes to.
    fn saved(&self) -> &Fields {
        static NOTHING: Fields = Fields::new();
        match &self.from {
            Some(from) if self.keep_data => &from.record.fields,
            _ => &NOTHING,
        }
    }

    pub(crate) fn login(&self) -> Option<&NewLogin> {
        match &self.step {
            Step::Move {
                who: Who::Login(login),
                ..
            } => Some(login),
            _ => None,
        }
    }

    /// Who will be logged in.
    pub(crate) fn subject(&self) -> Option<&str> {
        match &self.step {
            Step::Move {
                who: Who::Login(login),
                ..
            } => Some(&login.subject),
            Step::Move {
                who: Who::Nobody, ..
            } => None,
            _ => subject_of(self.from.as_ref()?),
        }
    }

    /// The login that is over once this is done.
    pub(crate) fn replaced(&self) -> Option<(&str, LoginId)> {
        match &self.step {
            Step::Fields
            | Step::Move {
                who: Who::Same | Who::Confirmed,
                ..
            } => None,
            Step::Move { .. } => {
                let login = self.from.as_ref()?.record.login.as_ref()?;
                Some((&login.subject, login.login))
            }
        }
    }

    /// The first step of a login.
    pub(crate) fn admission(&self, limit: Option<LoginLimit>) -> Option<Admission> {
        let Step::Move { new, who } = &self.step else {
            return None;
        };
        let Who::Login(login) = who else {
            return None;
        };
        // The login that this one takes the place of is still counted, but makes room.
        let makes_room = self.replaced().is_some_and(|(s, _)| s == login.subject);
        Some(Admission {
            subject: login.subject.clone(),
            login: login.login,
            kind: LoginKind::Session,
            device: login.device.clone(),
            lifetimes: login.lifetimes,
            since: login.since,
            limit: limit.map(|limit| LoginLimit {
                max: limit.max.saturating_add(makes_room.into()),
                ..limit
            }),
            session: Some(new.key()),
            op: login.admission,
        })
    }

    /// The step of a move; `version` is what its login was admitted with.
    pub(crate) fn establish(
        &self,
        new: &SessionId,
        who: &Who,
        version: u64,
        defaults: Lifetimes,
    ) -> Establish {
        let login = match who {
            Who::Same => LoginChange::Keep,
            Who::Confirmed => LoginChange::Confirm,
            Who::Nobody => LoginChange::Clear,
            Who::Login(login) => LoginChange::Set(SessionLogin {
                login: login.login,
                subject: login.subject.as_str().into(),
                version,
                // The store puts its own time here.
                auth_time: Timestamp::default(),
                scopes: login.scopes.clone(),
                persistent: login.persistent,
            }),
        };
        Establish {
            old: self.from.as_ref().map(|from| from.key),
            new: new.key(),
            login,
            keep_data: self.keep_data,
            changes: self.changes.to_send(self.saved()),
            lifetimes: self.login().map_or(defaults, |login| login.lifetimes),
            op: self.op,
        }
    }

    /// The step of a change of fields.
    pub(crate) fn commit(&self, key: SessionKey) -> Commit {
        Commit {
            key,
            changes: self.changes.to_send(self.saved()),
            op: self.op,
        }
    }
}
