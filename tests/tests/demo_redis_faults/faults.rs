//! The faults, each with demos that ask Redis every time, and with demos that keep a copy.

use auth_tests::{Line, Redis};

use crate::{
    scene::{After, Fault, Servers, Works},
    service::Mode,
};

/// Nothing works while it lasts, and nothing is lost.
const OUTAGE: Fault = Fault {
    options: &[],
    begin: |_| {},
    end: |_| {},
    reads: Works::No,
    writes: Works::No,
    after: After::Kept,
};

const KILLED: Fault = Fault {
    options: Redis::APPEND_ONLY,
    begin: |servers| servers.redis.kill(),
    end: |servers| servers.redis.restart(),
    ..OUTAGE
};

const EMPTY: Fault = Fault {
    options: &[],
    after: After::LostThen,
    ..KILLED
};

const HANGS: Fault = Fault {
    begin: |servers| servers.redis.signal("STOP"),
    end: |servers| servers.redis.signal("CONT"),
    ..OUTAGE
};

const STALLS: Fault = Fault {
    begin: |servers| servers.proxy.set(Line::Stall),
    end: |servers| servers.proxy.set(Line::Pass),
    ..OUTAGE
};

const SWALLOWS_REPLIES: Fault = Fault {
    begin: |servers| servers.proxy.set(Line::StallReplies),
    ..STALLS
};

const FLUSHED: Fault = Fault {
    begin: |servers| servers.set(&["FLUSHALL"]),
    reads: Works::Yes,
    writes: Works::Perhaps,
    after: After::LostAtOnce,
    ..OUTAGE
};

const FULL: Fault = Fault {
    begin: |servers| servers.set(&["CONFIG", "SET", "maxmemory", "1"]),
    end: |servers| servers.set(&["CONFIG", "SET", "maxmemory", "0"]),
    reads: Works::Yes,
    ..OUTAGE
};

/// Only the connections by which copies are told of changes: of demos without a copy there are none.
const UNTOLD: Fault = Fault {
    begin: |servers| {
        let tracking = servers.redis.tracking();
        assert_eq!(tracking.len(), 2, "one of each demo");
        for id in tracking {
            servers.set(&["CLIENT", "KILL", "ID", &id]);
        }
    },
    reads: Works::Yes,
    writes: Works::Perhaps,
    ..OUTAGE
};

impl Servers {
    fn set(&self, words: &[&str]) {
        self.redis.cli(words);
    }
}

macro_rules! faults {
    ($($mode:ident $module:ident { $($name:ident: $fault:ident)* })*) => {
        $(
            mod $module {
                $(
                    #[test]
                    fn $name() {
                        let name = concat!(stringify!($module), "-", stringify!($name));
                        super::$fault.drive(name, super::Mode::$mode);
                    }
                )*
            }
        )*
    };
}

faults! {
    Direct direct {
        a_server_that_is_killed_and_comes_back_with_its_data: KILLED
        a_server_that_is_killed_and_comes_back_empty: EMPTY
        a_server_that_hangs_and_goes_on: HANGS
        a_line_that_swallows_everything: STALLS
        a_line_that_swallows_replies: SWALLOWS_REPLIES
        flushall: FLUSHED
        memory_that_is_full: FULL
    }
    Replica replica {
        a_server_that_is_killed_and_comes_back_with_its_data: KILLED
        a_server_that_is_killed_and_comes_back_empty: EMPTY
        a_server_that_hangs_and_goes_on: HANGS
        a_line_that_swallows_everything: STALLS
        a_line_that_swallows_replies: SWALLOWS_REPLIES
        flushall: FLUSHED
        memory_that_is_full: FULL
        the_loss_of_only_the_tracking_connections: UNTOLD
    }
}
