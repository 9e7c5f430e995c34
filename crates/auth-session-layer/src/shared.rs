//! A request's session, shared by all handles to it.

use std::{any::Any, fmt, sync::Arc};

use async_trait::async_trait;
use auth_core::{
    Event, Principal, SessionSource, StoreError, Unavailable,
    credentials::has_bearer,
    event::Asked,
    store::{Load, SessionKey},
};
use http::{HeaderMap, HeaderValue};
use parking_lot::{Mutex, MutexGuard};

use crate::{
    SessionError, SessionErrorKind,
    config::Config,
    id::SessionId,
    state::{Current, Live, Pending, State, Told},
    transport::Received,
};

/// A request's session. It is the [`SessionSource`] of the request's caller.
pub(crate) struct Shared {
    pub(crate) config: Arc<Config>,
    /// Whether the request came with a bearer token: then its cookie counts as absent.
    bearer: bool,
    /// Whether it came with a cookie of our name, good or bad.
    pub(crate) cookie: bool,
    /// Whether it came with several: which one is ours can not be told.
    pub(crate) ambiguous: bool,
    /// What removes the cookies of old names that it came with.
    pub(crate) stale: Vec<HeaderValue>,
    /// Held by whoever talks to the store, so that it is asked one thing at a time.
    pub(crate) step: async_lock::Mutex<()>,
    state: Mutex<State>,
}

/// What a session is loaded for. To write to it is a use in itself, to read it has to be recorded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Read,
    Write,
}

impl Shared {
    pub(crate) fn new(config: &Arc<Config>, headers: &HeaderMap) -> Self {
        let bearer = has_bearer(headers);
        let received = match bearer {
            true => Received::nothing(),
            false => config.transport.read(headers),
        };
        Self {
            config: Arc::clone(config),
            bearer,
            cookie: received.is_there,
            ambiguous: received.is_ambiguous,
            stale: received.stale,
            step: async_lock::Mutex::new(()),
            state: Mutex::new(State::new(received.id, received.is_renamed)),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// The state, to change what is pending.
    ///
    /// # Errors
    ///
    /// `Late` once the head of the response has gone out: that is told, too.
    pub(crate) fn open(&self) -> Result<MutexGuard<'_, State>, SessionError> {
        let state = self.state();
        if state.closed {
            drop(state);
            self.config.events.tell(|| Event::LateSessionChange);
            return Err(SessionErrorKind::Late.into());
        }
        Ok(state)
    }

    /// Refuses to take an absent session for an empty one.
    pub(crate) fn check_bearer(&self, state: &State) -> Result<(), SessionError> {
        if self.bearer && !state.has_own() {
            return Err(SessionErrorKind::BearerPresent.into());
        }
        Ok(())
    }

    /// Finds out what session there is, where that can be told without waiting; None if it can not.
    fn load_now(&self) -> Option<Result<(), Unavailable>> {
        let id = match &self.state().current {
            Current::Unloaded(id) => id.clone(),
            Current::Unavailable(_, unavailable) => return Some(Err(*unavailable)),
            _ => return Some(Ok(())),
        };
        let key = id.key();
        let loaded = self.config.store.load_now(&key)?;
        Some(self.loaded(id, key, loaded, Use::Read))
    }

    /// Finds out what session there is; who comes while that is going on waits for it.
    pub(crate) async fn load(&self) -> Result<(), Unavailable> {
        if let Some(known) = self.load_now() {
            return known;
        }
        let _step = self.step.lock().await;
        self.load_in_step(Use::Read).await
    }

    /// Loads the session unless that was done; `step` is held.
    async fn load_in_step(&self, to: Use) -> Result<(), Unavailable> {
        let id = match &self.state().current {
            Current::Unloaded(id) => id.clone(),
            Current::Unavailable(_, unavailable) => return Err(*unavailable),
            _ => return Ok(()),
        };
        let key = id.key();
        let loaded = self.config.store.load(&key).await;
        self.loaded(id, key, loaded, to)
    }

    /// Loads the session to write to it; asks again if the store could not tell before.
    pub(crate) async fn load_for_step(&self) -> Result<(), Unavailable> {
        {
            let mut state = self.state();
            if let Current::Unavailable(id, _) = &state.current {
                state.current = Current::Unloaded(id.clone());
            }
        }
        self.load_in_step(Use::Write).await
    }

    /// Takes in what the store said, unless somebody was faster; whether it is known now.
    fn loaded(
        &self,
        id: SessionId,
        key: SessionKey,
        loaded: Result<Load, StoreError>,
        to: Use,
    ) -> Result<(), Unavailable> {
        let mut touch = false;
        if loaded.is_err() {
            self.tell_unavailable(Asked::Session);
        }
        let current = match loaded {
            Ok(Load::Live(record)) => {
                touch = to == Use::Read && record.touch_is_due(self.config.clock.now());
                Current::Live(Live::new(key, record))
            }
            Ok(Load::Gone) => Current::Over,
            Ok(Load::Ended) => Current::Ended,
            Ok(Load::Absent) => Current::Nobody,
            // What we do not know is nobody's session and nobody's absence.
            Ok(_) => Current::Unavailable(id, Unavailable::default()),
            Err(error) => Current::Unavailable(id, error.into()),
        };
        let mut state = self.state();
        let is_first = matches!(state.current, Current::Unloaded(_));
        if is_first {
            state.current = current;
        }
        let known = match &state.current {
            Current::Unavailable(_, unavailable) => Err(*unavailable),
            _ => Ok(()),
        };
        drop(state);
        if is_first && touch {
            self.config.store.touch(&key);
        }
        known
    }

    pub(crate) fn tell_unavailable(&self, asked: Asked) {
        self.config.events.tell(|| Event::Unavailable { asked });
    }

    /// Ends the request's part in it, unless there is something to commit first; gives what its
    /// response has to say.
    pub(crate) fn close_if_idle(&self) -> Option<Told> {
        let mut state = self.state();
        state.closed |= state.is_idle();
        state.closed.then(|| state.tell())
    }

    /// Ends the request's part in it: whatever is still pending is dropped.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.pending = Pending::default();
    }
}

