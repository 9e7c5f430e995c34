//! A connection that is made anew whenever it breaks.

use std::{sync::Arc, time::Duration};

use auth_core::random_bytes;
use parking_lot::RwLock;
use tokio::{
    sync::Notify,
    task::JoinHandle,
    time::{Instant, sleep, timeout_at},
};

use crate::{
    address::Host,
    client::{Dial, Open, Wire},
    reply::Failure,
};

/// Between two attempts to connect: at first, and at most. Random on top, up to as much again.
const PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// One connection to one server, kept up by a task of its own until it is dropped. What it gives out
/// is always one connection that was checked when it was made: what two commands over the same
/// [`Wire`] say, one server has said, without a break between them.
#[derive(Debug)]
pub(crate) struct Link {
    state: Arc<State>,
    keeper: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    wire: RwLock<Result<Wire, Failure>>,
    /// It is up, or has failed to come up.
    changed: Notify,
    /// It is to be made anew.
    reset: Notify,
}

impl Link {
    /// One that has been opened already, if `first` is given.
    pub(crate) fn keep(dial: Dial, host: Host, first: Option<Open>) -> Self {
        let wire = match &first {
            Some(open) => Ok(open.wire.clone()),
            None => Err(Failure::not_yet()),
        };
        let state = Arc::new(State {
            wire: RwLock::new(wire),
            changed: Notify::new(),
            reset: Notify::new(),
        });
        let keeper = tokio::spawn(keep(dial, host, first, Arc::clone(&state)));
        Self { state, keeper }
    }

    /// The connection, if there is one.
    pub(crate) fn wire(&self) -> Result<Wire, Failure> {
        self.state.wire.read().clone()
    }

    /// The connection, waiting for it as long as it has never been tried.
    pub(crate) async fn first_wire(&self, until: Instant) -> Result<Wire, Failure> {
        loop {
            let changed = self.state.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let wire = self.wire();
            if !wire.as_ref().is_err_and(Failure::is_not_yet) {
                return wire;
            }
            if timeout_at(until, changed).await.is_err() {
                return wire;
            }
        }
    }

    pub(crate) fn is_up(&self) -> bool {
        self.state.wire.read().is_ok()
    }

    /// Makes it anew: what is there is not what it should be.
    pub(crate) fn reset(&self) {
        let mut wire = self.state.wire.write();
        if wire.is_ok() {
            *wire = Err(Failure::no_answer("it is being connected anew"));
            self.state.reset.notify_one();
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

async fn keep(dial: Dial, host: Host, mut first: Option<Open>, state: Arc<State>) {
    let mut pause = PAUSE.0;
    loop {
        let is_anew = first.is_none();
        let opened = match first.take() {
            Some(open) => Ok(open),
            None => dial.open(&host).await,
        };
        match opened {
            Ok(mut open) => {
                pause = PAUSE.0;
                *state.wire.write() = Ok(open.wire.clone());
                state.changed.notify_waiters();
                if let (true, Some(arrived)) = (is_anew, &dial.arrived) {
                    arrived.send_replace(());
                }
                tokio::select! {
                    () = open.closed() => {}
                    () = state.reset.notified() => {}
                }
                *state.wire.write() = Err(Failure::no_answer("it is not connected"));
                tracing::debug!(%host, "a connection was lost");
            }
            Err(failure) => {
                tracing::debug!(%host, ?failure, "a connection could not be made");
                *state.wire.write() = Err(failure);
                state.changed.notify_waiters();
            }
        }
        sleep(pause + jitter(pause)).await;
        pause = (pause * 2).min(PAUSE.1);
    }
}

fn jitter(most: Duration) -> Duration {
    let [part] = random_bytes::<1>();
    most * u32::from(part) / 256
}
