//! The session layer over a store in memory: requests in, responses out, no sockets, no sleeping.

mod bearer;
mod concurrency;
mod cookie;
mod data;
mod expiry;
mod interrupted;
mod late;
mod lazy;
mod limits;
mod login;
mod logout;
mod outage;
mod secrets;
mod step_up;
mod store;
mod streams;
mod support;
mod tower_stack;
#[cfg(feature = "axum")]
mod users;
mod vectors;
