//! What was acknowledged, and what the store may therefore say: whatever happens to the servers.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use auth_core::{
    StoreError, Timestamp, Verdict,
    revocation::Query,
    store::{
        CommitOutcome, Load, RefreshLogins as _, Revocations as _, Rotated, SessionKey,
        Sessions as _,
    },
};
use auth_revocation_redis::{RedisStore, RedisStoreBuilder};
use auth_tests::logins::{Session, Tokens};
use tokio::time::{Instant, sleep, timeout};

/// On top of a deadline: the machine is busy with other tests, and a call that hangs takes longer.
const SLACK: Duration = Duration::from_secs(5);
/// How long the store may take to be itself again.
const RECOVERY: Duration = Duration::from_secs(40);
/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(20);
/// A session can hold so many fields.
const FIELDS: usize = 60;

pub(crate) const READ: Duration = Duration::from_millis(100);
pub(crate) const WRITE: Duration = Duration::from_secs(2);

/// Stores as nodes of one service, and the credentials that it has handed out.
pub(crate) struct Model {
    pub(crate) nodes: Vec<Arc<RedisStore>>,
    pub(crate) sessions: Vec<Held>,
    pub(crate) tokens: Vec<Tokens>,
    /// Revoked, and that was acknowledged.
    pub(crate) dead: Vec<Dead>,
    /// The servers have lost data: what was issued before may be refused.
    pub(crate) lost: bool,
    /// How often all data was lost, where that happens beside, and how often it was when what is valid
    /// here was issued.
    pub(crate) losses: Arc<AtomicUsize>,
    pub(crate) since: usize,
    /// Reads may find what is no record of ours.
    pub(crate) garbled: bool,
    writes: usize,
}

/// A session, and what was written to it.
pub(crate) struct Held {
    pub(crate) session: Session,
    pub(crate) written: BTreeMap<String, String>,
    attempts: usize,
}

pub(crate) struct Dead {
    what: String,
    query: Query,
    key: Option<SessionKey>,
}

/// What became of the valid credentials in one round of questions.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Answers {
    pub(crate) good: usize,
    pub(crate) unknown: usize,
    /// Only where data was lost.
    pub(crate) refused: usize,
}

/// A node of the service, with the deadlines that are the default.
pub(crate) async fn node(url: &str) -> Arc<RedisStore> {
    build(RedisStore::builder(url).realm("faults")).await
}

/// A node that waits as long as it takes: for what must not fail on a busy machine.
pub(crate) async fn patient_node(url: &str) -> Arc<RedisStore> {
    let patience = Duration::from_secs(20);
    let builder = RedisStore::builder(url).realm("faults");
    build(builder.read_deadline(patience).write_deadline(patience)).await
}

async fn build(builder: RedisStoreBuilder) -> Arc<RedisStore> {
    Arc::new(builder.build().await.expect("the servers are good"))
}

/// What the store answers, in time.
pub(crate) async fn in_time<T>(what: &str, deadline: Duration, call: impl Future<Output = T>) -> T {
    let answer = timeout(deadline + SLACK, Box::pin(call)).await;
    answer.unwrap_or_else(|_| panic!("{what}: not answered within {deadline:?}"))
}

/// Tries until it comes true.
pub(crate) async fn eventually(what: &str, mut is_true: impl AsyncFnMut() -> bool) {
    let until = Instant::now() + RECOVERY;
    while !Box::pin(is_true()).await {
        assert!(Instant::now() < until, "not within {RECOVERY:?}: {what}");
        sleep(LOOK).await;
    }
}

impl Model {
    /// With these nodes, and nothing else yet.
    pub(crate) fn empty(nodes: Vec<Arc<RedisStore>>) -> Self {
        Self {
            nodes,
            sessions: Vec::new(),
            tokens: Vec::new(),
            dead: Vec::new(),
            lost: false,
            losses: Arc::default(),
            since: 0,
            garbled: false,
            writes: 0,
        }
    }

