//! Letting logins in, and listing them.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use auth_core::{
    LoginId, StoreError, Timestamp, Verdict,
    revocation::{Lane, LoginKey, Place},
    store::{Admission, Admitted, LoginInfo, LoginKind, LoginPage, Logins, Overflow, SessionKey},
};
use serde_json::{Value as Json, json};
use tokio::time::timeout;

use crate::{
    RedisStore,
    connection::Connection,
    entry, join, keys,
    keys::text,
    reply::{Failure, Reply},
    script::Script,
    sessions::{millis, now, own, session},
    store::{Inner, Step},
};

/// How long an admitted session may take to be there before it does not count any more.
const PENDING_FOR: Duration = Duration::from_secs(60);

/// A chain of ids that a session had within the last minute is followed so far.
const MAX_HOPS: usize = 1_000;

#[async_trait]
impl Logins for RedisStore {
    async fn admit(&self, admission: &Admission) -> Result<Admitted, StoreError> {
        self.inner.admit(admission, String::new()).await
    }

    fn withdraw(&self, subject: &str, login: LoginId) {
        let place = Place::of(&self.inner.realm, subject);
        let list = self.inner.keys.list(place.lane, place.subject);
        let args = vec![text(place.subject.as_bytes()), login.to_string()];
        self.inner.begin(|inner| async move {
            let connection = inner.connection();
            let _ = inner
                .step(&connection, place.lane, Script::Unlist, list, args)
                .await;
        });
    }

