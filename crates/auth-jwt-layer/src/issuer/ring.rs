//! Signing keys that change while they are in use.

use std::{fmt, sync::Arc, time::Duration};

use auth_core::{Clock, Timestamp};
use parking_lot::RwLock;

use super::signing::{Published, SigningFailed, SigningKey, SigningKeys, publish};
use crate::{ConfigError, ConfigErrorKind, KeySet};

/// The keys of an issuer: what signs, what verifies and what is published, each at its time. Clones
/// are the same ring.
///
/// Changes happen when somebody looks and their time has come; between them, looking is a read lock
/// and a clone.
#[derive(Clone)]
pub(crate) struct SigningRing(Arc<Shared>);

struct Shared {
    state: RwLock<Arc<State>>,
    /// From publishing a key to signing with it.
    lead: Duration,
    /// From the last token that a key signs to the end of the key.
    keep: Duration,
    clock: Arc<dyn Clock>,
}

struct State {
    keys: Vec<Scheduled>,
    /// Which of them signs.
    signer: usize,
    published: Published,
    generation: u64,
    /// When something changes next.
    next: Option<Timestamp>,
}

#[derive(Clone)]
struct Scheduled {
    key: Arc<SigningKey>,
    /// None: it is there to verify.
    signs_from: Option<Timestamp>,
    retires_at: Option<Timestamp>,
}

impl SigningRing {
    pub(super) fn new(
        keys: &SigningKeys,
        lead: Duration,
        keep: Duration,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let scheduled = keys.keys().iter().enumerate().map(|(at, key)| Scheduled {
            key: Arc::clone(key),
            signs_from: (at == 0).then(Timestamp::default),
            retires_at: None,
        });
        let state = State {
            keys: scheduled.collect(),
            signer: 0,
            published: keys.published().clone(),
            generation: 0,
            next: None,
        };
        let state = RwLock::new(Arc::new(state));
        Self(Arc::new(Shared {
            state,
            lead,
            keep,
            clock,
        }))
    }

    /// Signs `claims`, one JSON object, as a token of the type `at+jwt`.
    pub(super) fn sign(&self, claims: &[u8], now: Timestamp) -> Result<String, SigningFailed> {
        let state = self.at(now);
        state.keys[state.signer].key.sign(claims)
    }

    /// The public keys as a JWK set.
    pub(super) fn jwks(&self) -> String {
        self.at(self.0.clock.now()).published.jwks.clone()
    }

    /// The keys to verify with, and which generation of them it is.
    pub(crate) fn key_set(&self) -> (KeySet, u64) {
        let state = self.at(self.0.clock.now());
        (state.published.key_set.clone(), state.generation)
    }

    /// Publishes `new` now, and signs with its first key when the lead is over. Gives that time.
    pub(super) fn rotate(&self, new: &SigningKeys) -> Result<Timestamp, ConfigError> {
        let now = self.0.clock.now();
        let mut slot = self.0.state.write();
        let state = slot.advanced(now, self.0.keep);
        let mut keys = state.keys.clone();
        for key in new.keys() {
            match keys.iter_mut().find(|known| known.key.kid() == key.kid()) {
                None => keys.push(Scheduled {
                    key: Arc::clone(key),
                    signs_from: None,
                    retires_at: None,
                }),
                Some(known) if !known.key.is(key) => {
                    let error = ConfigError::from(ConfigErrorKind::DuplicateKey);
                    return Err(error.about_key(Some(key.kid())));
                }
                Some(_) => {}
            }
        }
        let signer = state.keys[state.signer].key.kid();
        let first = new.keys()[0].kid();
        let next = keys
            .iter_mut()
            .find(|scheduled| scheduled.key.kid() == first);
        let next = next.expect("it was put there");
        let signs_from = match next.signs_from {
            Some(at) if first == signer || at > now => at,
            _ => now.plus(self.0.lead),
        };
        (next.signs_from, next.retires_at) = (Some(signs_from), None);
        *slot = Arc::new(State::new(keys, state.generation + 1, now, self.0.keep)?);
        Ok(signs_from.max(now))
    }

