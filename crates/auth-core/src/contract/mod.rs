//! The suite of tests that every store has to pass.
//!
//! For authors of stores: implement [`Harness`], and let [`contract_suite!`](crate::contract_suite)
//! write one `#[test]` per case into a test file of your crate. The suite needs no particular async
//! runtime; the harness brings one.
//!
//! ```ignore
//! // tests/contract.rs
//! use auth_core::contract::{Case, Harness};
//!
//! struct MyHarness { /* a fresh store, a clock, a runtime */ }
//! impl Harness for MyHarness { /* … */ }
//!
//! fn run(case: Case) {
//!     let runtime = /* one with several threads */;
//!     runtime.block_on(async { case.run(MyHarness::new().await).await });
//! }
//!
//! auth_core::contract_suite!(run);
//! ```
//!
//! # What a case may expect
//!
//! - Each case has a harness of its own, and with it a store that is empty and that nobody else uses.
//! - Time passes by [`Harness::advance`]. What passes besides, while a case runs, is at most
//!   [`Harness::tolerance`]; limits are tested to the millisecond where that is zero.
//! - Cases that race run their tasks by [`Harness::in_parallel`], from one start, many times over.
//!   Whatever the interleaving, they must pass: a case that fails once has found something.
//! - Randomized cases print their seed, and take it from `AUTH_CONTRACT_SEED`.

mod admission;
mod commit;
mod establish;
mod family;
mod limits;
mod list;
mod model;
mod notices;
mod parallel;
mod races;
mod random;
mod revocation;
mod rotation;
mod scene;
mod session;
mod world;

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{Timestamp, store::Store};
use world::World;

/// A future of the suite.
pub type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What the suite needs of the author of a store: one fresh store, and power over its time.
#[async_trait]
pub trait Harness: Send + Sync + 'static {
    /// The store: the same one each time.
    fn store(&self) -> Arc<dyn Store>;

    /// Another handle onto the same state, as another node has one. Where there is only one node,
    /// the store itself.
    fn other_node(&self) -> Arc<dyn Store> {
        self.store()
    }

    /// What time it is by the store's clock.
    fn now(&self) -> Timestamp;

    /// Lets `by` pass on the store's clock, for all nodes.
    async fn advance(&self, by: Duration);

    /// How much time may pass by itself between two calls. Zero with a clock that stands still.
    fn tolerance(&self) -> Duration {
        Duration::ZERO
    }

    /// Waits for what was begun and not waited for: touches, withdrawals, notices on their way.
    async fn settle(&self) {}

    /// Runs all of `tasks` at the same time, on several threads, and returns when all have ended.
    ///
    /// # Panics
    ///
    /// If one of them does.
    async fn in_parallel(&self, tasks: Vec<BoxFuture>);

    /// How often cases that race or throw dice repeat themselves: 1 where each call crosses a
    /// network, more where it does not.
    fn effort(&self) -> usize {
        1
    }
}

/// One case of the suite.
#[derive(Clone, Copy)]
pub struct Case {
    name: &'static str,
    run: fn(World) -> BoxFuture,
}

impl Case {
    /// Its name: the part of the contract, and what it says.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs it.
    ///
    /// # Panics
    ///
    /// If the store does not keep the contract.
    pub async fn run(self, harness: impl Harness) {
        (self.run)(World::new(Arc::new(harness))).await;
    }

    #[doc(hidden)]
    pub fn named(name: &str) -> Self {
        let is_it = |case: &&Self| case.name == name;
        *CASES.iter().find(is_it).expect("the macro names cases")
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Case({})", self.name)
    }
}

/// Every case.
pub fn cases() -> impl Iterator<Item = Case> {
    CASES.iter().copied()
}

/// Writes one `#[test]` for each case of the [contract](crate::contract), which calls the given
/// `fn(Case)`.
#[macro_export]
macro_rules! contract_suite {
    ($run:path) => {
        $crate::__contract_cases! { __contract_tests $run }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __contract_tests {
    ($run:path; $($part:ident { $($case:ident)* })*) => {
        $(
            mod $part {
                $(
                    #[test]
                    fn $case() {
                        use super::*;
                        let name = concat!(stringify!($part), "::", stringify!($case));
                        $run($crate::contract::Case::named(name));
                    }
                )*
            }
        )*
    };
}

macro_rules! table {
    (; $($part:ident { $($case:ident)* })*) => {
        const CASES: &[Case] = &[
            $($(
                Case {
                    name: concat!(stringify!($part), "::", stringify!($case)),
                    run: |world| Box::pin($part::$case(world)),
                },
            )*)*
        ];
    };
}

/// The one list of cases: a case that is missing here is dead code, and the compiler says so.
#[doc(hidden)]
#[macro_export]
macro_rules! __contract_cases {
    (__contract_tests $run:path) => { $crate::__contract_cases! { @ [$crate::__contract_tests] $run } };
    (table) => { $crate::__contract_cases! { @ [table] } };
    (@ [$($then:tt)*] $($args:tt)*) => {
        $($then)*! {
            $($args)*;
            LIST
        }
    };
}
