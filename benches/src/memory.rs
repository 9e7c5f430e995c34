//! What an idle session and a denied token take.

use std::{fs, sync::Arc};

use auth_layers::{Clock as _, SystemClock, memory::MemoryStore, redis::RedisStore, store::Store};
use auth_tests::Redis;
use tokio::{runtime::Runtime, task::JoinSet};
use tower_sessions::{MemoryStore as TowerMemoryStore, SessionStore as _};
use tower_sessions_014::{
    SessionStore as _,
    cookie::time,
    session::{Id, Record},
};
use tower_sessions_redis_store::{RedisStore as TowerRedisStore, fred::prelude::*};

use crate::{
    alloc::counted,
    apps::{SUBJECT, hand},
    curve::tower_record,
    fill::{self, FIELD, FIELD_BYTES, Login},
    report::Section,
};

const COUNT: u64 = 100_000;
/// As many at once as a busy node has under way.
const PARALLEL: u64 = 64;

pub fn run() -> Section {
    let mut section = Section::new("What an entry takes");
    section.say(&format!(
        "{COUNT} idle sessions, each logged in and with one field of {FIELD_BYTES} bytes (name and JSON), which are not \
         counted, and {COUNT} denied tokens; bytes each. In the process: bytes that were asked of the allocator and not \
         given back, and resident memory. In Redis: `used_memory` of `INFO memory`.",
    ));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    in_process(&runtime, &mut section);
    in_redis(&runtime, &mut section);
    section
}

fn in_process(runtime: &Runtime, section: &mut Section) {
    let mut rows = Vec::new();
    let mut row = |what: &str, live: f64, resident: f64| {
        rows.push(vec![
            what.to_owned(),
            format!("{live:.0}"),
            format!("{resident:.0}"),
        ]);
    };

    let store = MemoryStore::builder().max_denied_tokens(usize::MAX).build();
    let store = store.expect("sound settings");
    let mut logins = Vec::with_capacity(COUNT as usize);
    let listed = each(|| {
        runtime.block_on(async {
            for number in 0..COUNT {
                logins.push(fill::admit(&store, number).await);
            }
        });
    });
    let records = each(|| {
        runtime.block_on(async {
            for (number, login) in logins.iter().enumerate() {
                fill::establish(&store, number as u64, *login, FIELD.1).await;
            }
        });
    });
    let session = listed.0 + records.0 - FIELD_BYTES as f64;
    row(
        "session, auth-layers",
        session,
        listed.1 + records.1 - FIELD_BYTES as f64,
    );
    row(
        "- of that its entry in the list of logins",
        listed.0,
        listed.1,
    );

    let now = SystemClock.now();
    let denied = each(|| {
        runtime.block_on(async {
            for number in 0..COUNT {
                fill::deny(&store, number, now).await.expect("denied");
            }
        });
    });
    row("denied token, auth-layers", denied.0, denied.1);

    let tower = TowerMemoryStore::default();
    let theirs = each(|| {
        runtime.block_on(async {
            for _ in 0..COUNT {
                let mut record = tower_record();
                record.data.insert(FIELD.0.to_owned(), text().into());
                tower.create(&mut record).await.expect("in memory");
            }
        });
    });
    let fields = (FIELD_BYTES - 2) as f64;
    row(
        "session, tower-sessions (no list)",
        theirs.0 - fields,
        theirs.1 - fields,
    );
    let moka = hand::denylist();
    let by_hand = each(|| {
        for number in 0..COUNT {
            moka.insert(format!("jti-{number:018}"), ());
        }
        moka.run_pending_tasks();
    });
    row("denied token, moka", by_hand.0, by_hand.1);

    section.say("### In the process");
    section.table(&["entry", "live bytes", "resident bytes"], &rows);
    section.at_most(
        "bytes per idle session in memory, beyond its field",
        session,
        300.0,
        "bytes",
    );
    section.at_most("bytes per denied token in memory", denied.0, 120.0, "bytes");
}

/// Live and resident bytes that `code` leaves for each of the entries.
fn each(code: impl FnOnce()) -> (f64, f64) {
    let before = resident();
    let ((), allocated) = counted(code);
    let count = COUNT as f64;
    (
        allocated.live_bytes as f64 / count,
        (resident() - before) / count,
    )
}

/// This process's resident memory, in bytes.
fn resident() -> f64 {
    resident_of("self")
}

