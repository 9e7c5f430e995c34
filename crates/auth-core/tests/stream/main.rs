//! Streams that end with their login: no runtime, a clock that the tests move, a store that says
//! what the tests want.

// Helpers of tests: what is broken in them shall be seen.
#![allow(clippy::unwrap_used)]

mod body;
mod ends;
mod layer;
mod store;
mod support;
