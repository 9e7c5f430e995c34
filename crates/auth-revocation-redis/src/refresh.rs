//! Refresh logins.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use auth_core::{
    LoginId, Scopes, StoreError, Verdict,
    revocation::{Lane, LoginKey, Place},
    store::{
        Admitted, Derivation, FieldValue, RefreshGrant, RefreshHash, RefreshLogins, RefreshRecord,
        RefreshStart, Rotated, Rotation, RotationState,
    },
};
use serde_json::json;
use tokio::time::timeout;

use crate::{
    RedisStore,
    connection::Connection,
    entry::{self, Entry},
    keys::{self, text},
    reply::{Failure, Hash, Reply, hash},
    script::Script,
    sessions::{millis, now, number, own},
    store::Inner,
};

/// Numbers in scripts are exact below it. A generation from above is ahead of every record.
const MAX_GENERATION: u64 = (1 << 53) - 2;

#[async_trait]
impl RefreshLogins for RedisStore {
    async fn start(&self, start: &RefreshStart) -> Result<Admitted, StoreError> {
        let (admission, grant) = (&start.admission, &start.grant);
        let mut json = json!({
            "subject": admission.subject,
            "hash": text(start.hash.as_bytes()),
            "scopes": grant.scopes.as_str(),
        });
        let optional = [
            ("client", grant.client_id.clone()),
            ("auth", grant.auth_time.map(|at| at.as_millis().to_string())),
            (
                "claims",
                grant.claims.as_ref().map(|c| c.as_json().to_owned()),
            ),
            (
                "idle",
                admission
                    .lifetimes
                    .idle
                    .map(|idle| millis(idle).to_string()),
            ),
            ("device", admission.device.clone()),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                json[name] = value.into();
            }
        }
        self.inner.admit(admission, json.to_string()).await
    }

    async fn rotate(&self, rotation: &Rotation) -> Result<Rotated, StoreError> {
        self.inner.rotate(rotation).await
    }

    fn arrived(&self, lane: Lane, login: LoginId, generation: u64) {
        self.inner.begin(|inner| async move {
            let connection = inner.connection();
            let record = vec![inner.keys.refresh(lane, login)];
            let args = vec![login.to_string(), generation.to_string()];
            let _ = inner
                .step(&connection, lane, Script::Arrived, record, args)
                .await;
        });
    }

    async fn refresh_login(
        &self,
        lane: Lane,
        login: LoginId,
    ) -> Result<Option<RefreshRecord>, StoreError> {
        let inner = &self.inner;
        let read = timeout(inner.limits.read, inner.refresh_login(lane, login)).await;
        Ok(read.unwrap_or_else(|_| Err(Failure::no_answer("too slow")))?)
    }
}

impl Inner {
    async fn refresh_login(
        &self,
        lane: Lane,
        login: LoginId,
    ) -> Result<Option<RefreshRecord>, Failure> {
        let connection = self.connection();
        let (record, time) = tokio::join!(
            self.refresh_record(&connection, lane, login),
            connection.command(Some(lane), "TIME", Vec::new(), self.limits.read),
        );
        let now = now(time?)?;
        let Some((record, key)) = record?.filter(|(record, _)| !record.is_expired(now)) else {
            return Ok(None);
        };
        let place = Place::of(&self.realm, &record.subject);
        let query = own(place, key, record.version);
        let entries = self.entries(&connection, &query).await?;
        Ok((entries.verdict_there(&query) == Verdict::Active).then_some(record))
    }

    /// The record as it is there, and the login's key.
    pub(crate) async fn refresh_record(
        &self,
        connection: &Connection,
        lane: Lane,
        login: LoginId,
    ) -> Result<Option<(RefreshRecord, LoginKey)>, Failure> {
        let words = vec![self.keys.refresh(lane, login)];
        let record = connection.command(Some(lane), "HGETALL", words, self.limits.write);
        let record = record.await?.hash()?;
        if record.is_empty() {
            return Ok(None);
        }
        let key = record.get("lk").and_then(|key| keys::bytes(key));
        let key = LoginKey::from_bytes(key.ok_or_else(Failure::unreadable)?);
        Ok(Some((parse(login, &record)?, key)))
    }