    async fn logins(
        &self,
        subject: &str,
        after: Option<LoginId>,
        limit: usize,
    ) -> Result<LoginPage, StoreError> {
        let inner = &self.inner;
        let place = Place::of(&inner.realm, subject);
        let listed = timeout(inner.limits.write, inner.listed(place)).await;
        let listed = listed.unwrap_or_else(|_| Err(Failure::no_answer("too slow")))?;
        let mut alive: Vec<LoginInfo> = listed
            .into_iter()
            .rev()
            .filter_map(|(_, health)| match health {
                Health::Alive(info) => Some(info),
                Health::Pending | Health::Dead => None,
            })
            .collect();
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

/// How a listed login is.
enum Health {
    Alive(LoginInfo),
    /// Admitted a moment ago: it counts, and there is nothing to show yet.
    Pending,
    Dead,
}

/// One login in its subject's list.
struct Entry {
    key: LoginKey,
    version: u64,
    session: Option<SessionKey>,
    info: LoginInfo,
}

impl Inner {
    /// Lets a login in; `start` is what there is of a token login, as JSON. Each of its steps has a
    /// deadline, and so have all of them.
    pub(crate) async fn admit(
        self: &Arc<Self>,
        admission: &Admission,
        start: String,
    ) -> Result<Admitted, StoreError> {
        let admitted = timeout(self.limits.write, self.try_admit(admission, start)).await;
        admitted.unwrap_or_else(|_| Err(Failure::no_answer("too slow").into()))
    }

    async fn try_admit(
        self: &Arc<Self>,
        admission: &Admission,
        start: String,
    ) -> Result<Admitted, StoreError> {
        let place = Place::of(&self.realm, &admission.subject);
        let key = LoginKey::of(&self.realm, &admission.subject, &admission.login);
        let limit = admission.limit;
        let (session_lane, session_name) = admission
            .session
            .map(|session| (session.lane.index().to_string(), text(&session.hash)))
            .unwrap_or_default();
        let args = |acts: bool, over: &[String]| {
            let overflow = limit.map(|limit| limit.overflow);
            vec![
                admission.login.to_string(),
                text(key.as_bytes()),
                text(place.subject.as_bytes()),
                admission.kind.as_str().to_owned(),
                // An empty label is not the same as none.
                admission
                    .device
                    .as_ref()
                    .map(|d| format!("={d}"))
                    .unwrap_or_default(),
                millis(admission.lifetimes.absolute).to_string(),
                admission
                    .since
                    .map(|e| e.version().to_string())
                    .unwrap_or_default(),
                limit.map(|l| l.max.max(1).to_string()).unwrap_or_default(),
                if overflow == Some(Overflow::EndOldest) {
                    "end"
                } else {
                    "refuse"
                }
                .to_owned(),
                u8::from(acts).to_string(),
                session_lane.clone(),
                session_name.clone(),
                text(admission.op.as_bytes()),
                json!(over).to_string(),
                start.clone(),
            ]
        };
        let mut keys = self.keys.list(place.lane, place.subject);
        if !start.is_empty() {
            keys.push(self.keys.refresh(place.lane, admission.login));
        }
        let connection = self.connection();
        let step = self
            .step(
                &connection,
                place.lane,
                Script::Admit,
                keys.clone(),
                args(false, &[]),
            )
            .await?;
        if step.outcome != "check" {
            return self.admitted(&step);
        }
        // The sessions are in lanes of their own: the script can not see which of them are over.
        let listed = timeout(self.limits.write, self.listed(place)).await;
        let listed = listed.unwrap_or_else(|_| Err(Failure::no_answer("too slow")))?;
        let over: Vec<String> = listed
            .into_iter()
            .filter(|(_, health)| matches!(health, Health::Dead))
            .map(|(login, _)| login)
            .collect();
        let step = self.assert(place.lane, Script::Admit, keys, args(true, &over), |step| {
            for ended in step.into_iter().flat_map(ended) {
                self.seen
                    .refuse_login(place.lane, ended.key, Some(ended.until));
                if step.is_some_and(is_new) {
                    let until = Timestamp::from_millis(ended.until);
                    self.tell_of(place.lane, entry::Entry::Login(ended.key, until));
                }
            }
        });
        self.admitted(&step.await?)
    }

    fn admitted(self: &Arc<Self>, step: &Step) -> Result<Admitted, StoreError> {
        match step.outcome.as_str() {
            "yes" => {}
            "moved" => return Ok(Admitted::Moved),
            "toomany" => return Ok(Admitted::TooMany),
            _ => return Err(StoreError::Unreadable),
        }
        let version = step.rest.first().and_then(Reply::number);
        let version = version.ok_or(StoreError::Unreadable)?;
        let ended = ended(step);
        for one in ended.iter().filter(|_| is_new(step)) {
            if let Some((lane, name)) = &one.session {
                self.end_session_of(*lane, name, one.login.to_string());
            }
        }
        let ended = ended.into_iter().map(|one| one.login).collect();
        Ok(Admitted::Yes { version, ended })
    }

    /// The subject's list, the oldest first, and how each login of it is.
    async fn listed(&self, place: Place) -> Result<Vec<(String, Health)>, Failure> {
        let connection = self.connection();
        let (lane, deadline) = (Some(place.lane), self.limits.write);
        let index = vec![
            self.keys.index(place.lane, place.subject),
            "0".to_owned(),
            "-1".to_owned(),
        ];
        let entries = vec![self.keys.entries(place.lane, place.subject)];
        let (index, entries, time) = tokio::join!(
            connection.command(lane, "ZRANGE", index, deadline),
            connection.command(lane, "HGETALL", entries, deadline),
            connection.command(lane, "TIME", Vec::new(), deadline),
        );
        let (entries, now) = (entries?.hash()?, now(time?)?);
        let healths = index?.list()?.into_iter().filter_map(|login| {
            let login = login.text()?.to_owned();
            let entry = parse(entries.get(&login)?)?;
            let connection = &connection;
            Some(async move {
                let health = self.health_of(connection, place, entry, now).await?;
                Ok((login, health))
            })
        });
        join::all(healths).await.into_iter().collect()
    }

    async fn health_of(
        &self,
        connection: &Connection,
        place: Place,
        entry: Entry,
        now: Timestamp,
    ) -> Result<Health, Failure> {
        let (info, version) = match entry.info.kind {
            LoginKind::Token => {
                let record = self
                    .refresh_record(connection, place.lane, entry.info.login)
                    .await?;
                let Some((record, _)) = record.filter(|(record, _)| !record.is_expired(now)) else {
                    return Ok(Health::Dead);
                };
                let info = LoginInfo {
                    last_seen_at: record.last_seen_at,
                    ..entry.info
                };
                (Health::Alive(info), record.version)
            }
            _ => {
                let health = self.health_of_session(connection, &entry, now).await?;
                (health, entry.version)
            }
        };
        // Without a session it is no login, but a note: what is revoked is not what it says.
        let is_note = entry.info.kind == LoginKind::Session && entry.session.is_none();
        if is_note || matches!(info, Health::Dead) {
            return Ok(info);
        }
        let query = own(place, entry.key, version);
        let entries = self.entries(connection, &query).await?;
        Ok(match entries.verdict_there(&query) {
            Verdict::Active => info,
            _ => Health::Dead,
        })
    }

    /// Follows the ids that the session had within the last minute.
    async fn health_of_session(
        &self,
        connection: &Connection,
        entry: &Entry,
        now: Timestamp,
    ) -> Result<Health, Failure> {
        let Some(SessionKey { lane, hash }) = entry.session else {
            let is_alive = now < entry.info.expires_at;
            return Ok(if is_alive {
                Health::Alive(entry.info.clone())
            } else {
                Health::Dead
            });
        };
        let mut name = text(&hash);
        for _ in 0..MAX_HOPS {
            let words = vec![self.keys.session_named(lane, &name)];
            let record = connection.command(Some(lane), "HGETALL", words, self.limits.write);
            let mut record = record.await?.hash()?;
            if let Some(next) = record.remove("next") {
                name = next;
                continue;
            }
            if record.is_empty() && now < entry.info.created_at.plus(PENDING_FOR) {
                return Ok(Health::Pending);
            }
            if !record.contains_key("end") {
                return Ok(Health::Dead);
            }
            let (session, _) = session(&mut record)?;
            let its = session.login.as_ref().map(|login| login.login);
            if its != Some(entry.info.login) || session.is_expired(now) {
                return Ok(Health::Dead);
            }
            return Ok(Health::Alive(LoginInfo {
                last_seen_at: session.last_seen_at,
                expires_at: session.absolute_end,
                ..entry.info.clone()
            }));
        }
        Ok(Health::Dead)
    }
}

/// A login that was ended to make room.
struct Ended {
    login: LoginId,
    key: LoginKey,
    until: u64,
    session: Option<(u64, String)>,
}

/// Whether the login came in just now, and not when the same command came before.
fn is_new(step: &Step) -> bool {
    step.rest.get(1).and_then(Reply::number) == Some(1)
}

fn ended(step: &Step) -> Vec<Ended> {
    if step.outcome != "yes" {
        return Vec::new();
    }
    let one = |part: &[Reply]| {
        let [login, key, until, lane, name] = part else {
            return None;
        };
        Some(Ended {
            login: login.text()?.parse().ok()?,
            key: LoginKey::from_bytes(keys::bytes(key.text()?)?),
            until: until.number()?,
            session: lane.number().zip(name.text().map(str::to_owned)),
        })
    };
    step.rest
        .get(2..)
        .unwrap_or_default()
        .chunks(5)
        .filter_map(one)
        .collect()
}

/// None for what can not be read: the list only lists.
fn parse(text: &str) -> Option<Entry> {
    let json: Json = serde_json::from_str(text).ok()?;
    let str = |name: &str| json.get(name)?.as_str();
    // The server's JSON library writes large whole numbers with an exponent.
    let number = |name: &str| {
        let number = json.get(name)?;
        number.as_u64().or_else(|| Some(number.as_f64()? as u64))
    };
    let lane = number("lane").and_then(|lane| Lane::new(u16::try_from(lane).ok()?));
    let created_at = Timestamp::from_millis(number("created")?);
    Some(Entry {
        key: LoginKey::from_bytes(keys::bytes(str("lk")?)?),
        version: number("ver")?,
        session: lane
            .zip(str("hash").and_then(keys::bytes))
            .map(|(lane, hash)| SessionKey { lane, hash }),
        info: LoginInfo {
            login: str("login")?.parse().ok()?,
            kind: match str("kind")? {
                "session" => LoginKind::Session,
                "token" => LoginKind::Token,
                _ => return None,
            },
            device: str("device").map(str::to_owned),
            created_at,
            last_seen_at: created_at,
            expires_at: Timestamp::from_millis(number("end")?),
        },
    })
}
