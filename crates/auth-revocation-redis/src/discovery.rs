//! Who the masters are: what a cluster's nodes and the sentinels say.

use std::{sync::Arc, time::Duration};

use crate::{
    address::{Address, Host, Mode},
    client::{Dial, Wire, Words},
    join,
    link::Link,
    node::Node,
    reply::{Failure, Reply},
    tls::Tls,
};

/// How long one of those who know may take to say it.
const PATIENCE: Duration = Duration::from_millis(500);
/// The last hash slot.
const LAST_SLOT: u16 = 16_383;

/// The slots from the first to the second are served by the third.
pub(crate) type Ranges = Vec<(u16, u16, Host)>;

/// Asks those who know.
#[derive(Debug)]
pub(crate) struct Discovery {
    address: Address,
    /// To nodes of a cluster of which nothing is known yet, masters or not.
    seed: Dial,
    sentinels: Vec<Link>,
}

impl Discovery {
    pub(crate) fn new(address: &Address, tls: Option<&Tls>, patience: Duration) -> Self {
        let sentinel = Dial::sentinel(address, tls.cloned(), patience);
        let sentinels = match address.mode {
            Mode::Sentinel(_) => address.hosts.as_slice(),
            Mode::One | Mode::Cluster => &[],
        };
        let link = |host: &Host| Link::keep(sentinel.clone(), host.clone(), None);
        Self {
            seed: Dial {
                is_master: false,
                ..Dial::data(address, tls.cloned(), patience)
            },
            sentinels: sentinels.iter().map(link).collect(),
            address: address.clone(),
        }
    }

    /// Whether what it says may change.
    pub(crate) fn is_fixed(&self) -> bool {
        self.address.mode == Mode::One
    }

    /// Whether sentinels are asked: they know before the master's clients notice.
    pub(crate) fn is_by_sentinels(&self) -> bool {
        !self.sentinels.is_empty()
    }

    /// Which master serves which slots, as the first says who answers: in a cluster, `nodes` are
    /// asked before the URL's.
    pub(crate) async fn ranges(&self, nodes: &[Arc<Node>]) -> Result<Ranges, Failure> {
        match &self.address.mode {
            Mode::One => Ok(vec![(0, LAST_SLOT, self.address.hosts[0].clone())]),
            Mode::Cluster => self.cluster(nodes).await,
            Mode::Sentinel(service) => {
                let master = self.master(service).await?;
                Ok(vec![(0, LAST_SLOT, master)])
            }
        }
    }

    async fn cluster(&self, nodes: &[Arc<Node>]) -> Result<Ranges, Failure> {
        let mut last = Failure::no_answer("no node is known");
        for node in nodes {
            let slots = async { slots(&node.wire()?, &node.host).await };
            match slots.await {
                Ok(ranges) => return Ok(ranges),
                Err(failure) => last = failure,
            }
        }
        // All at once: one of them may hang.
        let hosts = self.address.hosts.iter();
        let slots =
            hosts.map(|host| async { slots(&self.seed.open(host).await?.wire, host).await });
        join::first_good(slots).await.unwrap_or(Err(last))
    }

    /// The master, as the sentinel says that knows of the latest failover.
    async fn master(&self, service: &str) -> Result<Host, Failure> {
        let answers = self.sentinels.iter().map(|link| master(link, service));
        let mut last = Failure::no_answer("no sentinel is known");
        let mut best: Option<(u64, Host)> = None;
        for answer in join::all(answers).await {
            match answer {
                Ok((epoch, host)) if best.as_ref().is_none_or(|(known, _)| *known < epoch) => {
                    best = Some((epoch, host));
                }
                Ok(_) => {}
                Err(failure) => last = failure,
            }
        }
        best.map(|(_, host)| host).ok_or(last)
    }
}

async fn slots(wire: &Wire, asked: &Host) -> Result<Ranges, Failure> {
    let args = Words::from(vec!["SLOTS".to_owned()]);
    let answer = wire.send("CLUSTER", args, false, PATIENCE).await?.list()?;
    let range = |range: Reply| {
        let range = range.list().ok()?;
        let [from, to, master, ..] = range.as_slice() else {
            return None;
        };
        let Reply::List(master) = master else {
            return None;
        };
        let port = u16::try_from(master.get(1)?.number()?).ok()?;
        let slot = |reply: &Reply| {
            u16::try_from(reply.number()?)
                .ok()
                .filter(|&s| s <= LAST_SLOT)
        };
        let host = host(master.first()?.text().unwrap_or_default(), port, asked);
        Some((slot(from)?, slot(to)?, host))
    };
    let ranges: Option<Ranges> = answer.into_iter().map(range).collect();
    let ranges = ranges.ok_or_else(Failure::unreadable)?;
    if ranges.is_empty() {
        return Err(Failure::refused("CLUSTERDOWN no slot is served"));
    }
    Ok(ranges)
}

/// A host that a node named: one without a name, or an unknown one, is where the node was asked.
pub(crate) fn host(name: &str, port: u16, asked: &Host) -> Host {
    let name = match name {
        "" | "?" => asked.name.clone(),
        name => name.to_owned(),
    };
    Host { name, port }
}

/// The master, and the epoch in which it became one.
async fn master(link: &Link, service: &str) -> Result<(u64, Host), Failure> {
    let until = tokio::time::Instant::now() + PATIENCE;
    let wire = link.first_wire(until).await?;
    let ask = |what: &str| Words::from(vec![what.to_owned(), service.to_owned()]);
    let address = wire.send("SENTINEL", ask("GET-MASTER-ADDR-BY-NAME"), false, PATIENCE);
    let state = wire.send("SENTINEL", ask("MASTER"), false, PATIENCE);
    let (address, state) = tokio::join!(address, state);
    let Reply::List(address) = address? else {
        return Err(Failure::refused("ERR the sentinel knows no such master"));
    };
    let epoch = state?
        .hash()?
        .get("config-epoch")
        .and_then(|e| e.parse().ok());
    let name = address.first().and_then(Reply::text);
    let port = address.get(1).and_then(Reply::number);
    let port = port.and_then(|port| u16::try_from(port).ok());
    match (epoch, name, port) {
        (Some(epoch), Some(name), Some(port)) => Ok((
            epoch,
            Host {
                name: name.to_owned(),
                port,
            },
        )),
        _ => Err(Failure::unreadable()),
    }
}
