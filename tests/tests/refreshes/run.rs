//! Rounds of steps that are made at once, on many logins, and what is checked after each.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use auth_core::{Event, LoginId, Timestamp, revocation::Lane, store::RefreshRecord};
use auth_jwt_layer::{Issuer, TokenLogin};
use auth_tests::Dice;
use tokio::{sync::Barrier, task::JoinSet};

use crate::{
    history::{Rules, State, Step, outcomes},
    stores::{ABSOLUTE, GRACE, IDLE, RETRY, Stores},
    task::{Act, Done, Pair, Task, plan},
};

/// So many are looked after at a time.
const LOGINS: usize = 48;
/// Those that are over are tried again for so many rounds.
const AFTERLIFE: usize = 3;

/// A login, and what should be in the store.
struct Login {
    subject: String,
    id: LoginId,
    retry: Duration,
    /// All its refresh tokens, by generation from 1, each with an access token.
    tokens: Vec<Pair>,
    state: State,
    seen_at: Timestamp,
    end: Timestamp,
    dead_for: usize,
}

#[derive(Clone, Debug)]
enum Revoke {
    Others(String, LoginId),
    Subject(String),
    All,
}

impl Revoke {
    fn hits(&self, login: &Login) -> bool {
        match self {
            Self::Others(subject, keep) => login.subject == *subject && login.id != *keep,
            Self::Subject(subject) => login.subject == *subject,
            Self::All => true,
        }
    }
}

pub(crate) struct Run {
    stores: Stores,
    /// Without retries, and with.
    issuers: [[Issuer; 2]; 2],
    told: Arc<Mutex<Vec<Event>>>,
    dice: Dice,
    subjects: Vec<String>,
    logins: Vec<Login>,
    steps: usize,
    /// How often something happened, by its name.
    counts: BTreeMap<&'static str, usize>,
}

impl Run {
    pub(crate) fn new(stores: Stores, seed: u64) -> Self {
        let told = Arc::default();
        let lane = |name: &str| Lane::of(stores.nodes[0].realm(), name);
        // Some share a lane.
        let names = (0..).map(|n: usize| format!("user {n}"));
        let near = names.filter(|name| lane(name) == lane("user 0")).take(3);
        let subjects = near.chain((1..12).map(|n| format!("user {n}")));
        Self {
            subjects: subjects.collect(),
            issuers: [Duration::ZERO, RETRY].map(|retry| stores.issuers(retry, &told)),
            stores,
            told,
            dice: Dice::new(seed),
            logins: Vec::new(),
            steps: 0,
            counts: BTreeMap::new(),
        }
    }

    pub(crate) fn steps(&self) -> usize {
        self.steps
    }

    /// One round: steps at once, a look at every login, and a while.
    pub(crate) async fn round(&mut self) {
        while self.logins.len() < LOGINS {
            let login = self.begin().await;
            self.logins.push(login);
        }
        self.told.lock().expect("no panic").clear();
        let now = self.stores.now();
        let mut acts: Vec<(usize, u64, Vec<Act>)> = Vec::new();
        for at in 0..self.logins.len() {
            let plan = plan(&mut self.dice, self.logins[at].tokens.len() as u64);
            acts.extend(plan.into_iter().map(|(from, acts)| (at, from, acts)));
        }
        let revocations = self.revocations();
        let mut histories = vec![Vec::new(); self.logins.len()];
        for (at, login) in self.logins.iter().enumerate() {
            let hits = revocations.iter().filter(|revoke| revoke.hits(login));
            histories[at].extend(hits.map(|_| vec![Step::End]));
        }
        self.steps += revocations.len();
        let done = self.at_once(acts, revocations).await;
        self.stores.settle().await;
        let mut given: Vec<HashMap<u64, Pair>> = vec![HashMap::new(); self.logins.len()];
        for (at, (steps, tokens)) in done {
            self.steps += steps.len();
            histories[at].push(steps);
            for (generation, pair) in tokens {
                let known = self.logins[at].tokens.get(generation as usize - 1);
                let known = known.cloned();
                let known = given[at]
                    .entry(generation)
                    .or_insert(known.unwrap_or(pair.clone()));
                assert_eq!(known.refresh, pair.refresh, "a fork at {generation}");
            }
        }
        let records = self.records().await;
        for (at, (tasks, given)) in histories.into_iter().zip(given).enumerate() {
            self.check(at, &tasks, given, records[at].as_ref(), now);
        }
        self.pass();
        self.logins.retain(|login| login.dead_for < AFTERLIFE);
    }

