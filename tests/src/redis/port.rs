use std::{
    io,
    net::TcpListener,
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixListener},
    },
    sync::atomic::{AtomicU16, Ordering},
};

/// Where servers listen. Below the ports that clients are given: a client that tries again and again
/// where no server is would some day be given that very port, and be connected to itself.
const FIRST: u16 = 12_000;
const COUNT: u16 = 10_000;
/// From a cluster node's port to that of the cluster's bus.
const BUS: u16 = 10_000;

/// A free port of this machine, and the one of its bus. No test of any process is given it until it
/// is dropped, so that a server can be restarted on it.
#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    _held: UnixListener,
}

impl Port {
    pub(crate) fn free() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        // Processes begin at different places, so that they seldom meet.
        let from = (std::process::id() as u16).wrapping_mul(97);
        (0..COUNT)
            .find_map(|_| {
                let n = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_add(from);
                Self::take(FIRST + n % COUNT).ok()
            })
            .expect("one of ten thousand ports is free")
    }

    fn take(number: u16) -> io::Result<Self> {
        // A name that is nowhere on disk, and that the system takes back when the process ends.
        let name = SocketAddr::from_abstract_name(format!("auth-tests-port-{number}"))?;
        let held = UnixListener::bind_addr(&name)?;
        for port in [number, number + BUS] {
            TcpListener::bind(("127.0.0.1", port))?;
        }
        Ok(Self {
            number,
            _held: held,
        })
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }
}
