//! What is known of keys elsewhere, and when to look again. Time is the clock's, and nothing waits here.

use std::time::Duration;

use auth_core::{Timestamp, Unavailable};
use bytes::Bytes;
use tokio::sync::watch;

use super::{RemoteKeysError, document::Document};
use crate::KeySet;

/// However short-lived a document says that it is, it is good for so long.
const SHORTEST: Duration = Duration::from_secs(60);

/// When to fetch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) refresh_every: Duration,
    pub(super) cooldown: Duration,
    pub(super) stale_for: Duration,
}

#[derive(Default)]
pub(super) struct State {
    known: Option<Known>,
    /// Counts changes of the keys.
    generation: u64,
    /// What came of the last fetch; None before the first.
    last: Option<Result<(), RemoteKeysError>>,
    /// When the last fetch began.
    tried_at: Option<Timestamp>,
    /// When the last fetch for a key that was not known began.
    asked_at: Option<Timestamp>,
    /// The fetch that is underway: closed when it is over.
    flight: Option<watch::Receiver<()>>,
}

struct Known {
    keys: KeySet,
    body: Bytes,
    fetched_at: Timestamp,
    refresh_after: Duration,
}

/// Whether the key of a token is known.
pub(super) enum Found {
    /// It is among these, of this generation, or there is no use in looking for it elsewhere.
    Keys(KeySet, u64),
    /// It may be fetched meanwhile.
    Underway(watch::Receiver<()>),
    /// It is worth a fetch.
    Fetch,
    /// It can not be known now.
    Unavailable(Unavailable),
}

impl State {
    /// The keys and their generation, unless they are too old.
    pub(super) fn usable(&self, times: &Times, now: Timestamp) -> Option<(&KeySet, u64)> {
        let known = self.known.as_ref()?;
        let age = now.since(known.fetched_at);
        (age <= times.stale_for).then_some((&known.keys, self.generation))
    }

    /// Whether it is time for a fetch that nobody waits for.
    pub(super) fn is_due(&self, times: &Times, now: Timestamp) -> bool {
        let old = self
            .known
            .as_ref()
            .is_none_or(|known| passed(now, Some(known.fetched_at), known.refresh_after));
        old && self.flight.is_none() && passed(now, self.tried_at, times.cooldown)
    }

    /// Looks for the keys of a token. Without a `kid` all there is to find is the one key that there may be.
    pub(super) fn find(&self, times: &Times, kid: Option<&str>, now: Timestamp) -> Found {
        let keys = self.usable(times, now);
        if let Some((keys, generation)) = keys
            && (kid.is_none() || keys.find(kid).is_some())
        {
            return Found::Keys(keys.clone(), generation);
        }
        if let Some(underway) = &self.flight {
            return Found::Underway(underway.clone());
        }
        // Keys that were never there were asked for by whoever tried.
        let asked_at = keys.map_or(self.asked_at.max(self.tried_at), |_| self.asked_at);
        match passed(now, asked_at, times.cooldown) {
            true => Found::Fetch,
            false => self.verdict(times, now),
        }
    }

    /// What there is for a token whose key is not known, and is not fetched now.
    pub(super) fn verdict(&self, times: &Times, now: Timestamp) -> Found {
        match (self.usable(times, now), &self.last) {
            (Some((keys, generation)), Some(Ok(()))) => Found::Keys(keys.clone(), generation),
            _ => {
                let next = [self.asked_at, self.tried_at].into_iter().flatten().max();
                let waited = next.map_or(Duration::ZERO, |at| now.since(at));
                let left = times.cooldown.saturating_sub(waited);
                Found::Unavailable(Unavailable::retry_after(left))
            }
        }
    }

    /// Takes note of a token that waited for a fetch, and whose key was not in it either: then that fetch was the one
    /// for an unknown key.
    pub(super) fn in_vain(&mut self) {
        self.asked_at = self.asked_at.max(self.tried_at);
    }

    /// A fetch begins, `for_a_key` if it is for one that is not known. It is over when the sender is dropped.
    pub(super) fn departed(
        &mut self,
        now: Timestamp,
        for_a_key: bool,
    ) -> (watch::Sender<()>, watch::Receiver<()>) {
        let (sender, receiver) = watch::channel(());
        self.flight = Some(receiver.clone());
        self.tried_at = Some(now);
        if for_a_key {
            self.asked_at = Some(now);
        }
        (sender, receiver)
    }

    /// A fetch is over.
    pub(super) fn landed(
        &mut self,
        times: &Times,
        now: Timestamp,
        fetched: Result<Document, RemoteKeysError>,
    ) {
        self.flight = None;
        let document = match fetched {
            Ok(document) => document,
            Err(why) => {
                self.last = Some(Err(why));
                return;
            }
        };
        self.last = Some(Ok(()));
        let same = self
            .known
            .as_ref()
            .is_some_and(|known| known.body == document.body);
        if !same {
            self.generation += 1;
        }
        // Longer than we want to it may not bind us: a key that is withdrawn should go soon.
        let shorter = document.max_age.map(|age| age.max(SHORTEST));
        self.known = Some(Known {
            keys: document.keys,
            body: document.body,
            fetched_at: now,
            refresh_after: times.refresh_every.min(shorter.unwrap_or(Duration::MAX)),
        });
    }

    pub(super) fn underway(&self) -> Option<watch::Receiver<()>> {
        self.flight.clone()
    }

    pub(super) fn last_error(&self) -> Option<RemoteKeysError> {
        self.last.clone()?.err()
    }
}

/// Whether it is `after` since then. Also if the clock went back meanwhile: better once too often than never.
fn passed(now: Timestamp, since: Option<Timestamp>, after: Duration) -> bool {
    since.is_none_or(|at| at > now || now.since(at) >= after)
}
