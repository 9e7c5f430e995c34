//! The session layer over a store in memory: requests in, responses out, no sockets, no sleeping.

mod asvs;
mod bearer;
mod beside_cookies;
mod concurrency;
mod cookie;
mod csrf;
mod data;
mod devices;
mod entry;
mod events;
mod expiry;
mod explored;
mod header_transport;
mod interrupted;
mod late;
mod lazy;
mod limits;
mod login;
mod logout;
mod old_names;
mod outage;
mod provider;
mod secrets;
mod step_up;
mod store;
mod streams;
mod support;
mod tower_stack;
#[cfg(feature = "axum")]
mod users;
mod vectors;
#[cfg(feature = "axum")]
mod wire;
