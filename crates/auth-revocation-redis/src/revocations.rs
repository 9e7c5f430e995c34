//! Verdicts and revocations.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use auth_core::{
    StoreError, Timestamp, Unavailable, Verdict,
    revocation::{Lane, LoginKey, Op, Place, Query, Standing, SubjectEpoch, TokenKey, judge},
    store::{Epoch, Notice, Revocation, Revocations, Subscription, Target},
};
use tokio::time::{Instant, timeout, timeout_at};

use crate::{
    RedisStore,
    connection::Connection,
    entry::{self, Entry},
    join,
    keys::{self, text},
    known::Known,
    reply::{Failure, Reply},
    script::Script,
    servers::Hop,
    store::{Inner, Step},
};

/// So many lanes are written to at once when everything is revoked.
const LANES_AT_ONCE: usize = 128;

#[async_trait]
impl Revocations for RedisStore {
    fn realm(&self) -> &str {
        &self.inner.realm
    }

    fn verdict_now(&self, query: &Query) -> Option<Verdict> {
        let replica = self.inner.replica.as_ref()?;
        replica.now(query, &self.inner.seen)
    }

    async fn verdict(&self, query: &Query) -> Verdict {
        self.inner.verdict(query).await
    }

    fn verdict_stale(&self, query: &Query, at_most: Duration) -> Option<Verdict> {
        let replica = self.inner.replica.as_ref()?;
        replica.stale(query, &self.inner.seen, at_most)
    }

    async fn epoch(&self, subject: &str) -> Result<Epoch, Unavailable> {
        let query = Query {
            place: Place::of(&self.inner.realm, subject),
            login: None,
            token: None,
            standing: Standing::Version(u64::MAX),
        };
        let known = self.inner.look(&query).await.map_err(StoreError::from)?;
        Ok(Epoch::new(known.entries.version()))
    }

    async fn revoke(&self, op: Op, revocation: &Revocation) -> Result<(), StoreError> {
        let made = self.inner.revoke(op, revocation).await;
        self.inner.events.tell_revocation(revocation, &made);
        made
    }

    fn subscribe(&self) -> Subscription {
        self.inner.hub.subscribe()
    }
}

impl Inner {
    /// What is known of a query, within the deadline of reads.
    pub(crate) async fn look(&self, query: &Query) -> Result<Known, Failure> {
        let connection = self.connection();
        timeout(self.limits.read, self.entries(&connection, query))
            .await
            .unwrap_or_else(|_| Err(Failure::no_answer("it did not answer in time")))
    }

    pub(crate) async fn verdict(&self, query: &Query) -> Verdict {
        let asked = match &self.replica {
            None => self.look(query).await,
            Some(replica) => match replica.asking.try_acquire() {
                Ok(_asking) => self.look(query).await,
                Err(_) => Err(Failure::no_answer("too many are asking")),
            },
        };
        match asked {
            Ok(known) => known.verdict(query),
            // What was revoked stays so, whatever the server says or does not say.
            Err(_) if self.is_refused_here(query) => Verdict::Revoked,
            Err(_) => Verdict::Unknown,
        }
    }

    /// Whether this node knows by itself that it is revoked: it did it, or its copy says so.
    fn is_refused_here(&self, query: &Query) -> bool {
        let copied = self.replica.as_ref();
        let entries = copied.map(|replica| replica.copy.lane(query.place.lane).entries(query));
        let entries = self.seen.merged(query, entries.unwrap_or_default());
        judge(query, &entries) == Verdict::Revoked
    }