    /// Whether what was issued before may be refused by now.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost || self.losses.load(Ordering::SeqCst) != self.since
    }

    /// With these nodes, and with some of everything: sessions and tokens that are valid, and
    /// credentials that were revoked in each way there is. All that is done at the first node.
    pub(crate) async fn new(nodes: Vec<Arc<RedisStore>>) -> Self {
        let mut model = Self::empty(nodes);
        model.log_in_some().await;
        model.revoke_some().await;
        model
    }

    pub(crate) async fn log_in_some(&mut self) {
        for subject in ["alice", "bob", "carol"] {
            assert!(self.log_in(0, subject).await.is_ok(), "the server is good");
            assert!(self.start(0, subject).await.is_ok(), "the server is good");
        }
        for n in 0..self.sessions.len() {
            assert!(self.write(0, n).await, "the server is good");
        }
    }

    pub(crate) async fn revoke_some(&mut self) {
        let store = Arc::clone(&self.nodes[0]);
        let good = "the server is good";
        for subject in ["alice", "dave"] {
            let ended = Session::log_in(&*store, subject).await.expect(good);
            store.end_login(subject, ended.login).await.expect(good);
            self.bury("a login that was ended", &ended);

            let tokens = Tokens::log_in(&*store, subject).await.expect(good);
            let exp = Timestamp::from_secs(4_000_000_000);
            let denied = store.revoke_token("iss", "denied", subject, exp).await;
            denied.expect(good);
            self.dead.push(Dead {
                what: "a token that was denied".to_owned(),
                query: tokens.query(&*store, "denied"),
                key: None,
            });
        }
        for subject in ["erin", "frank"] {
            let old = Session::log_in(&*store, subject).await.expect(good);
            store.revoke_subject(subject).await.expect(good);
            self.bury("a session of a subject that was revoked", &old);
            let other = Session::log_in(&*store, subject).await.expect(good);
            let kept = Session::log_in(&*store, subject).await.expect(good);
            let ended = store.end_other_logins(subject, kept.login).await;
            ended.expect(good);
            self.bury("another login than the kept one", &other);
            self.sessions.push(Held::new(kept));
        }
    }

    /// From now on its access tokens are refused everywhere.
    pub(crate) fn bury_tokens(&mut self, what: &str, tokens: &Tokens) {
        self.dead.push(Dead {
            what: format!("{what} ({})", tokens.subject),
            query: tokens.query(&*self.nodes[0], "good"),
            key: None,
        });
    }

    /// From now on it is refused everywhere.
    pub(crate) fn bury(&mut self, what: &str, session: &Session) {
        self.dead.push(Dead {
            what: format!("{what} ({})", session.subject),
            query: session.query(&*self.nodes[0]),
            key: Some(session.key),
        });
    }

    pub(crate) async fn log_in(&mut self, node: usize, subject: &str) -> Result<(), StoreError> {
        let store = Arc::clone(&self.nodes[node]);
        let session = Session::log_in(&*store, subject);
        let session = in_time("a login", WRITE * 2, session).await?;
        self.sessions.push(Held::new(session));
        Ok(())
    }

    pub(crate) async fn start(&mut self, node: usize, subject: &str) -> Result<(), StoreError> {
        let store = Arc::clone(&self.nodes[node]);
        let tokens = Tokens::log_in(&*store, subject);
        self.tokens.push(in_time("a start", WRITE, tokens).await?);
        Ok(())
    }

    /// Writes a field of a session that nobody wrote before; whether that was acknowledged.
    pub(crate) async fn write(&mut self, node: usize, n: usize) -> bool {
        let held = &mut self.sessions[n];
        if held.attempts >= FIELDS {
            return false;
        }
        self.writes += 1;
        held.attempts += 1;
        let (name, value) = (format!("f{}", held.attempts), self.writes.to_string());
        let committed = held.session.set(&*self.nodes[node], &name, &value);
        match in_time("a commit", WRITE + READ, committed).await {
            Ok(CommitOutcome::Done(_)) => {
                held.written.insert(name, value);
                true
            }
            Ok(outcome) => {
                let lost = self.is_lost();
                assert!(lost, "a commit to a session that is alive: {outcome:?}");
                false
            }
            Err(_) => false,
        }
    }

    /// Refreshes; whether that was acknowledged.
    pub(crate) async fn refresh(&mut self, node: usize, n: usize) -> bool {
        let tokens = &mut self.tokens[n];
        let rotation = tokens.rotation();
        let rotated = self.nodes[node].rotate(&rotation);
        match in_time("a refresh", WRITE, rotated).await {
            Ok(Rotated::Advanced { record, .. } | Rotated::Replayed { record }) => {
                tokens.advance(&record);
                true
            }
            Ok(outcome) => {
                let subject = tokens.subject.clone();
                assert!(self.is_lost(), "a refresh of {subject}: {outcome:?}");
                false
            }
            Err(_) => false,
        }
    }

    /// Ends a login; whether that was acknowledged. The node that tried refuses it from now on in any
    /// case.
    pub(crate) async fn end(&mut self, node: usize, session: &Session) -> bool {
        let ended = self.nodes[node].end_login(&session.subject, session.login);
        let is_done = in_time("a revocation", WRITE, ended).await.is_ok();
        if is_done {
            self.bury("a login that was ended meanwhile", session);
        }
        let query = session.query(&*self.nodes[node]);
        let verdict = in_time("a verdict", READ, self.nodes[node].verdict(&query)).await;
        assert_eq!(verdict, Verdict::Revoked, "here it is revoked in any case");
        is_done
    }

    /// Asks a node about everything. It never lets in what was revoked, and refuses nothing that is
    /// valid unless data was lost.
    pub(crate) async fn ask(&self, node: usize) -> Answers {
        for dead in &self.dead {
            self.ask_dead(node, dead).await;
        }
        self.ask_valid(node).await
    }

    /// Asks a node about everything that is valid.
    pub(crate) async fn ask_valid(&self, node: usize) -> Answers {
        let mut answers = Answers::default();
        for held in &self.sessions {
            self.ask_session(node, held, &mut answers).await;
        }
        for tokens in &self.tokens {
            let store = &self.nodes[node];
            let query = tokens.query(&**store, "good");
            let verdict = in_time("a verdict", READ, store.verdict(&query)).await;
            answers.count(self, verdict, "a token");
        }
        answers
    }

    /// Asks a node about something that was revoked.
    pub(crate) async fn ask_dead(&self, node: usize, dead: &Dead) {
        let store = &self.nodes[node];
        let verdict = in_time("a verdict", READ, store.verdict(&dead.query)).await;
        assert_ne!(verdict, Verdict::Active, "at node {node}: {}", dead.what);
        if let Some(key) = &dead.key {
            let load = in_time("a load", READ, store.load(key)).await;
            let is_live = matches!(load, Ok(Load::Live(_)));
            assert!(!is_live, "at node {node}: {}: {load:?}", dead.what);
        }
    }

    async fn ask_session(&self, node: usize, held: &Held, answers: &mut Answers) {
        let store = &self.nodes[node];
        let query = held.session.query(&**store);
        let verdict = in_time("a verdict", READ, store.verdict(&query)).await;
        answers.count(self, verdict, "a session");
        let load = in_time("a load", READ, store.load(&held.session.key)).await;
        if let (Ok(Load::Live(record)), false) = (&load, self.is_lost()) {
            let read = |name: &String| record.fields.get(name);
            let mut written = held.written.iter();
            let missing = written.find(|(name, value)| read(name) != Some(value.as_str()));
            assert_eq!(missing, None, "it was acknowledged");
        }
        let verdict = match load {
            Ok(Load::Live(_)) => Verdict::Active,
            Ok(_) => Verdict::Revoked,
            Err(StoreError::Unavailable(_)) => Verdict::Unknown,
            Err(error) => {
                assert!(self.garbled, "a load: {error:?}");
                Verdict::Unknown
            }
        };
        answers.count(self, verdict, "a load");
    }

    /// Asks all nodes until they know everything; gives what the last said.
    pub(crate) async fn settle(&self) -> Answers {
        let mut last = Answers::default();
        for node in 0..self.nodes.len() {
            eventually("every question has an answer", async || {
                last = self.ask(node).await;
                last.unknown == 0
            })
            .await;
        }
        last
    }

    /// Forgets what is valid: what was issued before a loss is not asked for any more.
    pub(crate) fn start_over(&mut self) {
        self.sessions.clear();
        self.tokens.clear();
        self.lost = false;
        self.since = self.losses.load(Ordering::SeqCst);
    }
}

impl Held {
    pub(crate) fn new(session: Session) -> Self {
        Self {
            session,
            written: BTreeMap::new(),
            attempts: 0,
        }
    }
}

impl Answers {
    fn count(&mut self, model: &Model, verdict: Verdict, what: &str) {
        match verdict {
            Verdict::Active => self.good += 1,
            Verdict::Unknown => self.unknown += 1,
            _ => {
                assert!(model.is_lost(), "{what} is valid, and is refused");
                self.refused += 1;
            }
        }
    }
}
