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
pub struct Caller {
    /// What the layers said while this was the only handle; nothing is read here once it is shared.
    said: Said,
    /// What all handles share, from the first clone on: most requests never have a second one, and
    /// are spared the allocation.
    shared: OnceLock<Arc<Shared>>,
}

#[derive(Clone, Default)]
struct Said {
    vouched: Option<Principal>,
    token: Option<TokenSlot>,
    session: Option<SessionSlot>,
}

#[derive(Default)]
struct Shared {
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
        &self.share().users
    }

    fn share(&self) -> &Arc<Shared> {
        self.shared.get_or_init(|| Arc::new(Shared::of(&self.said)))
    }

    fn vouched(&self) -> Option<&Principal> {
        match self.shared.get() {
            Some(shared) => shared.vouched.get(),
            None => self.said.vouched.as_ref(),
        }
    }

    fn token_slot(&self) -> Option<&TokenSlot> {
        match self.shared.get() {
            Some(shared) => shared.token.get(),
            None => self.said.token.as_ref(),
        }
    }

    fn session_slot(&self) -> Option<&SessionSlot> {
        match self.shared.get() {
            Some(shared) => shared.session.get(),
            None => self.said.session.as_ref(),
        }
    }

    /// What is known without the session; `Err` if the session has to be asked.
    fn without_session(&self) -> Result<Result<Option<Principal>, Unavailable>, &SessionSlot> {
        if let Some(vouched) = self.vouched() {
            return Ok(Ok(Some(vouched.clone())));
        }
        match self.token_slot().map(|slot| &slot.outcome) {
            Some(TokenOutcome::Proven(principal)) => return Ok(Ok(Some(principal.clone()))),
            Some(TokenOutcome::Refused) => return Ok(Ok(None)),
            Some(TokenOutcome::Unavailable(unavailable)) => return Ok(Err(*unavailable)),
            Some(TokenOutcome::Absent) | None => {}
        }
        self.session_slot().map_or(Ok(Ok(None)), Err)
    }

    /// On whose word the caller is identified. None if by the application's, or by nobody's.
    pub(crate) fn authority(&self) -> Option<(&Authority, Option<&dyn SessionSource>)> {
        if self.vouched().is_some() {
            return None;
        }
        match self.token_slot() {
            Some(token) if token.outcome != TokenOutcome::Absent => Some((&token.authority, None)),
            _ => {
                let session = self.session_slot()?;
                Some((&session.authority, Some(&*session.source)))
            }
        }
    }

    /// Tells whoever listens to the layers of this request: once, though both may listen.
    pub(crate) fn tell(&self, event: impl FnOnce() -> Event) {
        let token = self.token_slot().map(|slot| slot.authority.hears());
        let session = self.session_slot().map(|slot| slot.authority.hears());
        let mut listening = [token, session].into_iter().flatten();
        if let Some(events) = listening.find(|events| events.is_heard()) {
            events.tell(event);
        }
    }

    /// Puts a principal of the application's own into a request, whatever layers find.
    pub fn vouch(extensions: &mut Extensions, principal: Principal) -> &Self {
        Self::join(extensions, Word::Vouched(principal))
    }

    /// For token layers: puts what the request's token says into its caller.
    pub fn join_token<'e>(
        extensions: &'e mut Extensions,
        outcome: TokenOutcome,
        authority: &Arc<Authority>,
    ) -> &'e Self {
        Self::join_token_with(extensions, outcome, None, authority)
    }

    /// As [`join_token`](Self::join_token), with the layer's own view of the token, for its extractors.
    pub fn join_token_with<'e>(
        extensions: &'e mut Extensions,
        outcome: TokenOutcome,
        details: Option<Arc<dyn Any + Send + Sync>>,
        authority: &Arc<Authority>,
    ) -> &'e Self {
        let slot = TokenSlot {
            outcome,
            details,
            authority: Arc::clone(authority),
        };
        Self::join(extensions, Word::Token(slot))
    }

    /// For session layers: puts the request's session into its caller.
    pub fn join_session<'e>(
        extensions: &'e mut Extensions,
        source: Arc<dyn SessionSource>,
        authority: &Arc<Authority>,
    ) -> &'e Self {
        let authority = Arc::clone(authority);
        Self::join(extensions, Word::Session(SessionSlot { source, authority }))
    }

    /// The caller that the layers of this request share: the one that is there, or where what this
    /// layer has to say was said before, another one in its place. That was a layer of the same
    /// kind further out, or one of another request that these extensions came along from.
    fn join(extensions: &mut Extensions, word: Word) -> &Self {
        let said = match extensions.get_mut::<Self>() {
            None => Some(Said::default().with(word)),
            Some(there) => there.take_in(word),
        };
        if let Some(said) = said {
            let shared = OnceLock::new();
            extensions.insert(Self { said, shared });
            // Whoever that was, this request need not be.
            extensions.remove::<Principal>();
        }
        extensions.get().expect("it was there, or is now")
    }

    /// Takes in what a layer says; or gives what another caller begins with, if that was said before.
    fn take_in(&mut self, word: Word) -> Option<Said> {
        let again = match self.shared.get() {
            Some(shared) => shared.take_in(word),
            None => self.said.take_in(word),
        };
        let word = again.err()?;
        let kept = Said {
            vouched: None,
            token: self.token_slot().cloned(),
            session: self.session_slot().cloned(),
        };
        Some(kept.with(word))
    }

    /// The token layer's own view of the token, if it is of type `T` and the token is what proved this caller.
    pub fn token<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let slot = self.token_slot()?;
        let proven = matches!(slot.outcome, TokenOutcome::Proven(_));
        let details = slot.details.clone()?;
        if !proven || self.vouched().is_some() {
            return None;
        }
        details.downcast().ok()
    }

    /// The session layer's own handle, if it is of type `T`.
    pub fn session<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let session = self.session_slot()?;
        Arc::clone(&session.source).as_any().downcast().ok()
    }

    /// What a refusal should ask for: a bearer token where a token layer serves, a session where
    /// only cookies do.
    pub fn challenge(&self) -> Challenge {
        let token = self.token_slot().map(|slot| slot.authority.realm());
        let session = self.session_slot().map(|slot| slot.authority.realm());
        match (token, session) {
            (Some(realm), _) => Challenge::bearer(Arc::clone(realm)),
            (None, Some(realm)) => Challenge::session(Arc::clone(realm)),
            (None, None) => Challenge::default(),
        }
    }

    /// What a refusal of `principal` should ask for: in the scheme of the credential it used.
    pub fn challenge_for(&self, principal: &Principal) -> Challenge {
        match (principal.kind(), self.session_slot()) {
            (crate::PrincipalKind::Session, Some(slot)) => {
                Challenge::session(Arc::clone(slot.authority.realm()))
            }
            _ => self.challenge(),
        }
    }
}

