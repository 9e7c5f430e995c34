//! Which master serves which lane, and how a command finds its way there.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use auth_core::revocation::Lane;
use parking_lot::Mutex;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, timeout},
};

use crate::{
    address::{Address, Host},
    client::{Dial, Open},
    discovery::{Discovery, Ranges, host},
    join,
    keys::{self, SLOTS},
    node::Node,
    reply::Failure,
    tls::Tls,
};

/// The servers are asked who is a master so often, and whenever there is a reason to.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// But not more often than this.
const LOOK_PAUSE: Duration = Duration::from_millis(50);
/// A cluster that gives no reason to is asked every so many times only.
const CALM: u32 = 5;
/// A node that serves nothing (yet) is kept so long.
const KEEP_IDLE: Duration = Duration::from_secs(60);
/// Between two attempts to do what was not done: at first, and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(50));
/// How long a node may take to say what it is.
const PATIENCE: Duration = Duration::from_millis(500);
/// Nobody serves this slot.
const NOBODY: u16 = u16::MAX;

/// Which master serves which slot, at one time.
pub(crate) struct Routes {
    pub(crate) nodes: Vec<Arc<Node>>,
    /// The index of each slot's master in `nodes`, or [`NOBODY`].
    slots: Box<[u16]>,
}

impl Routes {
    pub(crate) fn master_of(&self, slot: u16) -> Option<&Arc<Node>> {
        self.nodes.get(usize::from(self.slots[usize::from(slot)]))
    }

    /// The lanes that a master serves.
    pub(crate) fn lanes_of<'a>(&'a self, node: &'a Arc<Node>) -> impl Iterator<Item = Lane> + 'a {
        Lane::all().filter(move |&lane| {
            let master = self.master_of(keys::slot(lane));
            master.is_some_and(|master| Arc::ptr_eq(master, node))
        })
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.nodes).finish()
    }
}

/// Where one command goes.
#[derive(Clone)]
pub(crate) struct Hop {
    pub(crate) node: Arc<Node>,
    /// The node is just being given the slot.
    pub(crate) is_asking: bool,
}

/// All masters, found again whenever they change.
pub(crate) struct Servers {
    discovery: Discovery,
    dial: Dial,
    size: usize,
    routes: watch::Sender<Arc<Routes>>,
    known: Mutex<HashMap<Host, Arc<Node>>>,
    look: Notify,
    turn: AtomicUsize,
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.routes.borrow().fmt(f)
    }
}

impl Servers {
    /// Finds the masters and connects to each, `size` times and once more for revocations.
    pub(crate) async fn open(
        address: &Address,
        tls: Option<Tls>,
        size: usize,
        patience: Duration,
    ) -> Result<Arc<Self>, Failure> {
        let discovery = Discovery::new(address, tls.as_ref(), patience);
        let arrived = watch::Sender::new(());
        let dial = Dial {
            arrived: Some(arrived),
            ..Dial::data(address, tls, patience)
        };
        let ranges = timeout(patience, discovery.ranges(&[])).await;
        let ranges = ranges.unwrap_or_else(|_| Err(Failure::no_answer("nobody answers")))?;
        let mut known = HashMap::new();
        for (_, _, host) in &ranges {
            if !known.contains_key(host) {
                let first = dial.open(host).await?;
                let node = Node::new(host.clone(), &dial, size, Some(first));
                known.insert(host.clone(), node);
            }
        }
        let routes = routes(&ranges, |host| Arc::clone(&known[host]));
        let servers = Arc::new(Self {
            discovery,
            dial,
            size,
            routes: watch::Sender::new(Arc::new(routes)),
            known: Mutex::new(known),
            look: Notify::new(),
            turn: AtomicUsize::new(0),
        });
        tokio::spawn(keep_looking(Arc::downgrade(&servers)));
        Ok(servers)
    }

    /// A number that is another one each time: so the load is spread over a node's connections.
    pub(crate) fn turn(&self) -> usize {
        self.turn.fetch_add(1, Ordering::Relaxed)
    }

    /// How things stand now.
    pub(crate) fn routes(&self) -> Arc<Routes> {
        Arc::clone(&self.routes.borrow())
    }

