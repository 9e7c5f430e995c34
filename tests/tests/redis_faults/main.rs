//! A Redis that fails in every way there is, on real servers: each answer comes in time, nobody is
//! let in whose revocation was acknowledged, nobody is refused because of the fault, and all is well
//! again by itself.

mod clocks;
mod cluster;
mod confused;
mod connections;
mod crowd;
mod deadlines;
mod demoted;
mod fault;
mod leftovers;
mod load;
mod losses;
mod losses_in_part;
mod model;
mod refusals;
mod replies;
mod sentinels;
mod soak;
mod told;
mod unconfirmed;
mod views;
