//! Revocations as they happen.

use std::{
    fmt,
    future::poll_fn,
    task::{Context, Poll},
};

use crate::revocation::{Lane, LoginKey, Query, SubjectKey, TokenKey};

/// What a subscriber is told: enough to look again, never whom it concerns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Notice {
    /// One token was denied.
    Token(Lane, TokenKey),
    /// One login was ended.
    Login(Lane, LoginKey),
    /// A subject's epoch was raised; the login to keep, if there was one.
    Subject(Lane, SubjectKey, Option<LoginKey>),
    /// Everything was revoked.
    All,
    /// The subscriber was too slow and missed some: look at everything again.
    Lagged,
}

impl Notice {
    /// Whether it may change the verdict on this: then ask the store again.
    pub fn concerns(&self, query: &Query) -> bool {
        let place = query.place;
        match *self {
            Self::Token(lane, token) => lane == place.lane && Some(token) == query.token,
            Self::Login(lane, login) => lane == place.lane && Some(login) == query.login,
            Self::Subject(lane, subject, keep) => {
                let spared = keep.is_some() && keep == query.login;
                lane == place.lane && subject == place.subject && !spared
            }
            Self::All | Self::Lagged => true,
        }
    }
}

/// A stream of [`Notice`]s, from the moment it was made. Dropping it ends it.
pub struct Subscription(Box<PollFn>);

type PollFn = dyn FnMut(&mut Context<'_>) -> Poll<Option<Notice>> + Send;

impl Subscription {
    /// For authors of stores: `poll` gives the next notice, or None when the store is gone.
    pub fn from_poll_fn<F>(poll: F) -> Self
    where
        F: FnMut(&mut Context<'_>) -> Poll<Option<Notice>> + Send + 'static,
    {
        Self(Box::new(poll))
    }

    /// Polls for the next notice; None when the store is gone.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Notice>> {
        (self.0)(cx)
    }

    /// The next notice; None when the store is gone.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a notice is given out or still waiting.
    pub async fn next(&mut self) -> Option<Notice> {
        poll_fn(|cx| self.poll_next(cx)).await
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subscription")
    }
}
