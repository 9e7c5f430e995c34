//! Saving what a request did with its session.

use std::sync::Arc;

use auth_core::{
    Event, LoginId, StoreError, Unavailable,
    event::{Asked, LoginRefusal},
    store::{Admitted, CommitOutcome, Established, Load, LoginKind, SessionRecord},
};

use crate::{
    SessionError, SessionErrorKind,
    plan::{Plan, Step, Who},
    shared::Shared,
    state::{Current, Live, Pending, Told},
};

/// How often a step is fitted to what other requests saved meanwhile. Whenever one is refused,
/// another one went through, so that many that start together all come to their turn.
const MAX_ATTEMPTS: usize = 64;

/// What the store made of one attempt.
enum Attempt {
    Done(Arc<SessionRecord>),
    Conflict(Arc<SessionRecord>),
    Ended,
    TooLarge,
}

/// What the first step of a login gave.
#[derive(Default)]
struct Admittance {
    version: u64,
    /// The logins that were ended to make room.
    displaced: Vec<LoginId>,
}

impl Shared {
    /// Saves what is pending, until nothing is.
    ///
    /// # Errors
    ///
    /// What was pending is then forgotten, and nothing of the step that failed has changed.
    pub(crate) async fn commit(&self) -> Result<(), SessionError> {
        let _step = self.step.lock().await;
        let saved = self.commit_in_step().await;
        if saved.is_err() {
            self.state().pending = Pending::default();
        }
        saved
    }

    /// Saves what is pending for the response, after which nothing can be changed any more.
    pub(crate) async fn commit_and_close(&self) -> Result<Told, SessionError> {
        loop {
            if let Some(told) = self.close_if_idle() {
                return Ok(told);
            }
            if let Err(error) = self.commit().await {
                self.close();
                return Err(error);
            }
        }
    }

    async fn commit_in_step(&self) -> Result<(), SessionError> {
        while let Some(plan) = self.next_plan().await? {
            // A login that can not be ended any more does not undo the one that took its place.
            let _ = self.run(plan).await?;
        }
        self.rename().await;
        Ok(())
    }

    /// Sends the cookie under its new name. Its id stays, so a login that another request has made
    /// since this one loaded the session must not be undone by it: that is looked up once more.
    async fn rename(&self) {
        let Some(key) = self.state().to_rename() else {
            return;
        };
        let loaded = self.config.store.load(&key).await;
        let mut state = self.state();
        // Once: if it can not be told now, it is for the next request.
        if let (Some(id), Ok(Load::Live(record))) = (state.renamed.take(), loaded) {
            state.cookie = Some(self.config.set_cookie(&id, &record));
        }
    }

    /// The step that a dropped commit was at, or else all that is pending.
    async fn next_plan(&self) -> Result<Option<Arc<Plan>>, SessionError> {
        {
            let state = self.state();
            if let Some(plan) = &state.in_flight {
                return Ok(Some(Arc::clone(plan)));
            }
            if state.pending.is_empty() {
                return Ok(None);
            }
        }
        if let Err(unavailable) = self.load_for_step().await {
            return Err(match self.state().pending.login {
                Some(_) => SessionErrorKind::Unavailable(unavailable),
                None => SessionErrorKind::CommitFailed,
            }
            .into());
        }
        let plan = {
            let mut state = self.state();
            let pending = std::mem::take(&mut state.pending);
            let plan = Plan::make(&state.current, pending)?.map(Arc::new);
            state.in_flight.clone_from(&plan);
            plan
        };
        match plan {
            Some(plan) if plan.changes.has_updates() => {
                // Updates are the application's code: not to be run under our lock.
                let rebased = plan.rebased(None).map(Arc::new);
                self.state().in_flight = rebased.as_ref().ok().map(Arc::clone);
                rebased.map(Some)
            }
            plan => Ok(plan),
        }
    }

    /// Makes one step, and then ends the login that it replaced. The inner result is of the latter.
    pub(crate) async fn run(
        &self,
        plan: Arc<Plan>,
    ) -> Result<Result<(), StoreError>, SessionError> {
        let replaced = plan.replaced().map(|(s, login)| (s.to_owned(), login));
        let login = plan.login().cloned();
        let made = match self.admit(&plan).await {
            Ok(admitted) => {
                let made = self.establish_or_commit(plan, admitted).await;
                if let (Err(_), Some(login)) = (&made, login) {
                    self.config.store.withdraw(&login.subject, login.login);
                }
                made
            }
            Err(error) => Err(error),
        };
        if let Err(error) = made {
            self.state().in_flight = None;
            return Err(error);
        }
        // Its id died with the step that was made. What is left of it is its entry in the list,
        // and the tokens that were made of it.
        let mut ended = Ok(());
        if let Some((subject, login)) = replaced {
            let store = &self.config.store;
            ended = store.end_login(&subject, login).await;
            if ended.is_err() {
                store.withdraw(&subject, login);
            }
        }
        Ok(ended)
    }