/// A process's resident memory, in bytes.
pub fn resident_of(process: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|rest| rest.trim().split(' ').next()?.parse::<f64>().ok());
    kib.expect("a number of KiB") * 1024.0
}

fn text() -> &'static str {
    FIELD.1.trim_matches('"')
}

fn in_redis(runtime: &Runtime, section: &mut Section) {
    let redis = Redis::start(&[]);
    let store = runtime.block_on(
        RedisStore::builder(redis.url())
            .max_denied_tokens(10_000_000)
            .build(),
    );
    let store: Arc<dyn Store> = Arc::new(store.expect("it answers"));
    let mut used = used_memory(&redis);
    let mut since = |redis: &Redis| {
        let now = used_memory(redis);
        let each = (now - used) / COUNT as f64;
        used = now;
        each
    };

    let logins = runtime.block_on(parallel(&store, |store, number| async move {
        (number, fill::admit(&*store, number).await)
    }));
    let logins: Arc<std::collections::HashMap<u64, Login>> = Arc::new(logins.into_iter().collect());
    let listed = since(&redis);
    runtime.block_on(parallel(&store, |store, number| {
        let login = logins[&number];
        async move { fill::establish(&*store, number, login, FIELD.1).await }
    }));
    let records = since(&redis);
    let now = SystemClock.now();
    runtime.block_on(parallel(&store, move |store, number| async move {
        fill::deny(&*store, number, now).await.expect("denied");
    }));
    let denied = since(&redis);
    let record = records - FIELD_BYTES as f64;
    drop(store);

    let theirs = Redis::start(&[]);
    let before = used_memory(&theirs);
    runtime.block_on(async {
        let config = Config::from_url(&theirs.url()).expect("a URL");
        let pool = Pool::new(config, None, None, None, 4).expect("sound settings");
        pool.init().await.expect("it answers");
        let tower = TowerRedisStore::new(pool.clone());
        for _ in 0..COUNT / PARALLEL {
            let creating = (0..PARALLEL).map(|_| {
                let tower = tower.clone();
                async move {
                    let mut record = tower_record_014();
                    record.data.insert(FIELD.0.to_owned(), text().into());
                    tower.create(&mut record).await.expect("created");
                }
            });
            futures_util::future::join_all(creating).await;
        }
        pool.quit().await.expect("it answers");
    });
    let created = (COUNT / PARALLEL * PARALLEL) as f64;
    let tower = (used_memory(&theirs) - before) / created - (FIELD_BYTES - 2) as f64;

    let row = |what: &str, bytes: f64| vec![what.to_owned(), format!("{bytes:.0}")];
    let rows = [
        row("session record, auth-layers", record),
        row(
            "its entry in the list of logins (two keys of its subject)",
            listed,
        ),
        row(
            "session record, tower-sessions-redis-store (no list)",
            tower,
        ),
        row("denied token, auth-layers", denied),
    ];
    section.say("### In Redis");
    section.table(&["entry", "bytes"], &rows);
    section.at_most(
        "bytes per idle session in Redis, beyond its field, its record",
        record,
        250.0,
        "bytes",
    );
    section.at_most("bytes per denied token in Redis", denied, 120.0, "bytes");
}

/// A session of tower-sessions, of somebody logged in.
pub fn tower_record_014() -> Record {
    Record {
        id: Id::default(),
        data: [("subject".to_owned(), SUBJECT.into())].into(),
        expiry_date: time::OffsetDateTime::now_utc() + time::Duration::hours(12),
    }
}

/// Does it for every number, many at once.
async fn parallel<F, R>(store: &Arc<dyn Store>, step: impl Fn(Arc<dyn Store>, u64) -> F) -> Vec<R>
where
    F: Future<Output = R> + Send + 'static,
    R: Send + 'static,
{
    let (mut done, mut under_way) = (Vec::new(), JoinSet::new());
    for number in 0..COUNT {
        if number >= PARALLEL {
            done.extend(
                under_way
                    .join_next()
                    .await
                    .map(|joined| joined.expect("no panic")),
            );
        }
        under_way.spawn(step(Arc::clone(store), number));
    }
    done.extend(under_way.join_all().await);
    done
}

fn used_memory(redis: &Redis) -> f64 {
    let info = redis.cli(&["INFO", "memory"]);
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:"));
    line.and_then(|number| number.trim().parse().ok())
        .expect("a number")
}
