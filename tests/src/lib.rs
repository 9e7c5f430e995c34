//! What the cross-crate tests share: the example programs as servers, and clients that are not ours.
//!
//! - [`Program`] starts an example program on a free port and kills it when the test is done.
//! - [`Request`] and [`Connection`] speak HTTP/1.1 byte for byte: odd, doubled and broken headers
//!   reach the server as the test wrote them.
//! - [`Demo`](demo::Demo) is the demo, with what its tests do all the time.
//! - [`Browser`] is Chromium, without a window.
//! - [`Redis`], [`RedisCluster`] and [`RedisSentinels`] are real servers, if need be with a [`WallClock`] that the test moves;
//!   [`Proxy`] is a line to one that the test breaks.
//! - [`fuzz`] has the bodies of the fuzz targets.
//! - [`Dice`] fall the same way again.
//! - [`logins`] are made straight at a store, without a service.
//! - [`Nginx`] is a gateway in front of them.
//! - [`Provider`] is somebody else's OpenID provider.
//! - [`TlsFiles`] is a server by HTTPS, whose certificate is good, or is not.
//! - [`Curl`], [`grpc_client`], [`python`] and [`jwt_library`] drive real clients: curl, grpcio,
//!   PyJWT, Authlib, jose.
//!
//! Everything here blocks, and panics when it can not do what it was asked for. `tests/run` brings
//! what is needed; without that a test fails, it is never skipped.

mod browser;
mod clients;
mod clock;
pub mod demo;
pub mod fuzz;
mod http;
pub mod logins;
mod nginx;
mod program;
mod provider;
mod random;
mod redis;
mod tls;

use std::{fs, path::Path};

pub use browser::Browser;
pub use clients::{Curl, grpc_client, jwt_library, python};
pub use clock::WallClock;
pub use http::{Connection, Request, Response};
pub use nginx::Nginx;
pub use program::{Program, example};
pub use provider::Provider;
pub use random::Dice;
pub use redis::{Broken, Line, Migration, Node, Proxy, Redis, RedisCluster, RedisSentinels};
pub use tls::{Certificates, TlsFiles};

/// The root of the repository, where the programs and clients run.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are a folder of the repository")
}

/// The vector files, `tests/vectors`.
pub fn vectors() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/vectors"))
}

/// The source of all crates and tests as one text: pages and tables that name a test can be held against it.
pub fn sources() -> String {
    fn read(folder: &Path, found: &mut String) {
        for entry in fs::read_dir(folder).expect("a folder of the repository") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                read(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push_str(&fs::read_to_string(path).expect("source is text"));
            }
        }
    }
    let mut found = String::new();
    for folder in ["crates", "tests/tests"] {
        read(&repository().join(folder), &mut found);
    }
    found
}
