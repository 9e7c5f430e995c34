//! A master under sentinels dies while everybody is at work.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use auth_tests::RedisSentinels;
use tokio::{task::JoinSet, time::timeout};

use super::*;

const WITHIN: Duration = Duration::from_secs(1);
/// The longest deadline that a call has, and what a busy machine may take on top of it.
const IN_TIME: Duration = Duration::from_secs(2 + 10);
const TASKS: usize = 8;

/// Two nodes, and what was revoked at them.
struct Service {
    nodes: Vec<Arc<RedisStore>>,
    /// At which node, and when that was acknowledged.
    dead: Mutex<Vec<(Query, usize, Instant)>>,
    revoked: AtomicUsize,
    is_over: AtomicBool,
}

async fn in_time<T>(call: impl Future<Output = T>) -> T {
    timeout(IN_TIME, call).await.expect("in time")
}

impl Service {
    async fn start(url: &str) -> Arc<Self> {
        let mut nodes = Vec::new();
        for _ in 0..2 {
            let builder = RedisStore::builder(url).realm(REALM);
            let store = builder.freshness(Freshness::Within(WITHIN)).build().await;
            nodes.push(Arc::new(store.expect("the servers are good")));
        }
        Arc::new(Self {
            nodes,
            dead: Mutex::default(),
            revoked: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        })
    }

    fn dead(&self) -> Vec<(Query, usize, Instant)> {
        let dead = self.dead.lock().unwrap_or_else(PoisonError::into_inner);
        dead.clone()
    }

    /// As the layers ask.
    async fn verdict(&self, n: usize, query: &Query) -> Verdict {
        match self.nodes[n].verdict_now(query) {
            Some(verdict) => verdict,
            None => in_time(self.nodes[n].verdict(query)).await,
        }
    }

    /// Makes tokens and revokes them.
    async fn work(self: Arc<Self>, task: usize) {
        let n = task % 2;
        let exp = SystemClock.now().plus(Duration::from_secs(3_600));
        for round in 0.. {
            if self.is_over.load(Ordering::Relaxed) {
                return;
            }
            // While a breaker is open nothing takes any time.
            tokio::time::sleep(Duration::from_millis(5)).await;
            // Another lane each time.
            let (subject, jti) = (format!("{task}-{round}"), round.to_string());
            let Ok(epoch) = in_time(self.nodes[n].epoch(&subject)).await else {
                continue;
            };
            let query = Query::own(REALM, &subject, &LoginId::random(), epoch.version());
            let query = query.token(ISSUER, &jti);
            self.verdict(1 - n, &query).await;
            let revoked = self.nodes[n].revoke_token(ISSUER, &jti, &subject, exp);
            if in_time(revoked).await.is_ok() {
                let since = Instant::now();
                let mut dead = self.dead.lock().unwrap_or_else(PoisonError::into_inner);
                dead.push((query, n, since));
                self.revoked.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Asks one node about all that was revoked.
    async fn ask_all(&self, n: usize) {
        for (query, at, since) in self.dead() {
            let sent = Instant::now();
            let grace = if n == at { Duration::ZERO } else { WITHIN };
            let verdict = self.verdict(n, &query).await;
            let is_late = sent >= since + grace;
            assert!(!is_late || verdict != Verdict::Active, "at node {n}");
        }
    }

    async fn ask(self: Arc<Self>, n: usize) {
        while !self.is_over.load(Ordering::Relaxed) {
            self.ask_all(n).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Each task gets some more done.
    async fn goes_on(&self, tasks: &mut JoinSet<()>) {
        let enough = self.revoked.load(Ordering::Relaxed) + 3 * TASKS;
        eventually("it goes on", || {
            if let Some(ended) = tasks.try_join_next() {
                ended.expect("no panic");
            }
            self.revoked.load(Ordering::Relaxed) >= enough
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_revoked_stays_so_while_a_master_is_replaced() {
    let mut sentinels = RedisSentinels::start(&[]);
    let service = Service::start(&sentinels.url()).await;
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        tasks.spawn(Arc::clone(&service).work(task));
    }
    for n in 0..2 {
        tasks.spawn(Arc::clone(&service).ask(n));
    }
    service.goes_on(&mut tasks).await;
    let old = sentinels.master();
    sentinels.servers[old].kill();
    sentinels.wait_for_another_than(old);
    service.goes_on(&mut tasks).await;
    // It comes back empty, as a master at first.
    sentinels.servers[old].restart();
    sentinels.wait();
    service.goes_on(&mut tasks).await;
    service.is_over.store(true, Ordering::Relaxed);
    tasks.join_all().await;

    // And all is answered from the copies again.
    for node in &service.nodes {
        for (query, ..) in service.dead() {
            answers(node, &query, Verdict::Revoked).await;
        }
        let query = token(node, "new").await;
        answers(node, &query, Verdict::Active).await;
    }
}
