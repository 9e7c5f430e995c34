//! The server's clock jumps.

use std::time::Duration;

use auth_tests::Redis;

use crate::fault::{After, Fault, Servers, Works};

const JUMP: Fault = Fault {
    options: &[],
    begin: |_| {},
    end: |servers| servers.redis.set_clock_to_now(),
    reads: Works::Yes,
    writes: Works::Yes,
    after: After::Kept,
    garbles: false,
};

const MINUTE: u64 = 60_000;

fn back(servers: &mut Servers, by: u64) {
    servers.redis.set_clock(servers.redis.clock() - by);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_ahead() {
    let fault = Fault {
        begin: |servers| servers.redis.advance(Duration::from_millis(10 * MINUTE)),
        ..JUMP
    };
    fault.drive_on(Redis::with_clock_that_stands()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_back() {
    let fault = Fault {
        begin: |servers| back(servers, 10 * MINUTE),
        ..JUMP
    };
    fault.drive_on(Redis::with_clock_that_stands()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_a_day_behind() {
    let fault = Fault {
        begin: |servers| back(servers, 24 * 60 * MINUTE),
        end: |_| {},
        ..JUMP
    };
    fault.drive_on(Redis::with_clock_that_stands()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_can_not_decide() {
    let fault = Fault {
        begin: |servers| {
            for by in [1, 3, 9] {
                servers.redis.advance(Duration::from_millis(by * MINUTE));
                servers.cli(&["TIME"]);
                back(servers, 2 * by * MINUTE);
                servers.cli(&["TIME"]);
            }
        },
        ..JUMP
    };
    fault.drive_on(Redis::with_clock_that_stands()).await;
}
