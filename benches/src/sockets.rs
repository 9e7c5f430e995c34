//! Servers on one core, wrk on the other.

use std::{env, fs, path::PathBuf, process::Command, thread, time::Duration};

use auth_tests::{Connection, Program, Redis, Request};

use crate::{
    apps::{COUNT_TEXT, SUBJECT},
    report::Section,
    runner::median,
};

const CONNECTIONS: &str = "64";
const SECONDS: u32 = 2;
const ROUNDS: usize = 3;
/// How often a server that can not tell yet is asked again.
const PATIENCE: usize = 50;
const SERVER_CORE: &str = "1";
const CLIENT_CORE: &str = "0";
/// More than are sent in one run; remembering has forgotten the first ones by then.
const TOKENS: usize = 40_000;

/// What a server is asked with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum With {
    Nothing,
    Cookie,
    /// The same token each time.
    Token,
    /// Another token each time.
    Tokens,
}

/// Name, kind of server, and what it is asked with.
const ROWS: [(&str, &str, With); 15] = [
    ("bare axum", "bare", With::Nothing),
    ("session in memory, auth-layers", "session", With::Cookie),
    (
        "session in memory, tower-sessions",
        "session-tower-sessions",
        With::Cookie,
    ),
    (
        "session in memory, axum-login",
        "session-axum-login",
        With::Cookie,
    ),
    (
        "session in memory, axum_session",
        "session-axum_session",
        With::Cookie,
    ),
    ("one ES256 token, auth-layers", "token", With::Token),
    ("one ES256 token, by hand", "token-by-hand", With::Token),
    (
        "one ES256 token, tower-oauth2-resource-server",
        "token-resource-server",
        With::Token,
    ),
    ("new ES256 tokens, auth-layers", "token", With::Tokens),
    ("new ES256 tokens, by hand", "token-by-hand", With::Tokens),
    (
        "new ES256 tokens, axum-jwt-auth",
        "token-axum-jwt-auth",
        With::Tokens,
    ),
    (
        "session in Redis, auth-layers",
        "session-redis",
        With::Cookie,
    ),
    (
        "session in Redis, tower-sessions-redis-store",
        "session-redis-tower-sessions",
        With::Cookie,
    ),
    (
        "one ES256 token, revocations in Redis, auth-layers",
        "token-redis",
        With::Token,
    ),
    (
        "one ES256 token, replica mode, auth-layers",
        "token-replica",
        With::Token,
    ),
];

struct Target {
    name: &'static str,
    server: Program,
    with: With,
    header: Option<String>,
    tokens: PathBuf,
    per_second: Vec<f64>,
    p50_us: Vec<f64>,
    p99_us: Vec<f64>,
    /// Answers other than 200, of all rounds.
    refused: u64,
}

pub fn run() -> Section {
    let mut section = Section::new("Over sockets");
    section.say(&format!(
        "wrk with {CONNECTIONS} connections for {SECONDS} s, {ROUNDS} interleaved rounds, medians. The server has one \
         thread, on one core; wrk, and Redis where there is one, are on the other.",
    ));
    let redis = Redis::start(&[]);
    on_core(&redis, CLIENT_CORE);
    let mut targets: Vec<Target> = ROWS.iter().map(|row| Target::start(row, &redis)).collect();
    for _ in 0..ROUNDS {
        for target in &mut targets {
            target.measure();
        }
    }
    let rows: Vec<Vec<String>> = targets
        .iter_mut()
        .map(|target| {
            vec![
                target.name.to_owned(),
                format!("{:.0}", median(&mut target.per_second)),
                format!("{:.0}", median(&mut target.p50_us)),
                format!("{:.0}", median(&mut target.p99_us)),
                target.refused.to_string(),
            ]
        })
        .collect();
    section.table(
        &["server", "requests/s", "p50, us", "p99, us", "not 200"],
        &rows,
    );
    let refused: u64 = targets.iter().map(|target| target.refused).sum();
    section.at_most(
        "answers over sockets other than 200",
        refused as f64,
        0.0,
        "",
    );
    judge(&mut section, &mut targets);
    section
}

fn judge(section: &mut Section, targets: &mut [Target]) {
    let mut of = |name: &str| {
        let target = targets.iter_mut().find(|target| target.name == name);
        let target = target.expect("it was measured");
        (median(&mut target.per_second), median(&mut target.p99_us))
    };
    let bare = of("bare axum");
    let session = of("session in memory, auth-layers");
    let token = of("one ES256 token, auth-layers");
    let fresh = of("new ES256 tokens, auth-layers");
    let by_hand = of("new ES256 tokens, by hand");
    let replica = of("one ES256 token, replica mode, auth-layers");
    let redis = of("session in Redis, auth-layers");
    let tower = of("session in Redis, tower-sessions-redis-store");
    section.at_least(
        "throughput, remembered token / bare axum",
        token.0 / bare.0,
        0.95,
    );
    section.at_least(
        "throughput, session hit in memory / bare axum",
        session.0 / bare.0,
        0.90,
    );
    section.at_least(
        "throughput, remembered token, replica mode / in memory",
        replica.0 / token.0,
        0.95,
    );
    section.at_least(
        "throughput, new ES256 tokens / by hand",
        fresh.0 / by_hand.0,
        1.0,
    );
    section.at_least(
        "throughput, session in Redis / tower-sessions with its Redis store",
        redis.0 / tower.0,
        1.3,
    );
    let peers = [
        "session in memory, tower-sessions",
        "session in memory, axum-login",
        "session in memory, axum_session",
    ];
    let best = peers
        .map(|peer| of(peer).1)
        .into_iter()
        .fold(f64::INFINITY, f64::min);
    let p99 = |section: &mut Section, what: &str, ours: f64, theirs: f64| {
        section.budget(
            what,
            &format!("at most {theirs:.0} us"),
            format!("{ours:.0} us"),
            ours <= theirs,
        );
    };
    p99(
        section,
        "p99, session in memory, beside the best peer's",
        session.1,
        best,
    );
    p99(
        section,
        "p99, new ES256 tokens, beside the best by hand",
        fresh.1,
        by_hand.1,
    );
    p99(
        section,
        "p99, session in Redis, beside tower-sessions'",
        redis.1,
        tower.1,
    );
}

