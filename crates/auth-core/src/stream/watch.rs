//! Waiting for the end of a login.

use std::{
    future::{pending, poll_fn},
    task::Poll,
    time::Duration,
};

use super::{
    LoginEnd,
    layer::{ASK_EVERY, KEEP_UNVOUCHED},
};
use crate::{
    Authority, Caller, Clock, Event, OutagePolicy, Principal, SessionSource, SystemClock, Timer,
    Verdict,
    revocation::Query,
    store::{Revocations, Subscription},
};

/// How soon a store that can not tell is asked again.
const RETRY: Duration = Duration::from_secs(1);

/// How long to wait, and for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) ask_every: Duration,
    pub(super) keep_unvouched: Duration,
}

impl Patience {
    pub(super) const DEFAULT: Self = Self {
        ask_every: ASK_EVERY,
        keep_unvouched: KEEP_UNVOUCHED,
    };
}

impl Caller {
    /// Completes when the login that the request came in by has ended, by the rules of
    /// [`stream`](crate::stream): for what goes on in its name after the response, such as a
    /// WebSocket. A caller whom nothing identified has no login, which never ends.
    ///
    /// It resolves the caller, so that a session is loaded. Bodies of responses are for
    /// [`EndWithLogin`](crate::EndWithLogin).
    ///
    /// ```
    /// # use auth_core::{Caller, LoginEnd};
    /// # struct Socket;
    /// # impl Socket {
    /// #     async fn serve(&mut self) {}
    /// #     async fn close(&mut self, code: u16, reason: &str) {}
    /// # }
    /// async fn serve(mut socket: Socket, caller: Caller) {
    ///     tokio::select! {
    ///         end = caller.ended(tokio::time::sleep) => {
    ///             // 3000 is "unauthorized" in the registry of close codes.
    ///             socket.close(3000, end.message()).await;
    ///         }
    ///         () = socket.serve() => {}
    ///     }
    /// }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Cancel safe, and what was subscribed to ends with the future. Begun again, it asks again.
    pub async fn ended(&self, timer: impl Timer) -> LoginEnd {
        ended(self, &timer, Patience::DEFAULT).await
    }
}

pub(super) async fn ended(caller: &Caller, timer: &dyn Timer, patience: Patience) -> LoginEnd {
    let mut watch = Watch::new(caller);
    let end = wait_for_end(&mut watch, timer, patience).await;
    caller.tell(|| Event::StreamEnded {
        end,
        principal: Event::of(watch.principal.as_ref()),
    });
    end
}

async fn wait_for_end(watch: &mut Watch<'_>, timer: &dyn Timer, patience: Patience) -> LoginEnd {
    // Listens from here on: what is revoked before a look is seen by the look, what is revoked after
    // it is told.
    let mut notices = watch.subscribe();
    let mut unvouched = Duration::ZERO;
    loop {
        let (pause, is_vouched) = match watch.look().await {
            // Nothing will ever happen that could be waited for.
            Look::Good(Duration::MAX) if watch.store().is_none() => return pending().await,
            Look::Good(left) => (left.min(patience.ask_every), true),
            Look::Over(end) => return end,
            Look::Nobody => return pending().await,
            Look::CanNotTell if unvouched >= patience.keep_unvouched => {
                return LoginEnd::Unavailable;
            }
            Look::CanNotTell => (RETRY.min(patience.keep_unvouched - unvouched), false),
        };
        let slept = watch.wait(&mut notices, timer, pause).await;
        unvouched = match (is_vouched, slept) {
            (true, _) => Duration::ZERO,
            (false, true) => unvouched + pause,
            (false, false) => unvouched,
        };
    }
}

/// What is looked at.
struct Watch<'a> {
    caller: &'a Caller,
    authority: Option<&'a Authority>,
    session: Option<&'a dyn SessionSource>,
    principal: Option<Principal>,
}

enum Look {
    /// Good, for so long by itself.
    Good(Duration),
    Over(LoginEnd),
    Nobody,
    CanNotTell,
}

