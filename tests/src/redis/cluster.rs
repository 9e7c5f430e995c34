use std::time::Duration;

use super::{Redis, wait_for};
use crate::WallClock;

/// How many slots a cluster has.
const SLOTS: usize = 16_384;
/// How many masters a new one has, and as many replicas.
const MASTERS: usize = 3;

/// Every so many looks whether they have met, they are made to meet again.
const MEET_AGAIN: u32 = 40;

/// A node that does not answer for so long is given up by the others, in ms.
const NODE_TIMEOUT: &str = "1000";
/// That of clusters whose clock stands, and is moved by hours: nobody is ever given up.
const NO_TIMEOUT: &str = "1000000000000";

const OPTIONS: &[&str] = &[
    "--cluster-enabled",
    "yes",
    // A replica follows its master only, and may take its place however old its data is.
    "--cluster-allow-replica-migration",
    "no",
    "--cluster-replica-validity-factor",
    "0",
    "--repl-diskless-sync-delay",
    "0",
    // In seconds, by the wall clock, which tests move.
    "--repl-timeout",
    "1000000000",
];

/// A cluster of three masters with a replica each, on free ports of this machine.
///
/// Nodes are named by their number in [`nodes`](Self::nodes): at first 0, 1 and 2 are the masters of
/// a third of the slots each, and 3, 4 and 5 their replicas.
#[derive(Debug)]
pub struct RedisCluster {
    /// The servers.
    pub nodes: Vec<Redis>,
    options: Vec<String>,
    clock: Option<WallClock>,
    is_forming: bool,
}

/// A node as one of them sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Node {
    /// Its name in the cluster.
    pub id: String,
    /// Where it listens.
    pub port: u16,
    /// Whether it is a master.
    pub is_master: bool,
    /// The master that it is a replica of.
    pub follows: Option<String>,
    /// Whether it is given up.
    pub has_failed: bool,
    /// The slots it serves, from and to.
    pub slots: Vec<(u16, u16)>,
}

impl RedisCluster {
    /// Starts one; `args` are further options of every node.
    ///
    /// # Panics
    ///
    /// When there is no `redis-server`, or the nodes do not find together in a while.
    pub fn start(args: &[&str]) -> Self {
        Self::make(args, None)
    }

    /// Starts one whose nodes share a clock that stands still until it is [moved](Redis::advance), at
    /// any of them. Nodes that fail are not replaced.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start), and without a C compiler.
    pub fn with_clock_that_stands() -> Self {
        let clock = WallClock::standing();
        Self::make(&[], Some(clock))
    }

