//! One fault from its beginning to its end, on one server behind a line that can break.

use auth_tests::{Proxy, Redis, logins::Session};

use crate::model::{Model, READ, eventually, in_time, node};

/// How often everything is asked while the fault lasts: more often than opens a breaker.
const ROUNDS: usize = 3;

/// A fault, how it is made, and what is to be expected of it.
pub(crate) struct Fault {
    /// Options of the server.
    pub(crate) options: &'static [&'static str],
    pub(crate) begin: fn(&mut Servers),
    pub(crate) end: fn(&mut Servers),
    /// Whether reads work while it lasts.
    pub(crate) reads: Works,
    /// Whether writes do.
    pub(crate) writes: Works,
    /// Whether what was issued before is still valid after it.
    pub(crate) after: After,
    /// Whether reads meanwhile find what is no record of ours.
    pub(crate) garbles: bool,
}

/// Whether something works while a fault lasts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Works {
    Yes,
    No,
    /// Sometimes, or in parts.
    Perhaps,
}

/// What is left after a fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum After {
    Kept,
    /// All of it is refused, from the beginning of the fault on.
    LostAtOnce,
    /// All of it is refused once the fault is over.
    LostThen,
    /// What was issued before may be refused, in parts.
    Doubtful,
}

pub(crate) struct Servers {
    pub(crate) redis: Redis,
    pub(crate) proxy: Proxy,
}

impl Servers {
    pub(crate) fn cli(&self, words: &[&str]) {
        self.redis.cli(words);
    }

    pub(crate) fn set(&self, name: &str, value: &str) {
        self.redis.cli(&["CONFIG", "SET", name, value]);
    }
}

impl Fault {
    pub(crate) async fn drive(&self) {
        let redis = Redis::start(self.options);
        Box::pin(self.drive_on(redis)).await;
    }

    /// The same, on a server that is there.
    pub(crate) async fn drive_on(&self, redis: Redis) {
        let proxy = Proxy::to(redis.address());
        let mut servers = Servers { redis, proxy };
        let url = servers.proxy.url();
        let nodes = vec![node(&url).await, node(&url).await];
        let mut model = Box::pin(Model::new(nodes)).await;
        model.settle().await;
        let victims = self.victims(&mut model).await;

        (self.begin)(&mut servers);
        model.garbled = self.garbles;
        model.lost = matches!(self.after, After::LostAtOnce | After::Doubtful);
        Box::pin(self.meanwhile(&mut model, victims)).await;

        model.lost |= self.after == After::LostThen;
        (self.end)(&mut servers);
        model.garbled = false;
        Box::pin(self.afterwards(&mut model)).await;
    }

    /// Logins to be ended while the fault lasts.
    async fn victims(&self, model: &mut Model) -> Vec<Session> {
        let mut victims = Vec::new();
        for subject in ["victim", "another"] {
            let victim = Session::log_in(&*model.nodes[0], subject).await;
            victims.push(victim.expect("the server is good"));
        }
        victims
    }

    async fn meanwhile(&self, model: &mut Model, victims: Vec<Session>) {
        for round in 0..ROUNDS {
            for node in 0..model.nodes.len() {
                let answers = model.ask(node).await;
                if self.reads == Works::No {
                    assert_eq!(answers.good, 0, "in round {round}: {answers:?}");
                }
            }
        }
        if self.after == After::LostAtOnce {
            let answers = model.settle().await;
            assert_eq!(answers.good, 0, "what is older is refused: {answers:?}");
        } else if self.reads == Works::Yes {
            model.settle().await;
        }
        let check = |done: bool, what: &str| match self.writes {
            Works::Yes => assert!(done, "{what} works meanwhile"),
            Works::No => assert!(!done, "{what} does not work meanwhile"),
            Works::Perhaps => {}
        };
        if self.writes == Works::Yes && model.lost {
            // What was there before is not there any more.
            model.start_over();
            model.log_in_some().await;
        }
        for victim in victims {
            let done = model.end(0, &victim).await;
            check(done, "a revocation");
        }
        for node in 0..model.nodes.len() {
            let done = model.log_in(node, "alice").await.is_ok();
            check(done, "a login");
            if !model.lost && !model.tokens.is_empty() {
                let done = model.refresh(node, 0).await;
                check(done, "a refresh");
                let done = model.write(node, 0).await;
                check(done, "a commit");
            }
            model.ask(node).await;
        }
    }

    /// All is well again, by itself.
    async fn afterwards(&self, model: &mut Model) {
        let answers = model.settle().await;
        match self.after {
            After::Kept => assert_eq!(answers.refused, 0),
            After::LostThen => {
                assert_eq!(answers.good, 0, "what is older is refused: {answers:?}");
                model.start_over();
            }
            After::LostAtOnce => {}
            After::Doubtful => model.start_over(),
        }
        // The breaker of writes may be open a while longer than that of reads.
        for node in 0..model.nodes.len() {
            eventually("a login works", async || {
                model.log_in(node, "alice").await.is_ok()
            })
            .await;
            eventually("a start works", async || {
                model.start(node, "bob").await.is_ok()
            })
            .await;
        }
        for node in 0..model.nodes.len() {
            for n in 0..model.tokens.len() {
                eventually("a refresh works", async || model.refresh(node, n).await).await;
            }
            for n in 0..model.sessions.len() {
                eventually("a commit works", async || model.write(node, n).await).await;
            }
        }
        // A revocation at one is refused at all, at once.
        let held = model.sessions.swap_remove(0);
        eventually("a revocation works", async || {
            model.end(0, &held.session).await
        })
        .await;
        model.settle().await;
        for store in &model.nodes {
            let health = in_time("health", READ, store.health()).await;
            assert!(health.is_ok(), "{health:?}");
        }
    }
}