    /// Tells of connections that were made anew and of masters that have changed: of reasons to look
    /// whether something was lost.
    pub(crate) fn arrivals(&self) -> Option<watch::Receiver<()>> {
        self.dial.arrived.as_ref().map(watch::Sender::subscribe)
    }

    /// One more connection to a master, for what it tells of without being asked.
    pub(crate) async fn open_for_pushes(&self, host: &Host) -> Result<Open, Failure> {
        let dial = Dial {
            takes_pushes: true,
            ..self.dial.clone()
        };
        dial.open(host).await
    }

    /// There is a reason to ask who the masters are.
    pub(crate) fn doubt(&self) {
        self.look.notify_one();
    }

    /// To be called when `hop` has made a step: if it leads the slot no more, the step may not be
    /// where commands go from now on.
    pub(crate) fn stepped(&self, slot: Option<u16>, hop: &Hop) {
        let leads = self.hop(slot);
        if !leads.is_ok_and(|leads| Arc::ptr_eq(&leads.node, &hop.node)) {
            self.arrived();
        }
    }

    fn arrived(&self) {
        if let Some(arrived) = &self.dial.arrived {
            arrived.send_replace(());
        }
    }

    /// Tells when the routes change.
    pub(crate) fn watch(&self) -> watch::Receiver<Arc<Routes>> {
        self.routes.subscribe()
    }

    /// Where a command on `slot` goes, or one that any server can answer.
    pub(crate) fn hop(&self, slot: Option<u16>) -> Result<Hop, Failure> {
        let routes = self.routes.borrow();
        let node = match slot {
            Some(slot) => routes.master_of(slot),
            None => {
                let up = routes.nodes.iter().find(|node| node.is_up());
                up.or(routes.nodes.first())
            }
        };
        let Some(node) = node.cloned() else {
            drop(routes);
            self.look.notify_one();
            return Err(Failure::refused("CLUSTERDOWN nobody serves this slot"));
        };
        Ok(Hop {
            node,
            is_asking: false,
        })
    }

    /// Where a command goes that `failure` says was not executed at `from`, after a pause; None if
    /// it is not to be sent again. Who redirects says where to; a server that is loading, or whose
    /// slot is on its way, is asked again.
    pub(crate) async fn again(
        &self,
        failure: &Failure,
        from: &Hop,
        slot: Option<u16>,
        tries: &mut u32,
        until: Instant,
    ) -> Option<Hop> {
        let Failure::Refused { code, text } = failure else {
            // It may have been executed. Perhaps there is another master by now.
            self.look.notify_one();
            return None;
        };
        let redirected = match code.as_str() {
            "MOVED" | "ASK" => Some(target(text, &from.node.host)?),
            "READONLY" | "NOMASTER" | "CLUSTERDOWN" => None,
            "TRYAGAIN" | "LOADING" => None,
            _ => return None,
        };
        if !matches!(code.as_str(), "ASK" | "TRYAGAIN" | "LOADING") {
            self.look.notify_one();
        }
        // Of the server there is no connection to, or that serves nothing, nobody waits for it.
        if matches!(code.as_str(), "NOMASTER" | "CLUSTERDOWN") {
            return None;
        }
        // Who is redirected for the first time goes on at once.
        if redirected.is_none() || *tries > 0 {
            let pause = (PAUSE.0 * 2u32.saturating_pow(*tries)).min(PAUSE.1);
            if Instant::now() + pause >= until {
                return None;
            }
            sleep(pause).await;
        }
        *tries = (*tries + 1).min(8);
        match redirected {
            Some(host) => Some(Hop {
                node: self.node(&host),
                is_asking: code == "ASK",
            }),
            None => self.hop(slot).ok(),
        }
    }

    fn node(&self, host: &Host) -> Arc<Node> {
        let mut known = self.known.lock();
        let node = known
            .entry(host.clone())
            .or_insert_with(|| Node::new(host.clone(), &self.dial, self.size, None));
        Arc::clone(node)
    }

