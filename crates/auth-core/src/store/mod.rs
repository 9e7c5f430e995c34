//! What layers ask of a store: transitions, each one atomic step, on traits of one role each.
//!
//! A store implements all of them on one object; [`Store`] is their sum. Layers take the role they
//! need as an `Arc<dyn …>`, to which an `Arc` of any store (and an `Arc<dyn Store>`) coerces.
//!
//! The rules that all stores share:
//!
//! - The store's clock decides, never the caller's.
//! - A transition either happened whole or not at all. After an `Unavailable` it may have happened;
//!   made again with the same `op` (or generation) it happens once.
//! - Transitions are cancel safe in that sense: dropping the future leaves the step made or not.
//! - No method waits longer than the store's deadlines; a store that can not tell says so.
//! - Secrets arrive here as hashes only.
//!
//! The contract suite (feature `contract-suite`) proves a store.

mod admission;
mod field;
mod fields;
mod hub;
mod refresh;
mod revocations;
mod rotation;
mod session;
mod subscription;

pub use admission::{
    Admission, Admitted, Epoch, LoginInfo, LoginKind, LoginLimit, LoginPage, Logins,
    MAX_LISTED_LOGINS, Overflow,
};
pub use field::{FieldChange, FieldValue, MAX_DATA_BYTES, MAX_FIELD_BYTES, MAX_FIELDS};
pub use fields::{Fields, FieldsIter};
pub use hub::{NOTICE_BACKLOG, NoticeHub};
pub use refresh::{
    RefreshGrant, RefreshHash, RefreshLogins, RefreshRecord, RefreshStart, Rotated, Rotation,
};
pub use revocations::{Revocation, Revocations, Target};
pub use rotation::{Derivation, Presented, RotationState, RotationStep, Successor, rotation_step};
pub use session::{
    Commit, CommitOutcome, Establish, Established, Lifetimes, Load, LoginChange, SessionKey,
    SessionLogin, SessionRecord, Sessions, TOMBSTONE, touch_interval,
};
pub use subscription::{Notice, Subscription};

/// Every role of a store in one.
pub trait Store: Sessions + RefreshLogins {}

impl<S: Sessions + RefreshLogins> Store for S {}