/// All clones are one handle.
impl Clone for Caller {
    fn clone(&self) -> Self {
        Self {
            said: Said::default(),
            shared: OnceLock::from(Arc::clone(self.share())),
        }
    }
}

/// What a layer, or the application, says of a request.
enum Word {
    Vouched(Principal),
    Token(TokenSlot),
    Session(SessionSlot),
}

impl Said {
    fn with(mut self, word: Word) -> Self {
        match word {
            Word::Vouched(principal) => self.vouched = Some(principal),
            Word::Token(slot) => self.token = Some(slot),
            Word::Session(slot) => self.session = Some(slot),
        }
        self
    }

    /// Takes it in, or gives it back if it was said before.
    fn take_in(&mut self, word: Word) -> Result<(), Word> {
        match word {
            Word::Vouched(principal) if self.vouched.is_none() => self.vouched = Some(principal),
            Word::Token(slot) if self.token.is_none() => self.token = Some(slot),
            Word::Session(slot) if self.session.is_none() => self.session = Some(slot),
            again => return Err(again),
        }
        Ok(())
    }
}

impl Shared {
    fn of(said: &Said) -> Self {
        Self {
            vouched: said.vouched.clone().map(OnceLock::from).unwrap_or_default(),
            token: said.token.clone().map(OnceLock::from).unwrap_or_default(),
            session: said.session.clone().map(OnceLock::from).unwrap_or_default(),
            users: Users::default(),
        }
    }

    fn take_in(&self, word: Word) -> Result<(), Word> {
        match word {
            Word::Vouched(principal) => self.vouched.set(principal).map_err(Word::Vouched),
            Word::Token(slot) => self.token.set(slot).map_err(Word::Token),
            Word::Session(slot) => self.session.set(slot).map_err(Word::Session),
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
