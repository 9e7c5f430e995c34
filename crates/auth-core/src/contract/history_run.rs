//! Requests of one session, step by step: each step is one call of the store, and is held against
//! the model.

use std::sync::Arc;

use super::{
    history_model::{Alive, Model, Who},
    world::{LIMITS, World, admission, commit, fresh, next_key, put, renewed, session_key},
};
use crate::{
    LoginId, Scopes, Timestamp,
    store::{
        Admitted, CommitOutcome, Establish, Established, Load, LoginChange, LoginKind, SessionKey,
        SessionLogin,
    },
};

/// One call of the store that a request makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    Load,
    Touch,
    /// Sets a field of the request's own; when it is made twice, the second time does nothing.
    Commit,
    /// Gives the session a new id.
    Rotate,
    /// The same, for a login that was proven again.
    Confirm,
    /// The first step of a login: a request that goes no further has crashed between the two.
    Admit,
    /// The second step of a login.
    Establish,
    /// Takes the login off the session.
    Clear,
    /// The first step of a logout, and all of it that counts.
    EndLogin,
    /// The second step of a logout.
    End,
    EndOthers,
    RevokeSubject,
}

/// What requests do, from start to end.
pub(super) const REQUESTS: [&[Step]; 12] = [
    &[Step::Load, Step::Touch],
    &[Step::Load, Step::Commit],
    &[Step::Load, Step::Rotate],
    &[Step::Load, Step::Confirm],
    &[Step::Admit, Step::Establish],
    &[Step::Load, Step::Admit],
    &[Step::EndLogin, Step::End],
    &[Step::Load, Step::End],
    &[Step::Clear, Step::Load],
    &[Step::RevokeSubject, Step::Load],
    &[Step::EndOthers, Step::Load],
    &[Step::Commit, Step::Commit],
];

/// A request on its way.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// The id that it came with.
    key: SessionKey,
    /// Its name: that of the field it writes.
    name: String,
    steps: &'static [Step],
    done: usize,
    /// The login that was let in, and where its session will be.
    admitted: Option<(Who, SessionKey)>,
}

impl Request {
    pub(super) fn new(key: SessionKey, name: usize, steps: &'static [Step]) -> Self {
        Self {
            key,
            name: name.to_string(),
            steps,
            done: 0,
            admitted: None,
        }
    }

    /// Whether it is between the two steps of a login.
    pub(super) fn is_half_done(&self) -> bool {
        self.admitted.is_some() && !self.is_over()
    }

    pub(super) fn is_over(&self) -> bool {
        self.done == self.steps.len()
    }
}

/// A subject, its sessions, and what should be in the store.
pub(super) struct Run {
    w: World,
    subject: String,
    pub(super) model: Model,
    /// The id that the browser has: the newest that it was given.
    pub(super) cookie: SessionKey,
}

impl Run {
    /// Begins with an anonymous session, or with one that somebody is logged in to.
    pub(super) async fn new(w: &World, logged_in: bool) -> Self {
        let subject = LoginId::random().to_string();
        let key = session_key();
        let mut run = Self {
            w: w.clone(),
            subject,
            model: Model::default(),
            cookie: key,
        };
        run.begin().await;
        if logged_in {
            let mut login = Request::new(run.cookie, 0, &[Step::Admit, Step::Establish]);
            run.step(&mut login).await;
            run.step(&mut login).await;
        }
        run
    }

    /// Begins an anonymous session, as the browser's own.
    pub(super) async fn begin(&mut self) {
        let begun = fresh(session_key());
        let now = self.w.now();
        self.w.establish(&begun).await;
        let alive = Alive {
            who: None,
            fields: Default::default(),
            seen: now,
            end: now.plus(LIMITS.absolute),
        };
        self.model.moved(None, begun.new, alive, now);
        self.cookie = begun.new;
    }

    /// Makes the request's next step.
    pub(super) async fn step(&mut self, request: &mut Request) {
        let step = request.steps[request.done];
        request.done += 1;
        let (now, key) = (self.w.now(), request.key);
        if self
            .model
            .is_close(&key, now, self.w.harness.tolerance() * 2)
        {
            return;
        }
        match step {
            Step::Load => self.check(&key).await,
            Step::Touch => {
                self.w.touch(&key).await;
                if let Some(alive) = self.model.alive(&key, now) {
                    alive.seen = now;
                }
            }
            Step::Commit => self.commit(request, now).await,
            Step::Rotate => self.establish(request, LoginChange::Keep, now).await,
            Step::Confirm => self.establish(request, LoginChange::Confirm, now).await,
            Step::Clear => self.establish(request, LoginChange::Clear, now).await,
            Step::Admit => self.admit(request).await,
            Step::Establish => {
                if let Some((who, _)) = request.admitted {
                    let login = LoginChange::Set(self.login(&who));
                    self.establish(request, login, now).await;
                }
            }
            Step::EndLogin => {
                if let Some(who) = self.model.alive(&key, now).and_then(|alive| alive.who) {
                    self.w.end_login(&self.subject, who.login).await;
                    self.w.settle().await;
                    self.model.login_ended(who.login, now);
                }
            }
            Step::End => {
                self.w.end(&key).await;
                self.model.ended(&key, now);
            }
            Step::EndOthers => {
                let who = self.model.alive(&key, now).and_then(|alive| alive.who);
                if let Some(who) = who {
                    self.w.end_others(&self.subject, who.login).await;
                    let epoch = self.epoch().await;
                    self.model.raised(epoch, Some(who.login), now);
                }
            }
            Step::RevokeSubject => {
                self.w.revoke_subject(&self.subject).await;
                let epoch = self.epoch().await;
                self.model.raised(epoch, None, now);
            }
        }
        self.check(&key).await;
        self.check(&self.cookie.clone()).await;
    }