    /// The first step of a login, in its subject's lane.
    async fn admit(&self, plan: &Plan) -> Result<Admittance, SessionError> {
        let Some(mut admission) = plan.admission(self.config.login_limit) else {
            return Ok(Admittance::default());
        };
        let store = &self.config.store;
        let provider = plan.login().and_then(|login| login.provider.as_ref());
        let goes_on = match provider {
            Some(provider) => provider.link(&**store, &mut admission).await,
            None => Ok(true),
        };
        let admitted = match goes_on {
            Ok(true) => store.admit(&admission).await,
            // The provider has ended it already.
            Ok(false) => Ok(Admitted::Moved),
            Err(error) => Err(error),
        };
        let kind = match admitted {
            Ok(Admitted::Yes { version, ended }) => {
                let displaced = ended;
                return Ok(Admittance { version, displaced });
            }
            Ok(Admitted::Moved) => {
                self.tell_login_refused(admission.subject, LoginRefusal::Moved);
                SessionErrorKind::Moved
            }
            Ok(Admitted::TooMany) => {
                self.tell_login_refused(admission.subject, LoginRefusal::TooMany);
                SessionErrorKind::TooManyLogins
            }
            Ok(_) => SessionErrorKind::Unavailable(Unavailable::default()),
            Err(error) => {
                self.tell_unavailable(Asked::Login);
                // It may have happened.
                store.withdraw(&admission.subject, admission.login);
                SessionErrorKind::Unavailable(error.into())
            }
        };
        Err(kind.into())
    }

    /// The second step of a login, in the session's lane, and the only one of all else.
    async fn establish_or_commit(
        &self,
        mut plan: Arc<Plan>,
        admitted: Admittance,
    ) -> Result<(), SessionError> {
        for _ in 0..MAX_ATTEMPTS {
            let error = match self.attempt(&plan, admitted.version).await {
                Ok(Attempt::Done(record)) => {
                    self.done(&plan, record);
                    self.tell_done(&plan, admitted.displaced);
                    return Ok(());
                }
                Ok(Attempt::Conflict(now)) => {
                    plan = Arc::new(plan.rebased(Some(now))?);
                    self.state().in_flight = Some(Arc::clone(&plan));
                    continue;
                }
                Ok(Attempt::Ended) => {
                    self.state().current = Current::Over;
                    SessionErrorKind::Ended
                }
                Ok(Attempt::TooLarge) => SessionErrorKind::TooLarge,
                Err(error) if plan.login().is_some() => {
                    self.tell_unavailable(Asked::Login);
                    SessionErrorKind::Unavailable(error.into())
                }
                Err(_) => {
                    self.tell_unavailable(Asked::Commit);
                    SessionErrorKind::CommitFailed
                }
            };
            return Err(error.into());
        }
        Err(SessionErrorKind::Contended.into())
    }

    async fn attempt(&self, plan: &Plan, version: u64) -> Result<Attempt, StoreError> {
        let store = &self.config.store;
        match (&plan.step, &plan.from) {
            (Step::Fields, Some(from)) => {
                let commit = plan.commit(from.key);
                if commit.changes.is_empty() {
                    return Ok(Attempt::Done(Arc::clone(&from.record)));
                }
                Ok(match store.commit(&commit).await? {
                    CommitOutcome::Done(record) => Attempt::Done(record),
                    CommitOutcome::Conflict(record) => Attempt::Conflict(record),
                    CommitOutcome::TooLarge => Attempt::TooLarge,
                    _ => Attempt::Ended,
                })
            }
            // Fields are changed only where a session is.
            (Step::Fields, None) => Ok(Attempt::Ended),
            (Step::Move { new, who }, _) => {
                let establish = plan.establish(new, who, version, self.config.lifetimes);
                Ok(match store.establish(&establish).await? {
                    Established::Done(record) => Attempt::Done(record),
                    Established::Conflict(record) => Attempt::Conflict(record),
                    Established::TooLarge => Attempt::TooLarge,
                    _ => Attempt::Ended,
                })
            }
        }
    }

    /// Tells of what a step did to the login.
    fn tell_done(&self, plan: &Plan, displaced: Vec<LoginId>) {
        let Step::Move { who, .. } = &plan.step else {
            return;
        };
        match (who, &plan.from) {
            (Who::Login(login), _) => self.config.events.tell(|| Event::LoggedIn {
                kind: LoginKind::Session,
                subject: login.subject.clone(),
                login: login.login,
                displaced,
            }),
            (Who::Same | Who::Confirmed, from) => self.config.events.tell(|| {
                let login = from.as_ref().and_then(|from| from.record.login.as_ref());
                Event::Rotated {
                    login: login.map(|login| (login.subject.to_string(), login.login)),
                }
            }),
            (Who::Nobody, Some(from)) => self.tell_logged_out(from),
            (Who::Nobody, None) => {}
        }
    }

    fn tell_login_refused(&self, subject: String, reason: LoginRefusal) {
        self.config.events.tell(|| Event::LoginRefused {
            kind: LoginKind::Session,
            subject,
            reason,
        });
    }

    fn done(&self, plan: &Plan, record: Arc<SessionRecord>) {
        let mut state = self.state();
        state.in_flight = None;
        let key = match (&plan.step, &plan.from) {
            (Step::Move { new, .. }, _) => {
                state.cookie = Some(self.config.set_cookie(new, &record));
                new.key()
            }
            (Step::Fields, Some(from)) => from.key,
            (Step::Fields, None) => return,
        };
        state.current = Current::Live(Live::new(key, record));
    }
}
