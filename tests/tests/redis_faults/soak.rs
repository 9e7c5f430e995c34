//! Everything at once, for as long as it is let: `AUTH_SOAK_SECONDS`, 60 unless set. What is done is
//! thrown by dice; `AUTH_SOAK_SEED` makes them fall the same way again (what the machine does between
//! the throws is its own).

use std::{
    collections::VecDeque,
    env,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use auth_core::{
    StoreError,
    store::{RefreshLogins as _, Revocations as _, Rotated},
};
use auth_tests::{Broken, Dice, Line, Proxy, Redis};
use tokio::{
    task::{JoinSet, LocalSet},
    time::{Instant, sleep},
};

use crate::model::{Model, WRITE, eventually, in_time, node};

/// Each has subjects of its own, and works on all nodes.
const WORKERS: usize = 3;
const SUBJECTS: usize = 4;
/// So much of each is valid at a time.
const ENOUGH: usize = 6;
/// So many steps are shown when something is wrong.
const STEPS: usize = 300;
/// So many that were revoked are asked about in one round.
const SAMPLE: usize = 12;

fn setting(name: &str) -> Option<u64> {
    let value = env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is a number")),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_that_was_acknowledged_is_forgotten() {
    let seed =
        setting("AUTH_SOAK_SEED").unwrap_or_else(|| u64::from_le_bytes(auth_core::random_bytes()));
    let seconds = setting("AUTH_SOAK_SECONDS").unwrap_or(60);
    println!("AUTH_SOAK_SEED={seed} AUTH_SOAK_SECONDS={seconds}");
    let redis = Redis::start(Redis::APPEND_ONLY);
    let proxies = [Proxy::to(redis.address()), Proxy::to(redis.address())];
    let urls = [proxies[0].url(), proxies[0].url(), proxies[1].url()];
    let mut nodes = Vec::new();
    for url in &urls {
        nodes.push(node(url).await);
    }
    let losses = Arc::<AtomicUsize>::default();
    let faults = Faults {
        dice: Dice::new(seed),
        redis,
        proxies,
        losses: Arc::clone(&losses),
        began: Instant::now(),
    };
    // Beside the workers: killing a server takes its time.
    let until = Instant::now() + Duration::from_secs(seconds);
    let faults = tokio::spawn(faults.make(until));
    let is_over = Arc::<AtomicBool>::default();
    let workers = async {
        let mut workers = JoinSet::new();
        for number in 0..WORKERS {
            let mut model = Model::empty(nodes.clone());
            model.losses = Arc::clone(&losses);
            let worker = Worker {
                number,
                dice: Dice::new(seed.wrapping_add(1 + number as u64)),
                model,
                rounds: 0,
                began: Instant::now(),
                steps: VecDeque::new(),
            };
            workers.spawn_local(Box::pin(worker.work(Arc::clone(&is_over))));
        }
        // A worker that has found something wrong ends it all.
        let servers = tokio::select! {
            faults = faults => faults.expect("no panic"),
            failed = workers.join_next() => panic!("{failed:?}"),
        };
        is_over.store(true, Ordering::SeqCst);
        let rounds: usize = workers.join_all().await.into_iter().sum();
        println!("{rounds} rounds");
        assert!(rounds >= WORKERS, "it has done something");
        drop(servers);
    };
    LocalSet::new().run_until(workers).await;
}

/// Who makes the faults, one at a time.
struct Faults {
    dice: Dice,
    redis: Redis,
    proxies: [Proxy; 2],
    losses: Arc<AtomicUsize>,
    began: Instant,
}

impl Faults {
    /// Until then; after it all is well.
    async fn make(mut self, until: Instant) -> Self {
        while Instant::now() < until {
            self.pause(100, 900).await;
            let which = self.dice.below(14);
            let proxy = self.dice.below(2);
            let how =
                self.dice
                    .one_of(&[Broken::Lost, Broken::Half, Broken::Garbage, Broken::Huge]);
            let what = self.dice.one_of(&["EVALSHA", "HMGET", "HGETALL"]);
            match which {
                0 | 1 => {
                    self.say("the server is killed");
                    self.redis.kill();
                    self.pause(0, 1_500).await;
                    self.redis.restart();
                    self.say("the server is back");
                }
                2 | 3 => {
                    self.say("the server hangs");
                    self.redis.signal("STOP");
                    self.pause(20, 1_500).await;
                    self.redis.signal("CONT");
                    self.say("the server goes on");
                }
                4 => self.line(proxy, Line::Stall).await,
                5 => self.line(proxy, Line::StallReplies).await,
                6 => {
                    self.line(proxy, Line::Slow(Duration::from_millis(30)))
                        .await
                }
                7 => {
                    self.proxies[proxy].set(Line::Refuse);
                    self.proxies[proxy].cut();
                    self.line(proxy, Line::Refuse).await;
                }
                8 => {
                    self.say(&format!("line {proxy} is cut"));
                    self.proxies[proxy].cut();
                }
                9 | 10 => {
                    self.say(&format!("line {proxy}: {how:?} reply to the next {what}"));
                    self.proxies[proxy].break_reply_to(what, how);
                }
                11 => {
                    self.say("the scripts are flushed");
                    self.redis.cli(&["SCRIPT", "FLUSH"]);
                }
                12 => {
                    self.say("all clients are killed");
                    self.redis.cli(&["CLIENT", "KILL", "TYPE", "normal"]);
                }
                _ => {
                    self.say("all is lost");
                    // Before and after: nobody takes what happens meanwhile for the one or the other.
                    self.losses.fetch_add(1, Ordering::SeqCst);
                    self.redis.cli(&["FLUSHALL"]);
                    self.losses.fetch_add(1, Ordering::SeqCst);
                }
            }
        }
        self.say("all is well");
        self
    }

    async fn line(&mut self, proxy: usize, line: Line) {
        self.say(&format!("line {proxy}: {line:?}"));
        self.proxies[proxy].set(line);
        self.pause(20, 1_500).await;
        self.proxies[proxy].set(Line::Pass);
        self.say(&format!("line {proxy} is mended"));
    }

    async fn pause(&mut self, from: u64, to: u64) {
        let by = from + self.dice.next() % (to - from);
        sleep(Duration::from_millis(by)).await;
    }

    /// Shown when it fails.
    fn say(&self, what: &str) {
        println!("{:>7} ms: {what}", self.began.elapsed().as_millis());
    }
}

/// Who uses the store, and knows what it has to say.
struct Worker {
    number: usize,
    dice: Dice,
    model: Model,
    rounds: usize,
    began: Instant,
    /// What it did last.
    steps: VecDeque<String>,
}

impl Drop for Worker {
    fn drop(&mut self) {
        if thread::panicking() {
            println!("--- the last steps of worker {}", self.number);
            for step in &self.steps {
                println!("{step}");
            }
        }
    }
}

impl Worker {
    async fn work(mut self, is_over: Arc<AtomicBool>) -> usize {
        while !is_over.load(Ordering::SeqCst) {
            self.notice_losses();
            self.step().await;
            self.rounds += 1;
            // Time for the others; while a breaker is open, nothing takes any.
            sleep(Duration::from_millis(self.dice.next() % 4)).await;
        }
        self.notice_losses();
        // What is valid is let in everywhere, and works.
        self.model.settle().await;
        for node in 0..self.model.nodes.len() {
            for n in 0..self.model.tokens.len() {
                eventually("a refresh works", async || {
                    self.model.refresh(node, n).await
                })
                .await;
            }
            eventually("a login works", async || {
                self.model.log_in(node, "at the end").await.is_ok()
            })
            .await;
        }
        self.model.settle().await;
        self.rounds
    }

    fn notice_losses(&mut self) {
        if self.model.losses.load(Ordering::SeqCst) != self.model.since {
            self.model.start_over();
        }
    }

    async fn step(&mut self) {
        let node = self.dice.below(self.model.nodes.len());
        let subject = format!("worker-{}-{}", self.number, self.dice.below(SUBJECTS));
        let (sessions, tokens) = (self.model.sessions.len(), self.model.tokens.len());
        let what = self.dice.below(16);
        if self.steps.len() >= STEPS {
            self.steps.pop_front();
        }
        let at = self.began.elapsed().as_millis();
        let step = format!(
            "{at:>7} ms: step {what} at node {node} for {subject}; {sessions} sessions and {tokens} tokens are valid, {} were revoked",
            self.model.dead.len()
        );
        self.steps.push_back(step);
        match what {
            0 | 1 if sessions < ENOUGH => drop(self.model.log_in(node, &subject).await),
            2 | 3 if tokens < ENOUGH => drop(self.model.start(node, &subject).await),
            4 | 5 if sessions > 0 => {
                let n = self.dice.below(sessions);
                self.model.write(node, n).await;
            }
            6 | 7 if tokens > 0 => {
                let n = self.dice.below(tokens);
                self.model.refresh(node, n).await;
            }
            8 if tokens > 0 => {
                let n = self.dice.below(tokens);
                self.refresh_twice(n).await;
            }
            9 | 10 if sessions > 0 => {
                let n = self.dice.below(sessions);
                let held = self.model.sessions.swap_remove(n);
                // Unless it is acknowledged, nobody knows.
                self.model.end(node, &held.session).await;
            }
            11 => self.revoke_subject(node, &subject).await,
            _ => {
                for _ in 0..SAMPLE.min(self.model.dead.len()) {
                    let n = self.dice.below(self.model.dead.len());
                    self.model.ask_dead(node, &self.model.dead[n]).await;
                }
                self.model.ask_valid(node).await;
            }
        }
    }

    /// Two tabs at once, on two nodes: each gets an answer, or both the same successor.
    async fn refresh_twice(&mut self, n: usize) {
        let tokens = self.model.tokens[n].clone();
        let rotate = async |node: usize| -> Result<Rotated, StoreError> {
            let rotation = tokens.rotation();
            let rotated = self.model.nodes[node].rotate(&rotation);
            in_time("a refresh", WRITE, rotated).await
        };
        let (one, other) = tokio::join!(rotate(0), rotate(2));
        let mut next = None;
        for rotated in [one, other] {
            match rotated {
                Ok(Rotated::Advanced { record, .. } | Rotated::Replayed { record }) => {
                    let mut advanced = tokens.clone();
                    advanced.advance(&record);
                    let first = next.get_or_insert_with(|| advanced.clone());
                    assert!(first.current == advanced.current, "a fork");
                }
                Ok(outcome) => assert!(self.model.is_lost(), "two refreshes: {outcome:?}"),
                Err(_) => {}
            }
        }
        if let Some(next) = next {
            self.model.tokens[n] = next;
        }
    }

    async fn revoke_subject(&mut self, node: usize, subject: &str) {
        let revoked = self.model.nodes[node].revoke_subject(subject);
        let is_done = in_time("a revocation", WRITE, revoked).await.is_ok();
        let sessions = std::mem::take(&mut self.model.sessions);
        let (its, others) = sessions
            .into_iter()
            .partition(|held| held.session.subject == subject);
        self.model.sessions = others;
        let tokens = std::mem::take(&mut self.model.tokens);
        let (its_tokens, others) = tokens.into_iter().partition(|it| it.subject == subject);
        self.model.tokens = others;
        if is_done {
            let what = "of a subject that was revoked";
            for held in Vec::into_iter(its) {
                self.model.bury(what, &held.session);
            }
            for tokens in Vec::into_iter(its_tokens) {
                self.model.bury_tokens(what, &tokens);
            }
        }
    }
}
