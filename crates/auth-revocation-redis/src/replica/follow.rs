//! Which masters are followed, and on which lanes.

use std::{collections::HashMap, sync::Arc, time::Duration};

use auth_core::{random_bytes, revocation::Lane};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

use super::{Replica, master::Master};
use crate::{address::Host, store::Inner};

/// Between two attempts to follow a master: at first, and at most. Random on top, up to as much again.
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// Keeps a store's copy up to date until it is dropped.
#[derive(Debug)]
pub(crate) struct Following {
    _task: Task,
}

#[derive(Debug)]
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Following {
    /// Follows every master there is, and those that there will be.
    pub(crate) fn begin(inner: Arc<Inner>, replica: Arc<Replica>) -> Self {
        Self {
            _task: Task(tokio::spawn(follow_all(inner, replica))),
        }
    }
}

async fn follow_all(inner: Arc<Inner>, replica: Arc<Replica>) {
    let mut routes = inner.servers.watch();
    let mut masters: HashMap<Host, (Vec<Lane>, Task)> = HashMap::new();
    loop {
        let now = Arc::clone(&routes.borrow_and_update());
        // Who serves other lanes than before is followed anew.
        let mut before = std::mem::take(&mut masters);
        for node in &now.nodes {
            let lanes: Vec<Lane> = now.lanes_of(node).collect();
            if lanes.is_empty() {
                continue;
            }
            let same = before.remove(&node.host).filter(|(its, _)| *its == lanes);
            let master = same.unwrap_or_else(|| {
                let (inner, replica) = (Arc::clone(&inner), Arc::clone(&replica));
                let follows = follow(inner, replica, node.host.clone(), lanes.clone());
                (lanes, Task(tokio::spawn(follows)))
            });
            masters.insert(node.host.clone(), master);
        }
        drop(before);
        if routes.changed().await.is_err() {
            return;
        }
    }
}

async fn follow(inner: Arc<Inner>, replica: Arc<Replica>, host: Host, lanes: Vec<Lane>) {
    let mut pause = PAUSE.0;
    loop {
        let began = Instant::now();
        let why = match Master::connect(&inner, &replica, &host, &lanes).await {
            Ok(mut master) => master.follow().await,
            Err(failure) => failure,
        };
        replica.tell(&inner.hub);
        tracing::debug!(%host, ?why, "a master is followed anew");
        // Perhaps there is another one by now.
        inner.servers.doubt();
        if began.elapsed() > PAUSE.1 {
            pause = PAUSE.0;
        }
        let [part] = random_bytes::<1>();
        sleep(pause + pause * u32::from(part) / 256).await;
        pause = (pause * 2).min(PAUSE.1);
    }
}