#[async_trait]
impl SessionSource for Shared {
    fn principal_now(&self) -> Option<Result<Option<Principal>, Unavailable>> {
        // An error is kept, and said by the state.
        let _ = self.load_now()?;
        self.state().principal()
    }

    async fn principal(&self) -> Result<Option<Principal>, Unavailable> {
        self.load().await?;
        let principal = self.state().principal();
        principal.unwrap_or(Err(Unavailable::default()))
    }

    fn peek(&self) -> Option<Result<Option<Principal>, Unavailable>> {
        self.state().principal()
    }

    async fn again(&self) -> Result<Option<Principal>, Unavailable> {
        let key = match &self.state().current {
            Current::Unloaded(id) | Current::Unavailable(id, _) => id.key(),
            Current::Live(live) => live.key,
            Current::Nobody | Current::Over | Current::Ended => return Ok(None),
        };
        let loaded = self.config.store.load(&key).await;
        match loaded.inspect_err(|_| self.tell_unavailable(Asked::Session))? {
            Load::Live(record) => Ok(Live::new(key, record).principal().cloned()),
            Load::Gone | Load::Ended | Load::Absent => Ok(None),
            _ => Err(Unavailable::default()),
        }
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut session = f.debug_struct("Session");
        match self.state.try_lock() {
            Some(state) => match &state.current {
                Current::Unloaded(_) => session.field("state", &"not loaded"),
                Current::Unavailable(..) => session.field("state", &"unavailable"),
                Current::Live(live) => session.field("principal", &live.principal()),
                Current::Nobody => session.field("state", &"none"),
                Current::Ended => session.field("state", &"ended"),
                Current::Over => session.field("state", &"over"),
            },
            None => session.field("state", &"busy"),
        };
        session.finish_non_exhaustive()
    }
}