    /// Takes a key away at once, with every token that it has signed. Whether it was there.
    pub(super) fn remove(&self, kid: &str) -> Result<bool, ConfigError> {
        let now = self.0.clock.now();
        let mut slot = self.0.state.write();
        let state = slot.advanced(now, self.0.keep);
        let mut keys = state.keys.clone();
        keys.retain(|scheduled| scheduled.key.kid() != kid);
        if keys.len() == state.keys.len() {
            return Ok(false);
        }
        let signs = |it: &Scheduled| it.signs_from.is_some_and(|at| at <= now);
        if !keys.iter().any(signs) {
            // Whichever is next in turn has to sign before its time.
            let waiting = |it: &&mut Scheduled| (it.signs_from.is_none(), it.signs_from);
            let next = keys.iter_mut().min_by_key(waiting);
            next.ok_or(ConfigErrorKind::NoKeys)?.signs_from = Some(now);
        }
        *slot = Arc::new(State::new(keys, state.generation + 1, now, self.0.keep)?);
        Ok(true)
    }

    fn at(&self, now: Timestamp) -> Arc<State> {
        let state = Arc::clone(&self.0.state.read());
        if !state.is_due(now) {
            return state;
        }
        let mut slot = self.0.state.write();
        *slot = slot.advanced(now, self.0.keep);
        Arc::clone(&slot)
    }
}

impl State {
    fn is_due(&self, now: Timestamp) -> bool {
        self.next.is_some_and(|next| now >= next)
    }

    /// As it is now. What has happened stays so, should the clock step back.
    fn advanced(self: &Arc<Self>, now: Timestamp, keep: Duration) -> Arc<Self> {
        if !self.is_due(now) {
            return Arc::clone(self);
        }
        let generation = self.generation + 1;
        let state = Self::new(self.keys.clone(), generation, now, keep);
        Arc::new(state.expect("some of the keys that were published before"))
    }

    fn new(
        mut keys: Vec<Scheduled>,
        generation: u64,
        now: Timestamp,
        keep: Duration,
    ) -> Result<Self, ConfigError> {
        // Those that have begun to sign: each has signed until the next one began.
        let began = |it: &Scheduled| it.signs_from.filter(|at| *at <= now);
        let mut turns: Vec<usize> = (0..keys.len())
            .filter(|at| began(&keys[*at]).is_some())
            .collect();
        turns.sort_by_key(|at| keys[*at].signs_from);
        for pair in turns.windows(2) {
            let ended = keys[pair[1]].signs_from.map(|at| at.plus(keep));
            let retires_at = &mut keys[pair[0]].retires_at;
            *retires_at = retires_at.or(ended);
        }
        let last = *turns.last().ok_or(ConfigErrorKind::NoKeys)?;
        // It may have been about to retire, and has lost its successor.
        keys[last].retires_at = None;
        let signer = Arc::clone(&keys[last].key);
        keys.retain(|it| it.retires_at.is_none_or(|at| now < at));
        let signer = keys.iter().position(|it| Arc::ptr_eq(&it.key, &signer));
        let changes = keys.iter().flat_map(|it| [it.signs_from, it.retires_at]);
        Ok(Self {
            signer: signer.ok_or(ConfigErrorKind::NoKeys)?,
            published: publish(keys.iter().map(|it| &*it.key))?,
            generation,
            next: changes.flatten().filter(|at| now < *at).min(),
            keys,
        })
    }
}

impl fmt::Debug for SigningRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = Arc::clone(&self.0.state.read());
        let signer = state.keys[state.signer].key.kid();
        f.debug_struct("SigningRing")
            .field("keys", &state.published.key_set)
            .field("signs", &signer)
            .finish()
    }
}