    pub(crate) async fn revoke(
        self: &Arc<Self>,
        op: Op,
        revocation: &Revocation,
    ) -> Result<(), StoreError> {
        let op = text(op.as_bytes());
        let realm = revocation.realm();
        match revocation.target() {
            Target::Token {
                issuer,
                jti,
                subject,
                exp,
            } => {
                let (lane, token) = (Lane::of(realm, subject), TokenKey::of(issuer, jti));
                let exp = exp
                    .as_millis()
                    .min(Timestamp::from_secs(Timestamp::MAX_SECS).as_millis());
                let args = vec![
                    text(token.as_bytes()),
                    exp.to_string(),
                    self.limits.denied_tokens_per_lane.to_string(),
                ];
                let step = self.assert(lane, Script::Deny, Vec::new(), args, |step| {
                    if step.is_none_or(|step| step.outcome != "full") {
                        let until = step.and_then(|step| step.rest.first()?.number());
                        self.seen.refuse_token(lane, token, until);
                    }
                    self.tell(step, lane, |until| Entry::Token(token, until));
                });
                let step = step.await?;
                if step.outcome == "full" {
                    return Err(StoreError::Full);
                }
            }
            Target::Login { subject, login } => {
                let place = Place::of(realm, subject);
                let key = LoginKey::of(realm, subject, login);
                let args = vec![
                    text(place.subject.as_bytes()),
                    login.to_string(),
                    text(key.as_bytes()),
                ];
                let keys = self.keys_of_login(place, *login);
                let step = self.assert(place.lane, Script::EndLogin, keys, args, |step| {
                    let until = step.and_then(|step| step.rest.first()?.number());
                    self.seen.refuse_login(place.lane, key, until);
                    self.tell(step, place.lane, |until| Entry::Login(key, until));
                });
                let step = step.await?;
                if let [_, lane, name] = step.rest.as_slice()
                    && let (Some(lane), Some(name)) = (lane.number(), name.text())
                {
                    self.end_session_of(lane, name, login.to_string());
                }
            }
            Target::OtherLogins { subject, keep } => {
                let keep = LoginKey::of(realm, subject, keep);
                self.raise_subject(Place::of(realm, subject), Some(keep), op)
                    .await?;
            }
            Target::Subject { subject } => {
                self.raise_subject(Place::of(realm, subject), None, op)
                    .await?;
            }
            Target::All => {
                let mut attempt = Attempt {
                    inner: self,
                    op: &op,
                    is_done: false,
                };
                self.raise_all(&op).await?;
                attempt.is_done = true;
                self.hub.tell(Notice::All);
            }
            // What this version does not know it can not have done.
            _ => return Err(StoreError::Unreadable),
        }
        Ok(())
    }

    /// Tells of a revocation when it is made, also if replicas do not confirm it, and when it had been
    /// made already: by another process, or for somebody who gave up before anybody was told.
    /// `entry` is given until when it is kept.
    fn tell(&self, step: Option<&Step>, lane: Lane, entry: impl Fn(Timestamp) -> Entry) {
        if let Some(step) = step.filter(|step| step.outcome != "full") {
            let until = step.rest.first().unwrap_or(&Reply::Nil);
            self.tell_of(lane, entry(entry::until(until)));
        }
    }

    async fn raise_subject(
        &self,
        place: Place,
        keep: Option<LoginKey>,
        op: String,
    ) -> Result<(), StoreError> {
        let kept = keep.map_or_else(|| "-".to_owned(), |keep| text(keep.as_bytes()));
        let args = vec![text(place.subject.as_bytes()), kept, op];
        let step = self.assert(place.lane, Script::RaiseSubject, Vec::new(), args, |step| {
            let rest = step.map(|step| step.rest.as_slice());
            if let Some([epoch, until, floor, keep]) = rest
                && let (Some(epoch), Some(floor)) = (epoch.number(), floor.number())
            {
                let until = entry::until(until);
                let keep = keep.text().and_then(keys::bytes).map(LoginKey::from_bytes);
                let claim = SubjectEpoch { epoch, keep, floor };
                self.seen.refuse_subject(place.lane, place.subject, claim);
                self.tell(step, place.lane, |_| {
                    Entry::Subject(place.subject, claim, until)
                });
            }
        });
        step.await.map(drop)
    }

    async fn raise_all(&self, op: &str) -> Result<(), StoreError> {
        if let Some(replica) = &self.replica {
            replica.is_own(op);
        }
        let until = Instant::now() + self.limits.write;
        let write = async {
            let mut lanes = Vec::new();
            for lane in Lane::all() {
                lanes.push((lane, self.servers.hop(Some(keys::slot(lane)))?, 0));
            }
            // Whoever has been redirected goes into the next round.
            while !lanes.is_empty() {
                let mut next = Vec::new();
                while let Some((_, hop, _)) = lanes.last() {
                    let (node, is_asking) = (hop.node.clone(), hop.is_asking);
                    let (its, others) = lanes.into_iter().partition(|(_, hop, _)| {
                        Arc::ptr_eq(&hop.node, &node) && hop.is_asking == is_asking
                    });
                    lanes = others;
                    let pinned = Connection::Pinned(node.revoking(is_asking, until).await);
                    self.raise_lanes(&pinned, op, its, until, &mut next).await?;
                }
                lanes = next;
            }
            Ok(())
        };
        let written = timeout_at(until, write).await;
        let written = written.unwrap_or_else(|_| Err(Failure::no_answer("too slow")));
        written.map_err(StoreError::from)
    }

