//! Many stores notice one loss.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use auth_core::{Verdict, store::Store};
use auth_tests::{Redis, logins::Session};
use tokio::{
    sync::Barrier,
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::model::{eventually, patient_node};

const STORES: usize = 32;
const TASKS: usize = 32;

/// All that a server executes, line by line.
struct Monitor {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Monitor {
    fn of(redis: &Redis) -> Self {
        let mut child = Command::new("redis-cli")
            .args(["-p", &redis.port().to_string(), "MONITOR"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("redis-cli; `tests/run` brings it");
        let output = child.stdout.take().expect("it was asked for");
        let (say, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if say.send(line).is_err() {
                    return;
                }
            }
        });
        let first = lines.recv_timeout(Duration::from_secs(10));
        assert_eq!(first.as_deref(), Ok("OK"));
        Self { child, lines }
    }

    /// What there was until the server executed `end`, of that which contains `part`.
    fn until(&self, end: &str, part: &str) -> Vec<String> {
        let mut found = Vec::new();
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(30));
            let line = line.expect("the server executes the last one");
            if line.contains(end) {
                return found;
            }
            if line.contains(part) {
                found.push(line);
            }
        }
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn stores(redis: &Redis) -> Vec<Arc<dyn Store>> {
    let mut stores: Vec<Arc<dyn Store>> = Vec::new();
    for _ in 0..STORES {
        stores.push(patient_node(&redis.url()).await);
    }
    stores
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_callers_raise_a_lane_once() {
    let redis = Redis::start(&[]);
    let stores = stores(&redis).await;
    let old = Session::log_in(&*stores[0], "alice").await;
    let old = old.expect("the server is good");
    let monitor = Monitor::of(&redis);
    redis.cli(&["FLUSHALL"]);
    let start = Arc::new(Barrier::new(STORES * TASKS));
    let mut tasks = JoinSet::new();
    for store in &stores {
        for n in 0..TASKS {
            let (store, start) = (Arc::clone(store), Arc::clone(&start));
            let query = old.query(&*store);
            tasks.spawn(async move {
                start.wait().await;
                if n % 8 == 0 {
                    let new = Session::log_in(&*store, "alice").await;
                    return store
                        .verdict(&new.expect("a login works at once").query(&*store))
                        .await;
                }
                match store.verdict(&query).await {
                    Verdict::Revoked => Verdict::Active,
                    _ => panic!("what is older is refused"),
                }
            });
        }
    }
    let verdicts = tasks.join_all().await;
    assert_eq!(verdicts, vec![Verdict::Active; STORES * TASKS]);
    redis.cli(&["ECHO", "the end"]);
    // A raise is the only write of an id to a lane.
    let mut raised = monitor.until("the end", "lua] \"HSET\" \"auth:v:");
    raised.retain(|line| line.contains("}\" \"id\""));
    let lane = |line: &String| line.split('{').nth(1).map(str::to_owned);
    let lanes: BTreeSet<_> = raised.iter().map(lane).collect();
    assert!(!lanes.is_empty());
    assert_eq!(raised.len(), lanes.len(), "each lane once: {raised:?}");
}

/// Where each lane stands: its id and its epoch.
fn lanes(redis: &Redis) -> String {
    let script = "
        local all = {}
        local keys = redis.call('KEYS', 'auth:v:*')
        table.sort(keys)
        for _, key in ipairs(keys) do
            local stands = redis.call('HMGET', key, 'id', 'e')
            table.insert(all, key .. ' ' .. (stands[1] or '-') .. ' ' .. (stands[2] or '-'))
        end
        return table.concat(all, '\\n')";
    redis.cli(&["EVAL", script, "0"])
}

#[tokio::test(flavor = "multi_thread")]
async fn all_stores_that_come_back_to_an_empty_server_raise_each_lane_once() {
    let mut redis = Redis::start(&[]);
    let stores = stores(&redis).await;
    redis.kill();
    redis.restart();
    // The first that are connected again look at all lanes by themselves.
    eventually("all lanes are there", async || {
        lanes(&redis).lines().count() == 1_024
    })
    .await;
    let first = lanes(&redis);
    for store in &stores {
        eventually("it is connected again", async || {
            store.epoch("alice").await.is_ok()
        })
        .await;
    }
    // And have looked at all lanes, of which nothing is seen if nothing is wrong: a while longer
    // than it takes.
    let until = Instant::now() + Duration::from_secs(2);
    while Instant::now() < until {
        assert_eq!(lanes(&redis), first, "raised again");
        sleep(Duration::from_millis(100)).await;
    }
}
