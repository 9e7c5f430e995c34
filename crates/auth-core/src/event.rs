//! What an operator wants to hear of.

use std::fmt;

use crate::LoginId;

/// Something that happened to somebody's login. Holds no secret.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A refresh token was presented long after it was rotated: somebody has a copy. Its login was
    /// ended.
    RefreshReused {
        /// Whose login.
        subject: String,
        /// Which.
        login: LoginId,
    },
    /// The store had another hash under the right generation: it has lost data. The login was
    /// ended.
    RefreshDataLost {
        /// Whose login.
        subject: String,
        /// Which.
        login: LoginId,
    },
    /// The store had lost one rotation to a failover; the token was adopted.
    RefreshAdopted {
        /// Whose login.
        subject: String,
        /// Which.
        login: LoginId,
    },
    /// A refresh token was further ahead of the store than one lost rotation explains.
    RefreshAhead {
        /// Whose login.
        subject: String,
        /// Which.
        login: LoginId,
    },
    /// A session was changed after its response's head had gone out: the change is lost.
    LateSessionChange,
    /// A session could not be saved after its handler had run.
    CommitFailed,
}

/// Where events go. A closure is one, too. Called in the request's path: must not block.
pub trait EventSink: Send + Sync + 'static {
    /// Takes one event.
    fn event(&self, event: &Event);
}

impl<F: Fn(&Event) + Send + Sync + 'static> EventSink for F {
    fn event(&self, event: &Event) {
        self(event);
    }
}

impl fmt::Debug for dyn EventSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventSink")
    }
}
