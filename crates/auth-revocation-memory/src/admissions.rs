//! Letting logins in.

use std::sync::Arc;

use auth_core::{
    LoginId, Timestamp,
    revocation::{LoginKey, MAX_LIFETIME, Op, Place},
    store::{Admission, Admitted, LoginLimit, Notice, Overflow},
};

use crate::{
    index::LaneState,
    list::{Entry, EntryPlace, Listed},
    revocations::end_once,
    store::Inner,
};

/// What an admission did.
pub(crate) struct Admitting {
    pub(crate) outcome: Admitted,
    /// Whether it was let in just now, and not when the same command came before.
    pub(crate) is_new: bool,
    pub(crate) notices: Vec<Notice>,
}

impl Admitting {
    fn unchanged(outcome: Admitted) -> Self {
        Self {
            outcome,
            is_new: false,
            notices: Vec::new(),
        }
    }
}

/// Nothing outlives what revocations are remembered for.
pub(crate) fn absolute_end(admission: &Admission, now: Timestamp) -> Timestamp {
    now.plus(admission.lifetimes.absolute.min(MAX_LIFETIME))
}

impl Inner {
    /// Lets a login in, within its subject's lane.
    pub(crate) fn admit(
        &self,
        lane: &mut LaneState,
        place: Place,
        admission: &Admission,
        now: Timestamp,
    ) -> Admitting {
        let key = LoginKey::of(&self.realm, &admission.subject, &admission.login);
        if let Some((version, ended)) = self.admitted_before(lane, place, admission.op, key) {
            return Admitting::unchanged(Admitted::Yes { version, ended });
        }
        let version = lane.revocations.version(&place.subject);
        let has_moved = admission
            .since
            .is_some_and(|since| since.version() != version);
        // A login that was ended can not come in again, a late repetition of its start either.
        if has_moved || lane.is_ended(place.subject, key) {
            return Admitting::unchanged(Admitted::Moved);
        }
        let Some(oldest) = self.make_room(lane, place, admission, now) else {
            return Admitting::unchanged(Admitted::TooMany);
        };
        let mut notices = Vec::new();
        for &(login, key) in &oldest {
            let end = self.forget_login(lane, place, login, key, now);
            end_once(lane, place.subject, key, end, now);
            notices.push(Notice::Login(place.lane, key));
        }
        let ended: Vec<LoginId> = oldest.into_iter().map(|(login, _)| login).collect();
        lane.index.enter(Entry {
            subject: place.subject,
            login: admission.login,
            key,
            kind: admission.kind,
            device: admission.device.as_deref().map(Box::from),
            created_at: now,
            absolute_end: absolute_end(admission, now),
            version,
            op: admission.op,
            ended: ended.clone().into_boxed_slice(),
            place: EntryPlace::Awaited(admission.session),
        });
        Admitting {
            outcome: Admitted::Yes { version, ended },
            is_new: true,
            notices,
        }
    }

    /// What a repetition of an admission is told: the version, and whom it ended.
    fn admitted_before(
        &self,
        lane: &LaneState,
        place: Place,
        op: Op,
        login: LoginKey,
    ) -> Option<(u64, Vec<LoginId>)> {
        match lane.index.find(&place.subject, login)?.session() {
            Err(entry) if entry.op == op => Some((entry.version, entry.ended.to_vec())),
            Err(_) => None,
            // It is there by now, it ended nobody, and ids of logins are used once.
            Ok((cell, _)) => {
                let (_, record) = self.last_session_of(Arc::clone(cell), login)?;
                Some((record.login.as_ref()?.version, Vec::new()))
            }
        }
    }

    /// The logins to end so that one more may come in; None if it may not.
    fn make_room(
        &self,
        lane: &mut LaneState,
        place: Place,
        admission: &Admission,
        now: Timestamp,
    ) -> Option<Vec<(LoginId, LoginKey)>> {
        let Some(LoginLimit { max, overflow }) = admission.limit else {
            return Some(Vec::new());
        };
        self.prune_subject(lane, place.subject, now);
        let all = lane.index.of(&place.subject).iter();
        let others: Vec<_> = all
            .filter_map(|listed| self.login_of(listed))
            .filter(|(login, _)| *login != admission.login)
            .collect();
        let max = usize::try_from(max.max(1)).unwrap_or(usize::MAX);
        let too_many = (others.len() + 1).saturating_sub(max);
        match overflow {
            _ if too_many == 0 => Some(Vec::new()),
            Overflow::EndOldest => Some(others[..too_many].to_vec()),
            _ => None,
        }
    }

    /// The id and the key of a listed login; None if it is a session that has just ended.
    fn login_of(&self, listed: &Listed) -> Option<(LoginId, LoginKey)> {
        match listed.session() {
            Err(entry) => Some((entry.login, entry.key)),
            Ok((cell, _)) => {
                let key = listed.key()?;
                let (_, record) = self.last_session_of(Arc::clone(cell), key)?;
                Some((record.login.as_ref()?.login, key))
            }
        }
    }
}
