//! One master, as this process sees it.

use std::{
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    time::{Instant, sleep},
};

use crate::{
    address::Host,
    breaker::{Breaker, PROBE_EVERY},
    client::{Dial, Open, Wire, Words},
    link::Link,
    reply::{Failure, Reply},
};

/// Connections to one master, behind one breaker.
pub(crate) struct Node {
    pub(crate) host: Host,
    pub(crate) since: Instant,
    data: Vec<Link>,
    revoking: Link,
    /// Whose turn it is on that one: `WAIT` counts what its own connection wrote.
    turn: Arc<Mutex<()>>,
    breaker: Breaker,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("host", &self.host.to_string())
            .field("connections", &self.data.len())
            .field("up", &self.data.iter().filter(|link| link.is_up()).count())
            .field("breaker", &self.breaker)
            .finish()
    }
}

impl Node {
    /// One whose first connection has been made already, if there is one.
    pub(crate) fn new(host: Host, dial: &Dial, size: usize, first: Option<Open>) -> Arc<Self> {
        let mut first = first;
        let mut link = || Link::keep(dial.clone(), host.clone(), first.take());
        Arc::new(Self {
            data: (0..size.max(1)).map(|_| link()).collect(),
            revoking: link(),
            turn: Arc::default(),
            since: Instant::now(),
            breaker: Breaker::default(),
            host,
        })
    }

    /// One of its connections for everything but revocations: of equal `turn`s the same one, as long
    /// as it is up.
    fn link(&self, turn: usize) -> &Link {
        let at = |n: usize| &self.data[n % self.data.len()];
        let up = (turn..turn.wrapping_add(self.data.len()))
            .map(at)
            .find(|link| link.is_up());
        up.unwrap_or_else(|| at(turn))
    }

    /// One command over one of its connections.
    pub(crate) async fn send(
        self: &Arc<Self>,
        turn: usize,
        name: &'static str,
        args: &Words,
        is_asking: bool,
        deadline: Duration,
    ) -> Result<Reply, Failure> {
        if self.breaker.is_open() {
            return Err(Failure::no_answer("it has not been answering"));
        }
        let until = Instant::now() + deadline;
        let wire = self.link(turn).first_wire(until).await;
        self.over(wire, name, args, is_asking, deadline).await
    }

    /// Several commands in one go over one of its connections: an answer for each, or for none.
    pub(crate) async fn send_all(
        self: &Arc<Self>,
        turn: usize,
        commands: Vec<(&'static str, Words)>,
        deadline: Duration,
    ) -> Result<Vec<Result<Reply, Failure>>, Failure> {
        if self.breaker.is_open() {
            return Err(Failure::no_answer("it has not been answering"));
        }
        let wire = self.link(turn).first_wire(Instant::now() + deadline).await;
        let answers = match wire {
            Ok(wire) => wire.send_all(commands, deadline).await,
            Err(failure) => Err(failure),
        };
        match &answers {
            Ok(answers) => {
                let failed = answers.iter().find_map(|answer| answer.as_ref().err());
                self.note(failed, deadline);
            }
            Err(failure) => self.note(Some(failure), deadline),
        }
        answers
    }

    /// The connection for revocations, for one of them: whoever comes next waits.
    pub(crate) async fn revoking(self: &Arc<Self>, is_asking: bool, until: Instant) -> Pinned {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let wire = match self.breaker.is_open() {
            true => Err(Failure::no_answer("it has not been answering")),
            false => self.revoking.first_wire(until).await,
        };
        Pinned {
            node: Arc::clone(self),
            wire,
            is_asking,
            _turn: turn,
        }
    }

    async fn over(
        self: &Arc<Self>,
        wire: Result<Wire, Failure>,
        name: &'static str,
        args: &Words,
        is_asking: bool,
        deadline: Duration,
    ) -> Result<Reply, Failure> {
        let answer = match wire {
            Ok(wire) => wire.send(name, args.clone(), is_asking, deadline).await,
            // That there is no connection for revocations says nothing of the others.
            Err(failure) if self.is_up() => return Err(failure),
            Err(failure) => Err(failure),
        };
        self.note(answer.as_ref().err(), deadline);
        answer
    }

    /// Takes note of how a command went.
    fn note(self: &Arc<Self>, failed: Option<&Failure>, deadline: Duration) {
        match failed {
            Some(why) if why.is_outage() => {
                if self.breaker.failed() {
                    tracing::warn!(host = %self.host, "the store does not answer: {why:?}");
                    // What was left of the deadline may be next to nothing.
                    self.probe(deadline.max(PROBE_EVERY));
                }
            }
            Some(why) if why.is("READONLY") => self.reset(),
            _ => self.breaker.succeeded(),
        }
    }

    /// Asks the server every now and then until it answers.
    fn probe(self: &Arc<Self>, patience: Duration) {
        let node: Weak<Self> = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                sleep(PROBE_EVERY).await;
                let Some(node) = node.upgrade() else {
                    return;
                };
                let answer = match node.link(0).wire() {
                    Ok(wire) => wire.send("PING", Words::default(), false, patience).await,
                    Err(failure) => Err(failure),
                };
                // It answers, if only that it does not like the question.
                if !answer.is_err_and(|failure| failure.is_outage()) {
                    return node.breaker.succeeded();
                }
            }
        });
    }

    /// Whether it says that it is a master; if it says that it is not, all connections are made anew,
    /// and none comes up before it is one. True when it says nothing.
    pub(crate) async fn is_master(&self, patience: Duration) -> bool {
        let Ok(wire) = self.link(0).wire() else {
            return true;
        };
        match wire.send("ROLE", Words::default(), false, patience).await {
            Ok(role) if !role.is_master() => {
                self.reset();
                false
            }
            _ => true,
        }
    }

    /// One of its connections, past the breaker: to ask how things stand.
    pub(crate) fn wire(&self) -> Result<Wire, Failure> {
        self.link(0).wire()
    }

    /// Makes all connections anew.
    pub(crate) fn reset(&self) {
        self.data.iter().for_each(Link::reset);
        self.revoking.reset();
    }

    pub(crate) fn is_up(&self) -> bool {
        self.data.iter().any(Link::is_up)
    }
}

/// One connection to one server, held for several commands: no other revocation comes between.
pub(crate) struct Pinned {
    node: Arc<Node>,
    wire: Result<Wire, Failure>,
    is_asking: bool,
    _turn: OwnedMutexGuard<()>,
}

impl Pinned {
    pub(crate) async fn send(
        &self,
        name: &'static str,
        args: &Words,
        deadline: Duration,
    ) -> Result<Reply, Failure> {
        let wire = self.wire.clone();
        let answer = self.node.over(wire, name, args, self.is_asking, deadline);
        answer.await
    }
}
