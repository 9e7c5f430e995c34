//! The auth layers' store on Redis or Valkey: sessions, refresh logins and revocations for many
//! processes.
//!
//! [`RedisStore`] is every store trait of [`auth_core::store`] on one object. Processes that share a
//! server, a realm and a prefix see each other's logins and revocations at once.
//!
//! ```no_run
//! use auth_core::{LoginId, Verdict, revocation::Query, store::Revocations};
//! use auth_revocation_redis::RedisStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = RedisStore::builder("redis://127.0.0.1:6379").realm("shop").build().await?;
//!
//! // What was made now is good until somebody takes it back; layers ask like this.
//! let version = store.epoch("alice").await?.version();
//! let query = Query::own("shop", "alice", &LoginId::random(), version);
//! assert_eq!(store.verdict(&query).await, Verdict::Active);
//! store.revoke_subject("alice").await?;
//! assert_eq!(store.verdict(&query).await, Verdict::Revoked);
//! # Ok(())
//! # }
//! ```
//!
//! # The rules
//!
//! 1. The server's clock decides (`TIME`), never this machine's.
//! 2. Reads are plain commands in one round trip: a verdict is one `HMGET`. Writes are scripts, each
//!    one atomic step, idempotent by the command's `op` or a token's generation.
//! 3. A server that is down or too slow is neither "active" nor "revoked": the verdict is Unknown
//!    within its deadline (100 ms), writes fail within theirs (2 s). After five failures in a row
//!    calls to that master fail at once, and it is asked every 500 ms until it answers. Other
//!    masters are not concerned.
//! 4. `revoke` is never `Ok` when the server refused, or when too few replicas have it. What this
//!    process has revoked it refuses from then on, whatever the server says. A revocation that failed
//!    is to be asked for again: what only this process refuses is listed still, and is never taken
//!    for done.
//! 5. A server that has lost data is noticed lane by lane (a lane is a 1,024th of the users), when it
//!    is asked about a lane, and in all lanes when a connection is made anew: what was issued before
//!    is then refused rather than trusted again, by all processes. Logging in works at once. (Until
//!    one that saw what was lost is connected again, the others can not know.)
//!
//! # Clusters and sentinels
//!
//! One code path serves one server, a cluster and a master that sentinels name: each lane has a
//! master, and there are connections of their own to each master.
//!
//! - A connection is used only after its server has said that it is a master (`ROLE`), and never
//!   after it broke: a demoted server answers nothing. Each master is asked again every second, for
//!   those that are demoted without a word: such a one refuses nobody for what it was not told of, but
//!   may call active, until it is asked, what was revoked elsewhere meanwhile. (Sentinels close the
//!   connections of those they demote, and nodes of a cluster redirect.)
//! - Sentinels are asked every second, and believed in the order of their failovers. The masters of a
//!   cluster are asked every five, and whenever one redirects, refuses or does not answer; what most of
//!   them say is believed. Where most do not agree, the nodes of the URL are asked, too.
//! - MOVED and ASK are followed, TRYAGAIN, LOADING and READONLY tried again, all within the
//!   deadline. A lane that is being moved to another master can be read all the time; writes to it
//!   that touch keys which are still on their way wait for them. Moving lanes is no loss of data.
//! - While nobody is the master, verdicts are Unknown: 503, nobody is logged out.
//! - A failover to a replica that missed a revocation: none that was acknowledged is missed where
//!   that replica is the one that confirmed it. Where another one is promoted, every process that
//!   saw the revocation notices (rule 5).
//! - In a split brain, the old master of a cluster stops answering after `cluster-node-timeout`.
//!   Under sentinels it goes on for those who can reach no sentinel of the other side: let it stop
//!   with `min-replicas-to-write`, which refuses its writes, and keep sentinels next to the services.
//!
//! # Replica mode
//!
//! By default every verdict asks the server. With [`Freshness::Within`] a process keeps a copy of all
//! revocations, and a verdict is a look-up in its memory that costs the server nothing:
//!
//! ```no_run
//! # use std::time::Duration;
//! # use auth_revocation_redis::{Freshness, RedisStore};
//! # async fn build() -> Result<(), auth_revocation_redis::ConfigError> {
//! let store = RedisStore::builder("redis://127.0.0.1:6379")
//!     .freshness(Freshness::Within(Duration::from_secs(1)))
//!     .build()
//!     .await?;
//! # Ok(())
//! # }
//! ```
//!
//! - **The bound.** A revocation that was acknowledged anywhere is refused here at most `d` later, and
//!   usually within a millisecond: masters push what changes. Pushes can be lost without a word, so
//!   that every `d / 4` a beat proves how current the copy is. What is not proven to be younger than
//!   `d` does not answer "active". In a split brain, where a master does not know yet that it is none,
//!   the bound is `d` and the cluster's `cluster-node-timeout` (with sentinels `down-after` and the
//!   failover). What this process revoked itself, or has seen, it refuses at once.
//! - **Revoked is revoked** at any age of the copy, connected or not.
//! - **Who is asked.** The server, for what the copy can not tell: in the first moments, while a
//!   master is not reachable or its lanes are on their way to another one, and about credentials that
//!   are newer than the copy. At most 512 ask at the same time; any more are told Unknown at once.
//!   Sessions are always loaded from the server, but not the revocations of their subject.
//! - **What it costs.** At most 96 bytes of memory for each live revocation, and half a megabyte. For
//!   each master one connection more, three short commands a beat, and what it takes to read each
//!   change of any process: two commands, or the whole lane if it has changed more than 64 times
//!   since. The user needs the right to run `CLIENT TRACKING`.
//! - [`subscribe`](auth_core::store::Revocations::subscribe) tells of revocations by other processes,
//!   too: streams end, and caches drop what they hold.
//! - With `OutagePolicy::Stale`, an older copy answers while the servers are away.
//!
//! # What is stored
//!
//! All names begin with the prefix (`auth`). `{tag}` is the lane's tag: of lane i the smallest decimal
//! number whose cluster slot is 16 x i. Numbers are decimal, times are ms since the epoch, hashes and
//! binary names are base64url without padding. No secret is stored: of session ids and refresh tokens
//! only their SHA-256.
//!
//! | key | type | what |
//! |---|---|---|
//! | `auth:schema` | hash | `version` 1, `lanes` 1024 |
//! | `auth:v:{tag}` | hash, no TTL | a lane's revocations: `id` random, `e` epoch, `h` highest number, `n` revocations so far, `o` op of the epoch, `c` denied tokens, `p` entries at which it is tidied up, `f` when that last forgot some, `r` the fields that the last 64 revocations wrote, 24 bytes each, the newest last; `s:<subject>` = `epoch until floor keep op`, `l:<login>` = until, `t:<token>` = until |
//! | `auth:s:{tag}:<hash>` | hash | a session: `created`, `seen`, `end`, `idle`; `login`, `subject`, `ver`, `auth`, `scopes`, `persistent`; `op`, `born`, `moves`; its data as JSON in `f:<name>`. Replaced: `next`, `op`, `until`. Ended: `ended`, `until` |
//! | `auth:d:{tag}:<login>` | hash | a refresh login: `subject`, `sk`, `lk`, `client`, `scopes`, `auth`, `claims`, `device`, `created`, `seen`, `end`, `idle`, `ver`, `op`; `gen`, `cur`, `prev`, `nonce`, `kid`, `rotated`, `arrived` |
//! | `auth:i:{tag}:<subject>` | sorted set | a subject's logins, in their order |
//! | `auth:e:{tag}:<subject>` | hash | what the list says of each: JSON |
//!
//! Sessions and refresh logins go away a minute after their end; lanes never do.
//!
//! # What to know before deploying it
//!
//! - Redis 7.0 or later, or Valkey; `maxmemory-policy noeviction`, and append-only files: a server
//!   that comes back empty logs everybody out. An ACL user needs `~auth:* -@all +@read
//!   +@write -@dangerous +eval +evalsha +script|load +time +role +info +wait +ping +config|get`, in a
//!   cluster `+asking +cluster|slots` too, and for replica mode `+client|tracking`.
//! - Its clock and this machine's must agree to 30 s when a store is built.
//! - If every process and the server are restarted together, and the server from an old dump, nobody
//!   is left who could notice what it has lost.
//! - Without replica mode, [`subscribe`](auth_core::store::Revocations::subscribe) tells of this
//!   process's revocations, not of those made elsewhere. Verdicts see both.
//! - What this process has revoked is kept in its memory as long as it matters: some 100 bytes each.
//!
//! # Cancel safety
//!
//! A call that is dropped may have reached the server: it has taken place whole or not at all, and with the
//! same `op` it is made once, however often it is repeated.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `tls-rustls` | `rediss://` and the like, by rustls with aws-lc; trusts the system's certificates, or those that the builder was given (`root_certificates`) |

#![cfg_attr(docsrs, feature(doc_cfg))]

mod address;
mod breaker;
mod builder;
mod check;
mod client;
mod connection;
mod discovery;
mod entry;
mod error;
mod join;
mod keys;
mod known;
mod link;
mod load;
mod logins;
mod node;
mod refresh;
mod replica;
mod reply;
mod revocations;
mod script;
mod seen;
mod servers;
mod sessions;
mod store;
mod tls;

pub use builder::RedisStoreBuilder;
pub use error::{ConfigError, ConfigErrorKind};
pub use replica::Freshness;
pub use store::RedisStore;
