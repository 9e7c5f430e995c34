use std::{
    env, fs,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::{self, Command},
};

use crate::{Program, redis::Port};

/// An nginx of its own: one process without privileges, with a folder of its own, killed on drop.
#[derive(Debug)]
pub struct Nginx {
    // Dropped before its folder and port are given back.
    _program: Program,
    folder: Folder,
    port: Port,
}

#[derive(Debug)]
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Nginx {
    /// Starts it with this `server` block, whose `listen 8080;` becomes a free port of this machine.
    pub fn start(server: &str) -> Self {
        let port = Port::free();
        let name = format!("auth-tests-nginx-{}-{}", process::id(), port.number());
        let folder = Folder(env::temp_dir().join(name));
        fs::create_dir_all(&folder.0).expect("the folder for temporary files can be written");
        let listen = "listen 8080;";
        assert!(server.contains(listen), "{server}");
        let server = server.replace(listen, &format!("listen 127.0.0.1:{};", port.number()));
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {kind};\n"))
            .concat();
        let config = format!(
            "daemon off;\nmaster_process off;\npid pid;\nerror_log stderr notice;\nevents {{}}\n\
             http {{\naccess_log off;\n{temporary}{server}\n}}\n"
        );
        fs::write(folder.0.join("nginx.conf"), config).expect("written");
        // Debian has it where only root looks.
        let path = env::var("PATH").unwrap_or_default() + ":/usr/sbin";
        let program = Program::begin(
            Command::new("nginx")
                .env("PATH", path)
                .arg("-p")
                .arg(&folder.0)
                .args(["-e", "stderr", "-c", "nginx.conf"]),
        );
        // It listens before it looks for events.
        program.wait_for("event method");
        Self {
            _program: program,
            folder,
            port,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port.number()).into()
    }

    /// Its own folder.
    pub fn folder(&self) -> &std::path::Path {
        &self.folder.0
    }
}
