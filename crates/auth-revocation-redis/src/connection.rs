//! How commands are sent: to whoever serves their lane, or to one server only.

use std::{sync::Arc, time::Duration};

use auth_core::revocation::Lane;
use tokio::time::Instant;

use crate::{
    client::Words,
    keys,
    node::Pinned,
    reply::{Failure, Reply},
    servers::{Hop, Servers},
};

/// A way to the servers. Commands on one lane that are sent over it are executed in their order, but
/// for those that are redirected.
pub(crate) enum Connection {
    /// To the master of the command's lane, wherever that is by now.
    Routed { servers: Arc<Servers>, turn: usize },
    /// To one server, over one connection that breaks if it breaks.
    Pinned(Pinned),
}

impl Connection {
    /// One command, answered before `deadline` has passed or failed; without a lane, one that any
    /// server can answer.
    pub(crate) async fn command(
        &self,
        lane: Option<Lane>,
        name: &'static str,
        args: Vec<String>,
        deadline: Duration,
    ) -> Result<Reply, Failure> {
        self.command_on(lane.map(keys::slot), name, args, deadline)
            .await
    }

    /// The same, on a slot.
    pub(crate) async fn command_on(
        &self,
        slot: Option<u16>,
        name: &'static str,
        args: Vec<String>,
        deadline: Duration,
    ) -> Result<Reply, Failure> {
        let args = Words::from(args);
        let (servers, turn) = match self {
            Self::Routed { servers, turn } => (servers, *turn),
            Self::Pinned(pinned) => return pinned.send(name, &args, deadline).await,
        };
        let until = Instant::now() + deadline;
        let hop = servers.hop(slot)?;
        let first = hop.node.send(turn, name, &args, hop.is_asking, deadline);
        let answer = first.await;
        let sent = Sent { name, args, slot };
        sent.follow(servers, turn, hop, answer, until).await
    }

    /// Whether both lanes are served by one master, as far as is known.
    pub(crate) fn is_one(&self, lane: Lane, other: Lane) -> bool {
        let Self::Routed { servers, .. } = self else {
            return true;
        };
        let hop = |lane| servers.hop(Some(keys::slot(lane)));
        match (hop(lane), hop(other)) {
            (Ok(one), Ok(other)) => Arc::ptr_eq(&one.node, &other.node),
            _ => false,
        }
    }

    /// Commands that change nothing, on lanes that [are one master's](Self::is_one): sent in one go and
    /// executed in their order. One that is redirected goes on alone. As many answers as commands, or
    /// none.
    pub(crate) async fn reads(
        &self,
        commands: Vec<Read>,
        deadline: Duration,
    ) -> Result<Vec<Result<Reply, Failure>>, Failure> {
        let until = Instant::now() + deadline;
        let commands = commands.into_iter();
        let sent: Vec<Sent> = commands.map(Sent::from).collect();
        let (servers, turn) = match self {
            Self::Routed { servers, turn } => (servers, *turn),
            Self::Pinned(pinned) => {
                let mut answers = Vec::new();
                for it in sent {
                    answers.push(pinned.send(it.name, &it.args, deadline).await);
                }
                return Ok(answers);
            }
        };
        let hop = servers.hop(sent.first().and_then(|it| it.slot))?;
        let words = sent.iter().map(|it| (it.name, it.args.clone())).collect();
        let first = hop.node.send_all(turn, words, deadline).await;
        // Perhaps there is another master by now.
        let first = first.inspect_err(|_| servers.doubt())?;
        let mut answers = Vec::with_capacity(first.len());
        for (it, answer) in sent.into_iter().zip(first) {
            let answer = it.follow(servers, turn, hop.clone(), answer, until);
            answers.push(answer.await);
        }
        Ok(answers)
    }
}

/// A command on a lane that changes nothing.
pub(crate) type Read = (Lane, &'static str, Vec<String>);

impl From<Read> for Sent {
    fn from((lane, name, args): Read) -> Self {
        Self {
            name,
            args: Words::from(args),
            slot: Some(keys::slot(lane)),
        }
    }
}

/// A command that may have to be sent again.
struct Sent {
    name: &'static str,
    args: Words,
    slot: Option<u16>,
}

impl Sent {
    /// What comes of it, after the answer of `hop`.
    async fn follow(
        self,
        servers: &Arc<Servers>,
        turn: usize,
        hop: Hop,
        answer: Result<Reply, Failure>,
        until: Instant,
    ) -> Result<Reply, Failure> {
        match answer {
            Ok(reply) => Ok(reply),
            // Boxed, as it is the exception.
            failed => Box::pin(self.go_on(servers, turn, hop, failed, until)).await,
        }
    }

    async fn go_on(
        self,
        servers: &Arc<Servers>,
        turn: usize,
        mut hop: Hop,
        mut answer: Result<Reply, Failure>,
        until: Instant,
    ) -> Result<Reply, Failure> {
        let mut tries = 0;
        while let Err(failure) = &answer {
            let next = servers.again(failure, &hop, self.slot, &mut tries, until);
            match next.await {
                Some(next) => hop = next,
                None => break,
            }
            let left = until.saturating_duration_since(Instant::now());
            let again = hop
                .node
                .send(turn, self.name, &self.args, hop.is_asking, left);
            answer = again.await;
        }
        answer
    }
}
