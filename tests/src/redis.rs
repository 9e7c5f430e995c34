//! Real Redis servers.

use std::{
    fs,
    fs::OpenOptions,
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// From the start of a server to its first answer.
const START: Duration = Duration::from_secs(30);

/// A `redis-server` on a free port of this machine, killed on drop.
#[derive(Debug)]
pub struct Redis {
    child: Option<Child>,
    address: SocketAddr,
    folder: PathBuf,
    args: Vec<String>,
    clock: Option<PathBuf>,
}

impl Redis {
    /// Starts one that keeps nothing on disk; `args` are further options of `redis-server`.
    ///
    /// # Panics
    ///
    /// When there is no `redis-server`, or it does not answer within 30 seconds.
    pub fn start(args: &[&str]) -> Self {
        Self::prepared(args, None)
    }

    /// Starts one whose clock stands still until it is [moved](Self::advance).
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start), and without a C compiler.
    pub fn with_clock_that_stands() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.expect("it is after 1970").as_millis();
        let now = u64::try_from(now).expect("it is before the year 584,556,019");
        Self::prepared(&[], Some(now))
    }

    fn prepared(args: &[&str], clock: Option<u64>) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = port.local_addr().expect("it is bound");
        let folder = std::env::temp_dir().join(format!(
            "auth-redis-{}-{}",
            std::process::id(),
            address.port()
        ));
        fs::create_dir_all(&folder).expect("a folder of its own");
        drop(port);
        let clock = clock.map(|now| {
            let file = folder.join("clock");
            fs::write(&file, now.to_le_bytes()).expect("the folder is ours");
            file
        });
        let mut redis = Self {
            child: None,
            address,
            folder,
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            clock,
        };
        redis.restart();
        redis
    }

    /// Starts it again, with an empty memory, after [`kill`](Self::kill).
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn restart(&mut self) {
        let mut command = Command::new("redis-server");
        command
            .args([
                "--bind",
                "127.0.0.1",
                "--port",
                &self.address.port().to_string(),
            ])
            .args(["--save", "", "--appendonly", "no", "--dir"])
            .arg(&self.folder)
            .args(&self.args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some(clock) = &self.clock {
            command.env("LD_PRELOAD", shim()).env("TEST_CLOCK", clock);
        }
        let child = command.spawn();
        self.child = Some(child.expect("redis-server; `tests/run` brings it"));
        let until = Instant::now() + START;
        while TcpStream::connect(self.address).is_err() {
            assert!(Instant::now() < until, "redis-server does not listen");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Its `redis://` URL.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Its clock, in ms since the epoch.
    ///
    /// # Panics
    ///
    /// When its clock is the machine's.
    pub fn clock(&self) -> u64 {
        let clock = self.clock.as_ref().expect("its clock stands");
        let bytes = fs::read(clock).expect("the folder is ours");
        u64::from_le_bytes(bytes.try_into().expect("it has eight bytes"))
    }

    /// Moves its clock forward.
    ///
    /// # Panics
    ///
    /// When its clock is the machine's.
    pub fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_millis()).expect("a while");
        self.set_clock(self.clock() + by);
    }

    /// Sets its clock, back if need be; ms since the epoch.
    ///
    /// # Panics
    ///
    /// When its clock is the machine's.
    pub fn set_clock(&self, now: u64) {
        let clock = self.clock.as_ref().expect("its clock stands");
        // In one write, in place: the server has mapped this file.
        let file = OpenOptions::new().write(true).open(clock);
        let moved = file.and_then(|file| file.write_all_at(&now.to_le_bytes(), 0));
        moved.expect("the folder is ours");
    }

    /// What `redis-cli` says, without the last line's end.
    ///
    /// # Panics
    ///
    /// When it can not be run or says that something is wrong.
    pub fn cli(&self, args: &[&str]) -> String {
        let port = self.address.port().to_string();
        let output = Command::new("redis-cli")
            .args(["-e", "-p", &port])
            .args(args)
            .output();
        let output = output.expect("redis-cli; `tests/run` brings it");
        let text = String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned();
        assert!(
            output.status.success(),
            "redis-cli {args:?}: {text} {output:?}"
        );
        text
    }

    /// Sends it a signal, by name: `KILL`, `STOP`, `CONT`.
    ///
    /// # Panics
    ///
    /// When it is not running.
    pub fn signal(&self, name: &str) {
        let child = self.child.as_ref().expect("it is running");
        let sent = Command::new("kill")
            .args(["-s", name, &child.id().to_string()])
            .status();
        assert!(sent.is_ok_and(|status| status.success()), "kill -s {name}");
    }

    /// Kills it: what it held is gone.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The library that shows a server the time in a file, compiled once.
fn shim() -> &'static Path {
    static SHIM: OnceLock<PathBuf> = OnceLock::new();
    SHIM.get_or_init(|| compile().expect("the C compiler runs; `tests/run` brings it"))
}

fn compile() -> io::Result<PathBuf> {
    let source = crate::repository().join("tests/src/clock.c");
    let id = std::process::id();
    let library =
        std::env::temp_dir().join(format!("auth-test-clock-{}.so", env!("CARGO_PKG_VERSION")));
    let own = library.with_extension(id.to_string());
    let compiled = Command::new("cc")
        .args(["-O2", "-shared", "-fPIC", "-o"])
        .arg(&own)
        .arg(source)
        .status()?;
    assert!(compiled.success(), "cc: {compiled}");
    // Tests of other processes may be at it, too: each finds a whole file.
    fs::rename(&own, &library)?;
    Ok(library)
}
