//! Sessions in memory.

use std::{rc::Rc, sync::Arc};

use auth_layers::memory::MemoryStore;
use axum::Router;
use tokio::runtime::Runtime;
use tower_sessions::MemoryStore as TowerMemoryStore;

use super::{FLOOR, OURS, ROUNDS};
use crate::{
    apps::{
        self, Work,
        hand::{self, HandSessions},
    },
    report::{Section, find},
    request::{self, Headers, Requests, log_in},
    runner::{self, Candidate, Outcome},
};

const PEERS: [&str; 3] = [
    "tower-sessions 0.15",
    "axum-login 0.18",
    "axum_session 0.22",
];
const BY_HAND: &str = "by hand, the least";

pub(super) fn run(runtime: &Rc<Runtime>, section: &mut Section) {
    let rows = [
        (Work::Read, "session hit, one value read", 900.0, 4.0),
        (
            Work::Untouched,
            "session layer, handler does not touch it",
            300.0,
            4.0,
        ),
        (Work::Write, "session write of one field", 2_000.0, 3.0),
    ];
    for (work, title, limit, times) in rows {
        let outcomes = group(runtime, work, true);
        judge(section, title, &outcomes, limit, times);
        if work == Work::Read {
            let calls = find(&outcomes, OURS).allocations;
            section.at_most("allocations per session hit", calls, 5.0, "");
        }
    }
    let outcomes = group(runtime, Work::Untouched, false);
    judge(section, "no cookie, session layer", &outcomes, 100.0, 3.0);
    let calls = find(&outcomes, OURS).allocations;
    section.at_most(
        "allocations per anonymous request, session layer",
        calls,
        1.0,
        "",
    );
}

fn judge(section: &mut Section, title: &str, outcomes: &[Outcome], limit: f64, times: f64) {
    section.outcomes(title, outcomes);
    let ours = find(outcomes, OURS).added;
    section.at_most(
        &format!("{title}: added"),
        ours / 1_000.0,
        limit / 1_000.0,
        "us",
    );
    let best = PEERS.map(|peer| find(outcomes, peer).added);
    let best = best.into_iter().fold(f64::INFINITY, f64::min);
    section.at_least(&format!("{title}: best peer / ours"), best / ours, times);
}

/// Everybody doing that work, with a session or without a cookie.
fn group(runtime: &Rc<Runtime>, work: Work, with_session: bool) -> Vec<Outcome> {
    let of = |name: &str, router: Router| -> (Candidate, Headers) {
        let headers = match with_session {
            true => runtime.block_on(log_in(router.clone())),
            false => Vec::new(),
        };
        let requests = Requests::new(runtime, [headers.clone()], work.body());
        (requests.candidate(name, router), headers)
    };
    let (ours, headers) = of(
        OURS,
        apps::ours::sessions(Arc::new(MemoryStore::new()), work),
    );
    let floor = Requests::new(runtime, [headers], work.body()).candidate(FLOOR, apps::floor(work));
    let axum_session = runtime.block_on(apps::sessions::axum_session(work, !with_session));
    let mut candidates = vec![
        floor,
        ours,
        of(
            PEERS[0],
            apps::sessions::tower_sessions(TowerMemoryStore::default(), work),
        )
        .0,
        of(PEERS[1], apps::sessions::axum_login(work)).0,
        of(PEERS[2], axum_session).0,
    ];
    if work != Work::Write {
        let (sessions, cookie) = HandSessions::new();
        let headers = match with_session {
            true => request::cookie(&cookie),
            false => Vec::new(),
        };
        let requests = Requests::new(runtime, [headers], work.body());
        candidates.push(requests.candidate(BY_HAND, hand::sessions(sessions, work)));
    }
    runner::run(&mut candidates, ROUNDS)
}
