//! The store, and the steps that all roles are made of.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use auth_core::{
    Event,
    event::Events,
    random_bytes,
    revocation::{Entries, Lane, LoginKey, Place, Query, Standing::Version},
    store::{Notice, NoticeHub, SessionKey},
};
use moka::sync::Cache;
use tokio::{sync::Notify, time::timeout};

use crate::{
    connection::Connection,
    entry::{self, Entry},
    keys::{self, Keys, text},
    known::{Known, Question},
    replica::{Following, Replica},
    reply::{Failure, Reply},
    script::Script,
    seen::{Seen, Standing},
    servers::Servers,
};

/// Every store trait on Redis or Valkey. Share it in an [`Arc`].
///
/// Made by [`builder`](Self::builder). It needs the Tokio runtime it was built on.
pub struct RedisStore {
    pub(crate) inner: Arc<Inner>,
    /// Ends when the store does.
    pub(crate) _following: Option<Following>,
}

/// Shows the realm, the prefix and how the masters are.
impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("realm", &self.inner.realm)
            .field("prefix", &self.inner.keys.prefix)
            .field("servers", &self.inner.servers)
            .finish_non_exhaustive()
    }
}

pub(crate) struct Inner {
    pub(crate) realm: String,
    pub(crate) keys: Keys,
    pub(crate) servers: Arc<Servers>,
    pub(crate) shas: Vec<String>,
    pub(crate) seen: Seen,
    pub(crate) replica: Option<Arc<Replica>>,
    pub(crate) hub: NoticeHub,
    /// Whose session it is: that never changes. Saves a round trip, decides nothing.
    pub(crate) owners: Cache<SessionKey, (Place, LoginKey)>,
    pub(crate) limits: Limits,
    pub(crate) background: Background,
    pub(crate) events: Events,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) read: Duration,
    pub(crate) write: Duration,
    /// How many replicas have to have a revocation; None: one, where any are attached.
    pub(crate) replicas: Option<u32>,
    pub(crate) denied_tokens_per_lane: usize,
}

/// What was begun and is not waited for.
#[derive(Debug, Default)]
pub(crate) struct Background {
    running: std::sync::atomic::AtomicUsize,
    done: Notify,
}

/// What a script on a lane answered: its outcome, and the rest.
pub(crate) struct Step {
    pub(crate) outcome: String,
    pub(crate) rest: Vec<Reply>,
}

impl RedisStore {
    /// Waits until touches, withdrawals and tidying up that were begun are done: before a process
    /// ends.
    pub async fn drain(&self) {
        loop {
            let done = self.inner.background.done.notified();
            tokio::pin!(done);
            // From here on no end is missed.
            done.as_mut().enable();
            if self
                .inner
                .background
                .running
                .load(std::sync::atomic::Ordering::SeqCst)
                == 0
            {
                return;
            }
            done.await;
        }
    }
}

impl Inner {
    /// The way to the servers, for one caller.
    pub(crate) fn connection(&self) -> Connection {
        Connection::Routed {
            servers: Arc::clone(&self.servers),
            turn: self.servers.turn(),
        }
    }

    /// Runs a task beside the caller, if there is a runtime.
    pub(crate) fn begin<F, Fut>(self: &Arc<Self>, task: F)
    where
        F: FnOnce(Arc<Self>) -> Fut,
        Fut: Future<Output = ()> + Send + 'static,
    {
        use std::sync::atomic::Ordering::SeqCst;

        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        self.background.running.fetch_add(1, SeqCst);
        let running = Running(Arc::clone(self));
        let task = task(Arc::clone(self));
        runtime.spawn(async move {
            let _running = running;
            task.await;
        });
    }

