//! On several servers, which take seconds to start: a test for each part of the suite, also in replica
//! mode.

use auth_core::contract::{Case, cases};
use auth_revocation_redis::Freshness;
use auth_tests::{RedisCluster, RedisSentinels};

/// The cases of a part, of which there is at least one.
fn part(name: &str) -> Vec<Case> {
    let part = |case: &Case| case.name().split("::").next() == Some(name);
    let cases: Vec<Case> = cases().filter(part).collect();
    assert!(!cases.is_empty(), "{name} is no part");
    cases
}

macro_rules! parts {
    ($($part:ident)*) => {
        /// All parts, so that none is left out.
        const PARTS: &[&str] = &[$(stringify!($part)),*];

        parts!(cluster RedisCluster Freshness::Always => $($part)*);
        parts!(sentinels RedisSentinels Freshness::Always => $($part)*);
        parts!(cluster_replica RedisCluster crate::replica::MODE => $($part)*);
        parts!(sentinels_replica RedisSentinels crate::replica::MODE => $($part)*);
    };
    ($name:ident $servers:ident $mode:expr => $($part:ident)*) => {
        mod $name {
            use super::*;
            $(
                #[test]
                fn $part() {
                    let start = $servers::with_clock_that_stands;
                    crate::run_with($mode, start, part(stringify!($part)));
                }
            )*
        }
    };
}

parts! {
    revocation session commit establish limits admission list rotation notices races model
    histories
}

#[test]
fn every_case_is_run() {
    assert_eq!(
        PARTS.iter().flat_map(|name| part(name)).count(),
        cases().count()
    );
}
