//! One connection to one master: what it pushes is read again, and beats prove that nothing is
//! missing.

use std::{
    collections::{BTreeSet, HashMap},
    future::{Future, pending},
    pin::Pin,
    time::Duration,
};

use auth_core::{Timestamp, revocation::Lane};
use tokio::time::{Instant, sleep_until};

use super::{Replica, proof::Proof, read::Reader};
use crate::{
    address::Host,
    client::{Open, Pushes, Wire, Words},
    join,
    reply::Failure,
    seen::Standing,
    sessions,
    store::{self, Inner},
};

/// So many lanes are read at the same time.
const BATCH: usize = 16;
/// A proof is as old as two beats; so many fit into what a verdict may be.
const BEATS: u32 = 4;

/// A master that is being followed.
pub(super) struct Master<'a> {
    inner: &'a Inner,
    replica: &'a Replica,
    lanes: &'a [Lane],
    /// The place of each key among the lanes.
    places: HashMap<String, usize>,
    open: Open,
    pushes: Pushes,
    proof: Proof,
    /// The lane that the next beat looks at.
    turn: usize,
    /// The lanes that could not be read here.
    absent: BTreeSet<usize>,
    /// The store's clock, as of the last beat.
    now: Timestamp,
}

type Reading<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
type Batch = Vec<(usize, Result<(), Failure>)>;

/// What a beat brought: the master's clock, and what a lane's record says of itself.
struct Beat {
    time: Timestamp,
    lane: usize,
    /// What was known of that lane when it was asked for.
    known: Standing,
    head: Result<Option<Standing>, Failure>,
}

/// Has the server tell of every lane that changes.
pub(crate) async fn arm(wire: &Wire, prefix: &str, deadline: Duration) -> Result<(), Failure> {
    let words = ["TRACKING", "ON", "BCAST", "PREFIX"].map(str::to_owned);
    let words = words.into_iter().chain([format!("{prefix}:v:")]).collect();
    let armed = wire.send("CLIENT", words, false, deadline);
    armed.await.map(drop)
}

impl<'a> Master<'a> {
    /// Connects. From here on it tells of what changes; nothing is read yet.
    pub(super) async fn connect(
        inner: &'a Inner,
        replica: &'a Replica,
        host: &Host,
        lanes: &'a [Lane],
    ) -> Result<Self, Failure> {
        let open = inner.servers.open_for_pushes(host).await?;
        let pushes = open.pushes();
        let deadline = inner.limits.write;
        arm(&open.wire, &inner.keys.prefix, deadline).await?;
        let time = open
            .wire
            .send("TIME", Words::default(), false, deadline)
            .await?;
        let keys = lanes.iter().map(|&lane| inner.keys.lane(lane));
        Ok(Self {
            places: keys.enumerate().map(|(at, key)| (key, at)).collect(),
            proof: Proof::of(lanes.len()),
            turn: 0,
            absent: BTreeSet::new(),
            now: sessions::now(time)?,
            inner,
            replica,
            lanes,
            open,
            pushes,
        })
    }

    /// Follows it until that fails.
    pub(super) async fn follow(&mut self) -> Failure {
        let mut beat: Option<Reading<'a, Result<Beat, Failure>>> = None;
        let mut batch: Option<Reading<'a, Batch>> = None;
        let (mut next, mut beats) = (Instant::now(), 0u32);
        loop {
            if batch.is_none() {
                batch = self.read_open();
            }
            let step = tokio::select! {
                biased;
                keys = self.pushes.next() => keys.map(|keys| self.pushed(&keys)),
                () = self.open.closed() => Err(Failure::no_answer("the connection was closed")),
                answer = answer(&mut beat) => {
                    beat = None;
                    answer.and_then(|beat| self.beat_answered(beat))
                }
                answers = answer(&mut batch) => {
                    batch = None;
                    self.batch_answered(answers)
                }
                () = sleep_until(next), if beat.is_none() => {
                    // The first two make the first proof.
                    let pause = if beats == 0 { Duration::ZERO } else { self.replica.within / BEATS };
                    beats = beats.saturating_add(1);
                    next = Instant::now() + pause;
                    beat = Some(self.beat());
                    Ok(())
                }
            };
            if let Err(failure) = step {
                return failure;
            }
        }
    }

    fn pushed(&mut self, keys: &[String]) {
        for key in keys {
            if let Some(&at) = self.places.get(key) {
                self.proof.pushed(at);
            }
        }
    }