    /// Runs a script. The server may have forgotten it.
    pub(crate) async fn run(
        &self,
        connection: &Connection,
        lane: Option<Lane>,
        script: Script,
        keys: Vec<String>,
        args: Vec<String>,
        deadline: Duration,
    ) -> Result<Reply, Failure> {
        let mut words = vec![self.shas[script as usize].clone(), keys.len().to_string()];
        words.extend(keys);
        words.extend(args);
        let send = |name, words| connection.command(lane, name, words, deadline);
        let both = async {
            match send("EVALSHA", words.clone()).await {
                Err(failure) if failure.is("NOSCRIPT") => {
                    script.text().clone_into(&mut words[0]);
                    send("EVAL", words).await
                }
                answer => answer,
            }
        };
        let answer = timeout(deadline, both).await;
        answer.unwrap_or_else(|_| Err(Failure::no_answer("too slow")))
    }

    /// One atomic step on a lane, and on further keys of it. A cluster that is just moving the lane
    /// only lets a step run where all its keys are.
    pub(crate) async fn step(
        &self,
        connection: &Connection,
        lane: Lane,
        script: Script,
        more: Vec<String>,
        args: Vec<String>,
    ) -> Result<Step, Failure> {
        let known = self.seen.standing(lane);
        let mut words = vec![
            text(&random_bytes::<16>()),
            known.id,
            known.e.to_string(),
            known.h.to_string(),
            known.n.to_string(),
            self.keys.prefix.clone(),
            keys::tag(lane).to_owned(),
        ];
        words.extend(args);
        let mut keys = vec![self.keys.lane(lane)];
        keys.extend(more);
        let answer = self.run(
            connection,
            Some(lane),
            script,
            keys,
            words,
            self.limits.write,
        );
        let mut answer = answer.await?.list()?;
        if answer.len() < 6 {
            return Err(Failure::unreadable());
        }
        let rest = answer.split_off(6);
        let standing = standing(&answer).ok_or_else(Failure::unreadable)?;
        self.seen.remember(lane, standing);
        let text = |at: usize| answer[at].text().map(str::to_owned);
        if text(4).as_deref() == Some("1") {
            tracing::warn!(
                lane = lane.index(),
                "the lane was raised: the server has lost data, or is new"
            );
            self.hub.tell(Notice::Lagged);
            self.events.tell(|| Event::DataLost { lane });
        }
        let outcome = text(5).ok_or_else(Failure::unreadable)?;
        Ok(Step { outcome, rest })
    }

    /// Tells the server that it has lost something of a lane, unless it has been told already.
    pub(crate) async fn raise(&self, connection: &Connection, lane: Lane) -> Result<Step, Failure> {
        let step = self.step(connection, lane, Script::Raise, Vec::new(), Vec::new());
        step.await
    }

    /// Looks whether the server has lost something of a lane. Nobody waits for it: it takes the time
    /// that a write may take.
    pub(crate) async fn look_at(&self, connection: &Connection, lane: Lane) -> Result<(), Failure> {
        let known = self.seen.standing(lane);
        let mut words = vec![self.keys.lane(lane)];
        words.extend(["id", "e", "h", "n"].map(str::to_owned));
        let answer = connection.command(Some(lane), "HMGET", words, self.limits.write);
        let answer = answer.await?.list()?;
        if answer.len() != 4 {
            return Err(Failure::unreadable());
        }
        match now(&answer)? {
            Some(now) if !known.is_lost_in(Some(&now)) => self.seen.remember(lane, now),
            _ => drop(self.raise(connection, lane).await?),
        }
        Ok(())
    }

    /// Tells of a revocation: once, if there is a copy that may have been told of it, too.
    pub(crate) fn tell_of(&self, lane: Lane, entry: Entry) {
        let notice = match &self.replica {
            Some(replica) => replica.learn(lane, entry),
            None => Some(entry.notice(lane)),
        };
        if let Some(notice) = notice {
            self.hub.tell(notice);
        }
    }

    /// What was read for a query, the entries of its subject, login and token, is not forgotten by the
    /// copy: it may still answer when the server does not.
    fn learn(&self, query: &Query, entries: &[Reply]) {
        let [subject, login, token] = entries else {
            return;
        };
        if self.replica.is_none() {
            return;
        }
        let subject = Some(subject).filter(|entry| **entry != Reply::Nil);
        let subject = subject.map(|entry| {
            let (claim, until) = entry::claim(entry);
            Entry::Subject(query.place.subject, claim, until)
        });
        let login = query.login.filter(|_| *login != Reply::Nil);
        let login = login.map(|key| Entry::Login(key, entry::until(&entries[1])));
        let token = query.token.filter(|_| *token != Reply::Nil);
        let token = token.map(|key| Entry::Token(key, entry::until(&entries[2])));
        for entry in [subject, login, token].into_iter().flatten() {
            self.tell_of(query.place.lane, entry);
        }
    }

