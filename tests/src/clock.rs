//! A wall clock for programs that stands still until a test moves it.

use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

/// The clock of one program or of several, in a file that is removed with the last of them.
#[derive(Clone, Debug)]
pub struct WallClock(Arc<File>);

#[derive(Debug)]
struct File(PathBuf);

impl WallClock {
    /// One that shows the time at which it is made.
    pub fn standing() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("auth-clock-{}-{name}", std::process::id());
        let file = std::env::temp_dir().join(name);
        let now = Self::machine().to_le_bytes();
        fs::write(&file, now).expect("the folder for temporary files can be written");
        Self(Arc::new(File(file)))
    }

    /// What the machine's clock shows, in ms since the epoch.
    pub(crate) fn machine() -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.expect("it is after 1970").as_millis();
        u64::try_from(now).expect("it is before the year 584,556,019")
    }

    /// Shows it to a program that is about to be started.
    pub fn show(&self, program: &mut Command) {
        program
            .env("LD_PRELOAD", shim())
            .env("TEST_CLOCK", &self.0.0);
    }

    /// What it shows, in ms since the epoch.
    pub(crate) fn get(&self) -> u64 {
        let bytes = fs::read(&self.0.0).expect("the file is ours");
        u64::from_le_bytes(bytes.try_into().expect("it has eight bytes"))
    }

    pub(crate) fn set(&self, now: u64) {
        self.write(now.to_le_bytes());
    }

    /// Moves it to so many milliseconds before the epoch.
    pub fn set_before_1970(&self, ms: u32) {
        self.write((-i64::from(ms)).to_le_bytes());
    }

    fn write(&self, bytes: [u8; 8]) {
        // In one write, in place: the programs have mapped this file.
        let file = OpenOptions::new().write(true).open(&self.0.0);
        let moved = file.and_then(|file| file.write_all_at(&bytes, 0));
        moved.expect("the file is ours");
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The library that shows a program the time in a file, compiled once.
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