/// Moves a server there with all its threads.
fn on_core(redis: &Redis, core: &str) {
    let info = redis.cli(&["INFO", "server"]);
    let id = info
        .lines()
        .find_map(|line| line.strip_prefix("process_id:"));
    let id = id.expect("it says so").trim().to_owned();
    let moved = Command::new("taskset").args(["-acp", core, &id]).output();
    assert!(
        moved.is_ok_and(|output| output.status.success()),
        "taskset {id}"
    );
}

impl Target {
    fn start((name, kind, with): &(&'static str, &str, With), redis: &Redis) -> Self {
        let exe = env::current_exe().expect("it has a path");
        let mut command = Command::new("taskset");
        command.args(["-c", SERVER_CORE]).arg(&exe);
        command.args(["serve", kind, redis.url().as_str()]);
        let server = Program::spawn(&mut command);
        let mut connection = Connection::open(server.http()).expect("it listens");
        let mut get = |request: Request| {
            let mut ask = || connection.send(&request).expect("an answer");
            let mut response = ask();
            // A store that does not answer in time is 503, and a busy machine is slow at the start.
            for _ in 0..PATIENCE {
                if response.status != 503 {
                    break;
                }
                thread::sleep(Duration::from_millis(100));
                response = ask();
            }
            assert_eq!(response.status, 200, "{kind}");
            response
        };
        let tokens = exe.with_file_name(format!("tokens-of-{kind}"));
        let header = match with {
            With::Nothing => None,
            With::Cookie => {
                let response = get(Request::get("/login"));
                let cookies: Vec<_> = response
                    .all("set-cookie")
                    .iter()
                    .filter_map(|set| set.split(';').next())
                    .map(str::to_owned)
                    .collect();
                Some(format!("cookie: {}", cookies.join("; ")))
            }
            With::Token => {
                let token = get(Request::get("/tokens/1"));
                Some(format!("authorization: Bearer {}", token.text()))
            }
            With::Tokens => {
                let lines = get(Request::get(&format!("/tokens/{TOKENS}")));
                fs::write(&tokens, lines.text()).expect("it can be written");
                let first = lines.text().lines().next().unwrap_or_default();
                Some(format!("authorization: Bearer {first}"))
            }
        };
        // What is measured has to be the right answer.
        let mut request = Request::get("/");
        if let Some((name, value)) = header.as_deref().and_then(|header| header.split_once(": ")) {
            request = request.header(name, value);
        }
        let body = if *with == With::Cookie {
            COUNT_TEXT
        } else {
            SUBJECT
        };
        assert_eq!(get(request).text(), body, "{kind}");
        Self {
            name,
            server,
            with: *with,
            header,
            tokens,
            per_second: Vec::new(),
            p50_us: Vec::new(),
            p99_us: Vec::new(),
            refused: 0,
        }
    }

    fn measure(&mut self) {
        let mut command = Command::new("taskset");
        command.args([
            "-c",
            CLIENT_CORE,
            "wrk",
            "--latency",
            "-t1",
            "-c",
            CONNECTIONS,
        ]);
        command.args(["-d", &format!("{SECONDS}s")]);
        let url = format!("http://{}/", self.server.http());
        match (&self.header, self.with) {
            (_, With::Tokens) => {
                let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tokens.lua");
                command.args(["-s", script, &url, "--"]).arg(&self.tokens);
            }
            (Some(header), _) => drop(command.args(["-H", header, &url])),
            (None, _) => drop(command.arg(&url)),
        }
        let output = command.output().expect("wrk; `benches/run` brings it");
        let said = String::from_utf8_lossy(&output.stdout);
        // A verdict that takes longer than its deadline is refused, when the machine is too busy.
        if let Some((_, rest)) = said.split_once("Non-2xx or 3xx responses:") {
            let count = rest
                .split_whitespace()
                .next()
                .and_then(|word| word.parse().ok());
            self.refused += count.unwrap_or(0);
        }
        let after = |label: &str| {
            // Percentages come before it, too.
            let (_, said) = said
                .split_once("Latency Distribution")
                .expect("it was asked for");
            let rest = said
                .split_once(label)
                .map(|(_, rest)| rest.split_whitespace().next());
            let word = rest
                .flatten()
                .unwrap_or_else(|| panic!("{label} in {said}"));
            word.to_owned()
        };
        self.per_second
            .push(after("Requests/sec:").parse().expect("a number"));
        self.p50_us.push(microseconds(&after("50%")));
        self.p99_us.push(microseconds(&after("99%")));
    }
}

/// wrk writes `812.00us`, `1.04ms` or `1.20s`.
fn microseconds(text: &str) -> f64 {
    let (number, factor) = match (text.strip_suffix("us"), text.strip_suffix("ms")) {
        (Some(number), _) => (number, 1.0),
        (None, Some(number)) => (number, 1_000.0),
        (None, None) => (text.trim_end_matches('s'), 1_000_000.0),
    };
    number.parse::<f64>().expect("a number") * factor
}