    async fn begin(&mut self) -> Login {
        let subject = self.subjects[self.dice.below(self.subjects.len())].clone();
        let retries = self.dice.below(2);
        let issuer = &self.issuers[retries][self.dice.below(2)];
        let tokens = issuer.login(TokenLogin::new(subject.as_str())).await;
        let tokens = tokens.expect("logged in");
        let now = self.stores.now();
        Login {
            subject,
            id: tokens.login(),
            retry: [Duration::ZERO, RETRY][retries],
            tokens: vec![Pair::from(&tokens)],
            state: State {
                generation: 1,
                age: Duration::ZERO,
                arrived: false,
                ended: false,
                stolen: false,
            },
            seen_at: now,
            end: now.plus(ABSOLUTE),
            dead_for: 0,
        }
    }

    /// What else is done in this round, beside the logins.
    fn revocations(&mut self) -> Vec<Revoke> {
        let mut all = Vec::new();
        for _ in 0..2 {
            let login = &self.logins[self.dice.below(self.logins.len())];
            let (subject, id) = (login.subject.clone(), login.id);
            match self.dice.below(60) {
                0..6 => all.push(Revoke::Others(subject, id)),
                6..10 => all.push(Revoke::Subject(subject)),
                10 if self.dice.below(4) == 0 => all.push(Revoke::All),
                _ => {}
            }
        }
        all
    }

    /// Runs everything from one start; says what was done with which login.
    async fn at_once(
        &mut self,
        acts: Vec<(usize, u64, Vec<Act>)>,
        revocations: Vec<Revoke>,
    ) -> Vec<(usize, Done)> {
        let barrier = Arc::new(Barrier::new(acts.len() + revocations.len()));
        let mut tasks = JoinSet::new();
        for (at, from, acts) in acts {
            let login = &self.logins[at];
            let retries = usize::from(!login.retry.is_zero());
            let node = self.dice.below(2);
            let task = Task {
                issuer: self.issuers[retries][node].clone(),
                store: self.stores.nodes[node].clone(),
                subject: login.subject.clone(),
                id: login.id,
                newest: (from, login.tokens[from as usize - 1].clone()),
                done: Done::default(),
            };
            let barrier = barrier.clone();
            tasks.spawn(async move {
                barrier.wait().await;
                Some((at, task.run(acts).await))
            });
        }
        for revoke in revocations {
            let store = self.stores.nodes[self.dice.below(2)].clone();
            let barrier = barrier.clone();
            tasks.spawn(async move {
                barrier.wait().await;
                let revoked = match revoke {
                    Revoke::Others(subject, keep) => store.end_other_logins(&subject, keep).await,
                    Revoke::Subject(subject) => store.revoke_subject(&subject).await,
                    Revoke::All => store.revoke_all().await,
                };
                revoked.expect("revoked");
                None
            });
        }
        tasks.join_all().await.into_iter().flatten().collect()
    }

    /// What is in the store of each login.
    async fn records(&mut self) -> Vec<Option<RefreshRecord>> {
        let asked = self.logins.iter().map(|login| {
            let store = self.stores.nodes[self.dice.below(2)].clone();
            let (lane, id) = (Lane::of(store.realm(), &login.subject), login.id);
            tokio::spawn(async move { store.refresh_login(lane, id).await })
        });
        let mut records = Vec::new();
        for asked in asked.collect::<Vec<_>>() {
            records.push(asked.await.expect("no panic").expect("an answer"));
        }
        records
    }

