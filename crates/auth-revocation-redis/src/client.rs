//! The one place that knows the client library: one connection to one server, without its own
//! reconnecting, routing and repeating of commands.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use fred::{
    prelude::{
        Builder, Client, ClientLike, Config, Error, ErrorKind, Options, ServerConfig,
        TrackingInterface, Value,
    },
    types::{ClusterHash, ConnectHandle, CustomCommand, RespVersion, client::Invalidation},
};
use tokio::{
    sync::{
        broadcast::{Receiver, error::TryRecvError},
        watch,
    },
    time::timeout,
};

use crate::{
    address::{Address, Credentials, Host},
    reply::{Failure, Reply},
    tls::Tls,
};

/// How many commands may wait in one connection before new ones are refused.
const MAX_QUEUED: usize = 4_096;
/// How many pushes may wait to be taken note of before some are lost.
const MAX_PUSHES: usize = 1_024;
/// A connection whose oldest command is unanswered for so long is closed.
const UNRESPONSIVE: Duration = Duration::from_secs(5);

/// How to connect to a server, but for where it is.
#[derive(Clone, Debug)]
pub(crate) struct Dial {
    pub(crate) credentials: Credentials,
    pub(crate) tls: Option<Tls>,
    pub(crate) database: Option<u8>,
    /// How long connecting may take.
    pub(crate) patience: Duration,
    /// Whether the server has to be a master.
    pub(crate) is_master: bool,
    /// Whether it may send what was not asked for: RESP3.
    pub(crate) takes_pushes: bool,
    /// Told of each connection that was made anew.
    pub(crate) arrived: Option<watch::Sender<()>>,
}

impl Dial {
    /// To what holds the data.
    pub(crate) fn data(address: &Address, tls: Option<Tls>, patience: Duration) -> Self {
        Self {
            credentials: address.credentials.clone(),
            tls,
            database: address.database,
            patience,
            is_master: true,
            takes_pushes: false,
            arrived: None,
        }
    }

    /// To sentinels.
    pub(crate) fn sentinel(address: &Address, tls: Option<Tls>, patience: Duration) -> Self {
        Self {
            credentials: address.sentinel.clone(),
            tls,
            database: None,
            patience,
            is_master: false,
            takes_pushes: false,
            arrived: None,
        }
    }

    /// Connects once. The connection is closed when the [`Open`] is dropped.
    pub(crate) async fn open(&self, host: &Host) -> Result<Open, Failure> {
        let connecting = timeout(self.patience, self.connect(host));
        connecting
            .await
            .unwrap_or_else(|_| Err(Failure::no_answer("it did not answer in time")))
    }

    async fn connect(&self, host: &Host) -> Result<Open, Failure> {
        let mut config = Config {
            server: ServerConfig::new_centralized(host.name.as_str(), host.port),
            ..Config::default()
        };
        if let Some(tls) = &self.tls {
            tls.set(&mut config);
        }
        config.fail_fast = true;
        config.username.clone_from(&self.credentials.username);
        config.password.clone_from(&self.credentials.password);
        config.database = self.database;
        if self.takes_pushes {
            config.version = RespVersion::RESP3;
        }
        let mut builder = Builder::from_config(config);
        if self.takes_pushes {
            builder
                .with_performance_config(|config| config.broadcast_channel_capacity = MAX_PUSHES);
        }
        // Without a policy it does not reconnect: who reconnects checks what is there first.
        builder.with_connection_config(|config| {
            // A command whose reply was lost is not sent again: we decide that.
            config.max_command_attempts = 1;
            config.max_command_buffer_len = MAX_QUEUED;
            config.reconnect_on_auth_error = true;
            config.connection_timeout = self.patience;
            config.internal_command_timeout = self.patience;
            config.unresponsive.max_timeout = Some(UNRESPONSIVE);
        });
        let client = builder.build().map_err(failure)?;
        let mut open = None;
        // Listens first, so that nothing is missed. Whoever gives up meanwhile drops what has begun.
        let connected = client.wait_for_connect();
        let begun = async {
            open = Some(Open {
                wire: Wire(client.clone()),
                closed: client.connect(),
            });
        };
        let (connected, ()) = tokio::join!(connected, begun);
        connected.map_err(failure)?;
        let open = open.ok_or_else(Failure::not_yet)?;
        if self.is_master {
            let role = open
                .wire
                .send("ROLE", Words::default(), false, self.patience);
            if !role.await?.is_master() {
                return Err(Failure::refused("NOMASTER it is a replica"));
            }
        }
        Ok(open)
    }
}

/// A connection, closed on drop.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) wire: Wire,
    closed: ConnectHandle,
}

impl Open {
    /// Waits until it is closed, for whatever reason.
    pub(crate) async fn closed(&mut self) {
        let _ = (&mut self.closed).await;
    }
}

impl Open {
    /// What the server tells of from now on without being asked. What was received before an answer
    /// is in there when the answer is.
    pub(crate) fn pushes(&self) -> Pushes {
        Pushes(self.wire.0.invalidation_rx())
    }
}

/// Keys that have changed, as the server tells of them ("invalidations").
#[derive(Debug)]
pub(crate) struct Pushes(Receiver<Invalidation>);

