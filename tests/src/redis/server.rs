use std::{
    env, fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use super::{port::Port, wait_for};
use crate::WallClock;

/// How much of a server's log is shown when a test fails.
const LOG_LINES: usize = 15;

/// A `redis-server` on a free port of this machine, killed on drop.
///
/// `AUTH_TEST_SERVER` names another program to be used instead, as `valkey-server`.
#[derive(Debug)]
pub struct Redis {
    child: Option<Child>,
    port: Port,
    folder: PathBuf,
    args: Vec<String>,
    /// The file of a sentinel, and that it is one: they come first.
    args_of_sentinels: Vec<String>,
    clock: Option<WallClock>,
}

impl Redis {
    /// Options with which it has its data again after a [restart](Self::restart): every write is on
    /// disk before it is answered.
    pub const APPEND_ONLY: &[&str] = &["--appendonly", "yes", "--appendfsync", "always"];

    /// Starts one that keeps nothing on disk; `args` are further options of `redis-server`.
    ///
    /// # Panics
    ///
    /// When there is no `redis-server`, or it does not answer in a while.
    pub fn start(args: &[&str]) -> Self {
        let mut redis = Self::prepare(args, None);
        redis.restart();
        redis
    }

    /// Starts one whose clock stands still until it is [moved](Self::advance).
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start), and without a C compiler.
    pub fn with_clock_that_stands() -> Self {
        let mut redis = Self::prepare(&[], Some(WallClock::standing()));
        redis.restart();
        redis
    }

    /// One that is not running yet: several start at once when each is [spawned](Self::spawn).
    pub(super) fn prepare(args: &[&str], clock: Option<WallClock>) -> Self {
        let port = Port::free();
        let name = format!("auth-redis-{}-{}", std::process::id(), port.number());
        let redis = Self {
            child: None,
            folder: env::temp_dir().join(name),
            port,
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            args_of_sentinels: Vec::new(),
            clock,
        };
        redis.forget();
        redis
    }

    /// Makes it a sentinel when it is started.
    pub(super) fn become_sentinel(&mut self, file: &Path) {
        self.args_of_sentinels = vec![file.display().to_string(), "--sentinel".to_owned()];
    }

    /// Starts it again after [`kill`](Self::kill), with what it has on disk. That is nothing, unless
    /// its options say so or it was told to `SAVE`.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn restart(&mut self) {
        self.spawn();
        self.wait();
    }

    /// Removes what a server that is not running has on disk.
    pub fn forget(&self) {
        let _ = fs::remove_dir_all(&self.folder);
        fs::create_dir_all(&self.folder).expect("the folder for temporary files can be written");
    }

    /// Starts it, and does not wait until it answers.
    ///
    /// # Panics
    ///
    /// When there is no `redis-server`.
    pub fn spawn(&mut self) {
        let mut command = Command::new(program());
        command.args(&self.args_of_sentinels);
        command
            .args(["--bind", "127.0.0.1", "--port", &self.port().to_string()])
            .args(["--logfile", "log", "--dir"])
            .arg(&self.folder);
        if self.args_of_sentinels.is_empty() {
            command.args(["--save", "", "--appendonly", "no"]);
        }
        command
            .args(&self.args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some(clock) = &self.clock {
            clock.show(&mut command);
        }
        let child = command.spawn();
        self.child = Some(child.expect("redis-server; `tests/run` brings it"));
    }

    /// Waits until it answers, and has read what it has on disk.
    ///
    /// # Panics
    ///
    /// When it ends, or takes too long.
    pub fn wait(&mut self) {
        wait_for("the server answers", || {
            let child = self.child.as_mut().expect("it was spawned");
            let ended = child.try_wait().expect("it is ours");
            if let Some(status) = ended {
                panic!("the server ended with {status}:\n{}", self.log());
            }
            // Without a password it is refused, which is an answer, too.
            let answer = self.ping()?;
            (answer.starts_with("+PONG") || answer.starts_with("-NOAUTH")).then_some(())
        });
    }

    /// What it says to one `PING`, if it says anything.
    fn ping(&self) -> Option<String> {
        let mut stream = TcpStream::connect(self.address()).ok()?;
        let patience = Some(Duration::from_secs(1));
        stream.set_read_timeout(patience).ok()?;
        stream.write_all(b"PING\r\n").ok()?;
        let mut answer = [0; 64];
        let length = stream.read(&mut answer).ok()?;
        Some(String::from_utf8_lossy(&answer[..length]).into_owned())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port()))
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Its `redis://` URL.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// The folder that is its own.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A file in its folder.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Its clock, in ms since the epoch.
    ///
    /// # Panics
    ///
    /// When its clock is the machine's.
    pub fn clock(&self) -> u64 {
        self.clock.as_ref().expect("its clock stands").get()
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
        self.clock.as_ref().expect("its clock stands").set(now);
    }

    /// Sets its clock to what the machine's shows.
    ///
    /// # Panics
    ///
    /// When its clock is the machine's.
    pub fn set_clock_to_now(&self) {
        self.set_clock(WallClock::machine());
    }

    /// What `redis-cli` says, without the last line's end.
    ///
    /// # Panics
    ///
    /// When it can not be run or says that something is wrong.
    #[track_caller]
    pub fn cli(&self, args: &[&str]) -> String {
        self.try_cli(args)
            .unwrap_or_else(|wrong| panic!("redis-cli {args:?}: {wrong}"))
    }

    /// Like [`cli`](Self::cli), where something may be wrong.
    ///
    /// # Errors
    ///
    /// What it says is wrong.
    pub fn try_cli(&self, args: &[&str]) -> Result<String, String> {
        let output = Command::new("redis-cli")
            .args(["-e", "-p", &self.port().to_string()])
            .args(args)
            .output();
        let output = output.expect("redis-cli; `tests/run` brings it");
        let text = |bytes| String::from_utf8_lossy(bytes).trim_end().to_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(text(&output.stdout) + &text(&output.stderr))
        }
    }

    /// Sends many commands over one connection, one a line; gives the lines of all answers.
    ///
    /// # Panics
    ///
    /// When one of them is answered by an error.
    #[track_caller]
    pub fn cli_all(&self, lines: &[String]) -> Vec<String> {
        let child = Command::new("redis-cli")
            .args(["-p", &self.port().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = child.expect("redis-cli; `tests/run` brings it");
        let mut stdin = child.stdin.take().expect("it was asked for");
        let text = lines.join("\n") + "\n";
        // Beside the reading: both pipes may be full.
        let writing = thread::spawn(move || stdin.write_all(text.as_bytes()));
        let output = child.wait_with_output().expect("it ends");
        writing.join().expect("no panic").expect("it reads");
        let answers = String::from_utf8_lossy(&output.stdout).into_owned();
        let answers = answers.lines().filter(|answer| !answer.is_empty());
        let answers: Vec<String> = answers.map(str::to_owned).collect();
        let wrong = answers.iter().find(|answer| {
            let code = answer.split(' ').next().unwrap_or_default();
            code.len() > 2 && code.bytes().all(|b| b.is_ascii_uppercase()) && code != "NOKEY"
        });
        assert_eq!(wrong, None, "of {} commands", lines.len());
        answers
    }

    /// The ids of the connections that it tells of changes (`CLIENT TRACKING … BCAST`).
    pub fn tracking(&self) -> Vec<String> {
        let value = |line: &str, name: &str| {
            let mut words = line.split(' ');
            let value = words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            value.unwrap_or_default().to_owned()
        };
        let clients = self.cli(&["CLIENT", "LIST"]);
        let tracking = clients.lines().filter(|line| {
            let flags = value(line, "flags");
            flags.contains('B') && flags.contains('t')
        });
        tracking.map(|line| value(line, "id")).collect()
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

    /// Kills it: what it held is gone, but for what is on disk.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Whether it was started and not killed since.
    pub fn is_running(&self) -> bool {
        self.child.is_some()
    }

    /// The last lines of its log.
    fn log(&self) -> String {
        let log = fs::read_to_string(self.file("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            let port = self.port();
            eprintln!("--- log of the server on port {port}\n{}\n---", self.log());
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Which program the servers are.
fn program() -> String {
    env::var("AUTH_TEST_SERVER").unwrap_or_else(|_| "redis-server".to_owned())
}
