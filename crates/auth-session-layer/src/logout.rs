//! Logging out: acts when awaited, not at the commit.

use std::sync::Arc;

use auth_core::{
    Event, StoreError, Unavailable,
    store::{Load, LoginKind, SessionKey},
};

use crate::{
    SessionError, SessionErrorKind,
    plan::Plan,
    shared::Shared,
    state::{Current, Live, Pending},
};

impl Shared {
    /// Ends the login, then the record.
    pub(crate) async fn log_out(&self) -> Result<(), SessionError> {
        let _step = self.step.lock().await;
        let live = self.session_to_leave().await?;
        if let Some(live) = &live {
            self.end(live).await?;
        }
        self.left();
        Ok(())
    }

    /// Tells that its login has ended, if it has one.
    pub(crate) fn tell_logged_out(&self, live: &Live) {
        if let Some(login) = &live.record.login {
            self.config.events.tell(|| Event::LoggedOut {
                kind: LoginKind::Session,
                subject: login.subject.to_string(),
                login: login.login,
            });
        }
    }

    /// Forgets the session: it has ended.
    pub(crate) fn left(&self) {
        let mut state = self.state();
        let had_cookie = self.cookie || state.cookie.is_some();
        state.pending = Pending::default();
        state.current = Current::Nobody;
        state.cookie = had_cookie.then(|| self.config.transport.removal());
        state.logged_out = true;
    }

    /// Ends the login; its data goes on under a new id.
    pub(crate) async fn log_out_keeping_data(&self) -> Result<(), SessionError> {
        let _step = self.step.lock().await;
        drop(self.open()?);
        let live = self.session_to_leave().await?;
        let plan = {
            let mut state = self.state();
            state.pending.login = None;
            let Some(live) = live.filter(|live| live.record.login.is_some()) else {
                return Ok(());
            };
            let changes = std::mem::take(&mut state.pending).changes;
            let plan = Arc::new(Plan::leave_login(live, changes));
            state.in_flight = Some(Arc::clone(&plan));
            plan
        };
        // The record first: its data can be moved as long as its login is good, and not after.
        let ended = self.run(plan).await.map_err(|error| match error.kind() {
            SessionErrorKind::CommitFailed => {
                SessionErrorKind::Unavailable(Unavailable::default()).into()
            }
            _ => error,
        })?;
        Ok(ended.map_err(unavailable)?)
    }

    /// The session to log out of, if there is one.
    pub(crate) async fn session_to_leave(&self) -> Result<Option<Live>, SessionError> {
        self.check_bearer(&self.state())?;
        // One of several cookies is that session: it would live on, and nobody would know.
        if self.ambiguous && !self.state().has_own() {
            return Err(SessionErrorKind::Ended.into());
        }
        // A login whose commit was dropped may have happened: it has to end, too.
        let in_flight = self.state().in_flight.clone();
        if let Some(plan) = in_flight
            && let Err(error) = self.run(plan).await
            && !matches!(error.kind(), SessionErrorKind::Ended)
        {
            return Err(error);
        }
        self.load_for_step()
            .await
            .map_err(SessionErrorKind::Unavailable)?;
        match &self.state().current {
            Current::Live(live) => Ok(Some(live.clone())),
            // Which id the browser has by now is not known here.
            Current::Over => Err(SessionErrorKind::Ended.into()),
            _ => Ok(None),
        }
    }

    async fn end(&self, live: &Live) -> Result<(), SessionError> {
        let store = &self.config.store;
        let Some(login) = &live.record.login else {
            store.end(&live.key).await.map_err(unavailable)?;
            return self.check_not_moved(&live.key).await;
        };
        store
            .end_login(&login.subject, login.login)
            .await
            .map_err(unavailable)?;
        self.tell_logged_out(live);
        self.end_record(&live.key).await
    }

    /// Ends the record of a login that was ended.
    pub(crate) async fn end_record(&self, key: &SessionKey) -> Result<(), SessionError> {
        // From here on every load refuses the session: what could fail is only the deletion of
        // data that nobody can reach any more, and that expires.
        let _ = self.config.store.end(key).await;
        self.check_not_moved(key).await
    }

    /// Between the load and the end another request may have logged in, or taken the login off:
    /// then the session goes on under the id which that one gave it, and is not to lose its cookie.
    async fn check_not_moved(&self, key: &SessionKey) -> Result<(), SessionError> {
        if let Ok(Load::Gone) = self.config.store.load(key).await {
            self.state().current = Current::Over;
            return Err(SessionErrorKind::Ended.into());
        }
        Ok(())
    }
}

fn unavailable(error: StoreError) -> SessionErrorKind {
    SessionErrorKind::Unavailable(error.into())
}
