//! Two demos on a Redis that fails in every way there is, asked over HTTP all the while: each answer
//! comes in time, nobody is let in whose revocation was acknowledged, nobody valid is refused because
//! of the fault, and all is well again without a restart.

mod faults;
mod scene;
mod service;
