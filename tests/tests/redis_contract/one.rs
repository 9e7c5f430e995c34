//! On one server: a test for each case.

use auth_core::contract::Case;
use auth_tests::Redis;

fn run(case: Case) {
    super::run(Redis::with_clock_that_stands, [case]);
}

auth_core::contract_suite!(run);
