//! Several processes on one Redis: how soon a revocation is everywhere, and what an outage costs.

mod replica;

use std::{
    env, fs,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use auth_tests::{
    Connection, Redis, Request,
    demo::{Credential, Demo, Tokens},
};

use crate::{
    memory::resident_of,
    report::Section,
    runner::{median, percentile},
};

const REVOCATIONS: usize = 500;
const REFUSED: usize = 100_000;
/// What a revocation may take at most until a poll gives up on it.
const PATIENCE: Duration = Duration::from_secs(10);

pub fn run() -> Section {
    let mut section = Section::new("Several processes on one Redis");
    section.say(
        "The demo, release build, on one redis-server, everything on loopback. A token is accepted by every process, and \
         is then revoked at one (`POST /token/revoke`); from its 200 on the others are asked in turn (`GET /api/me`, over \
         connections that are kept) until each has refused. The figure is from the 200 to the refusal having arrived, \
         which is one request at the least.\n",
    );
    let redis = Redis::start(&[]);
    let key = key_file();
    let mut rows = Vec::new();
    for (mode, flags) in [
        ("direct", vec![]),
        ("`--freshness 1s`", vec!["--freshness", "1s"]),
    ] {
        for processes in [2, 3] {
            eprintln!("{mode}, {processes} processes");
            let mut spread = propagation(&redis, &key, processes, &flags);
            let (p50, p99) = (
                percentile(&mut spread.us, 50.0),
                percentile(&mut spread.us, 99.0),
            );
            rows.push(vec![
                format!("{mode}, {processes} processes"),
                format!("{p50:.0}"),
                format!("{p99:.0}"),
                format!("{:.0}", percentile(&mut spread.us, 100.0)),
                spread.accepted.to_string(),
            ]);
            if mode == "direct" && processes == 3 {
                let figure = spread.accepted as f64;
                section.at_most(
                    "requests accepted after a revocation was acknowledged, direct",
                    figure,
                    0.0,
                    "",
                );
            } else if processes == 3 {
                section.at_most(
                    "replica mode: revocation seen elsewhere, p50",
                    p50 / 1_000.0,
                    1.0,
                    "ms",
                );
                section.at_most(
                    "replica mode: revocation seen elsewhere, p99",
                    p99 / 1_000.0,
                    5.0,
                    "ms",
                );
            }
        }
    }
    let head = [
        "",
        "p50, us",
        "p99, us",
        "max, us",
        "requests accepted after the 200",
    ];
    section.table(&head, &rows);
    eprintln!("Redis gone");
    outage(redis, &key, &mut section);
    eprintln!("a copy of many revocations");
    replica::run(&mut section);
    let _ = fs::remove_file(key);
    section
}

/// The key that all processes sign with.
fn key_file() -> PathBuf {
    let file = env::temp_dir().join(format!("auth-benches-key-{}.pem", std::process::id()));
    let pem = include_str!("../../crates/auth-jwt-layer/tests/issuer_keys/p256.pem");
    fs::write(&file, pem).expect("the folder for temporary files can be written");
    file
}

fn demo(redis: &Redis, key: &std::path::Path, flags: &[&str]) -> Demo {
    let exe = env::current_exe().expect("it has a path");
    let command = Command::new(exe.with_file_name("examples").join("demo"));
    let (url, key) = (redis.url(), key.display().to_string());
    let mut all = vec!["--redis", &url, "--key", &key];
    all.extend(flags);
    Demo::spawn(command, &all)
}

struct Spread {
    /// From the answer to the revocation to each refusal, in us.
    us: Vec<f64>,
    /// Requests that were accepted in between.
    accepted: usize,
}

fn propagation(redis: &Redis, key: &std::path::Path, processes: usize, flags: &[&str]) -> Spread {
    let demos: Vec<Demo> = (0..processes).map(|_| demo(redis, key, flags)).collect();
    let mut lines: Vec<Connection> = demos
        .iter()
        .map(|demo| Connection::open(demo.http()).expect("it listens"))
        .collect();
    let (first, others) = lines.split_first_mut().expect("there are some");
    // Each refresh gives another access token, much sooner than a login does.
    let mut tokens = demos[0].tokens("user-1");
    let mut spread = Spread {
        us: Vec::new(),
        accepted: 0,
    };
    for _ in 0..REVOCATIONS {
        let form = format!("refresh_token={}", tokens.refresh);
        let answer = first.send(&Request::post("/token/refresh").form(&form));
        tokens = Tokens::of(&answer.expect("an answer"));
        let me = tokens.access.on(Request::get("/api/me"));
        for line in &mut *others {
            assert_eq!(line.send(&me).expect("an answer").status, 200);
        }
        let form = format!("token={}", tokens.access.secret());
        let revoke = Request::post("/token/revoke").form(&form);
        assert_eq!(first.send(&revoke).expect("an answer").status, 200);
        let revoked = Instant::now();
        let mut waiting: Vec<&mut Connection> = others.iter_mut().collect();
        while !waiting.is_empty() {
            waiting.retain_mut(|line| match line.send(&me).expect("an answer").status {
                401 => {
                    spread.us.push(revoked.elapsed().as_secs_f64() * 1e6);
                    false
                }
                200 => {
                    spread.accepted += 1;
                    true
                }
                status => panic!("{status}"),
            });
            assert!(revoked.elapsed() < PATIENCE, "still accepted");
        }
    }
    spread
}

/// Redis is gone: what is refused is refused soon, and takes no memory.
fn outage(mut redis: Redis, key: &std::path::Path, section: &mut Section) {
    let demo = demo(&redis, key, &[]);
    let me = match demo.tokens("user-1").access {
        access @ Credential::Bearer(_) => access.on(Request::get("/api/me")),
        other => panic!("{other:?} is no token"),
    };
    let mut line = Connection::open(demo.http()).expect("it listens");
    assert_eq!(line.send(&me).expect("an answer").status, 200);
    redis.kill();
    let mut refused = |count: usize| -> Vec<f64> {
        let mut us = Vec::with_capacity(count);
        for _ in 0..count {
            let start = Instant::now();
            let response = line.send(&me).expect("an answer");
            us.push(start.elapsed().as_secs_f64() * 1e6);
            assert_eq!(response.status, 503);
        }
        us
    };
    // Until the breaker is open, and whatever a process does for the first time is done.
    let mut first = refused(1_000);
    let process = demo.program().id().to_string();
    let before = resident_of(&process);
    let mut us = refused(REFUSED);
    let grown = (resident_of(&process) - before) / 1024.0;
    let p99 = percentile(&mut us, 99.0);
    section.say(&format!(
        "### With Redis gone\n\n{REFUSED} requests one after the other, each refused with 503: p50 {:.0} us, p99 {p99:.0} us, \
         max {:.0} us; resident memory {grown:+.0} KiB. The slowest of the first 1,000, while the breaker opened: {:.0} us.\n",
        median(&mut us),
        percentile(&mut us, 100.0),
        percentile(&mut first, 100.0),
    ));
    section.at_most(
        "Redis gone: p99 of a refused request",
        p99 / 1_000.0,
        5.0,
        "ms",
    );
    section.at_most(
        "Redis gone: memory after 100,000 refused requests",
        grown,
        1024.0,
        "KiB more",
    );
}