    async fn epoch(&self) -> u64 {
        let epoch = self.w.store.epoch(&self.subject).await;
        epoch.expect("the store answers").version()
    }

    async fn admit(&mut self, request: &mut Request) {
        let new = next_key(&request.key);
        let admission = crate::store::Admission {
            session: Some(new),
            ..admission(&self.subject, LoginKind::Session)
        };
        let Admitted::Yes { version, .. } = self.w.admit(&admission).await else {
            panic!("there is no limit");
        };
        let who = Who {
            login: admission.login,
            version,
        };
        request.admitted = Some((who, new));
    }

    fn login(&self, who: &Who) -> SessionLogin {
        SessionLogin {
            login: who.login,
            subject: self.subject.as_str().into(),
            version: who.version,
            auth_time: Timestamp::default(),
            scopes: Scopes::default(),
            persistent: false,
        }
    }

    /// Commits, and once more: a command whose answer was lost is made again.
    async fn commit(&mut self, request: &Request, now: Timestamp) {
        let change = put(&request.name, &request.done.to_string());
        let once = commit(request.key, vec![change]);
        let alive = self.model.alive(&request.key, now);
        let expected = alive.is_some();
        if let Some(alive) = alive {
            alive.seen = now;
            let value = request.done.to_string();
            alive.fields.insert(Arc::from(&*request.name), value);
        }
        for _ in 0..2 {
            let outcome = self.w.commit(&once).await;
            let is_done = matches!(outcome, CommitOutcome::Done(_));
            assert!(is_done || outcome == CommitOutcome::Ended, "{outcome:?}");
            assert_eq!(is_done, expected, "{request:?}");
        }
    }

    /// Moves the session, and once more.
    async fn establish(&mut self, request: &mut Request, login: LoginChange, now: Timestamp) {
        let keeps = matches!(login, LoginChange::Keep | LoginChange::Confirm);
        let admitted = match login {
            LoginChange::Set(_) => request.admitted,
            _ => None,
        };
        let renewal = renewed(request.key);
        let establish = Establish {
            login,
            changes: vec![put(&request.name, "\"moved\"")],
            new: admitted.map_or(renewal.new, |(_, new)| new),
            ..renewal
        };
        let before = self.model.alive(&request.key, now).cloned();
        let expected = before.is_some();
        if let Some(mut alive) = before {
            alive.seen = now;
            let moved = "\"moved\"".to_owned();
            alive.fields.insert(Arc::from(&*request.name), moved);
            if !keeps {
                alive.end = now.plus(LIMITS.absolute);
                alive.who = admitted.map(|(who, _)| who);
            }
            let old = Some(&request.key);
            self.model.moved(old, establish.new, alive, now);
            // What the response tells the browser, whose next requests come with it.
            self.cookie = establish.new;
        }
        let is_good = self.model.alive(&establish.new, now).is_some();
        for repeated in [false, true] {
            let outcome = self.w.try_establish(&establish).await;
            let is_done = matches!(outcome, Established::Done(_));
            assert!(is_done || outcome == Established::Ended, "{outcome:?}");
            // One whose login was revoked meanwhile may be made, and is dead from the start.
            if !expected || !repeated && is_good {
                assert_eq!(is_done, expected, "{request:?} {outcome:?}");
            }
        }
        self.w.settle().await;
    }

    /// Says whether both nodes find under the id what they should.
    pub(super) async fn check(&self, key: &SessionKey) {
        let now = self.w.now();
        if self
            .model
            .is_close(key, now, self.w.harness.tolerance() * 2)
        {
            return;
        }
        for node in [self.w.clone(), self.w.other_node()] {
            let load: Load = node.load_meanwhile(key).await;
            self.model.check(key, &load, now, &self.subject);
        }
    }

    /// Says whether everything is as it should be, the list of logins too.
    pub(super) async fn check_all(&self) {
        let mut expected = self.model.logins(self.w.now());
        for key in self.model.keys() {
            self.check(&key).await;
        }
        let listed = super::list::list(&self.w, &self.subject).await;
        let mut listed: Vec<LoginId> = listed.into_iter().map(|info| info.login).collect();
        let key = |login: &LoginId| login.to_string();
        listed.sort_by_key(key);
        expected.sort_by_key(key);
        assert_eq!(listed, expected);
    }
}