    fn make(args: &[&str], clock: Option<WallClock>) -> Self {
        let mut options = OPTIONS.to_vec();
        options.extend(["--cluster-node-timeout", NODE_TIMEOUT]);
        options.extend(args);
        let mut cluster = Self {
            nodes: Vec::new(),
            options: options.into_iter().map(str::to_owned).collect(),
            clock,
            is_forming: true,
        };
        for _ in 0..2 * MASTERS {
            cluster.spawn_node();
        }
        cluster.nodes.iter_mut().for_each(Redis::wait);
        let third = |n: usize| (n * SLOTS / MASTERS).to_string();
        for n in 0..2 * MASTERS {
            // Otherwise they would begin by quarrelling about whose configuration is newer.
            let epoch = (n + 1).to_string();
            cluster.nodes[n].cli(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch]);
            if n < MASTERS {
                let last = ((n + 1) * SLOTS / MASTERS - 1).to_string();
                cluster.nodes[n].cli(&["CLUSTER", "ADDSLOTSRANGE", &third(n), &last]);
            }
            cluster.meet(n);
        }
        cluster.wait_until_all_know_all();
        for n in MASTERS..2 * MASTERS {
            let master = cluster.id(n - MASTERS);
            cluster.nodes[n].cli(&["CLUSTER", "REPLICATE", &master]);
        }
        cluster.wait();
        cluster.is_forming = false;
        if cluster.clock.is_some() {
            for node in &cluster.nodes {
                node.cli(&["CONFIG", "SET", "cluster-node-timeout", NO_TIMEOUT]);
            }
        }
        cluster
    }

    /// Adds a master without slots; gives its number.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn add_master(&mut self) -> usize {
        let new = self.spawn_node();
        self.nodes[new].wait();
        self.meet(new);
        self.wait_until_all_know_all();
        self.wait();
        new
    }

    fn spawn_node(&mut self) -> usize {
        let options: Vec<&str> = self.options.iter().map(String::as_str).collect();
        let mut node = Redis::prepare(&options, self.clock.clone());
        node.spawn();
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// Makes the node `n` meet all before it: by hearsay it takes longer.
    fn meet(&self, n: usize) {
        let meet = |node: &Redis| format!("CLUSTER MEET 127.0.0.1 {}", node.port());
        let lines: Vec<String> = self.nodes[..n].iter().map(meet).collect();
        self.nodes[n].cli_all(&lines);
    }

    fn wait_until_all_know_all(&self) {
        let mut looks = 0;
        wait_for("all nodes know all", || {
            self.let_time_pass();
            looks += 1;
            // On a busy machine a node may give up a meeting before it has come about.
            if looks % MEET_AGAIN == 0 {
                (1..self.nodes.len()).for_each(|n| self.meet(n));
            }
            let knows_all = |node: &Redis| {
                let known = view(node);
                let links = node.cli(&["CLUSTER", "LINKS"]);
                known.len() == self.nodes.len()
                    && known.iter().all(|node| node.port != 0)
                    // To each other node and from it.
                    && links.matches("node").count() >= 2 * (self.nodes.len() - 1)
            };
            self.nodes.iter().all(knows_all).then_some(())
        });
    }

    /// Waits until every node that runs says that the cluster is whole, and every replica that runs
    /// follows its master.
    ///
    /// # Panics
    ///
    /// When that takes too long.
    #[track_caller]
    pub fn wait(&self) {
        let is_well = |node: &Redis| {
            let ok = node.try_cli(&["CLUSTER", "INFO"]);
            let role = node.try_cli(&["ROLE"]).unwrap_or_default();
            ok.is_ok_and(|info| info.contains("cluster_state:ok"))
                && (role.starts_with("master") || role.contains("connected"))
        };
        wait_for("the cluster is whole", || {
            self.let_time_pass();
            self.running().all(is_well).then_some(())
        });
        // News of who follows whom, and who serves what, go from node to node.
        wait_for("all see the same", || {
            self.let_time_pass();
            let mut views = self.running().map(|node| {
                let mut view = view(node);
                view.retain(|it| self.running().any(|node| node.port() == it.port));
                view.sort_by_key(|it| it.port);
                view
            });
            let first = views.next()?;
            views.all(|view| view == first).then_some(())
        });
        // And a master knows of its replicas, so that `WAIT` counts them.
        let is_followed = |node: &Redis| {
            let known = view(node);
            let Some(own) = known.iter().find(|known| known.port == node.port()) else {
                return false;
            };
            let mut followers = known
                .iter()
                .filter(|it| it.follows.as_ref() == Some(&own.id));
            let runs = |port| self.running().any(|node| node.port() == port);
            let info = node.try_cli(&["INFO", "replication"]).unwrap_or_default();
            followers.all(|it| {
                !runs(it.port) || info.contains(&format!("port={},state=online", it.port))
            })
        };
        wait_for("every master has its replicas", || {
            self.running().all(is_followed).then_some(())
        });
    }

    /// Nodes take their time to find together, by their clock.
    fn let_time_pass(&self) {
        if let (Some(clock), true) = (&self.clock, self.is_forming) {
            clock.set(WallClock::machine());
        }
    }

    fn running(&self) -> impl Iterator<Item = &Redis> {
        self.nodes.iter().filter(|node| node.is_running())
    }

    /// The URL of a store: every node that is there now is in it.
    pub fn url(&self) -> String {
        let first = self.nodes[0].address();
        let mut url = format!("redis-cluster://{first}");
        for (n, node) in self.nodes.iter().enumerate().skip(1) {
            url += if n == 1 { "?" } else { "&" };
            url += &format!("node={}", node.address());
        }
        url
    }

    /// The name of a node in the cluster.
    pub fn id(&self, n: usize) -> String {
        self.nodes[n].cli(&["CLUSTER", "MYID"])
    }

    /// Every node, as the first one that runs sees it.
    pub fn view(&self) -> Vec<Node> {
        view(self.running().next().expect("one of them runs"))
    }

    /// The number of the node that serves a slot, as the first one that runs sees it.
    ///
    /// # Panics
    ///
    /// When no node does.
    pub fn master_of(&self, slot: u16) -> usize {
        let view = self.view();
        let serves = |node: &&Node| {
            let mut ranges = node.slots.iter();
            node.is_master && ranges.any(|&(from, to)| (from..=to).contains(&slot))
        };
        let master = view.iter().find(serves).expect("the slot is served");
        self.number(master.port)
    }

    /// The number of the node that is replica of the node `n`, as that one sees it.
    ///
    /// # Panics
    ///
    /// When it has none.
    pub fn replica_of(&self, n: usize) -> usize {
        let replicas = self.nodes[n].cli(&["CLUSTER", "REPLICAS", &self.id(n)]);
        let replica = replicas.lines().next().and_then(node);
        self.number(replica.expect("it has a replica").port)
    }

    fn number(&self, port: u16) -> usize {
        let is_it = |node: &Redis| node.port() == port;
        self.nodes.iter().position(is_it).expect("it is ours")
    }

    /// The slot of a key.
    pub fn slot_of(&self, key: &str) -> u16 {
        let node = self.running().next().expect("one of them runs");
        let slot = node.cli(&["CLUSTER", "KEYSLOT", key]);
        slot.parse().expect("a slot is a number")
    }

    /// Kills the node `n`, a master, and waits until its replica has taken its place; gives that
    /// one's number.
    ///
    /// # Panics
    ///
    /// When no replica does in a while.
    pub fn fail_over(&mut self, n: usize) -> usize {
        let replica = self.replica_of(n);
        self.nodes[n].kill();
        self.wait_until_master(replica);
        replica
    }

    /// Lets the replica of the node `n` take its place in good order, with nothing lost; gives that
    /// one's number.
    ///
    /// # Panics
    ///
    /// When it does not in a while.
    pub fn hand_over(&self, n: usize) -> usize {
        let replica = self.replica_of(n);
        self.nodes[replica].cli(&["CLUSTER", "FAILOVER"]);
        self.wait_until_master(replica);
        replica
    }

    /// Waits until the node `n` is a master in the eyes of all that run, and the cluster is whole.
    ///
    /// # Panics
    ///
    /// When that takes too long.
    #[track_caller]
    pub fn wait_until_master(&self, n: usize) {
        let port = self.nodes[n].port();
        wait_for("the replica is the master", || {
            let mut all = self.running();
            let sees_it =
                |node: &Node| node.port == port && node.is_master && !node.slots.is_empty();
            all.all(|node| view(node).iter().any(sees_it)).then_some(())
        });
        self.wait();
    }

    /// Moves the clock of all nodes forward.
    ///
    /// # Panics
    ///
    /// When it is the machine's.
    pub fn advance(&self, by: Duration) {
        self.nodes[0].advance(by);
    }
}

/// Every node, as `node` sees it; none when it does not answer.
fn view(server: &Redis) -> Vec<Node> {
    let nodes = server.try_cli(&["CLUSTER", "NODES"]).unwrap_or_default();
    nodes.lines().filter_map(node).collect()
}

/// `id host:port@bus flags master ping pong epoch link slot…`
fn node(line: &str) -> Option<Node> {
    let mut words = line.split_whitespace();
    let (id, address, flags) = (words.next()?, words.next()?, words.next()?);
    let master = words.next()?;
    let port = address.split('@').next()?.rsplit(':').next()?;
    let range = |word: &str| {
        let (from, to) = word.split_once('-').unwrap_or((word, word));
        Some((from.parse().ok()?, to.parse().ok()?))
    };
    Some(Node {
        id: id.to_owned(),
        port: port.parse().ok()?,
        is_master: flags.split(',').any(|flag| flag == "master"),
        follows: (master != "-").then(|| master.to_owned()),
        has_failed: flags.split(',').any(|flag| flag == "fail"),
        // What is being moved is in brackets, and served where it was.
        slots: words.skip(4).filter_map(range).collect(),
    })
}
