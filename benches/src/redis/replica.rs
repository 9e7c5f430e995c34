//! A local copy of a million revocations: how long it takes to load, what it takes, and what a verdict costs.

use std::{
    collections::HashSet,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use auth_layers::{
    LoginId,
    redis::{Freshness, RedisStore},
    revocation::{LANES, Lane, Query},
    store::Revocations as _,
};
use auth_tests::Redis;
use tokio::{runtime::Builder, time::sleep};

use crate::{
    alloc::counted,
    apps::{self, SUBJECT},
    keys::{self, Key},
    memory::resident_of,
    report::Section,
    request::{Requests, bearer},
    runner,
};

const REVOCATIONS: usize = 1_000_000;
const ROUNDS: usize = 200;
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn run(section: &mut Section) {
    let redis = Redis::start(&[]);
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    let runtime = Rc::new(runtime.expect("a runtime"));
    let queries = runtime.block_on(async {
        let store = RedisStore::builder(redis.url()).build().await;
        let store = store.expect("it answers");
        // So that every lane is there.
        store.revoke_all().await.expect("it answers");
        one_for_each_lane(&store).await
    });
    fill(&redis);

    let before = resident_of("self");
    let ((store, took), allocated) = counted(|| {
        runtime.block_on(async {
            let start = Instant::now();
            let store = RedisStore::builder(redis.url());
            let store = store
                .freshness(Freshness::Within(Duration::from_secs(1)))
                .build();
            let store = store.await.expect("it answers");
            while queries
                .iter()
                .any(|query| store.verdict_now(query).is_none())
            {
                assert!(start.elapsed() < PATIENCE, "not loaded");
                sleep(Duration::from_millis(5)).await;
            }
            (Arc::new(store), start.elapsed())
        })
    });
    let each = |bytes: f64| bytes / REVOCATIONS as f64;
    let (live, resident) = (
        each(allocated.live_bytes as f64),
        each(resident_of("self") - before),
    );
    section.say(&format!(
        "### A copy of {REVOCATIONS} revocations\n\nFrom `build()` until it answers for every lane: {:.2} s. {live:.0} live \
         bytes each, {resident:.0} of resident memory.\n",
        took.as_secs_f64(),
    ));
    section.at_most(
        "replica mode: 1,000,000 revocations loaded",
        took.as_secs_f64(),
        5.0,
        "s",
    );

    let key = Key::Es256;
    let tokens = runtime.block_on(keys::tokens(&key.issuer(store.clone()), 1));
    let requests = Requests::new(&runtime, [bearer(&tokens[0])], SUBJECT);
    let ours = apps::ours::tokens(key.verifier(None), store);
    let mut candidates = [
        requests.candidate("floor: a layer that does nothing", apps::floor_who()),
        requests.candidate("**auth-layers**", ours),
    ];
    let outcomes = runner::run(&mut candidates, ROUNDS);
    section.outcomes(
        "ES256, a token seen before, verdict from that copy",
        &outcomes,
    );
    let added = outcomes[1].added / 1_000.0;
    section.at_most(
        "ES256 seen before, replica of 1,000,000 revocations: added",
        added,
        0.8,
        "us",
    );
}

/// Denies tokens that nobody has, evenly in all lanes, as fast as the server can.
fn fill(redis: &Redis) {
    const SCRIPT: &str = "
        local now = tonumber(redis.call('TIME')[1])
        local untl = string.format('%.0f', (now + 3600) * 1000)
        local lanes = redis.call('KEYS', 'auth:v:*')
        local made = 0
        for turn, lane in ipairs(lanes) do
            local goal = math.floor(tonumber(ARGV[1]) * turn / #lanes)
            redis.call('HINCRBY', lane, 'c', goal - made)
            redis.call('HINCRBY', lane, 'n', goal - made)
            while made < goal do
                made = made + 1
                redis.call('HSET', lane, 't:' .. string.sub(redis.sha1hex(made), 1, 21) .. 'A', untl)
            end
        end
        return { #lanes, made }";
    let made = redis.cli(&["EVAL", SCRIPT, "0", &REVOCATIONS.to_string()]);
    assert_eq!(made, format!("{LANES}\n{REVOCATIONS}"));
}

/// About a login made now.
async fn one_for_each_lane(store: &RedisStore) -> Vec<Query> {
    let mut lanes: HashSet<Lane> = Lane::all().collect();
    let login = LoginId::random();
    let mut queries = Vec::new();
    for number in 0.. {
        let subject = format!("user-{number}");
        if lanes.remove(&Lane::of(store.realm(), &subject)) {
            let epoch = store.epoch(&subject).await.expect("it answers");
            let query = Query::own(store.realm(), &subject, &login, epoch.version());
            queries.push(query);
        }
        if lanes.is_empty() {
            break;
        }
    }
    queries
}
