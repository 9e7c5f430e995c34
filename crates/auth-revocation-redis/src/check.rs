//! What is checked before a store is handed out, and whenever it has been without a server.

use std::{sync::Weak, time::Duration};

use auth_core::{
    Clock, SystemClock,
    revocation::{LANES, Lane},
};
use tokio::{sync::watch, time::sleep};

use crate::{
    connection::Connection,
    error::{Cause, ConfigError},
    join,
    reply::{Failure, Reply},
    script::Script,
    sessions,
    store::Inner,
};

/// The version of the schema that this crate reads and writes.
const SCHEMA: &str = "1";
/// The oldest server: the first whose scripts may read the clock and write, and the oldest this is
/// tested on.
const OLDEST: (u32, u32) = (7, 0);
const CLOCK_WARN: Duration = Duration::from_secs(2);
const CLOCK_REFUSE: Duration = Duration::from_secs(30);
/// Between two looks at all lanes: at first, and at most.
const LOOK_PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));

/// One line of an `INFO` section.
pub(crate) fn line<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .map(str::trim)
}

/// The server itself: version, eviction, persistence, clock.
pub(crate) async fn server(
    connection: &Connection,
    deadline: Duration,
    is_cluster: bool,
    allows_eviction: bool,
) -> Result<(), ConfigError> {
    let command = |name, args| connection.command(None, name, args, deadline);
    let info = command("INFO", Vec::new())
        .await
        .map_err(ConfigError::from)?;
    let info = info.text().unwrap_or_default().to_owned();
    judge(&info, is_cluster, allows_eviction).map_err(ConfigError::new)?;
    // Not everybody may read the configuration; without it there is nothing to warn of.
    if line(&info, "aof_enabled") == Some("0")
        && let Ok(Reply::List(save)) = command("CONFIG", vec!["GET".into(), "save".into()]).await
        && save.get(1).and_then(Reply::text) == Some("")
    {
        tracing::warn!(
            "the server keeps nothing on disk: after its restart everybody logs in again"
        );
    }
    let before = SystemClock.now();
    let time = sessions::now(command("TIME", Vec::new()).await?)?;
    let after = SystemClock.now();
    let apart = before.since(time).max(time.since(after));
    if apart >= CLOCK_REFUSE {
        return Err(ConfigError::new(Cause::Clock(apart)));
    }
    if apart >= CLOCK_WARN {
        tracing::warn!(?apart, "the server's clock differs from this machine's");
    }
    Ok(())
}

fn judge(info: &str, is_cluster: bool, allows_eviction: bool) -> Result<(), Cause> {
    let version = line(info, "redis_version").unwrap_or_default();
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    if (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) < OLDEST {
        return Err(Cause::TooOld(version.to_owned()));
    }
    if line(info, "cluster_enabled") == Some("1") && !is_cluster {
        return Err(Cause::Cluster(
            "the Redis server is a node of a cluster: use redis-cluster://",
        ));
    }
    let policy = line(info, "maxmemory_policy").unwrap_or_default();
    if policy.starts_with("allkeys-") && !allows_eviction {
        return Err(Cause::Evicts(policy.to_owned()));
    }
    if policy.starts_with("allkeys-") {
        tracing::warn!(policy, "the server may drop revocations");
    } else if policy.starts_with("volatile-") {
        tracing::warn!(policy, "the server may drop sessions before they end");
    }
    Ok(())
}

/// Loads the scripts; gives their names.
pub(crate) async fn scripts(
    connection: &Connection,
    deadline: Duration,
) -> Result<Vec<String>, ConfigError> {
    let mut shas = Vec::with_capacity(Script::ALL.len());
    for script in Script::ALL {
        let args = vec!["LOAD".to_owned(), script.text().to_owned()];
        let sha = connection.command(None, "SCRIPT", args, deadline).await?;
        shas.push(sha.text().unwrap_or_default().to_owned());
    }
    Ok(shas)
}

/// What is stored there, and what this user may do with it.
pub(crate) async fn schema(inner: &Inner, deadline: Duration) -> Result<(), ConfigError> {
    let keys = &inner.keys;
    // Under the tag of the schema's own slot, as all keys of one script.
    let scratch = format!("{}:d:{{{}}}:check", keys.prefix, keys.schema());
    let args = vec![
        inner.shas[Script::Schema as usize].clone(),
        "2".to_owned(),
        keys.schema(),
        scratch,
        SCHEMA.to_owned(),
        LANES.to_string(),
    ];
    let (connection, slot) = (inner.connection(), Some(keys.schema_slot()));
    let there = connection.command_on(slot, "EVALSHA", args, deadline);
    let there = there.await?.list()?;
    let there = (
        there.first().and_then(Reply::text),
        there.get(1).and_then(Reply::number),
    );
    if there != (Some(SCHEMA), Some(u64::from(LANES))) {
        let version = there.0.unwrap_or_default().to_owned();
        return Err(ConfigError::new(Cause::Schema(version)));
    }
    Ok(())
}

/// Reads where every lane stands, and makes those that are not there.
pub(crate) async fn lanes(inner: &Inner) -> Result<(), Failure> {
    let connection = inner.connection();
    let lanes: Vec<Lane> = Lane::all().collect();
    for some in lanes.chunks(256) {
        let raises = some
            .iter()
            .map(|&lane| inner.step(&connection, lane, Script::Raise, Vec::new(), Vec::new()));
        for step in join::all(raises).await {
            step?;
        }
    }
    Ok(())
}

/// Looks at every lane when a connection was made anew, or the masters have changed: a server that
/// was restarted, or another in its place, may have gone back to what it was a while ago. Who
/// remembers better raises the lanes then for all, without being asked about them.
pub(crate) async fn keep_looking(inner: Weak<Inner>, mut arrivals: watch::Receiver<()>) {
    while arrivals.changed().await.is_ok() {
        let mut pause = LOOK_PAUSE.0;
        loop {
            let Some(inner) = inner.upgrade() else {
                return;
            };
            let looked = look(&inner).await;
            drop(inner);
            // All connections to a server arrive at about the same time.
            sleep(pause).await;
            pause = (pause * 2).min(LOOK_PAUSE.1);
            match looked {
                Ok(()) => break,
                Err(failure) => tracing::debug!(?failure, "not every lane could be looked at"),
            }
        }
    }
}

async fn look(inner: &Inner) -> Result<(), Failure> {
    let connection = inner.connection();
    let lanes: Vec<Lane> = Lane::all().collect();
    let mut looked = Ok(());
    for some in lanes.chunks(128) {
        let looks = some.iter().map(|&lane| inner.look_at(&connection, lane));
        for one in join::all(looks).await {
            // One lane that can not be read keeps none of the others from being looked at.
            looked = looked.and(one);
        }
    }
    looked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_are_too_old_or_evict_are_refused() {
        let info = |version: &str, policy: &str| {
            format!("# Server\r\nredis_version:{version}\r\nmaxmemory_policy:{policy}\r\n")
        };
        let rows = [
            ("7.0.15", "noeviction", true),
            ("8.2.1", "volatile-ttl", true),
            ("10.0.0", "noeviction", true),
            ("6.2.14", "noeviction", false),
            ("7.0.15", "allkeys-lru", false),
            ("", "noeviction", false),
        ];
        for (version, policy, good) in rows {
            assert_eq!(
                judge(&info(version, policy), false, false).is_ok(),
                good,
                "{version} {policy}"
            );
        }
        assert!(judge(&info("7.0.15", "allkeys-lru"), false, true).is_ok());
    }
}
