//! Sessions.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use auth_core::{
    LoginId, Scopes, StoreError, Timestamp, Verdict,
    revocation::{Lane, LoginKey, MAX_LIFETIME, Place, Query, Standing},
    store::{
        Commit, CommitOutcome, Establish, Established, FieldChange, FieldValue, Fields, Load,
        LoginChange, SessionKey, SessionLogin, SessionRecord, Sessions,
    },
};
use tokio::time::timeout;

use crate::{
    RedisStore,
    keys::{self, text},
    reply::{Failure, Hash, Reply, hash},
    script::Script,
    store::Inner,
};

#[async_trait]
impl Sessions for RedisStore {
    async fn load(&self, key: &SessionKey) -> Result<Load, StoreError> {
        let load = timeout(self.inner.limits.read, self.inner.load(key)).await;
        let load = load.unwrap_or_else(|_| Err(Failure::no_answer("too slow")));
        Ok(load?)
    }

    fn touch(&self, key: &SessionKey) {
        let key = *key;
        self.inner.begin(|inner| async move {
            let _ = inner
                .session_step(Script::Touch, &key, None, Vec::new())
                .await;
        });
    }

    async fn commit(&self, commit: &Commit) -> Result<CommitOutcome, StoreError> {
        let mut args = vec![text(commit.op.as_bytes())];
        push_changes(&mut args, &commit.changes);
        let step = self
            .inner
            .session_step(Script::Commit, &commit.key, None, args);
        let (outcome, record) = step.await?;
        let judged = |record| self.inner.judged(&commit.key, record);
        Ok(match outcome.as_str() {
            "done" => match judged(record).await? {
                Some(record) => CommitOutcome::Done(record),
                None => CommitOutcome::Ended,
            },
            "conflict" => match judged(record).await? {
                Some(record) => CommitOutcome::Conflict(record),
                None => CommitOutcome::Ended,
            },
            "toolarge" => CommitOutcome::TooLarge,
            _ => {
                let inner = &self.inner;
                inner.is_told(&inner.connection(), commit.key.lane).await?;
                CommitOutcome::Ended
            }
        })
    }

    async fn establish(&self, establish: &Establish) -> Result<Established, StoreError> {
        Ok(self.inner.establish(establish).await?)
    }

    async fn end(&self, key: &SessionKey) -> Result<(), StoreError> {
        Ok(self.inner.end(key).await?)
    }
}

impl Inner {
    /// The session, if its login is not revoked.
    async fn judged(
        &self,
        key: &SessionKey,
        record: SessionRecord,
    ) -> Result<Option<Arc<SessionRecord>>, Failure> {
        if let Some(login) = &record.login {
            let place = Place::of(&self.realm, &login.subject);
            let its = LoginKey::of(&self.realm, &login.subject, &login.login);
            self.owners.insert(*key, (place, its));
            let query = own(place, its, login.version);
            if self.look(&query).await?.verdict(&query) != Verdict::Active {
                return Ok(None);
            }
        }
        Ok(Some(Arc::new(record)))
    }

    async fn session_step(
        &self,
        script: Script,
        key: &SessionKey,
        old: Option<&SessionKey>,
        args: Vec<String>,
    ) -> Result<(String, SessionRecord), Failure> {
        let mut names = vec![self.keys.session(key)];
        names.extend(old.map(|old| self.keys.session(old)));
        let connection = self.connection();
        let deadline = self.limits.write;
        let answer = self.run(&connection, Some(key.lane), script, names, args, deadline);
        let mut answer = answer.await?.list()?;
        if answer.is_empty() {
            return Err(Failure::unreadable());
        }
        let rest = answer.split_off(1);
        let outcome = answer[0].text().unwrap_or_default().to_owned();
        let record = match outcome.as_str() {
            "done" | "conflict" => session(&mut hash(&rest)?)?.0,
            _ => empty(),
        };
        Ok((outcome, record))
    }

