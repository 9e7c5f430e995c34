//! The handle through which everything learns who is calling.

use std::{
    any::Any,
    fmt,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use http::Extensions;

use crate::{Authority, Challenge, Event, Principal, Unavailable, user::Users};

/// Who is calling, as far as the layers of this request know: one handle in the request's
/// extensions, shared by all of them. Cheap to clone.
///
/// 1. What the application [vouched](Self::vouch) for counts before all else.
/// 2. Then a bearer token: with one present, a session cookie counts as absent.
/// 3. Then the session. It is loaded when somebody first asks, and only then.
#[derive(Clone)]
pub struct Caller(Arc<Inner>);

#[derive(Default)]
struct Inner {
    vouched: OnceLock<Principal>,
    token: OnceLock<TokenSlot>,
    session: OnceLock<SessionSlot>,
    users: Users,
}

#[derive(Clone)]
struct TokenSlot {
    outcome: TokenOutcome,
    details: Option<Arc<dyn Any + Send + Sync>>,
    authority: Arc<Authority>,
}

#[derive(Clone)]
struct SessionSlot {
    source: Arc<dyn SessionSource>,
    authority: Arc<Authority>,
}

/// What a token layer found out about a request.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum TokenOutcome {
    /// There was no token.
    Absent,
    /// A token proved this principal.
    Proven(Principal),
    /// There was a token, it was refused, and the layer was told to go on: nobody.
    Refused,
    /// There was a good token, but the store can not tell whether it was revoked.
    Unavailable(Unavailable),
}

/// Where a session's principal comes from: implemented by session layers.
#[async_trait]
pub trait SessionSource: fmt::Debug + Send + Sync + 'static {
    /// The principal, if that can be told without waiting.
    fn principal_now(&self) -> Option<Result<Option<Principal>, Unavailable>>;

    /// The principal; loads the session on first use.
    async fn principal(&self) -> Result<Option<Principal>, Unavailable>;

    /// The principal if the session was loaded before; None if not. Never loads.
    fn peek(&self) -> Option<Result<Option<Principal>, Unavailable>>;

    /// The principal as the store has it now, whatever was loaded before: the session may have been
    /// used since, or be over. Changes nothing. None unless implemented, by which streams end when
    /// the session would have ended that was loaded.
    async fn again(&self) -> Result<Option<Principal>, Unavailable> {
        Ok(None)
    }

    /// The layer's own handle, for its extractors.
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

/// The caller was not resolved yet: ask [`Caller::principal`], or stack a guard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotResolved;

impl fmt::Display for NotResolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the caller was not resolved yet")
    }
}

impl std::error::Error for NotResolved {}

impl Caller {
    /// Who is calling; None if nobody was identified.
    ///
    /// The first call may load the session; all later ones answer the same without waiting, until
    /// the handler itself logs somebody in or out.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] when the store can not tell: answer 503.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a load that was dropped is begun again by the next call.
    pub async fn principal(&self) -> Result<Option<Principal>, Unavailable> {
        match self.without_session() {
            Ok(known) => known,
            Err(session) => session.source.principal().await,
        }
    }

    /// Who is calling, if that was found out before.
    ///
    /// # Errors
    ///
    /// [`NotResolved`] when nobody asked yet, or the store could not tell.
    pub fn peek(&self) -> Result<Option<Principal>, NotResolved> {
        let known = match self.without_session() {
            Ok(known) => known,
            Err(session) => session.source.peek().ok_or(NotResolved)?,
        };
        known.map_err(|_| NotResolved)
    }

    /// As [`principal`](Self::principal), where it can be told without waiting: what layers and
    /// guards try first.
    pub fn principal_now(&self) -> Option<Result<Option<Principal>, Unavailable>> {
        match self.without_session() {
            Ok(known) => Some(known),
            Err(session) => session.source.principal_now(),
        }
    }

    pub(crate) fn users(&self) -> &Users {
        &self.0.users
    }

    /// What is known without the session; `Err` if the session has to be asked.
    fn without_session(&self) -> Result<Result<Option<Principal>, Unavailable>, &SessionSlot> {
        if let Some(vouched) = self.0.vouched.get() {
            return Ok(Ok(Some(vouched.clone())));
        }
        match self.0.token.get().map(|slot| &slot.outcome) {
            Some(TokenOutcome::Proven(principal)) => return Ok(Ok(Some(principal.clone()))),
            Some(TokenOutcome::Refused) => return Ok(Ok(None)),
            Some(TokenOutcome::Unavailable(unavailable)) => return Ok(Err(*unavailable)),
            Some(TokenOutcome::Absent) | None => {}
        }
        self.0.session.get().map_or(Ok(Ok(None)), Err)
    }