impl Pushes {
    /// The next ones. An error if some were lost.
    pub(crate) async fn next(&mut self) -> Result<Vec<String>, Failure> {
        let next = self.0.recv().await;
        next.map(keys).map_err(|why| lost(&why))
    }

    /// The next ones, if there are any by now.
    pub(crate) fn try_next(&mut self) -> Result<Option<Vec<String>>, Failure> {
        match self.0.try_recv() {
            Ok(next) => Ok(Some(keys(next))),
            Err(TryRecvError::Empty) => Ok(None),
            Err(why) => Err(lost(&why)),
        }
    }
}

fn keys(invalidation: Invalidation) -> Vec<String> {
    let keys = invalidation.keys.into_iter();
    keys.filter_map(|key| key.into_string()).collect()
}

fn lost(why: &impl fmt::Display) -> Failure {
    Failure::no_answer(&format!("pushes were lost: {why}"))
}

impl Drop for Open {
    fn drop(&mut self) {
        self.closed.abort();
    }
}

/// Sends commands over one connection; they are answered in their order.
#[derive(Clone, Debug)]
pub(crate) struct Wire(pub(crate) Client);

impl Wire {
    /// One command, answered before `deadline` has passed or failed. `is_asking` tells a node of a
    /// cluster that it is asked for a slot that it is just being given.
    pub(crate) async fn send(
        &self,
        name: &'static str,
        args: Words,
        is_asking: bool,
        deadline: Duration,
    ) -> Result<Reply, Failure> {
        if is_asking {
            let both = vec![("ASKING", Words::default()), (name, args)];
            let last = self.send_all(both, deadline).await?.pop();
            return last.unwrap_or_else(|| Err(Failure::no_answer("no answer")));
        }
        let options = Options {
            timeout: Some(deadline),
            ..Options::default()
        };
        let client = self.0.with_options(&options);
        let answer = client.custom::<Value, Value>(command(name), args.0);
        // The client's own deadline begins when the command leaves its queue; this one holds.
        match timeout(deadline, answer).await {
            Ok(answer) => answer.map(reply).map_err(failure),
            Err(_) => Err(Failure::no_answer("it did not answer in time")),
        }
    }

    /// Several commands in one go, executed in their order with nothing of this process's between
    /// them; as many answers, if there is any.
    pub(crate) async fn send_all(
        &self,
        commands: Vec<(&'static str, Words)>,
        deadline: Duration,
    ) -> Result<Vec<Result<Reply, Failure>>, Failure> {
        let count = commands.len();
        let all = self.0.pipeline();
        // Boxed: the library's futures are deep, and so would be those of all who wait for this one.
        let answers: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(async move {
            for (name, Words(args)) in commands {
                all.custom::<(), Value>(command(name), args).await?;
            }
            Ok::<_, Error>(all.try_all::<Value>().await)
        });
        let answers = match timeout(deadline, answers).await {
            Ok(answers) => answers.map_err(failure)?,
            Err(_) => return Err(Failure::no_answer("it did not answer in time")),
        };
        let mut answers: Vec<_> = answers
            .into_iter()
            .map(|answer| answer.map(reply).map_err(failure))
            .collect();
        match answers.pop() {
            // Of none there is an answer.
            Some(Err(failure)) if answers.len() + 1 < count => Err(failure),
            Some(last) if answers.len() + 1 == count => {
                answers.push(last);
                Ok(answers)
            }
            _ => Err(Failure::no_answer("there are too few answers")),
        }
    }
}

fn command(name: &'static str) -> CustomCommand {
    CustomCommand::new_static(name, ClusterHash::Random, false)
}

/// A command's arguments as the library wants them: clones copy none of their bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words(Vec<Value>);

impl FromIterator<String> for Words {
    fn from_iter<I: IntoIterator<Item = String>>(words: I) -> Self {
        Self(words.into_iter().map(Value::from).collect())
    }
}

impl From<Vec<String>> for Words {
    fn from(words: Vec<String>) -> Self {
        words.into_iter().collect()
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

#[cfg(test)]
mod tests {
    use fred::types::config::Server;
    use tokio::sync::broadcast;

    use super::*;

    #[tokio::test]
    async fn pushes_that_were_lost_are_an_error() {
        let (sender, receiver) = broadcast::channel(2);
        let push = |key: &str| Invalidation {
            keys: vec![key.into()],
            server: Server::new("localhost", 6379),
        };
        let mut pushes = Pushes(receiver);
        assert_eq!(pushes.try_next(), Ok(None));
        for key in ["a", "b"] {
            sender.send(push(key)).expect("somebody listens");
        }
        assert_eq!(pushes.next().await, Ok(vec!["a".to_owned()]));
        assert_eq!(pushes.try_next(), Ok(Some(vec!["b".to_owned()])));
        for key in ["c", "d", "e"] {
            sender.send(push(key)).expect("somebody listens");
        }
        assert!(pushes.next().await.is_err());
        drop(sender);
        while let Ok(keys) = pushes.next().await {
            assert_ne!(keys, ["c"]);
        }
    }
}
