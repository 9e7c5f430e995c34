use std::{
    env,
    ffi::OsStr,
    fs,
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio, id},
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::Value;

/// The real curl, with a cookie jar that lives as long as this.
///
/// curl holds to `Secure`, `__Host-` and expiry as browsers do; plain HTTP to 127.0.0.1 is a secure
/// place to it.
#[derive(Debug)]
pub struct Curl {
    jar: PathBuf,
}

impl Default for Curl {
    /// With an empty jar.
    fn default() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let jar = env::temp_dir().join(format!("auth-tests-{}-{number}.cookies", id()));
        fs::write(&jar, "").expect("the folder for temporary files can be written");
        Self { jar }
    }
}

impl Curl {
    /// Runs curl and returns what it printed; `--include` and `--write-out` are useful arguments.
    ///
    /// # Panics
    ///
    /// When curl fails. An error status is not a failure to curl.
    pub fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> String {
        let mut curl = Command::new("curl");
        curl.args(["--disable", "--silent", "--show-error", "--max-time", "20"])
            .args(["--noproxy", "*"])
            .arg("--cookie")
            .arg(&self.jar)
            .arg("--cookie-jar")
            .arg(&self.jar)
            .args(args);
        printed(&mut curl)
    }

    /// The jar as curl wrote it: a cookie a line, in Netscape's format.
    pub fn jar(&self) -> String {
        fs::read_to_string(&self.jar).expect("the jar can be read")
    }
}

impl Drop for Curl {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.jar);
    }
}

/// Runs a Python script, named from the root of the repository, and returns what it printed.
///
/// # Panics
///
/// When the script fails, with what it wrote to stderr; and outside `tests/run`, which makes the
/// Python environment.
pub fn python<A: AsRef<OsStr>>(script: &str, args: impl IntoIterator<Item = A>) -> String {
    printed(Command::new(interpreter()).arg(script).args(args))
}

/// The Python of the tests. Node and its packages are in the same environment.
pub(crate) fn interpreter() -> PathBuf {
    env::var_os("AUTH_TEST_PYTHON")
        .expect("AUTH_TEST_PYTHON names the Python of the tests: run tests/run, which sets it")
        .into()
}

/// Gives JSON to a JWT library that is not ours, and returns the JSON that it answers:
/// `tests/python/interop.py` says what.
///
/// # Panics
///
/// When the script fails, with what it wrote to stderr; and outside `tests/run`.
pub fn jwt_library(library: &str, task: &str, input: &Value) -> Value {
    let python = interpreter();
    let bin = python.parent().unwrap_or(Path::new(""));
    let mut command = match library {
        "jose" => {
            let mut node = Command::new(bin.join("node"));
            node.env("NODE_PATH", bin.join("../node_modules"))
                .args(["tests/node/interop.cjs", task]);
            node
        }
        _ => {
            let mut python = Command::new(&python);
            python.args(["tests/python/interop.py", library, task]);
            python
        }
    };
    let line = answered(&mut command, Some(&input.to_string()));
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{library}: {error}: {line}"))
}

/// Calls the Whoami service with grpcio: `tests/python/grpc_client.py` says with which arguments,
/// and what is in the result.
pub fn grpc_client(server: SocketAddr, args: &[&str]) -> Value {
    let address = server.to_string();
    let line = python(
        "tests/python/grpc_client.py",
        [&["--addr", &address], args].concat(),
    );
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

fn printed(command: &mut Command) -> String {
    answered(command, None)
}

fn answered(command: &mut Command, input: Option<&str>) -> String {
    let name = command.get_program().to_string_lossy().into_owned();
    let stdin = input.map_or_else(Stdio::null, |_| Stdio::piped());
    let mut child = command
        .current_dir(crate::repository())
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{name}: {error}; `tests/run` installs what is missing"));
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        // All of it is read before anything is answered. A program that fails says why itself.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().expect("it ends");
    assert!(
        output.status.success(),
        "{name}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr),
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
