//! What a request costs by how much the store holds.

use std::{path::Path, rc::Rc, sync::Arc};

use auth_layers::{Clock as _, SystemClock, memory::MemoryStore};
use tokio::runtime::Runtime;
use tower_sessions::{
    MemoryStore as TowerMemoryStore, SessionStore as _,
    cookie::time::{Duration, OffsetDateTime},
    session::{Id, Record},
};

use crate::{
    apps::{
        self, COUNT, COUNT_TEXT, SUBJECT, Work,
        hand::{self, Verifying},
    },
    fill,
    keys::{self, Key},
    paths,
    report::{Section, us},
    request::{Headers, Requests, bearer, cookie},
    runner,
    svg::{Line, plot},
};

const ROUNDS: usize = 200;
/// Requests go to so many sessions, far more than the caches hold.
const RING: u64 = 65_536;
/// And come with so many tokens, which are all remembered.
const TOKENS: usize = 1_000;

const OURS: &str = "auth-layers";
const TOWER: &str = "tower-sessions";
const BY_HAND: &str = "jsonwebtoken + moka";
const FLOOR: &str = "floor";

/// `large`: up to ten million.
pub fn run(large: bool, plots: &Path) -> Section {
    let mut section = Section::new("What a request costs by the number of entries");
    let runtime = paths::runtime();
    let mut sizes = vec![1_000, 10_000, 100_000, 1_000_000];
    if large {
        sizes.push(10_000_000);
    }

    let mut sessions = [line(OURS), line(TOWER)];
    let mut tokens = [line(OURS), line(BY_HAND)];
    for &size in &sizes {
        let (ours, peer) = of_sessions(&runtime, size);
        sessions[0].points.push((size as f64, ours / 1_000.0));
        sessions[1].points.push((size as f64, peer / 1_000.0));
        let (ours, peer) = of_tokens(&runtime, size);
        tokens[0].points.push((size as f64, ours / 1_000.0));
        tokens[1].points.push((size as f64, peer / 1_000.0));
    }
    let rows: Vec<Vec<String>> = sizes
        .iter()
        .enumerate()
        .map(|(row, size)| {
            let cells = sessions
                .iter()
                .chain(&tokens)
                .map(|line| us(line.points[row].1 * 1_000.0));
            std::iter::once(size.to_string()).chain(cells).collect()
        })
        .collect();
    let head = [
        "entries",
        "session hit, auth-layers",
        "session hit, tower-sessions",
        "remembered ES256, auth-layers",
        "HS256 verified, jsonwebtoken + moka denylist",
    ];
    section.say("Added over the floor, in us; requests are spread over 65,536 of the sessions, or 1,000 tokens.");
    section.table(&head, &rows);

    std::fs::create_dir_all(plots).expect("it can be written");
    for (file, title, lines) in [
        (
            "sessions.svg",
            "session hit, by sessions in memory",
            &sessions,
        ),
        ("tokens.svg", "token accepted, by denied tokens", &tokens),
    ] {
        let svg = plot(title, "entries", "added, us", lines);
        std::fs::write(plots.join(file), svg).expect("it can be written");
        section.say(&format!("![{title}](plots/{file})"));
    }
    // A look-up in a table that is in no cache is a handful of misses, of some 100 ns each.
    for (what, line) in [
        ("session hit", &sessions[0]),
        ("remembered token", &tokens[0]),
    ] {
        let of = |size: f64| {
            line.points
                .iter()
                .find(|point| point.0 == size)
                .map_or(0.0, |point| point.1)
        };
        let grows = of(1_000_000.0) - of(1_000.0);
        section.at_most(
            &format!("{what}: more at 1,000,000 entries than at 1,000"),
            grows,
            0.6,
            "us",
        );
    }
    section
}

fn line(name: &str) -> Line {
    Line {
        name: name.to_owned(),
        points: Vec::new(),
    }
}

/// Some of them, spread over all.
fn some(size: u64) -> impl Iterator<Item = u64> {
    let step = (size / RING.min(size)).max(1);
    (0..RING.min(size)).map(move |number| number * step)
}

fn of_sessions(runtime: &Rc<Runtime>, size: u64) -> (f64, f64) {
    let store = Arc::new(MemoryStore::new());
    let json = COUNT.to_string();
    runtime.block_on(async {
        for number in 0..size {
            let login = fill::admit(&*store, number).await;
            fill::establish(&*store, number, login, &json).await;
        }
    });
    let ours: Vec<Headers> = some(size)
        .map(|number| cookie(&fill::cookie(number)))
        .collect();

    let tower = TowerMemoryStore::default();
    let theirs: Vec<Headers> = runtime.block_on(async {
        let mut ids = Vec::new();
        for _ in 0..size {
            let mut record = tower_record();
            tower.create(&mut record).await.expect("in memory");
            ids.push(record.id);
        }
        some(size)
            .map(|number| cookie(&format!("id={}", ids[number as usize])))
            .collect()
    });

    let ours = Requests::new(runtime, ours, COUNT_TEXT);
    let theirs = Requests::new(runtime, theirs, COUNT_TEXT);
    let mut candidates = [
        ours.candidate(FLOOR, apps::floor(Work::Read)),
        ours.candidate(OURS, apps::ours::sessions(store, Work::Read)),
        theirs.candidate(TOWER, apps::sessions::tower_sessions(tower, Work::Read)),
    ];
    let outcomes = runner::run(&mut candidates, ROUNDS);
    (outcomes[1].added, outcomes[2].added)
}

/// A session of tower-sessions, of somebody logged in.
pub fn tower_record() -> Record {
    Record {
        id: Id::default(),
        data: [
            ("subject".to_owned(), SUBJECT.into()),
            ("count".to_owned(), COUNT.into()),
        ]
        .into(),
        expiry_date: OffsetDateTime::now_utc() + Duration::hours(12),
    }
}

fn of_tokens(runtime: &Rc<Runtime>, size: u64) -> (f64, f64) {
    let store = MemoryStore::builder().max_denied_tokens(usize::MAX).build();
    let store = Arc::new(store.expect("sound settings"));
    let requests = |key: Key| {
        let tokens = runtime.block_on(keys::tokens(&key.issuer(store.clone()), TOKENS));
        let headers: Vec<Headers> = tokens.iter().map(|token| bearer(token)).collect();
        Requests::new(runtime, headers, SUBJECT)
    };
    let (ours, theirs) = (requests(Key::Es256), requests(Key::Hs256));
    let by_hand = Verifying::new(Key::Hs256);
    let now = SystemClock.now();
    runtime.block_on(async {
        for number in 0..size {
            fill::deny(&*store, number, now).await.expect("denied");
            by_hand.deny(format!("jti-{number:018}"));
        }
    });
    let verifier = Key::Es256.verifier(None);
    let mut candidates = [
        ours.candidate(FLOOR, apps::floor_who()),
        ours.candidate(OURS, apps::ours::tokens(verifier, store))
            .times(TOKENS as u32),
        theirs.candidate(BY_HAND, hand::verifying(by_hand)),
    ];
    let outcomes = runner::run(&mut candidates, ROUNDS);
    (outcomes[1].added, outcomes[2].added)
}
