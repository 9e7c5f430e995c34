//! The server does not answer, or the line to it breaks.

use std::time::Duration;

use auth_tests::{Line, Redis};

use crate::fault::{After, Fault, Servers, Works};

/// Nothing works while it lasts, and nothing is lost.
const OUTAGE: Fault = Fault {
    options: &[],
    begin: |_| {},
    end: |_| {},
    reads: Works::No,
    writes: Works::No,
    after: After::Kept,
    garbles: false,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_and_comes_back_with_its_data() {
    let fault = Fault {
        options: Redis::APPEND_ONLY,
        begin: |servers| servers.redis.kill(),
        end: |servers| servers.redis.restart(),
        ..OUTAGE
    };
    fault.drive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_and_goes_on() {
    let fault = Fault {
        begin: |servers| servers.redis.signal("STOP"),
        end: |servers| servers.redis.signal("CONT"),
        ..OUTAGE
    };
    fault.drive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_swallows_commands() {
    let fault = Fault {
        begin: |servers| servers.proxy.set(Line::Stall),
        end: |servers| servers.proxy.set(Line::Pass),
        ..OUTAGE
    };
    fault.drive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_swallows_replies() {
    let fault = Fault {
        begin: |servers| servers.proxy.set(Line::StallReplies),
        end: |servers| servers.proxy.set(Line::Pass),
        ..OUTAGE
    };
    fault.drive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_cut_and_not_mended() {
    let fault = Fault {
        begin: |servers| {
            servers.proxy.set(Line::Refuse);
            servers.proxy.cut();
        },
        end: |servers| servers.proxy.set(Line::Pass),
        ..OUTAGE
    };
    fault.drive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_slower_than_the_deadline_of_reads() {
    let fault = Fault {
        begin: |servers| servers.proxy.set(Line::Slow(Duration::from_millis(250))),
        end: |servers| servers.proxy.set(Line::Pass),
        writes: Works::Perhaps,
        ..OUTAGE
    };
    fault.drive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_closed_by_the_server() {
    let fault = Fault {
        begin: |servers| servers.cli(&["CLIENT", "KILL", "TYPE", "normal"]),
        reads: Works::Yes,
        writes: Works::Perhaps,
        ..OUTAGE
    };
    fault.drive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_no_more_clients() {
    let fault = Fault {
        begin: |servers| {
            servers.set("maxclients", "1");
            servers.proxy.cut();
        },
        end: |servers| {
            // They leave room for who mends it.
            servers.proxy.set(Line::Refuse);
            servers.proxy.cut();
            let set = ["CONFIG", "SET", "maxclients", "10000"];
            while servers.redis.try_cli(&set).is_err() {}
            servers.proxy.set(Line::Pass);
        },
        // One connection gets in.
        reads: Works::Perhaps,
        writes: Works::Perhaps,
        ..OUTAGE
    };
    fault.drive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_and_goes() {
    let flap = |servers: &mut Servers| {
        for _ in 0..10 {
            servers.redis.kill();
            servers.redis.restart();
        }
    };
    let fault = Fault {
        options: Redis::APPEND_ONLY,
        begin: flap,
        end: flap,
        reads: Works::Yes,
        writes: Works::Perhaps,
        ..OUTAGE
    };
    fault.drive().await;
}