impl<'a> Watch<'a> {
    fn new(caller: &'a Caller) -> Self {
        let (authority, session) = caller.authority().unzip();
        Self {
            caller,
            authority,
            session: session.flatten(),
            principal: None,
        }
    }

    fn store(&self) -> Option<&'a dyn Revocations> {
        Some(&**self.authority?.asks()?)
    }

    fn subscribe(&self) -> Option<Subscription> {
        self.store().map(Revocations::subscribe)
    }

    async fn look(&mut self) -> Look {
        let mut principal = match &self.principal {
            Some(principal) => principal.clone(),
            None => match self.caller.principal().await {
                Ok(Some(principal)) => self.principal.insert(principal).clone(),
                Ok(None) => return Look::Nobody,
                Err(_) => return Look::CanNotTell,
            },
        };
        if self.left(&principal).is_zero() {
            // A session that was used since lasts longer by now. Its store knows.
            let again = match self.session {
                Some(session) => session.again().await,
                None => Ok(None),
            };
            match again {
                Ok(Some(again)) if again.login() == principal.login() => principal = again,
                Ok(_) => return Look::Over(LoginEnd::Expired),
                Err(_) => return Look::CanNotTell,
            }
        }
        let verdict = self.verdict(&principal).await;
        let left = match self.left(&principal) {
            // The store's clock is behind ours, and decides.
            Duration::ZERO => RETRY,
            left => left,
        };
        self.principal = Some(principal);
        match verdict {
            Verdict::Active => Look::Good(left),
            Verdict::Revoked => Look::Over(LoginEnd::Revoked),
            Verdict::Unknown => Look::CanNotTell,
        }
    }

    /// How long the credential lasts by itself.
    fn left(&self, principal: &Principal) -> Duration {
        let Some(end) = principal.expires_at() else {
            return Duration::MAX;
        };
        let now = match self.authority {
            Some(authority) => authority.tells_time().now(),
            None => SystemClock.now(),
        };
        end.since(now)
    }

    async fn verdict(&self, principal: &Principal) -> Verdict {
        // Without a store, nothing can be revoked.
        let (Some(authority), Some(store)) = (self.authority, self.store()) else {
            return Verdict::Active;
        };
        let mut verdict = Verdict::Active;
        let queries = [principal.query(store), principal.provider_session()];
        for query in queries.into_iter().flatten() {
            verdict = verdict.and(judged(authority, store, query).await);
        }
        verdict
    }

    /// Waits so long, or until a notice says that it is time to look. Whether it was so long.
    async fn wait(
        &self,
        notices: &mut Option<Subscription>,
        timer: &dyn Timer,
        pause: Duration,
    ) -> bool {
        let queries = self.queries();
        let mut sleep = timer.sleep(pause);
        poll_fn(move |cx| {
            while let Some(listening) = notices {
                match listening.poll_next(cx) {
                    Poll::Ready(Some(notice)) => {
                        let concerns = |query: &Query| notice.concerns(query);
                        if queries.is_empty() || queries.iter().any(concerns) {
                            return Poll::Ready(false);
                        }
                    }
                    Poll::Ready(None) => *notices = None,
                    Poll::Pending => break,
                }
            }
            sleep.as_mut().poll(cx).map(|()| true)
        })
        .await
    }

    /// What the store was asked, if it was.
    fn queries(&self) -> Vec<Query> {
        let asked = self.principal.as_ref().zip(self.store());
        let asked = asked.map(|(who, store)| [who.query(store), who.provider_session()]);
        asked.into_iter().flatten().flatten().collect()
    }
}

async fn judged(authority: &Authority, store: &dyn Revocations, query: Query) -> Verdict {
    let verdict = match store.verdict_now(&query) {
        Some(verdict) => verdict,
        None => store.verdict(&query).await,
    };
    match (verdict, authority.outage_policy()) {
        (Verdict::Unknown, OutagePolicy::Stale { at_most }) => store
            .verdict_stale(&query, at_most)
            .unwrap_or(Verdict::Unknown),
        (verdict, _) => verdict,
    }
}