    async fn rotate(self: &Arc<Self>, rotation: &Rotation) -> Result<Rotated, StoreError> {
        let (presented, successor) = (&rotation.presented, &rotation.successor);
        let args = vec![
            rotation.login.to_string(),
            presented.generation.min(MAX_GENERATION).to_string(),
            text(presented.hash.as_bytes()),
            text(successor.hash.as_bytes()),
            text(&successor.derivation.nonce),
            successor.derivation.key_id.to_string(),
            millis(rotation.grace).to_string(),
            millis(rotation.retry).to_string(),
        ];
        let connection = self.connection();
        let record = vec![self.keys.refresh(rotation.lane, rotation.login)];
        let step = self
            .step(&connection, rotation.lane, Script::Rotate, record, args)
            .await?;
        let record = || parse(rotation.login, &hash(&step.rest)?);
        let subject = || {
            let subject = step.rest.first().and_then(Reply::text);
            subject.map(str::to_owned).ok_or(StoreError::Unreadable)
        };
        Ok(match step.outcome.as_str() {
            "advanced" | "adopted" => Rotated::Advanced {
                record: record()?,
                adopted: step.outcome == "adopted",
            },
            "replayed" => Rotated::Replayed { record: record()? },
            "ahead" => Rotated::Ahead {
                subject: subject()?,
            },
            "reused" | "lost" => {
                let subject = subject()?;
                self.over(rotation, &subject, step.rest.get(2)).await;
                if step.outcome == "reused" {
                    Rotated::Reused { subject }
                } else {
                    Rotated::DataLost { subject }
                }
            }
            "invalid" => {
                self.is_told(&connection, rotation.lane).await?;
                Rotated::Invalid
            }
            _ => return Err(StoreError::Unreadable),
        })
    }

    /// What ending a login touches besides its lane.
    pub(crate) fn keys_of_login(&self, place: Place, login: LoginId) -> Vec<String> {
        let mut keys = self.keys.list(place.lane, place.subject);
        keys.push(self.keys.refresh(place.lane, login));
        keys
    }

    /// The login was ended by its rotation: refused here from now on, and held by replicas if they
    /// answer.
    async fn over(self: &Arc<Self>, rotation: &Rotation, subject: &str, until: Option<&Reply>) {
        let key = LoginKey::of(&self.realm, subject, &rotation.login);
        let entry = Entry::Login(key, entry::until(until.unwrap_or(&Reply::Nil)));
        let until = until.and_then(Reply::number);
        self.seen.refuse_login(rotation.lane, key, until);
        let place = Place::of(&self.realm, subject);
        let keys = self.keys_of_login(place, rotation.login);
        let args = vec![
            text(place.subject.as_bytes()),
            rotation.login.to_string(),
            text(key.as_bytes()),
        ];
        if self
            .assert(rotation.lane, Script::EndLogin, keys, args, |_| {})
            .await
            .is_err()
        {
            tracing::warn!("the end of a login whose token was reused is not held by replicas");
        }
        self.tell_of(rotation.lane, entry);
    }
}

fn parse(login: LoginId, record: &Hash) -> Result<RefreshRecord, Failure> {
    let get = |name: &str| record.get(name).ok_or_else(Failure::unreadable);
    let time = |name: &str| number(get(name)?);
    let hash = |text: &str| {
        keys::bytes(text)
            .map(RefreshHash::from_bytes)
            .ok_or_else(Failure::unreadable)
    };
    let derived = match (record.get("nonce"), record.get("kid")) {
        (Some(nonce), Some(key_id)) => Some(Derivation {
            nonce: keys::bytes(nonce).ok_or_else(Failure::unreadable)?,
            key_id: key_id.parse().map_err(|_| Failure::unreadable())?,
        }),
        _ => None,
    };
    let idle = record.get("idle").map(|idle| number(idle)).transpose()?;
    Ok(RefreshRecord {
        subject: get("subject")?.clone(),
        login,
        grant: RefreshGrant {
            client_id: record.get("client").cloned(),
            scopes: Scopes::parse(get("scopes")?),
            auth_time: Some(time("auth")?),
            claims: record
                .get("claims")
                .map(|c| FieldValue::from_json(c.as_str())),
        },
        device: record.get("device").cloned(),
        created_at: time("created")?,
        last_seen_at: time("seen")?,
        absolute_end: time("end")?,
        idle: idle.map(|idle| Duration::from_millis(idle.as_millis())),
        version: time("ver")?.as_millis(),
        rotation: RotationState {
            generation: time("gen")?.as_millis(),
            current: hash(get("cur")?)?,
            previous: record.get("prev").map(|prev| hash(prev)).transpose()?,
            derived,
            rotated_at: time("rotated")?,
            is_known_to_have_arrived: record.get("arrived") == record.get("gen"),
        },
    })
}
