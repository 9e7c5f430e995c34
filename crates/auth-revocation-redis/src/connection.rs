//! The one place that knows the client library.

use std::{
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

use auth_core::revocation::Lane;
use fred::{
    prelude::{
        Builder, Client, ClientLike, Config, Error, ErrorKind, Options, ReconnectPolicy, Value,
    },
    types::{ClusterHash, CustomCommand},
};
use tokio::time::{sleep, timeout};

use crate::{
    breaker::{Breaker, PROBE_EVERY},
    keys,
    reply::{Failure, Reply},
};

/// How many commands may wait in one connection before new ones are refused.
const MAX_QUEUED: usize = 4_096;
/// Between two attempts to connect: from, to, and random on top, ms.
const RECONNECT: (u32, u32, u32) = (20, 1_000, 50);
/// A connection whose oldest command is unanswered for so long is made anew.
const UNRESPONSIVE: Duration = Duration::from_secs(5);

/// How to reach the server.
#[derive(Clone)]
pub(crate) struct Address {
    pub(crate) url: String,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
}

impl Address {
    /// Whether it is that of one server. (fred would also take those of clusters and sentinels.)
    pub(crate) fn is_of_one_server(&self) -> bool {
        let scheme = self.url.split_once("://").map(|(scheme, _)| scheme);
        matches!(scheme, Some("redis" | "rediss"))
    }
}

/// Shows nothing: the URL may hold a password.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(…)")
    }
}

/// Connections of one kind to the server, behind one breaker.
pub(crate) struct Connections {
    clients: Vec<Client>,
    next: std::sync::atomic::AtomicUsize,
    breaker: Arc<Breaker>,
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections")
            .field("clients", &self.clients.len())
            .field("breaker", &self.breaker)
            .finish()
    }
}

/// One of them: commands sent over it are answered in their order.
#[derive(Clone)]
pub(crate) struct Connection {
    client: Client,
    breaker: Arc<Breaker>,
}

impl Connections {
    /// Connects `size` times, each within `patience`.
    pub(crate) async fn open(
        address: &Address,
        size: usize,
        breaker: Arc<Breaker>,
        patience: Duration,
    ) -> Result<Self, Failure> {
        let mut config = Config::from_url(&address.url).map_err(failure)?;
        config.fail_fast = true;
        config.username = address.username.clone().or(config.username);
        config.password = address.password.clone().or(config.password);
        let (min, max, jitter) = RECONNECT;
        let mut policy = ReconnectPolicy::new_exponential(0, min, max, 2);
        policy.set_jitter(jitter);
        let mut builder = Builder::from_config(config);
        builder.set_policy(policy).with_connection_config(|config| {
            // A command whose reply was lost is not sent again: we decide that.
            config.max_command_attempts = 1;
            config.max_command_buffer_len = MAX_QUEUED;
            config.reconnect_on_auth_error = true;
            config.connection_timeout = patience;
            config.internal_command_timeout = patience;
            config.unresponsive.max_timeout = Some(UNRESPONSIVE);
        });
        let mut clients = Vec::with_capacity(size);
        for _ in 0..size.max(1) {
            let client = builder.build().map_err(failure)?;
            let connected = timeout(patience, client.init()).await;
            connected
                .map_err(|_| Failure::no_answer("it did not answer in time"))?
                .map_err(failure)?;
            clients.push(client);
        }
        Ok(Self {
            clients,
            next: std::sync::atomic::AtomicUsize::new(0),
            breaker,
        })
    }

    /// One of the connections, a healthy one if there is any.
    pub(crate) fn pick(&self) -> Connection {
        let from = self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let at = |n: usize| &self.clients[n % self.clients.len()];
        let connected = (from..from.wrapping_add(self.clients.len()))
            .map(at)
            .find(|client| client.is_connected());
        Connection {
            client: connected.unwrap_or_else(|| at(from)).clone(),
            breaker: Arc::clone(&self.breaker),
        }
    }