    /// On whose word the caller is identified. None if by the application's, or by nobody's.
    pub(crate) fn authority(&self) -> Option<(&Authority, Option<&dyn SessionSource>)> {
        if self.0.vouched.get().is_some() {
            return None;
        }
        match self.0.token.get() {
            Some(token) if token.outcome != TokenOutcome::Absent => Some((&token.authority, None)),
            _ => {
                let session = self.0.session.get()?;
                Some((&session.authority, Some(&*session.source)))
            }
        }
    }

    /// Tells whoever listens to the layers of this request: once, though both may listen.
    pub(crate) fn tell(&self, event: impl FnOnce() -> Event) {
        let token = self.0.token.get().map(|slot| slot.authority.hears());
        let session = self.0.session.get().map(|slot| slot.authority.hears());
        let mut listening = [token, session].into_iter().flatten();
        if let Some(events) = listening.find(|events| events.is_heard()) {
            events.tell(event);
        }
    }

    /// Puts a principal of the application's own into a request, whatever layers find.
    pub fn vouch(extensions: &mut Extensions, principal: Principal) -> Self {
        Self::join(extensions, |inner| match inner.vouched.set(principal) {
            Ok(()) => Ok(()),
            Err(principal) => Err(Self::of(Inner {
                vouched: principal.into(),
                token: inner.token.clone(),
                session: inner.session.clone(),
                ..Inner::default()
            })),
        })
    }

    /// For token layers: puts what the request's token says into its caller.
    pub fn join_token(
        extensions: &mut Extensions,
        outcome: TokenOutcome,
        authority: &Arc<Authority>,
    ) -> Self {
        Self::join_token_with(extensions, outcome, None, authority)
    }

    /// As [`join_token`](Self::join_token), with the layer's own view of the token, for its extractors.
    pub fn join_token_with(
        extensions: &mut Extensions,
        outcome: TokenOutcome,
        details: Option<Arc<dyn Any + Send + Sync>>,
        authority: &Arc<Authority>,
    ) -> Self {
        let slot = TokenSlot {
            outcome,
            details,
            authority: Arc::clone(authority),
        };
        Self::join(extensions, |inner| match inner.token.set(slot) {
            Ok(()) => Ok(()),
            Err(slot) => Err(Self::of(Inner {
                token: slot.into(),
                session: inner.session.clone(),
                ..Inner::default()
            })),
        })
    }

    /// For session layers: puts the request's session into its caller.
    pub fn join_session(
        extensions: &mut Extensions,
        source: Arc<dyn SessionSource>,
        authority: &Arc<Authority>,
    ) -> Self {
        let authority = Arc::clone(authority);
        let slot = SessionSlot { source, authority };
        Self::join(extensions, |inner| match inner.session.set(slot) {
            Ok(()) => Ok(()),
            Err(slot) => Err(Self::of(Inner {
                session: slot.into(),
                token: inner.token.clone(),
                ..Inner::default()
            })),
        })
    }

    fn of(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// The caller that the layers of this request share: the one that is there, or where what this
    /// layer has to say was said before, another one in its place. That was a layer of the same
    /// kind further out, or one of another request that these extensions came along from.
    fn join(extensions: &mut Extensions, say: impl FnOnce(&Inner) -> Result<(), Self>) -> Self {
        let caller = match extensions.get::<Self>() {
            Some(there) => match say(&there.0) {
                Ok(()) => return there.clone(),
                Err(another) => another,
            },
            None => {
                let first = Self(Arc::default());
                // Nothing was said to it before.
                let _ = say(&first.0);
                first
            }
        };
        extensions.insert(caller.clone());
        // Whoever that was, this request need not be.
        extensions.remove::<Principal>();
        caller
    }

    /// The token layer's own view of the token, if it is of type `T` and the token is what proved this caller.
    pub fn token<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let slot = self.0.token.get()?;
        let proven = matches!(slot.outcome, TokenOutcome::Proven(_));
        let details = slot.details.clone()?;
        if !proven || self.0.vouched.get().is_some() {
            return None;
        }
        details.downcast().ok()
    }

    /// The session layer's own handle, if it is of type `T`.
    pub fn session<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let session = self.0.session.get()?;
        Arc::clone(&session.source).as_any().downcast().ok()
    }

    /// What a refusal should ask for: a bearer token where a token layer serves, a session where
    /// only cookies do.
    pub fn challenge(&self) -> Challenge {
        let token = self.0.token.get().map(|slot| slot.authority.realm());
        let session = self.0.session.get().map(|slot| slot.authority.realm());
        match (token, session) {
            (Some(realm), _) => Challenge::bearer(Arc::clone(realm)),
            (None, Some(realm)) => Challenge::session(Arc::clone(realm)),
            (None, None) => Challenge::default(),
        }
    }

    /// What a refusal of `principal` should ask for: in the scheme of the credential it used.
    pub fn challenge_for(&self, principal: &Principal) -> Challenge {
        match (principal.kind(), self.0.session.get()) {
            (crate::PrincipalKind::Session, Some(slot)) => {
                Challenge::session(Arc::clone(slot.authority.realm()))
            }
            _ => self.challenge(),
        }
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("principal", &self.peek())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