    /// Raises the lanes that one server has; those it has not are to come next.
    async fn raise_lanes(
        &self,
        connection: &Connection,
        op: &str,
        lanes: Vec<(Lane, Hop, u32)>,
        until: Instant,
        next: &mut Vec<(Lane, Hop, u32)>,
    ) -> Result<(), Failure> {
        let first = lanes.first().map(|(lane, ..)| *lane);
        for some in lanes.chunks(LANES_AT_ONCE) {
            let steps = some.iter().map(|(lane, hop, tries)| async move {
                let step = self.step(
                    connection,
                    *lane,
                    Script::RaiseAll,
                    Vec::new(),
                    vec![op.to_owned()],
                );
                let failure = match step.await {
                    Ok(_) => {
                        self.seen.refuse_all(*lane, self.seen.standing(*lane).e);
                        return Ok(None);
                    }
                    Err(failure) => failure,
                };
                let (slot, mut tries) = (Some(keys::slot(*lane)), *tries);
                let again = self.servers.again(&failure, hop, slot, &mut tries, until);
                match again.await {
                    Some(hop) => Ok(Some((*lane, hop, tries))),
                    None => Err(failure),
                }
            });
            for step in join::all(steps).await {
                next.extend(step?);
            }
        }
        if let Some(lane) = first {
            self.wait(connection, lane).await?;
        }
        for (lane, hop, _) in &lanes {
            self.servers.stepped(Some(keys::slot(*lane)), hop);
        }
        Ok(())
    }

    /// One revocation on the connection for them: written, then held by replicas. `refuse` makes
    /// this node refuse it from now on, however it ended; it is told the step if that was made.
    pub(crate) async fn assert(
        &self,
        lane: Lane,
        script: Script,
        keys: Vec<String>,
        args: Vec<String>,
        refuse: impl Fn(Option<&Step>),
    ) -> Result<Step, StoreError> {
        let (slot, until) = (Some(keys::slot(lane)), Instant::now() + self.limits.write);
        let write = async {
            // Also where nobody is there to be told.
            let hop = self.servers.hop(slot).inspect_err(|_| refuse(None));
            let (mut hop, mut tries) = (hop?, 0);
            loop {
                let pinned = hop.node.revoking(hop.is_asking, until).await;
                let connection = Connection::Pinned(pinned);
                let step = self
                    .step(&connection, lane, script, keys.clone(), args.clone())
                    .await;
                refuse(step.as_ref().ok());
                match step {
                    Ok(step) => {
                        self.wait(&connection, lane).await?;
                        self.servers.stepped(slot, &hop);
                        return Ok(step);
                    }
                    Err(failure) => {
                        drop(connection);
                        let again = self.servers.again(&failure, &hop, slot, &mut tries, until);
                        match again.await {
                            Some(next) => hop = next,
                            None => return Err(failure),
                        }
                    }
                }
            }
        };
        let written = timeout_at(until, write).await;
        written
            .unwrap_or_else(|_| {
                refuse(None);
                Err(Failure::no_answer("too slow"))
            })
            .map_err(StoreError::from)
    }

    /// Waits until enough replicas have what this connection wrote.
    async fn wait(&self, connection: &Connection, lane: Lane) -> Result<(), Failure> {
        let send = |name, words| connection.command(Some(lane), name, words, self.limits.write);
        let wanted = match self.limits.replicas {
            Some(wanted) => wanted,
            None => {
                let info = send("INFO", vec!["replication".to_owned()]).await?;
                let attached = info
                    .text()
                    .and_then(|info| crate::check::line(info, "connected_slaves"));
                u32::from(attached.is_some_and(|n| n != "0"))
            }
        };
        if wanted == 0 {
            return Ok(());
        }
        let began = Instant::now();
        // Time for its answer is left before the deadline of the whole.
        let patience = self.limits.write * 3 / 4;
        let words = vec![wanted.to_string(), patience.as_millis().max(1).to_string()];
        let have = send("WAIT", words).await?.number().unwrap_or(0);
        if have < u64::from(wanted) {
            tracing::warn!(have, wanted, waited = ?began.elapsed(), "too few replicas have a revocation");
            return Err(Failure::no_answer("too few replicas"));
        }
        Ok(())
    }
}

/// An attempt to revoke everything. Unless it is done when it is dropped, some or all of it may have
/// taken place: everybody is told to look again.
struct Attempt<'a> {
    inner: &'a Inner,
    op: &'a str,
    is_done: bool,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        // From here on the copy tells of what it reads of it.
        if let Some(replica) = &self.inner.replica {
            replica.is_not_own(self.op);
        }
        self.inner.hub.tell(Notice::Lagged);
    }
}