    async fn establish(self: &Arc<Self>, establish: &Establish) -> Result<Established, Failure> {
        if let Some(old) = &establish.old {
            // The login it goes on from must not have been revoked.
            if let Load::Absent | Load::Ended = self.load(old).await? {
                return Ok(Established::Ended);
            }
        }
        let login = match &establish.login {
            LoginChange::Set(login) => Some(login),
            _ => None,
        };
        let mode = match &establish.login {
            LoginChange::Keep => "keep",
            LoginChange::Confirm => "confirm",
            LoginChange::Set(_) => "set",
            _ => "clear",
        };
        let flag = |yes: bool| u8::from(yes).to_string();
        let idle = establish.lifetimes.idle.map(millis);
        let mut args = vec![
            text(establish.op.as_bytes()),
            mode.to_owned(),
            flag(establish.keep_data),
            millis(establish.lifetimes.absolute).to_string(),
            idle.map(|idle| idle.to_string()).unwrap_or_default(),
            text(&establish.new.hash),
            login.map(|l| l.login.to_string()).unwrap_or_default(),
            login.map(|l| l.subject.to_string()).unwrap_or_default(),
            login.map(|l| l.version.to_string()).unwrap_or_default(),
            login
                .map(|l| l.scopes.as_str().to_owned())
                .unwrap_or_default(),
            flag(login.is_some_and(|l| l.persistent)),
        ];
        push_changes(&mut args, &establish.changes);
        let old = establish.old.as_ref();
        let step = self.session_step(Script::Establish, &establish.new, old, args);
        let (outcome, record) = step.await?;
        Ok(match outcome.as_str() {
            "done" => {
                if let (Some(_), "keep" | "confirm", Some(login)) = (old, mode, &record.login) {
                    self.moved(&establish.new, login);
                }
                Established::Done(Arc::new(record))
            }
            "again" => match self.load(&establish.new).await? {
                Load::Live(record) => Established::Done(record),
                _ => Established::Ended,
            },
            "conflict" => Established::Conflict(Arc::new(record)),
            "toolarge" => Established::TooLarge,
            _ => Established::Ended,
        })
    }

    /// Tells the list of logins where a session is now.
    fn moved(self: &Arc<Self>, key: &SessionKey, login: &SessionLogin) {
        let (key, login) = (*key, login.clone());
        self.begin(|inner| async move {
            let connection = inner.connection();
            let names = vec![inner.keys.session(&key), "moves".to_owned()];
            let moves = connection.command(Some(key.lane), "HMGET", names, inner.limits.read);
            let Ok(Ok(moves)) = moves.await.map(Reply::list) else {
                return;
            };
            // It has moved on already, and that move tells the list.
            let Some(moves) = moves.first().and_then(Reply::number) else {
                return;
            };
            let place = Place::of(&inner.realm, &login.subject);
            let args = vec![
                text(place.subject.as_bytes()),
                login.login.to_string(),
                key.lane.index().to_string(),
                text(&key.hash),
                moves.to_string(),
            ];
            let list = inner.keys.list(place.lane, place.subject);
            let _ = inner
                .step(&connection, place.lane, Script::Move, list, args)
                .await;
        });
    }

    async fn end(self: &Arc<Self>, key: &SessionKey) -> Result<(), Failure> {
        let names = vec![self.keys.session(key)];
        let connection = self.connection();
        let deadline = self.limits.write;
        let args = vec![String::new()];
        let answer = self.run(
            &connection,
            Some(key.lane),
            Script::End,
            names,
            args,
            deadline,
        );
        let answer = answer.await?.list()?;
        if let [_, subject, login] = answer.as_slice()
            && let (Some(subject), Some(login)) = (subject.text(), login.text())
        {
            let place = Place::of(&self.realm, subject);
            let args = vec![text(place.subject.as_bytes()), login.to_owned()];
            self.begin(|inner| async move {
                let connection = inner.connection();
                let list = inner.keys.list(place.lane, place.subject);
                let _ = inner
                    .step(&connection, place.lane, Script::Unlist, list, args)
                    .await;
            });
        }
        Ok(())
    }