    /// Asks the server every now and then until it answers.
    fn probe(breaker: &Arc<Breaker>, client: &Client, patience: Duration) {
        let (breaker, client): (Weak<Breaker>, _) = (Arc::downgrade(breaker), client.clone());
        tokio::spawn(async move {
            loop {
                sleep(PROBE_EVERY).await;
                let Some(breaker) = breaker.upgrade() else {
                    return;
                };
                let command = CustomCommand::new_static("PING", ClusterHash::Random, false);
                let ping = client.custom::<Value, Value>(command, Vec::new());
                match timeout(patience, ping).await {
                    Ok(Ok(_)) => return breaker.succeeded(),
                    // It answers, if only that it does not like the question.
                    Ok(Err(error)) => {
                        if !failure(error).is_outage() {
                            return breaker.succeeded();
                        }
                    }
                    Err(_) => {}
                }
            }
        });
    }
}

impl Drop for Connections {
    /// The client's tasks end when their clients have quit.
    fn drop(&mut self) {
        let clients = std::mem::take(&mut self.clients);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                for client in clients {
                    let _ = client.quit().await;
                }
            });
        }
    }
}

impl Connection {
    /// One command, answered before `deadline` has passed or failed.
    pub(crate) async fn command(
        &self,
        lane: Option<Lane>,
        name: &'static str,
        args: Vec<String>,
        deadline: Duration,
    ) -> Result<Reply, Failure> {
        if self.breaker.is_open() {
            return Err(Failure::no_answer("it has not been answering"));
        }
        let hash = lane.map_or(ClusterHash::Random, |lane| {
            ClusterHash::Custom(keys::slot(lane))
        });
        let options = Options {
            timeout: Some(deadline),
            ..Options::default()
        };
        let client = self.client.with_options(&options);
        let command = CustomCommand::new_static(name, hash, false);
        let args = args.into_iter().map(Value::from).collect();
        // The client's own deadline begins when the command leaves its queue; this one holds.
        let answer = timeout(deadline, client.custom::<Value, Value>(command, args)).await;
        let answer = match answer {
            Ok(answer) => answer.map(reply).map_err(failure),
            Err(_) => Err(Failure::no_answer("it did not answer in time")),
        };
        match &answer {
            Err(why) if why.is_outage() => {
                if self.breaker.failed() {
                    tracing::warn!("the store does not answer: {why:?}");
                    Connections::probe(&self.breaker, &self.client, deadline);
                }
            }
            _ => self.breaker.succeeded(),
        }
        answer
    }
}

fn reply(value: Value) -> Reply {
    match value {
        Value::Null => Reply::Nil,
        Value::String(text) => Reply::Text(text.to_string()),
        Value::Bytes(bytes) => String::from_utf8(bytes.to_vec()).map_or(Reply::Binary, Reply::Text),
        Value::Integer(number) => Reply::Text(number.to_string()),
        Value::Double(number) => Reply::Text(number.to_string()),
        Value::Boolean(yes) => Reply::Text(u8::from(yes).to_string()),
        Value::Array(list) => Reply::List(list.into_iter().map(reply).collect()),
        Value::Map(map) => Reply::List(
            map.inner()
                .into_iter()
                .flat_map(|(name, value)| [reply(Value::Bytes(name.into_bytes())), reply(value)])
                .collect(),
        ),
        _ => Reply::Binary,
    }
}

fn failure(error: Error) -> Failure {
    let is_reply = |code: &str| code.len() >= 3 && code.bytes().all(|b| b.is_ascii_uppercase());
    let code = error
        .details()
        .split_whitespace()
        .next()
        .unwrap_or_default();
    match error.kind() {
        ErrorKind::IO | ErrorKind::Timeout | ErrorKind::Canceled | ErrorKind::Backpressure => {
            Failure::no_answer(error.details())
        }
        // What the server says begins with a word in capitals.
        _ if is_reply(code) => Failure::refused(error.details()),
        ErrorKind::Auth => Failure::refused(&format!("NOAUTH {}", error.details())),
        _ => Failure::no_answer(error.details()),
    }
}
