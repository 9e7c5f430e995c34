//! Verdicts and revocations.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use auth_core::{
    LoginId, StoreError, Timestamp, Unavailable, Verdict,
    revocation::{Lane, LoginKey, Op, Place, Query, Recorded, SubjectKey, TokenKey},
    store::{Epoch, Notice, Revocation, Revocations, Subscription, Target},
};

use crate::{
    MemoryStore,
    index::LaneState,
    list::{EntryPlace, Listed},
    store::Inner,
};

/// A full denylist looks in all lanes for what has died at most so often.
const SEARCH_EVERY: Duration = Duration::from_secs(1);

#[async_trait]
impl Revocations for MemoryStore {
    fn realm(&self) -> &str {
        &self.inner.realm
    }

    /// No: it ends with the process.
    fn is_shared(&self) -> bool {
        false
    }

    fn verdict_now(&self, query: &Query) -> Option<Verdict> {
        Some(self.inner.verdict(query))
    }

    async fn verdict(&self, query: &Query) -> Verdict {
        self.inner.verdict(query)
    }

    fn verdict_stale(&self, query: &Query, _at_most: Duration) -> Option<Verdict> {
        Some(self.inner.verdict(query))
    }

    async fn epoch(&self, subject: &str) -> Result<Epoch, Unavailable> {
        let place = Place::of(&self.inner.realm, subject);
        let version = |lane: &LaneState| lane.revocations.version(&place.subject);
        Ok(Epoch::new(self.inner.look(place.lane, version)))
    }

    async fn revoke(&self, op: Op, revocation: &Revocation) -> Result<(), StoreError> {
        let made = self.inner.revoke(op, revocation);
        self.inner.events.tell_revocation(revocation, &made);
        made
    }

    fn subscribe(&self) -> Subscription {
        self.inner.hub.subscribe()
    }
}

impl Inner {
    fn revoke(&self, op: Op, revocation: &Revocation) -> Result<(), StoreError> {
        let realm = revocation.realm();
        let (recorded, notice) = match revocation.target() {
            Target::Token {
                issuer,
                jti,
                subject,
                exp,
            } => {
                let lane = Lane::of(realm, subject);
                let token = TokenKey::of(issuer, jti);
                (self.deny(lane, token, *exp)?, Notice::Token(lane, token))
            }
            Target::Login { subject, login } => {
                let place = Place::of(realm, subject);
                let key = LoginKey::of(realm, subject, login);
                let recorded = self.step(place.lane, |lane, now| {
                    let end = self.forget_login(lane, place, *login, key, now);
                    end_once(lane, place.subject, key, end, now)
                });
                (recorded, Notice::Login(place.lane, key))
            }
            Target::OtherLogins { subject, keep } => {
                let keep = LoginKey::of(realm, subject, keep);
                self.raise(Place::of(realm, subject), Some(keep), op)
            }
            Target::Subject { subject } => self.raise(Place::of(realm, subject), None, op),
            Target::All => {
                let mut recorded = Recorded::Already;
                for lane in Lane::all() {
                    if self.step(lane, |lane, now| lane.revocations.raise_all(op, now))
                        == Recorded::New
                    {
                        recorded = Recorded::New;
                    }
                }
                (recorded, Notice::All)
            }
            // What this version does not know it can not have done.
            _ => return Err(StoreError::Unreadable),
        };
        if recorded == Recorded::New {
            self.hub.tell(notice);
        }
        Ok(())
    }

    fn raise(&self, place: Place, keep: Option<LoginKey>, op: Op) -> (Recorded, Notice) {
        let recorded = self.step(place.lane, |lane, now| {
            lane.revocations.raise_subject(place.subject, keep, op, now)
        });
        (recorded, Notice::Subject(place.lane, place.subject, keep))
    }

    /// Denies a token, if there is room for it among those of all lanes.
    fn deny(&self, lane: Lane, token: TokenKey, exp: Timestamp) -> Result<Recorded, StoreError> {
        let is_reserved = self.reserve();
        let denied = self.step(lane, |lane, now| {
            // Without room it can only be one that is denied already.
            let limit = if is_reserved { usize::MAX } else { 0 };
            lane.revocations.deny_token(token, exp, limit, now)
        });
        if is_reserved {
            // The step has counted what it added.
            self.denied_tokens.fetch_sub(1, Ordering::Relaxed);
        }
        denied.map_err(|_| StoreError::Full)
    }

    fn reserve(&self) -> bool {
        let take = || {
            self.denied_tokens
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| {
                    (n < self.max_denied_tokens).then_some(n + 1)
                })
                .is_ok()
        };
        take()
            || (self.search_is_due() && {
                for lane in Lane::all() {
                    self.step(lane, |lane, now| lane.revocations.prune(now));
                }
                take()
            })
    }

    fn search_is_due(&self) -> bool {
        let now = self.now();
        let next = now.plus(SEARCH_EVERY).as_millis();
        self.next_search
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |due| {
                // A clock that stepped back must not put it off for long.
                (now.as_millis() >= due || next < due).then_some(next)
            })
            .is_ok()
    }

    /// Deletes the records of a login and takes it out of the list; gives when it would have ended
    /// at the latest, if that is known.
    pub(crate) fn forget_login(
        &self,
        lane: &mut LaneState,
        place: Place,
        login: LoginId,
        key: LoginKey,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let listed = lane.index.leave(&place.subject, key);
        let (cell, end) = match listed.as_ref().map(Listed::session) {
            None => (None, None),
            Some(Ok((cell, _))) => (Some(Arc::clone(cell)), None),
            Some(Err(entry)) => match &entry.place {
                EntryPlace::Session(cell) => (Some(Arc::clone(cell)), Some(entry.absolute_end)),
                EntryPlace::Elsewhere => (None, Some(entry.absolute_end)),
                // A session that is still to come will end later than the list says.
                EntryPlace::Awaited(at) => (at.and_then(|at| self.sessions.get(&at)), None),
            },
        };
        // It may move between the two steps, and is then swept later.
        let of_session = cell.and_then(|cell| {
            if let Some((last, record)) = self.last_session_of(Arc::clone(&cell), key)
                && !record.is_expired(now)
            {
                last.end(now);
            }
            self.absolute_end_of(cell, key)
        });
        let refresh = self.take_refresh(lane, login, key);
        refresh.or(end).or(of_session)
    }
}

/// Ends a login in its lane's revocations. One that was ended by a call that knew when it would
/// have ended stays as it is.
pub(crate) fn end_once(
    lane: &mut LaneState,
    subject: SubjectKey,
    key: LoginKey,
    end: Option<Timestamp>,
    now: Timestamp,
) -> Recorded {
    if end.is_none() && lane.is_ended(subject, key) {
        return Recorded::Already;
    }
    lane.revocations.end_login(key, end, now)
}
