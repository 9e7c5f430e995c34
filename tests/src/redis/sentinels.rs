use std::fs;

use super::{Redis, wait_for};
use crate::WallClock;

/// The name of the master.
const NAME: &str = "main";

/// The replicas follow again soon, and nobody is given up by the clock, which tests move.
const OPTIONS: &[&str] = &[
    "--repl-diskless-sync-delay",
    "0",
    "--repl-timeout",
    "1000000000",
    "--replica-announce-ip",
    "127.0.0.1",
];

/// A master with two replicas, and three sentinels that watch it, on free ports of this machine.
///
/// Servers are named by their number in [`servers`](Self::servers): 0 is the master at first.
#[derive(Debug)]
pub struct RedisSentinels {
    /// The master and its replicas.
    pub servers: Vec<Redis>,
    /// Those who watch them.
    pub sentinels: Vec<Redis>,
}

impl RedisSentinels {
    /// Starts them; `args` are further options of the three servers.
    ///
    /// # Panics
    ///
    /// When there is no `redis-server`, or they do not find together in a while.
    pub fn start(args: &[&str]) -> Self {
        Self::make(args, None)
    }

    /// Starts servers with one clock that stands still until it is [moved](Redis::advance), at any of
    /// them; the sentinels go by the machine's.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start), and without a C compiler.
    pub fn with_clock_that_stands() -> Self {
        Self::make(&[], Some(WallClock::standing()))
    }

    fn make(args: &[&str], clock: Option<WallClock>) -> Self {
        let options = [OPTIONS, args].concat();
        let mut servers: Vec<Redis> = (0..3)
            .map(|_| Redis::prepare(&options, clock.clone()))
            .collect();
        servers.iter_mut().for_each(Redis::spawn);
        servers.iter_mut().for_each(Redis::wait);
        let master = servers[0].port();
        for replica in &servers[1..] {
            replica.cli(&["REPLICAOF", "127.0.0.1", &master.to_string()]);
        }
        wait_for("the master has two replicas", || {
            let info = servers[0].cli(&["INFO", "replication"]);
            (info.matches("state=online").count() == 2).then_some(())
        });
        let sentinels = (0..3).map(|_| sentinel(master)).collect();
        let all = Self { servers, sentinels };
        all.wait();
        all
    }

    /// Waits until every sentinel knows the others and names the same master, which two replicas
    /// follow.
    ///
    /// # Panics
    ///
    /// When that takes too long.
    #[track_caller]
    pub fn wait(&self) {
        let knows_all = |sentinel: &Redis| {
            let master = sentinel.cli(&["SENTINEL", "MASTER", NAME]);
            value(&master, "num-slaves") == Some("2")
                && value(&master, "num-other-sentinels") == Some("2")
                && value(&master, "flags") == Some("master")
        };
        wait_for("the sentinels know all", || {
            self.sentinels.iter().all(knows_all).then_some(())
        });
        // What they say of the servers may be older than what happened last.
        wait_for("the replicas follow", || {
            let master = self.master();
            let port = self.servers[master].port();
            let info = self.servers[master].try_cli(&["INFO", "replication"]);
            let followed = info.is_ok_and(|info| info.matches("state=online").count() == 2);
            let follows = |n: usize| {
                let role = self.servers[n].try_cli(&["ROLE"]).unwrap_or_default();
                n == master || role.contains(&format!("\n{port}\nconnected"))
            };
            (followed && (0..3).all(follows)).then_some(())
        });
    }

    /// The URL of a store.
    pub fn url(&self) -> String {
        let [one, two, three] = [0, 1, 2].map(|n| self.sentinels[n].address());
        format!("redis-sentinel://{one}?node={two}&node={three}&sentinelServiceName={NAME}")
    }

    /// The number of the master, as most sentinels see it.
    ///
    /// # Panics
    ///
    /// When they do not agree.
    pub fn master(&self) -> usize {
        wait_for("the sentinels agree on a master", || {
            let named = |n: usize| self.named_by(n);
            let all = [named(0), named(1), named(2)];
            (all[0] == all[1] && all[1] == all[2]).then_some(all[0])
        })
    }

    /// The number of the master that the sentinel `n` names.
    pub fn named_by(&self, n: usize) -> usize {
        let master = self.sentinels[n].cli(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME]);
        let port = master.lines().nth(1).expect("it names one");
        let is_it = |server: &Redis| server.port().to_string() == port;
        self.servers.iter().position(is_it).expect("it is ours")
    }

    /// Kills the master and waits until the sentinels have another; gives that one's number.
    ///
    /// # Panics
    ///
    /// When that takes too long.
    pub fn fail_over(&mut self) -> usize {
        let old = self.master();
        self.servers[old].kill();
        self.wait_for_another_than(old)
    }

    /// Makes a sentinel replace the master, which goes on as a replica; gives the new one's number.
    ///
    /// # Panics
    ///
    /// When that takes too long.
    pub fn hand_over(&self) -> usize {
        let old = self.master();
        wait_for("a sentinel begins", || {
            let begun = self.sentinels[0].try_cli(&["SENTINEL", "FAILOVER", NAME]);
            begun.ok()
        });
        self.wait_for_another_than(old)
    }

    /// Waits until all sentinels name another master than `old`, which says itself that it is one;
    /// gives its number.
    ///
    /// # Panics
    ///
    /// When that takes too long.
    #[track_caller]
    pub fn wait_for_another_than(&self, old: usize) -> usize {
        wait_for("there is another master", || {
            // The old one may hang, and is not asked.
            let master = Some(self.master()).filter(|&master| master != old)?;
            let role = self.servers[master].try_cli(&["ROLE"]).ok()?;
            role.starts_with("master").then_some(master)
        })
    }
}

/// A sentinel that watches the master on a port.
fn sentinel(master: u16) -> Redis {
    let mut sentinel = Redis::prepare(&[], None);
    let file = sentinel.file("sentinel.conf");
    let config = format!(
        "sentinel monitor {NAME} 127.0.0.1 {master} 2\n\
         sentinel down-after-milliseconds {NAME} 2000\n\
         sentinel failover-timeout {NAME} 5000\n\
         sentinel parallel-syncs {NAME} 2\n"
    );
    fs::write(&file, config).expect("the folder is its own");
    sentinel.become_sentinel(&file);
    sentinel.restart();
    // What it asks every ten seconds, and tells the others every two, otherwise.
    sentinel.cli(&[
        "SENTINEL",
        "DEBUG",
        "INFO-PERIOD",
        "200",
        "PUBLISH-PERIOD",
        "200",
    ]);
    sentinel
}

/// The value after a name, in answers of names and values in turn.
fn value<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = answer.lines();
    while let (Some(line), Some(value)) = (lines.next(), lines.next()) {
        if line == name {
            return Some(value);
        }
    }
    None
}
