//! In replica mode on one server: what the node's copy says must be what the server says.

use std::time::Duration;

use auth_core::contract::Case;
use auth_revocation_redis::Freshness;
use auth_tests::Redis;

fn run(case: Case) {
    // Long enough for the copy to answer even on a busy machine.
    let freshness = Freshness::Within(Duration::from_secs(20));
    super::run_with(freshness, Redis::with_clock_that_stands, [case]);
}

auth_core::contract_suite!(run);
