use std::{
    env, fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Command, id},
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{Program, clients::interpreter, python};

/// A folder with a certificate authority and its certificates, `tests/python/certificates.py`, until it is dropped.
#[derive(Debug)]
pub struct Certificates(PathBuf);

impl Certificates {
    /// Makes them.
    pub fn make() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("auth-tests-tls-{}-{number}", id()));
        fs::create_dir_all(&folder).expect("the folder for temporary files can be written");
        python("tests/python/certificates.py", [&folder]);
        Self(folder)
    }

    /// The path of a file.
    pub fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// What is in a file.
    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.join(name)).expect("it was made")
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A server of files by HTTPS, `tests/python/tls_files.py`.
#[derive(Debug)]
pub struct TlsFiles {
    program: Program,
    folder: PathBuf,
}

impl TlsFiles {
    /// Starts it on a free port of 127.0.0.1, with the certificate of that name.
    pub fn start(certificates: &Certificates, name: &str) -> Self {
        let folder = certificates.0.join(format!("served-by-{name}"));
        fs::create_dir_all(&folder).expect("the folder can be written");
        let files = [".pem", ".key"].map(|end| certificates.file(&format!("{name}{end}")));
        let mut command = Command::new(interpreter());
        command
            .arg("tests/python/tls_files.py")
            .arg(&folder)
            .args(files)
            .current_dir(crate::repository());
        let program = Program::spawn(&mut command);
        Self { program, folder }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.program.https()
    }

    /// Puts a file there; the path may have folders.
    pub fn serve(&self, path: &str, text: &str) {
        let file = self.folder.join(path);
        let parent = file.parent().expect("it is in the folder");
        fs::create_dir_all(parent).expect("the folder can be written");
        fs::write(&file, text).expect("the folder can be written");
    }
}