    /// Before a credential is refused because the server knows nothing of it: one that was made a
    /// replica meanwhile, without closing its connections, may not have been told of it yet.
    pub(crate) async fn is_told(&self, connection: &Connection, lane: Lane) -> Result<(), Failure> {
        let role = connection.command(Some(lane), "ROLE", Vec::new(), self.limits.read);
        if role.await?.is_master() {
            return Ok(());
        }
        self.servers.hop(Some(keys::slot(lane)))?.node.reset();
        self.servers.doubt();
        Err(Failure::refused("NOMASTER it is a replica"))
    }

    /// What a lane says that concerns `query`: one round trip, unless the server has lost data.
    pub(crate) async fn entries(
        &self,
        connection: &Connection,
        query: &Query,
    ) -> Result<Known, Failure> {
        let lane = query.place.lane;
        for _ in 0..2 {
            let question = self.question(query);
            let words = question.words(&self.keys);
            let answer = connection.command(Some(lane), "HMGET", words, self.limits.read);
            let answer = answer.await?;
            if let Some(known) = self.heard(connection, &question, answer).await? {
                return Ok(known);
            }
            self.raise(connection, lane).await?;
        }
        Err(Failure::no_answer("the lane keeps losing data"))
    }

    /// To be made before the server is asked.
    pub(crate) fn question(&self, query: &Query) -> Question {
        Question {
            query: *query,
            known: self.seen.standing(query.place.lane),
        }
    }

    /// What the answer to a question says; None if the server has lost data.
    pub(crate) async fn heard(
        &self,
        connection: &Connection,
        question: &Question,
        answer: Reply,
    ) -> Result<Option<Known>, Failure> {
        let (query, answer) = (&question.query, answer.list()?);
        let lane = query.place.lane;
        if answer.len() != 7 {
            return Err(Failure::unreadable());
        }
        let now = now(&answer)?;
        if question.known.is_lost_in(now.as_ref()) {
            return Ok(None);
        }
        let now = now.ok_or_else(Failure::unreadable)?;
        let (epoch, highest) = (now.e, now.h);
        // The highest of all is that of nobody: it asks how things stand.
        if let Version(version) = query.standing
            && version > highest
            && version != u64::MAX
        {
            self.is_told(connection, lane).await?;
        }
        self.seen.remember(lane, now);
        self.learn(query, &answer[4..]);
        let there = Entries {
            epoch,
            subject: match &answer[4] {
                Reply::Nil => None,
                value => Some(entry::claim(value).0),
            },
            // What can not be read revokes.
            login_ended: answer[5] != Reply::Nil,
            token_denied: answer[6] != Reply::Nil,
        };
        Ok(Some(Known {
            entries: self.seen.merged(query, there),
            there,
            highest,
        }))
    }
}

/// Where a lane stands by the first of these words; None if the server has nothing of it.
pub(crate) fn now(answer: &[Reply]) -> Result<Option<Standing>, Failure> {
    match answer.first() {
        Some(Reply::Nil) => Ok(None),
        _ => Ok(Some(standing(answer).ok_or_else(Failure::unreadable)?)),
    }
}

struct Running(Arc<Inner>);

impl Drop for Running {
    fn drop(&mut self) {
        let background = &self.0.background;
        background
            .running
            .fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
        background.done.notify_waiters();
    }
}

/// From `id`, `e`, `h` and `n`.
fn standing(answer: &[Reply]) -> Option<Standing> {
    let [id, e, h, n, ..] = answer else {
        return None;
    };
    Some(Standing {
        id: id.text()?.to_owned(),
        e: e.number()?,
        h: h.number()?,
        n: n.number()?,
    })
}