    /// Asks who the masters are, and goes by it from now on.
    async fn find(&self) {
        let nodes = self.routes().nodes.clone();
        let ranges = match self.discovery.ranges(&nodes).await {
            Ok(ranges) => ranges,
            Err(failure) => {
                tracing::debug!(?failure, "nobody says who the masters are");
                return;
            }
        };
        let new = routes(&ranges, |host| self.node(host));
        let changed = self.routes.send_if_modified(|old| {
            let hosts = |routes: &Routes| -> Vec<Host> {
                routes.nodes.iter().map(|node| node.host.clone()).collect()
            };
            let is_new = hosts(old) != hosts(&new) || old.slots != new.slots;
            if is_new {
                tracing::info!(masters = ?hosts(&new), "the masters or their slots have changed");
                *old = Arc::new(new);
            }
            is_new
        });
        // Its connections may have been there before it was the master.
        if changed {
            self.arrived();
        }
        let routes = self.routes();
        self.known.lock().retain(|_, node| {
            let serves = routes.nodes.iter().any(|one| Arc::ptr_eq(one, node));
            serves || node.since.elapsed() < KEEP_IDLE
        });
    }

    /// Looks whether what is known still holds.
    async fn look(&self, is_asked: bool, ticks: u32) {
        let nodes = self.routes().nodes.clone();
        let mut is_doubtful = is_asked || ticks.is_multiple_of(CALM);
        // Nobody tells the clients of a server that was made a replica.
        let masters = nodes.iter().map(|node| node.is_master(PATIENCE));
        is_doubtful |= join::all(masters).await.contains(&false);
        is_doubtful |= !nodes.iter().all(|node| node.is_up());
        if is_doubtful && !self.discovery.is_fixed() || self.discovery.is_by_sentinels() {
            self.find().await;
        }
    }
}

async fn keep_looking(servers: Weak<Servers>) {
    let mut ticks = 0u32;
    loop {
        let asked = {
            let Some(servers) = servers.upgrade() else {
                return;
            };
            let look = async { servers.look.notified().await };
            timeout(LOOK_EVERY, look).await.is_ok()
        };
        let Some(servers) = servers.upgrade() else {
            return;
        };
        ticks = ticks.wrapping_add(u32::from(!asked));
        servers.look(asked, ticks).await;
        drop(servers);
        sleep(LOOK_PAUSE).await;
    }
}

fn routes(ranges: &Ranges, mut node: impl FnMut(&Host) -> Arc<Node>) -> Routes {
    let mut hosts: Vec<&Host> = ranges.iter().map(|(_, _, host)| host).collect();
    hosts.sort_unstable();
    hosts.dedup();
    let mut slots = vec![NOBODY; usize::from(SLOTS)].into_boxed_slice();
    for (from, to, host) in ranges {
        let index = hosts.binary_search(&host).unwrap_or_default();
        let index = u16::try_from(index).unwrap_or(NOBODY);
        for slot in &mut slots[usize::from(*from)..=usize::from(*to).max(usize::from(*from))] {
            *slot = index;
        }
    }
    Routes {
        nodes: hosts.into_iter().map(&mut node).collect(),
        slots,
    }
}

/// `MOVED 3999 host:port`: where to.
fn target(text: &str, from: &Host) -> Option<Host> {
    let (name, port) = text.split_whitespace().nth(2)?.rsplit_once(':')?;
    Some(host(name, port.parse().ok()?, from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirection_says_where_to() {
        let from = Host {
            name: "a".to_owned(),
            port: 1,
        };
        let rows = [
            ("MOVED 3999 127.0.0.1:6381", Some("127.0.0.1:6381")),
            ("ASK 3999 h:6381", Some("h:6381")),
            ("MOVED 3999 :6381", Some("a:6381")),
            ("MOVED 3999 ::1:6381", Some("[::1]:6381")),
            ("MOVED 3999 ?:6381", Some("a:6381")),
            ("MOVED", None),
            ("MOVED 3999 h", None),
            ("MOVED 3999 h:x", None),
        ];
        for (text, to) in rows {
            let target = target(text, &from).map(|host| host.to_string());
            assert_eq!(target.as_deref(), to, "{text}");
        }
    }
}
