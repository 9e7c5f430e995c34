//! In replica mode on one server: what the node's copy says must be what the server says.

use std::time::Duration;

use auth_core::contract::Case;
use auth_revocation_redis::Freshness;
use auth_tests::Redis;

/// Long enough for the copy to answer even on a busy machine.
pub(crate) const MODE: Freshness = Freshness::Within(Duration::from_secs(20));

fn run(case: Case) {
    super::run_with(MODE, Redis::with_clock_that_stands, [case]);
}

auth_core::contract_suite!(run);
