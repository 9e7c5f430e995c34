//! Who the masters are: what a cluster's nodes and the sentinels say.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;

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

    /// Which master serves which slots: in a cluster, the `masters` as known so far are asked before
    /// the URL's nodes.
    pub(crate) async fn ranges(&self, masters: &[Arc<Node>]) -> Result<Ranges, Failure> {
        match &self.address.mode {
            Mode::One => Ok(vec![(0, LAST_SLOT, self.address.hosts[0].clone())]),
            Mode::Cluster => self.cluster(masters).await,
            Mode::Sentinel(service) => {
                let master = self.master(service).await?;
                Ok(vec![(0, LAST_SLOT, master)])
            }
        }
    }

    /// What most of the masters say; where no majority of them agrees, the nodes of the URL are asked,
    /// too. One that was cut off from the others does not know what has become of it.
    async fn cluster(&self, masters: &[Arc<Node>]) -> Result<Ranges, Failure> {
        let asked = masters
            .iter()
            .map(|node| async { slots(&node.wire()?, &node.host).await });
        let mut views = join::all(asked).await;
        match believed(&views) {
            Ok((votes, view)) if votes > 1 && votes * 2 > masters.len() => return Ok(view),
            _ => {}
        }
        let hosts = &self.address.hosts;
        let ask = |host| async move { slots(&self.seed.open(host).await?.wire, host).await };
        // All at once: one of them may hang.
        let in_time = hosts.iter().map(|host| timeout(PATIENCE, ask(host)));
        views.extend(join::all(in_time).await.into_iter().flatten());
        match believed(&views) {
            Ok((_, view)) => Ok(view),
            Err(last) => {
                let patient = join::first_good(hosts.iter().map(ask)).await;
                patient.unwrap_or(Err(last))
            }
        }
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

/// The view that most have, and how many they are; of those that as many have, the one by which most
/// slots are served.
fn believed(views: &[Result<Ranges, Failure>]) -> Result<(usize, Ranges), Failure> {
    let good = || views.iter().filter_map(|view| view.as_ref().ok());
    let served = |view: &Ranges| {
        let slots = view.iter().map(|(from, to, _)| to.saturating_sub(*from));
        slots.map(u32::from).sum::<u32>()
    };
    let ranked = good().map(|view| (good().filter(|other| *other == view).count(), view));
    let best = ranked.max_by_key(|(votes, view)| (*votes, served(view)));
    best.map(|(votes, view)| (votes, view.clone()))
        .ok_or_else(|| {
            let mut failures = views.iter().filter_map(|view| view.as_ref().err());
            let last = failures.next_back().cloned();
            last.unwrap_or_else(|| Failure::no_answer("no node is known"))
        })
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
    let mut ranges = ranges.ok_or_else(Failure::unreadable)?;
    ranges.sort_unstable();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_most_say_is_believed_and_of_equals_who_knows_more() {
        let view = |ranges: &[(u16, u16, u16)]| -> Result<Ranges, Failure> {
            let host = |port| Host {
                name: "h".to_owned(),
                port,
            };
            let ranges = ranges.iter();
            Ok(ranges
                .map(|&(from, to, port)| (from, to, host(port)))
                .collect())
        };
        let old = || view(&[(0, 99, 1), (100, 199, 2)]);
        let new = || view(&[(0, 99, 3), (100, 199, 2)]);
        let part = || view(&[(0, 99, 1)]);
        let down = || Err(Failure::no_answer("down"));
        let rows = [
            ("most", vec![old(), new(), new()], Ok((2, new()))),
            ("whoever answers", vec![down(), new()], Ok((1, new()))),
            ("more of it", vec![old(), part()], Ok((1, old()))),
            ("nobody", vec![down()], Err(down())),
            (
                "no node",
                vec![],
                Err(Err(Failure::no_answer("no node is known"))),
            ),
        ];
        for (row, views, expected) in rows {
            let found = believed(&views);
            let found = found.map(|(votes, view)| (votes, Ok(view))).map_err(Err);
            assert_eq!(found, expected, "{row}");
        }
    }
}
