//! What should become of a session under everything that its requests do to it: too simple to be
//! wrong.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::world::LIMITS;
use crate::{
    LoginId, Timestamp,
    store::{Load, SessionKey, SessionRecord, TOMBSTONE, touch_interval},
};

/// Who is logged in, or about to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Who {
    pub(super) login: LoginId,
    pub(super) version: u64,
}

/// A session that is alive.
#[derive(Clone, Debug)]
pub(super) struct Alive {
    pub(super) who: Option<Who>,
    pub(super) fields: BTreeMap<Arc<str>, String>,
    pub(super) seen: Timestamp,
    pub(super) end: Timestamp,
}

impl Alive {
    fn expires_at(&self) -> Timestamp {
        let idle = LIMITS.idle.expect("there is an idle limit");
        self.seen
            .plus(idle)
            .plus(touch_interval(idle))
            .min(self.end)
    }
}

/// What is under an id.
#[derive(Clone, Debug)]
enum Id {
    Alive(Alive),
    Gone(Timestamp),
    Ended(Timestamp),
    /// Ended at a time that is not told, or before it was there.
    Over,
}

/// Everything that is known of one subject's sessions.
#[derive(Debug, Default)]
pub(super) struct Model {
    ids: HashMap<SessionKey, Id>,
    ended: Vec<LoginId>,
    epoch: u64,
    /// The one that was spared when the epoch was raised, and what it has to reach.
    kept: Option<(LoginId, u64)>,
}

impl Model {
    /// The session under `key`, if it is alive.
    pub(super) fn alive(&mut self, key: &SessionKey, now: Timestamp) -> Option<&mut Alive> {
        match self.ids.get_mut(key) {
            Some(Id::Alive(alive)) if now < alive.expires_at() => Some(alive),
            _ => None,
        }
    }

    /// Whether a limit of the session is so close that it can not be told on which side we are.
    pub(super) fn is_close(
        &self,
        key: &SessionKey,
        now: Timestamp,
        tolerance: std::time::Duration,
    ) -> bool {
        let limit = match self.ids.get(key) {
            Some(Id::Alive(alive)) => alive.expires_at(),
            Some(Id::Gone(until) | Id::Ended(until)) => *until,
            Some(Id::Over) | None => return false,
        };
        !tolerance.is_zero() && now.plus(tolerance) >= limit && limit.plus(tolerance) > now
    }

    pub(super) fn keys(&self) -> Vec<SessionKey> {
        self.ids.keys().copied().collect()
    }

    pub(super) fn forget(&mut self, key: &SessionKey) {
        self.ids.remove(key);
    }

    /// The logins that should be listed.
    pub(super) fn logins(&self, now: Timestamp) -> Vec<LoginId> {
        let login = |id: &Id| match id {
            Id::Alive(alive) if now < alive.expires_at() => alive.who.map(|who| who.login),
            _ => None,
        };
        self.ids.values().filter_map(login).collect()
    }

    fn is_good(&self, who: &Who) -> bool {
        let spared = self
            .kept
            .is_some_and(|(kept, floor)| kept == who.login && who.version >= floor);
        !self.ended.contains(&who.login) && (who.version >= self.epoch || spared)
    }

    /// A session begins, or moves from `old`, which was alive.
    pub(super) fn moved(
        &mut self,
        old: Option<&SessionKey>,
        new: SessionKey,
        alive: Alive,
        now: Timestamp,
    ) {
        if let Some(old) = old {
            self.ids.insert(*old, Id::Gone(now.plus(TOMBSTONE)));
        }
        let is_good = alive.who.is_none_or(|who| self.is_good(&who));
        let id = if is_good { Id::Alive(alive) } else { Id::Over };
        self.ids.insert(new, id);
    }

    /// The record was deleted.
    pub(super) fn ended(&mut self, key: &SessionKey, now: Timestamp) {
        if let Some(Id::Alive(alive)) = self.ids.get(key) {
            // What had expired, but is still stored, may be told to have ended.
            let is_expired = alive.expires_at() <= now;
            let id = if is_expired {
                Id::Over
            } else {
                Id::Ended(now.plus(TOMBSTONE))
            };
            self.ids.insert(*key, id);
        }
    }

    /// One login was ended.
    pub(super) fn login_ended(&mut self, login: LoginId, now: Timestamp) {
        self.ended.push(login);
        self.end_what_is_no_good(now);
    }

    /// All logins but `keep` were ended, and the subject's epoch is `epoch` now.
    pub(super) fn raised(&mut self, epoch: u64, keep: Option<LoginId>, now: Timestamp) {
        self.kept = keep.map(|keep| match self.kept {
            Some((kept, floor)) if kept == keep => (keep, floor),
            _ => (keep, self.epoch),
        });
        self.epoch = epoch;
        self.end_what_is_no_good(now.max(Timestamp::from_millis(epoch)));
    }

    fn end_what_is_no_good(&mut self, at: Timestamp) {
        let no_good: Vec<SessionKey> = self
            .ids
            .iter()
            .filter_map(|(key, id)| match id {
                Id::Alive(Alive { who: Some(who), .. }) if !self.is_good(who) => Some(*key),
                _ => None,
            })
            .collect();
        for key in no_good {
            // What had expired before is not told to have ended.
            let id = match &self.ids[&key] {
                Id::Alive(alive) if alive.expires_at() <= at => Id::Over,
                _ => Id::Ended(at.plus(TOMBSTONE)),
            };
            self.ids.insert(key, id);
        }
    }

    /// Says whether a load found what it should.
    #[track_caller]
    pub(super) fn check(&self, key: &SessionKey, load: &Load, now: Timestamp, at: &str) {
        let expected = match self.ids.get(key) {
            Some(Id::Alive(alive)) if now < alive.expires_at() => {
                let Load::Live(record) = load else {
                    panic!("{at}: it was lost: {load:?}");
                };
                return check_alive(alive, record, at);
            }
            Some(Id::Gone(until)) if now < *until => Load::Gone,
            Some(Id::Ended(until)) if now < *until => Load::Ended,
            // A revocation that came later may be taken for the one that ended it.
            Some(Id::Over | Id::Ended(_)) => {
                let is_over = matches!(load, Load::Absent | Load::Ended);
                return assert!(is_over, "{at}: {load:?}");
            }
            _ => Load::Absent,
        };
        assert_eq!(*load, expected, "{at}");
    }
}

#[track_caller]
fn check_alive(alive: &Alive, record: &SessionRecord, at: &str) {
    let login = record.login.as_ref().map(|login| Who {
        login: login.login,
        version: login.version,
    });
    assert_eq!(login, alive.who, "{at}");
    let fields: BTreeMap<Arc<str>, String> = record
        .fields
        .iter()
        .map(|(name, value)| (name.into(), value.to_owned()))
        .collect();
    assert_eq!(fields, alive.fields, "{at}");
}
