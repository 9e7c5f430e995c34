//! Refresh logins.

use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{
    LoginId, StoreError, Timestamp,
    revocation::{Lane, LoginKey, Place, SubjectKey},
    store::{
        Admitted, Notice, RefreshGrant, RefreshLogins, RefreshRecord, RefreshStart, Rotated,
        Rotation, RotationState, RotationStep, rotation_step,
    },
};
use parking_lot::Mutex;

use crate::{
    MemoryStore, admissions::absolute_end, index::LaneState, revocations::end_once, store::Inner,
};

/// A refresh login is in its subject's lane.
pub(crate) type RefreshKey = (Lane, LoginId);

/// One refresh login. Read under its lane's lock and changed under its lane's write lock, so that
/// every step sees the lane's revocations; the mutex here only makes that safe to share.
#[derive(Debug)]
pub(crate) struct RefreshCell {
    subject: SubjectKey,
    key: LoginKey,
    pub(crate) record: Mutex<RefreshRecord>,
}

impl RefreshCell {
    /// Whether it is neither over nor revoked.
    pub(crate) fn is_alive(&self, lane: &LaneState, now: Timestamp) -> bool {
        let record = self.record.lock();
        !record.is_expired(now) && !lane.is_revoked(self.subject, self.key, record.version)
    }
}

#[async_trait]
impl RefreshLogins for MemoryStore {
    async fn start(&self, start: &RefreshStart) -> Result<Admitted, StoreError> {
        let inner = &self.inner;
        let place = Place::of(&inner.realm, &start.admission.subject);
        let admitting = inner.step(place.lane, |lane, now| {
            let admitting = inner.admit(lane, place, &start.admission, now);
            if let (Admitted::Yes { version, .. }, true) = (&admitting.outcome, admitting.is_new) {
                inner.keep_refresh(lane, place, start, *version, now);
            }
            admitting
        });
        for notice in admitting.notices {
            inner.hub.tell(notice);
        }
        Ok(admitting.outcome)
    }

    async fn rotate(&self, rotation: &Rotation) -> Result<Rotated, StoreError> {
        let inner = &self.inner;
        let (rotated, notice) =
            inner.step(rotation.lane, |lane, now| inner.rotate(lane, rotation, now));
        if let Some(notice) = notice {
            inner.hub.tell(notice);
        }
        Ok(rotated)
    }

    fn arrived(&self, lane: Lane, login: LoginId, generation: u64) {
        let inner = &self.inner;
        // In the lane's write lock, as all changes of a record are.
        inner.step(lane, |lane, _| {
            let Some(cell) = inner.refresh_logins.get(&(lane.lane, login)) else {
                return;
            };
            let rotation = &mut cell.record.lock().rotation;
            rotation.is_known_to_have_arrived |= rotation.generation == generation;
        });
    }

    async fn refresh_login(
        &self,
        lane: Lane,
        login: LoginId,
    ) -> Result<Option<RefreshRecord>, StoreError> {
        let inner = &self.inner;
        Ok(inner.look(lane, |state| {
            let cell = inner.refresh_logins.get(&(lane, login))?;
            let is_alive = cell.is_alive(state, inner.now());
            is_alive.then(|| cell.record.lock().clone())
        }))
    }
}

impl Inner {
    fn keep_refresh(
        &self,
        lane: &mut LaneState,
        place: Place,
        start: &RefreshStart,
        version: u64,
        now: Timestamp,
    ) {
        let admission = &start.admission;
        let record = RefreshRecord {
            subject: admission.subject.clone(),
            login: admission.login,
            grant: RefreshGrant {
                auth_time: start.grant.auth_time.or(Some(now)),
                ..start.grant.clone()
            },
            device: admission.device.clone(),
            created_at: now,
            last_seen_at: now,
            absolute_end: absolute_end(admission, now),
            idle: admission.lifetimes.idle,
            version,
            rotation: RotationState::first(start.hash, now),
        };
        let login_key = LoginKey::of(&self.realm, &admission.subject, &admission.login);
        let cell = Arc::new(RefreshCell {
            subject: place.subject,
            key: login_key,
            record: Mutex::new(record),
        });
        let key = (place.lane, admission.login);
        // A login id is random and used once; should it come again, the newer login has it.
        if let Err(other) = self.refresh_logins.insert_new(key, Arc::clone(&cell)) {
            self.refresh_logins.remove(key, &other);
            let _ = self.refresh_logins.insert_new(key, cell);
        }
        lane.index.arrived(&place.subject, login_key);
    }

    /// The order of these checks is the order of the design.
    fn rotate(
        &self,
        lane: &mut LaneState,
        rotation: &Rotation,
        now: Timestamp,
    ) -> (Rotated, Option<Notice>) {
        let Some(cell) = self.refresh_logins.get(&(rotation.lane, rotation.login)) else {
            return (Rotated::Invalid, None);
        };
        if !cell.is_alive(lane, now) {
            return (Rotated::Invalid, None);
        }
        let mut record = cell.record.lock();
        let step = rotation_step(&record.rotation, rotation, now);
        let rotated = match step {
            RotationStep::Advance | RotationStep::Adopt => {
                record.rotation =
                    RotationState::advanced(&rotation.presented, &rotation.successor, now);
                record.version = lane.revocations.version(&cell.subject);
                record.last_seen_at = record.last_seen_at.max(now);
                Rotated::Advanced {
                    record: record.clone(),
                    adopted: step == RotationStep::Adopt,
                }
            }
            RotationStep::Replay => Rotated::Replayed {
                record: record.clone(),
            },
            RotationStep::Ahead => Rotated::Ahead {
                subject: record.subject.clone(),
            },
            RotationStep::Reuse => Rotated::Reused {
                subject: record.subject.clone(),
            },
            RotationStep::DataLoss => Rotated::DataLost {
                subject: record.subject.clone(),
            },
        };
        drop(record);
        let is_over = matches!(step, RotationStep::Reuse | RotationStep::DataLoss);
        let notice = is_over.then(|| {
            let place = Place {
                lane: rotation.lane,
                subject: cell.subject,
            };
            let end = self.forget_login(lane, place, rotation.login, cell.key, now);
            end_once(lane, cell.subject, cell.key, end, now);
            Notice::Login(rotation.lane, cell.key)
        });
        (rotated, notice)
    }

    /// Deletes the record of a refresh login, if it is that subject's; gives its absolute end.
    pub(crate) fn take_refresh(
        &self,
        lane: &mut LaneState,
        login: LoginId,
        key: LoginKey,
    ) -> Option<Timestamp> {
        let at = (lane.lane, login);
        let cell = self
            .refresh_logins
            .get(&at)
            .filter(|cell| cell.key == key)?;
        self.refresh_logins.remove(at, &cell);
        let end = cell.record.lock().absolute_end;
        Some(end)
    }

    /// Deletes a refresh login that is over or revoked; whether it was.
    pub(crate) fn drop_refresh(
        &self,
        lane: &mut LaneState,
        key: RefreshKey,
        now: Timestamp,
    ) -> bool {
        let cell = self.refresh_logins.get(&key);
        let Some(cell) = cell.filter(|cell| !cell.is_alive(lane, now)) else {
            return false;
        };
        self.refresh_logins.remove(key, &cell);
        true
    }
}
