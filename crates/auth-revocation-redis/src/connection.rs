//! How commands are sent: to whoever serves their lane, or to one server only.

use std::{sync::Arc, time::Duration};

use auth_core::revocation::Lane;
use tokio::time::Instant;

use crate::{
    client::Words,
    keys,
    node::Pinned,
    reply::{Failure, Reply},
    servers::Servers,
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
        let mut hop = servers.hop(slot)?;
        let mut tries = 0;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let answer = hop.node.send(turn, name, &args, hop.is_asking, left).await;
            let Err(failure) = answer else {
                return answer;
            };
            match servers.again(&failure, &hop, slot, &mut tries, until).await {
                Some(next) => hop = next,
                None => return Err(failure),
            }
        }
    }
}
