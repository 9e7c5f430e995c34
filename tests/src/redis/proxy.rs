use std::{
    collections::HashMap,
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// A line to a server that a test can break and mend while it is used.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What the line does with what comes over it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Line {
    /// It passes everything.
    Pass,
    /// It takes everything and passes nothing, until it does something else; then nothing is lost.
    Stall,
    /// It passes commands, and no replies until it does something else.
    StallReplies,
    /// It passes replies so much later.
    Slow(Duration),
    /// It closes new connections at once. Those that are there stay.
    Refuse,
}

/// How one reply comes to grief. The connection is closed after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Broken {
    /// Nothing of it arrives.
    Lost,
    /// The first half of it arrives.
    Half,
    /// Something else arrives that is no reply at all.
    Garbage,
    /// Something else arrives that begins like a reply, and promises more bytes than there are.
    Huge,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    line: Line,
    server: SocketAddr,
    /// The command whose reply is to be broken: what it contains, and how.
    next: Option<(Vec<u8>, Broken)>,
    /// How many replies were broken.
    broken: usize,
    /// What is to be read instead of what, in all replies.
    rewritten: Option<(Vec<u8>, Vec<u8>)>,
    is_over: bool,
    connections: HashMap<usize, Connection>,
    opened: usize,
}

#[derive(Debug)]
struct Connection {
    client: TcpStream,
    server: TcpStream,
    /// What becomes of what the server says next.
    breaks: Option<Broken>,
}

impl Proxy {
    /// A line to the server at an address, passing everything.
    ///
    /// # Panics
    ///
    /// When this machine has no free port.
    pub fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let state = State {
            line: Line::Pass,
            server,
            next: None,
            broken: 0,
            rewritten: None,
            is_over: false,
            connections: HashMap::new(),
            opened: 0,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let mut state = serving.lock();
                if state.is_over {
                    return;
                }
                if state.line == Line::Refuse {
                    continue;
                }
                // Nobody there: the client sees its connection closed.
                if let Ok(server) = TcpStream::connect(state.server) {
                    serving.clone().join(&mut state, client, server);
                }
            }
        });
        Self { address, shared }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The `redis://` URL of the server behind it.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// What the line does from now on, also with what it is holding back.
    pub fn set(&self, line: Line) {
        self.shared.lock().line = line;
        self.shared.changed.notify_all();
    }

    /// Leads to another server from now on, as an address does that is moved. Connections that are
    /// there are [cut](Self::cut).
    pub fn lead_to(&self, server: SocketAddr) {
        self.shared.lock().server = server;
        self.cut();
    }

    /// Closes every connection. New ones can be made.
    pub fn cut(&self) {
        for (_, connection) in self.shared.lock().connections.drain() {
            connection.close();
        }
        self.shared.changed.notify_all();
    }

    /// Breaks the reply to the next command that contains `part`. The server has executed it then.
    pub fn break_reply_to(&self, part: &str, how: Broken) {
        self.shared.lock().next = Some((part.as_bytes().to_vec(), how));
    }

    /// Replies say `to` from now on where the server says `from`, which is as long.
    pub fn rewrite(&self, from: &str, to: &str) {
        assert_eq!(from.len(), to.len(), "a reply tells its length first");
        self.shared.lock().rewritten = Some((from.into(), to.into()));
    }

    /// How many replies it has broken so far.
    pub fn broken(&self) -> usize {
        self.shared.lock().broken
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.shared.lock().connections.len()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.lock().is_over = true;
        self.cut();
        // Wakes who listens, so that it sees that it is over.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves one more connection, on two threads.
    fn join(self: Arc<Self>, state: &mut State, client: TcpStream, server: TcpStream) {
        let copy = |stream: &TcpStream| {
            let _ = stream.set_nodelay(true);
            stream.try_clone().expect("a free file descriptor")
        };
        state.opened += 1;
        let id = state.opened;
        let (mut commands, mut to_server) = (copy(&client), copy(&server));
        let (mut replies, mut to_client) = (copy(&server), copy(&client));
        let connection = Connection {
            client,
            server,
            breaks: None,
        };
        state.connections.insert(id, connection);
        let other = Arc::clone(&self);
        thread::spawn(move || {
            self.copy(id, &mut commands, &mut to_server, Self::command);
        });
        thread::spawn(move || {
            other.copy(id, &mut replies, &mut to_client, Self::reply);
        });
    }

    /// Passes bytes on, after `pass` has seen them, until it or one of the ends says no.
    fn copy(
        &self,
        id: usize,
        from: &mut TcpStream,
        to: &mut TcpStream,
        pass: fn(&Self, usize, &mut Vec<u8>) -> bool,
    ) {
        let mut buffer = vec![0; 65_536];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let mut bytes = buffer[..length].to_vec();
            let goes_on = pass(self, id, &mut bytes);
            if to.write_all(&bytes).is_err() || !goes_on {
                break;
            }
        }
        if let Some(connection) = self.lock().connections.remove(&id) {
            connection.close();
        }
    }

    /// Holds bytes back while the line stalls; whether the connection is still there.
    fn hold(&self, id: usize, stalls: fn(Line) -> bool) -> Option<MutexGuard<'_, State>> {
        let held = self.changed.wait_while(self.lock(), |state| {
            stalls(state.line) && state.connections.contains_key(&id)
        });
        let state = held.unwrap_or_else(PoisonError::into_inner);
        state.connections.contains_key(&id).then_some(state)
    }

    fn command(&self, id: usize, bytes: &mut Vec<u8>) -> bool {
        let Some(mut state) = self.hold(id, |line| line == Line::Stall) else {
            bytes.clear();
            return false;
        };
        let is_it = |(part, _): &mut (Vec<u8>, Broken)| {
            bytes.windows(part.len()).any(|window| window == part)
        };
        if let Some((_, how)) = state.next.take_if(is_it)
            && let Some(connection) = state.connections.get_mut(&id)
        {
            connection.breaks = Some(how);
        }
        true
    }

    fn reply(&self, id: usize, bytes: &mut Vec<u8>) -> bool {
        let stalls = |line| matches!(line, Line::Stall | Line::StallReplies);
        let Some(mut state) = self.hold(id, stalls) else {
            bytes.clear();
            return false;
        };
        if let Line::Slow(by) = state.line {
            drop(state);
            thread::sleep(by);
            return true;
        }
        if let Some((from, to)) = &state.rewritten {
            let mut places = bytes.windows(from.len());
            if let Some(at) = places.position(|place| place == from) {
                bytes[at..at + to.len()].copy_from_slice(to);
            }
        }
        let breaks = state
            .connections
            .get_mut(&id)
            .and_then(|it| it.breaks.take());
        match breaks {
            None => return true,
            Some(Broken::Lost) => bytes.clear(),
            Some(Broken::Half) => bytes.truncate(bytes.len() / 2),
            Some(Broken::Garbage) => *bytes = b"HTTP/1.1 400 Bad Request\r\n\r\n\0\xff".to_vec(),
            Some(Broken::Huge) => *bytes = b"*3\r\n$999999999\r\nabc".to_vec(),
        }
        state.broken += 1;
        false
    }
}

impl Connection {
    fn close(&self) {
        for end in [&self.client, &self.server] {
            let _ = end.shutdown(Shutdown::Both);
        }
    }
}
