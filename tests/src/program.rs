use std::{
    env,
    ffi::OsStr,
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// From the start of a program to its `listening on` line.
const START: Duration = Duration::from_secs(30);

/// Stdout and stderr.
const PIPES: usize = 2;

/// A running example program, killed on drop.
///
/// It says where it listens in lines of its output, `listening on http://ADDR` and `listening on
/// grpc://ADDR`, so tests let it choose the port (`--listen 127.0.0.1:0`). What it prints is
/// collected, and shown when the test fails.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    output: Arc<Output>,
    deadline: Instant,
}

impl Program {
    /// Starts the example `name` and waits until it listens somewhere.
    ///
    /// # Panics
    ///
    /// When the program was not built, ends, or says nothing within 30 seconds.
    pub fn start<A: AsRef<OsStr>>(name: &str, args: impl IntoIterator<Item = A>) -> Self {
        Self::spawn(example(name).args(args))
    }

    /// Like [`start`](Self::start), for a command with an environment of its own.
    pub fn spawn(command: &mut Command) -> Self {
        let program = Self::begin(command);
        program.wait_for("listening on ");
        program
    }

    /// Starts a program that need not be an example, and does not wait for anything.
    pub(crate) fn begin(command: &mut Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error}; `tests/run` brings the programs"));
        let output = Arc::new(Output::default());
        output.clone().collect(child.stdout.take());
        output.clone().collect(child.stderr.take());
        Self {
            name,
            child,
            output,
            deadline: Instant::now() + START,
        }
    }

    /// Where it serves HTTP.
    pub fn http(&self) -> SocketAddr {
        self.address("listening on http://")
    }

    /// Where it serves HTTPS.
    pub fn https(&self) -> SocketAddr {
        self.address("listening on https://")
    }

    /// Where it serves gRPC.
    pub fn grpc(&self) -> SocketAddr {
        self.address("listening on grpc://")
    }

    /// The process id, for signals.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed so far, stdout and stderr line by line.
    pub fn output(&self) -> String {
        self.output.lock().text.clone()
    }

    /// Waits for a line that contains `text`, and returns what follows the text in it.
    ///
    /// # Panics
    ///
    /// When the program ends before, or has been running for 30 seconds and has not printed it.
    pub fn wait_for(&self, text: &str) -> String {
        let found = |printed: &Printed| {
            let mut lines = printed.text.lines();
            let (_, rest) = lines.find_map(|line| line.split_once(text))?;
            Some(rest.to_owned())
        };
        let left = self.deadline.saturating_duration_since(Instant::now());
        let printed = self.output.wait(left, |printed| found(printed).is_none());
        found(&printed).unwrap_or_else(|| {
            let how = if printed.closed == PIPES {
                "ended"
            } else {
                "is late"
            };
            panic!("{} {how} and did not print {text:?}", self.name)
        })
    }

    fn address(&self, text: &str) -> SocketAddr {
        let rest = self.wait_for(text);
        let address = rest.split([' ', '/']).next().unwrap_or_default();
        address
            .parse()
            .unwrap_or_else(|_| panic!("{}: {address:?} is no address", self.name))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Either may fail because the program has ended by itself: nothing is left to do then.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            // All of it, unless a process that it started still holds the pipe.
            let printed = self.output.wait(Duration::from_secs(1), |_| true);
            eprintln!("--- output of {}\n{}---", self.name, printed.text);
        }
    }
}

/// The example program `name`, ready to be given arguments.
///
/// Tests run from `target/<profile>/deps`, and Cargo puts examples beside that folder, so this holds
/// for any target folder.
pub fn example(name: &str) -> Command {
    let test = env::current_exe().expect("a test has a path");
    let profile = test
        .ancestors()
        .nth(2)
        .expect("tests lie in <profile>/deps");
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    let mut command = Command::new(profile.join("examples").join(file));
    command.current_dir(crate::repository());
    command
}

#[derive(Debug, Default)]
struct Output {
    printed: Mutex<Printed>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Printed {
    text: String,
    /// How many of the pipes have come to their end.
    closed: usize,
}

impl Output {
    fn collect(self: Arc<Self>, pipe: Option<impl Read + Send + 'static>) {
        let mut pipe = BufReader::new(pipe.expect("the pipe was asked for"));
        thread::spawn(move || {
            let mut line = Vec::new();
            while matches!(pipe.read_until(b'\n', &mut line), Ok(1..)) {
                self.lock().text.push_str(&String::from_utf8_lossy(&line));
                self.changed.notify_all();
                line.clear();
            }
            self.lock().closed += 1;
            self.changed.notify_all();
        });
    }

    fn lock(&self) -> MutexGuard<'_, Printed> {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while the condition holds and there may be more to come.
    fn wait(
        &self,
        at_most: Duration,
        condition: impl Fn(&Printed) -> bool,
    ) -> MutexGuard<'_, Printed> {
        let waited = self
            .changed
            .wait_timeout_while(self.lock(), at_most, |printed| {
                printed.closed < PIPES && condition(printed)
            });
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