    /// Finds the order in which it happened to one login, and takes note of where it stands now.
    fn check(
        &mut self,
        at: usize,
        tasks: &[Vec<Step>],
        given: HashMap<u64, Pair>,
        record: Option<&RefreshRecord>,
        now: Timestamp,
    ) {
        let login = &mut self.logins[at];
        let limit = login.seen_at.plus(IDLE).min(login.end);
        let rules = Rules {
            grace: GRACE,
            retry: login.retry,
            expired: now >= limit,
        };
        let before = login.state.clone();
        let (mut advanced, mut stolen) = (0, 0);
        for event in self.told.lock().expect("no panic").iter() {
            match event {
                Event::Refreshed {
                    login: id,
                    replayed,
                    ..
                } if *id == login.id => {
                    advanced += u64::from(!replayed);
                    let name = if *replayed { "replayed" } else { "advanced" };
                    *self.counts.entry(name).or_default() += 1;
                }
                Event::RefreshReused { login: id, subject } if *id == login.id => {
                    assert_eq!(*subject, login.subject);
                    stolen += 1;
                }
                Event::Refreshed { .. }
                | Event::RefreshReused { .. }
                | Event::LoggedIn { .. }
                | Event::LoggedOut { .. } => {}
                other => panic!("{other:?}"),
            }
        }
        let mut possible = outcomes(&before, rules, tasks);
        let all = possible.len();
        possible.retain(|state| {
            state.generation == before.generation + advanced
                && state.stolen == (stolen == 1 || before.stolen)
                && match record {
                    None => state.ended || rules.expired,
                    Some(record) => {
                        !(state.ended || rules.expired)
                            && record.rotation.generation == state.generation
                            && record.rotation.is_known_to_have_arrived == state.arrived
                    }
                }
        });
        let state = possible.into_iter().next().unwrap_or_else(|| {
            panic!(
                "{rules:?} {before:?}: {tasks:#?} has {all} possible ends, none of which is \
                 {advanced} further, {stolen} stolen: {record:?}"
            )
        });
        assert!(stolen <= 1);
        for (name, it_did) in [
            ("stolen", stolen == 1),
            (
                "ended otherwise",
                state.ended && !before.ended && stolen == 0,
            ),
            (
                "retried late",
                before.age >= GRACE && state == before && !given.is_empty(),
            ),
            ("arrived", state.arrived && !before.arrived),
            (
                "expired",
                rules.expired && !state.ended && login.dead_for == 0,
            ),
        ] {
            *self.counts.entry(name).or_default() += usize::from(it_did);
        }
        for generation in before.generation + 1..=state.generation {
            let pair = given.get(&generation).expect("somebody got it").clone();
            login.tokens.push(pair);
            login.seen_at = now;
        }
        login.dead_for += usize::from(state.ended || rules.expired);
        login.state = state;
    }

    /// Lets a while pass: often none, sometimes to the very end of the grace of some login.
    fn pass(&mut self) {
        let ms = Duration::from_millis(1);
        let login = &self.logins[self.dice.below(self.logins.len())];
        let age = login.state.age;
        let by = match self.dice.below(20) {
            0..6 => Duration::ZERO,
            6..10 => ms * self.dice.below(12_000) as u32,
            10..13 => GRACE.saturating_sub(age),
            13..15 => GRACE.saturating_sub(age + ms),
            15..17 => GRACE * 3,
            17 => RETRY.saturating_sub(age),
            18 => RETRY.saturating_sub(age + ms),
            _ if self.dice.below(4) == 0 => IDLE,
            _ => ms,
        };
        self.stores.advance(by);
        for login in &mut self.logins {
            login.state.age += by;
        }
    }

    /// A run in which something never happened has shown nothing of it.
    pub(crate) fn assert_that_everything_happened(&self) {
        println!("{} steps: {:?}", self.steps, self.counts);
        assert!(
            self.counts.values().all(|count| *count > 10),
            "{:?}",
            self.counts
        );
    }
}
