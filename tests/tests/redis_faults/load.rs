//! A service at work while its servers change: none of its calls may give a wrong answer.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use auth_core::{
    StoreError, Unavailable, Verdict,
    revocation::Query,
    store::{
        CommitOutcome, Load as Loaded, RefreshLogins as _, Revocations as _, Rotated, Sessions as _,
    },
};
use auth_revocation_redis::RedisStore;
use auth_tests::logins::{Session, Tokens};
use tokio::task::JoinSet;

use crate::model::eventually;

/// How many subjects are at work on each node.
const TASKS: usize = 8;

/// What is to be expected of its calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Calls {
    Succeed,
    /// Without an answer: 503.
    MayFail,
}

pub(crate) struct Load {
    tasks: JoinSet<()>,
    rounds: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
}

impl Load {
    /// Begins to log in, read, write, refresh and revoke on all nodes.
    pub(crate) fn begin(nodes: &[Arc<RedisStore>], calls: Calls) -> Self {
        let mut load = Self {
            tasks: JoinSet::new(),
            rounds: Arc::default(),
            is_over: Arc::default(),
        };
        for (n, _) in nodes.iter().enumerate() {
            for task in 0..TASKS {
                let nodes = nodes.to_vec();
                let (rounds, is_over) = (Arc::clone(&load.rounds), Arc::clone(&load.is_over));
                load.tasks.spawn(async move {
                    let one = &*nodes[n];
                    let other = &*nodes[(n + 1) % nodes.len()];
                    let mut round = 0;
                    while !is_over.load(Ordering::Relaxed) {
                        // Another lane each time.
                        let subject = format!("subject-{n}-{task}-{round}");
                        round += 1;
                        match Box::pin(work(one, other, &subject)).await {
                            Ok(()) => drop(rounds.fetch_add(1, Ordering::Relaxed)),
                            Err(error) => assert_eq!(calls, Calls::MayFail, "{error:?}"),
                        }
                    }
                });
            }
        }
        load
    }

    /// Goes on until each of its tasks has done something more.
    pub(crate) async fn goes_on(&self) {
        let from = self.rounds.load(Ordering::Relaxed);
        let enough = from + 2 * self.tasks.len();
        eventually("it goes on", async || {
            self.rounds.load(Ordering::Relaxed) >= enough
        })
        .await;
    }

    /// Ends it. Nothing of it has failed.
    pub(crate) async fn end(self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.tasks.join_all().await;
    }
}

async fn work(one: &RedisStore, other: &RedisStore, subject: &str) -> Result<(), StoreError> {
    let session = Session::log_in(one, subject).await?;
    let mut tokens = Tokens::log_in(one, subject).await?;
    let committed = session.set(other, "cart", "1").await?;
    assert!(matches!(committed, CommitOutcome::Done(_)), "{committed:?}");
    match one.rotate(&tokens.rotation()).await? {
        Rotated::Advanced { record, .. } => tokens.advance(&record),
        outcome => panic!("{outcome:?}"),
    }
    for store in [one, other] {
        is(store, &session.query(store), Verdict::Active).await?;
        is(store, &tokens.query(store, "good"), Verdict::Active).await?;
        let load = store.load(&session.key).await?;
        assert!(matches!(load, Loaded::Live(_)), "{load:?}");
    }
    other.end_login(subject, session.login).await?;
    for store in [one, other] {
        is(store, &session.query(store), Verdict::Revoked).await?;
        is(store, &tokens.query(store, "good"), Verdict::Active).await?;
        let load = store.load(&session.key).await?;
        assert!(matches!(load, Loaded::Ended | Loaded::Absent), "{load:?}");
    }
    Ok(())
}

async fn is(store: &RedisStore, query: &Query, expected: Verdict) -> Result<(), StoreError> {
    match store.verdict(query).await {
        Verdict::Unknown => Err(StoreError::Unavailable(Unavailable::default())),
        verdict => {
            assert_eq!(verdict, expected);
            Ok(())
        }
    }
}
