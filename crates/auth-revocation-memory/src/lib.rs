//! The auth layers' store in one process: sessions, refresh logins and revocations in memory.
//!
//! [`MemoryStore`] is every store trait of [`auth_core::store`] on one object, for services that run
//! as one process, for development and for tests. It answers from memory, so that no call of it
//! ever waits.
//!
//! # Examples
//!
//! A login is let in, its session begins, and is refused from the moment the subject is revoked:
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//!
//! use auth_core::{
//!     LoginId, Scopes, StoreError, Timestamp,
//!     revocation::{Lane, Op},
//!     store::{
//!         Admission, Admitted, Establish, Lifetimes, Load, LoginChange, LoginKind, Logins,
//!         Revocations, SessionKey, SessionLogin, Sessions,
//!     },
//! };
//! use auth_revocation_memory::MemoryStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), StoreError> {
//! let store = Arc::new(MemoryStore::new());
//!
//! let login = LoginId::random();
//! let key = SessionKey { lane: Lane::random(), hash: [7; 32] };
//! let lifetimes = Lifetimes {
//!     idle: Some(Duration::from_secs(30 * 60)),
//!     absolute: Duration::from_secs(12 * 60 * 60),
//! };
//! let admission = Admission {
//!     subject: "alice".to_owned(),
//!     login,
//!     kind: LoginKind::Session,
//!     device: Some("Firefox on Linux".to_owned()),
//!     lifetimes,
//!     since: Some(store.epoch("alice").await?),
//!     limit: None,
//!     session: Some(key),
//!     op: Op::random(),
//! };
//! let Admitted::Yes { version, .. } = store.admit(&admission).await? else {
//!     panic!("nothing was revoked meanwhile, and there is no limit");
//! };
//! let session_login = SessionLogin {
//!     login,
//!     subject: "alice".into(),
//!     version,
//!     auth_time: Timestamp::default(),
//!     scopes: Scopes::default(),
//!     persistent: false,
//! };
//! store
//!     .establish(&Establish {
//!         old: None,
//!         new: key,
//!         login: LoginChange::Set(session_login),
//!         keep_data: true,
//!         changes: Vec::new(),
//!         lifetimes,
//!         op: Op::random(),
//!     })
//!     .await?;
//! assert!(matches!(store.load(&key).await?, Load::Live(_)));
//!
//! store.revoke_subject("alice").await?;
//! assert_eq!(store.load(&key).await?, Load::Ended);
//! # Ok(())
//! # }
//! ```
//!
//! # The rules
//!
//! 1. Each transition is one step under the lock of its lane or session: there is no moment at which
//!    half of it can be seen.
//! 2. The store's own [clock](MemoryStoreBuilder::clock) decides, never a caller's.
//! 3. A verdict is `Active` or `Revoked`, never `Unknown`, and known without waiting.
//! 4. Presence revokes. A session or refresh login that is absent has ended.
//! 5. What is older than the store is refused.
//!
//! # What to know before deploying it
//!
//! - Nothing survives the process. After a restart everybody logs in again: sessions are gone, and
//!   tokens from before it are refused, because what had been revoked is not known any more.
//!   [`insecure_trust_before_start`](MemoryStoreBuilder::insecure_trust_before_start) accepts them.
//!   This rests on the clock: one that is set back by more than the restart took lets tokens of the
//!   time between through.
//! - Two processes do not see each other's logins and revocations. Behind a load balancer take a
//!   shared store.
//! - Nothing is dropped for want of room. Sessions and logins grow with what is alive;
//!   the denylist of tokens refuses at its
//!   [limit](MemoryStoreBuilder::max_denied_tokens), and ending logins still works.
//! - A thread frees the memory of what is over, every minute, also while there are no requests. It
//!   ends with the store. What is over is refused before that, by the store's clock.
//! - It runs under any async runtime, or none.
//!
//! # Cancel safety
//!
//! No call waits: what was polled once has been done.
//!
//! # Features
//!
//! It has none.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod admissions;
mod builder;
mod fields;
mod index;
mod janitor;
mod list;
mod logins;
mod records;
mod refresh;
mod revocations;
mod session_cell;
mod sessions;
mod store;
mod tables;

pub use builder::{ConfigError, ConfigErrorKind, MemoryStoreBuilder};
pub use store::{MemoryStore, Usage};
