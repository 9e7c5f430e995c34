//! The benchmarks: what the layers cost, beside their peers.
//!
//! `benches/run` runs all of it and writes `RESULTS.md`; `benches/run paths` one part.

pub mod alloc;
pub mod apps;
pub mod curve;
pub mod fill;
pub mod keys;
pub mod memory;
pub mod paths;
pub mod redis;
pub mod report;
pub mod request;
pub mod results;
pub mod runner;
pub mod server;
pub mod sockets;
pub mod svg;
