//! On several servers, which take seconds to start: a test for each part of the suite.

use auth_core::contract::{Case, cases};
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

        mod cluster {
            $(
                #[test]
                fn $part() {
                    let start = super::RedisCluster::with_clock_that_stands;
                    crate::run(start, super::part(stringify!($part)));
                }
            )*
        }

        mod sentinels {
            $(
                #[test]
                fn $part() {
                    let start = super::RedisSentinels::with_clock_that_stands;
                    crate::run(start, super::part(stringify!($part)));
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