    /// Begins to read some of the lanes that have to be.
    fn read_open(&mut self) -> Option<Reading<'a, Batch>> {
        let some: Vec<usize> = self.proof.open().take(BATCH).collect();
        if some.is_empty() {
            return None;
        }
        let now = self.replica.moments.now();
        let lanes: Vec<(usize, Lane, bool)> = some
            .into_iter()
            .map(|at| (at, self.lanes[at], self.proof.is_read(at)))
            .collect();
        for (at, ..) in &lanes {
            self.proof.read_sent(*at, now);
        }
        let (inner, replica) = (self.inner, self.replica);
        let (wire, now) = (self.open.wire.clone(), self.now);
        Some(Box::pin(async move {
            let reader = &Reader {
                inner,
                replica,
                wire: &wire,
                now,
            };
            let reads = lanes.into_iter().map(|(at, lane, is_joined)| async move {
                (at, reader.read(lane, is_joined).await)
            });
            join::all(reads).await
        }))
    }

    fn batch_answered(&mut self, answers: Batch) -> Result<(), Failure> {
        for (at, answer) in answers {
            match answer {
                Ok(()) => {
                    self.proof.read_answered(at);
                    // Unless a beat has not found it meanwhile.
                    if self.proof.is_read(at) {
                        self.absent.remove(&at);
                    }
                    self.prove(at);
                }
                Err(failure) if failure.is_outage() => return Err(failure),
                Err(failure) => {
                    tracing::debug!(
                        lane = self.lanes[at].index(),
                        ?failure,
                        "a lane is not there"
                    );
                    self.proof.left(at);
                    self.absent.insert(at);
                    self.inner.servers.doubt();
                }
            }
        }
        self.replica.tell(&self.inner.hub);
        Ok(())
    }

    fn beat(&mut self) -> Reading<'a, Result<Beat, Failure>> {
        let lane = self.turn;
        self.turn = (self.turn + 1) % self.lanes.len();
        self.proof.beat_sent(self.replica.moments.now());
        let (inner, wire) = (self.inner, self.open.wire.clone());
        let known = inner.seen.standing(self.lanes[lane]);
        let words = [inner.keys.lane(self.lanes[lane])].into_iter();
        let words = words.chain(["id", "e", "h", "n"].map(str::to_owned));
        let words = words.collect();
        let deadline = inner.limits.write;
        Box::pin(async move {
            let (role, time, head) = tokio::join!(
                wire.send("ROLE", Words::default(), false, deadline),
                wire.send("TIME", Words::default(), false, deadline),
                wire.send("HMGET", words, false, deadline),
            );
            if !role?.is_master() {
                return Err(Failure::refused("NOMASTER it is a replica"));
            }
            let head = match head {
                Err(failure) if failure.is_outage() => return Err(failure),
                Err(failure) => Err(failure),
                Ok(head) => head.list().and_then(|head| store::now(&head)),
            };
            let time = sessions::now(time?)?;
            Ok(Beat {
                time,
                lane,
                known,
                head,
            })
        })
    }

    fn beat_answered(&mut self, beat: Beat) -> Result<(), Failure> {
        // All that was received before the answer is in there by now.
        while let Some(keys) = self.pushes.try_next()? {
            self.pushed(&keys);
        }
        self.now = beat.time;
        let lane = self.lanes[beat.lane];
        let mut ahead = None;
        match beat.head {
            Ok(head) if beat.known.is_lost_in(head.as_ref()) => {
                // Whatever it has lost besides, it need not have told of. Reading raises.
                (0..self.lanes.len()).for_each(|at| self.proof.pushed(at));
            }
            Ok(head) => {
                let copy = self.replica.copy.lane(lane);
                let is_ahead = head.is_some_and(|head| head.is_newer_than(copy.standing()));
                ahead = is_ahead.then_some(beat.lane);
            }
            Err(_) => {
                self.proof.left(beat.lane);
                self.absent.insert(beat.lane);
                self.inner.servers.doubt();
            }
        }
        self.proof
            .beat_answered(ahead)
            .map_err(|_| Failure::no_answer("pushes were lost"))?;
        (0..self.lanes.len()).for_each(|at| self.prove(at));
        self.replica.copy.prune(lane, self.now);
        for at in self.absent.iter().take(BATCH) {
            self.proof.pushed(*at);
        }
        Ok(())
    }

    fn prove(&mut self, at: usize) {
        let proven = self.proof.proven(at);
        if !self.replica.prove(self.lanes[at], proven, self.now) {
            tracing::warn!(
                lane = self.lanes[at].index(),
                "the store's clock has stepped back: the lane is read anew"
            );
            self.proof.pushed(at);
        }
    }
}

/// The answer to what is under way; never, if nothing is.
async fn answer<T>(reading: &mut Option<Reading<'_, T>>) -> T {
    match reading {
        Some(reading) => reading.await,
        None => pending().await,
    }
}