    /// Begins to delete the session of a login that was revoked: nothing rests on it.
    pub(crate) fn end_session_of(self: &Arc<Self>, lane: u64, name: &str, login: String) {
        let lane = u16::try_from(lane).ok().and_then(Lane::new);
        let Some((lane, hash)) = lane.zip(keys::bytes(name)) else {
            return;
        };
        self.begin(|inner| async move {
            let key = SessionKey { lane, hash };
            let _ = inner
                .session_step(Script::End, &key, None, vec![login])
                .await;
        });
    }
}

/// Asks about a session's login.
pub(crate) fn own(place: Place, login: LoginKey, version: u64) -> Query {
    Query {
        place,
        login: Some(login),
        token: None,
        standing: Standing::Version(version),
    }
}

pub(crate) fn now(time: Reply) -> Result<Timestamp, Failure> {
    let time = time.list()?;
    let part = |at: usize| time.get(at).and_then(Reply::number);
    let (secs, micros) = part(0).zip(part(1)).ok_or_else(Failure::unreadable)?;
    Ok(Timestamp::from_millis(
        secs.saturating_mul(1000).saturating_add(micros / 1000),
    ))
}

pub(crate) fn number(text: &str) -> Result<Timestamp, Failure> {
    let millis = text.parse().map_err(|_| Failure::unreadable())?;
    Ok(Timestamp::from_millis(millis))
}

/// Whole milliseconds, no more than anything may live.
pub(crate) fn millis(duration: Duration) -> u64 {
    let longest = MAX_LIFETIME + Duration::from_secs(1);
    u64::try_from(duration.min(longest).as_millis()).unwrap_or(u64::MAX)
}

fn push_changes(args: &mut Vec<String>, changes: &[FieldChange]) {
    for change in changes {
        let what = if change.value.is_some() {
            "set"
        } else {
            "remove"
        };
        let when = match &change.expected {
            None => "any",
            Some(None) => "none",
            Some(Some(_)) => "is",
        };
        let json =
            |value: Option<&FieldValue>| value.map(|v| v.as_json().to_owned()).unwrap_or_default();
        args.extend([
            change.name.to_string(),
            format!("{what} {when}"),
            json(change.value.as_ref()),
            json(change.expected.as_ref().and_then(Option::as_ref)),
        ]);
    }
}

fn empty() -> SessionRecord {
    SessionRecord {
        created_at: Timestamp::default(),
        last_seen_at: Timestamp::default(),
        absolute_end: Timestamp::default(),
        idle: None,
        login: None,
        fields: Fields::new(),
    }
}

/// A session's record, and how often it has moved.
pub(crate) fn session(record: &mut Hash) -> Result<(SessionRecord, u64), Failure> {
    let get = |name: &str| record.get(name).ok_or_else(Failure::unreadable);
    let time = |name: &str| number(get(name)?);
    let login = match record.get("login") {
        None => None,
        Some(login) => Some(SessionLogin {
            login: login
                .parse::<LoginId>()
                .map_err(|_| Failure::unreadable())?,
            subject: get("subject")?.as_str().into(),
            version: time("ver")?.as_millis(),
            auth_time: time("auth")?,
            scopes: Scopes::parse(get("scopes")?),
            persistent: get("persistent")? == "1",
        }),
    };
    let idle = record.get("idle").map(|idle| number(idle)).transpose()?;
    let mut session = SessionRecord {
        created_at: time("created")?,
        last_seen_at: time("seen")?,
        absolute_end: time("end")?,
        idle: idle.map(|idle| Duration::from_millis(idle.as_millis())),
        login,
        fields: Fields::new(),
    };
    let moves = time("moves")?.as_millis();
    let fields = record.iter();
    session.fields = fields
        .filter_map(|(name, value)| Some((name.strip_prefix("f:")?, value)))
        .collect();
    Ok((session, moves))
}
