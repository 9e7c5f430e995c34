//! The lists of logins.

use async_trait::async_trait;
use auth_core::{
    LoginId, StoreError,
    revocation::{LoginKey, Place},
    store::{Admission, Admitted, LoginInfo, LoginPage, Logins},
};

use crate::{MemoryStore, index::Health, store::Inner};

#[async_trait]
impl Logins for MemoryStore {
    async fn admit(&self, admission: &Admission) -> Result<Admitted, StoreError> {
        let inner = &self.inner;
        let place = Place::of(&inner.realm, &admission.subject);
        let admitting = inner.step(place.lane, |lane, now| {
            inner.admit(lane, place, admission, now)
        });
        for notice in admitting.notices {
            inner.hub.tell(notice);
        }
        Ok(admitting.outcome)
    }

    fn withdraw(&self, subject: &str, login: LoginId) {
        self.inner.withdraw(subject, login);
    }

    async fn logins(
        &self,
        subject: &str,
        after: Option<LoginId>,
        limit: usize,
    ) -> Result<LoginPage, StoreError> {
        let inner = &self.inner;
        let place = Place::of(&inner.realm, subject);
        let mut alive: Vec<LoginInfo> = inner.look(place.lane, |lane| {
            let now = inner.now();
            let all = lane.index.of(&place.subject).iter();
            all.rev()
                .filter_map(
                    |listed| match inner.health(lane, place.subject, listed, now) {
                        Health::Alive(info) => Some(info),
                        Health::Pending | Health::Dead => None,
                    },
                )
                .collect()
        });
        // If the one named has ended meanwhile, begin anew: rather one twice than one not at all.
        let from = after
            .and_then(|after| alive.iter().position(|info| info.login == after))
            .map_or(0, |at| at + 1);
        let mut logins = alive.split_off(from);
        let is_more = logins.len() > limit.max(1);
        logins.truncate(limit.max(1));
        let next = logins.last().filter(|_| is_more).map(|info| info.login);
        Ok(LoginPage { logins, next })
    }
}

impl Inner {
    /// Takes a login out of its subject's list.
    pub(crate) fn withdraw(&self, subject: &str, login: LoginId) {
        let place = Place::of(&self.realm, subject);
        let key = LoginKey::of(&self.realm, subject, &login);
        self.step(place.lane, |lane, _| {
            lane.index.leave(&place.subject, key);
        });
    }
}
