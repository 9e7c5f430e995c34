//! The handle to a request's session.

use std::{fmt, sync::Arc};

use auth_core::{Caller, LoginId};
use http::Extensions;

use crate::{Login, LoginList, SessionData, SessionError, SessionErrorKind, shared::Shared};

/// The session of a request: what handlers work with. Cheap to clone; all clones are the same.
///
/// Nothing is read before it is needed, and nothing is written before the handler is done: its
/// changes are committed after it, before the head of the response, whatever the status of that.
/// A handler that panics, or is dropped with its connection, has changed nothing. Only
/// [`logout`](Self::logout) acts at once, and [`save`](Self::save) commits early.
///
/// ```
/// use auth_session_layer::{Login, Session, SessionError};
///
/// async fn add_to_cart(session: Session, article: u32) -> Result<usize, SessionError> {
///     let data = session.data().await?;
///     data.update("cart", move |cart: Option<Vec<u32>>| {
///         let mut cart = cart.unwrap_or_default();
///         cart.push(article);
///         Some(cart)
///     })?;
///     let cart: Option<Vec<u32>> = data.get("cart")?;
///     Ok(cart.map_or(0, |cart| cart.len()))
/// }
///
/// async fn password_was_right(session: Session) -> Result<(), SessionError> {
///     session.login(Login::new("alice").scopes(["orders"]).device("Firefox"))?;
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Session(Arc<Shared>);

impl Session {
    /// The session of the request that these extensions are of; None without a
    /// [`SessionLayer`](crate::SessionLayer) around.
    pub fn from_extensions(extensions: &Extensions) -> Option<Self> {
        Self::from_caller(extensions.get::<Caller>()?)
    }

    /// The session of the caller; None without a [`SessionLayer`](crate::SessionLayer) around.
    pub fn from_caller(caller: &Caller) -> Option<Self> {
        caller.session::<Shared>().map(Self)
    }

    /// The session's data, loaded on first use. Without a session it is empty, and the first
    /// change begins one.
    ///
    /// # Errors
    ///
    /// `Unavailable` when the store can not tell: answer 503. `BearerPresent` when the request
    /// came with a bearer token: its session cookie counts as absent, and one request is not to
    /// be both.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn data(&self) -> Result<SessionData, SessionError> {
        self.0.check_bearer(&self.0.state())?;
        self.0.load().await.map_err(SessionErrorKind::Unavailable)?;
        Ok(SessionData::new(Arc::clone(&self.0)))
    }

    /// Logs somebody in at the commit, and gives the public id that the login will have.
    ///
    /// This is the only way to attach a subject to a session. The session gets a new id, and the
    /// old one is dead at once. The data of an anonymous session (a cart) or of one of the same
    /// subject survives, unless [asked otherwise](Login::drop_data); that of another subject is
    /// dropped. A login that this one replaces is ended.
    ///
    /// If the store can not make it, the response is 503, and the old session is as it was.
    ///
    /// # Errors
    ///
    /// `InvalidLogin` for an empty subject or limits that are none. `Late` after the head of the
    /// response.
    pub fn login(&self, login: Login) -> Result<LoginId, SessionError> {
        let login = login.start(&self.0.config.lifetimes)?;
        let id = login.login;
        self.0.open()?.log_in(login);
        Ok(id)
    }

    /// Gives the session a new id at the commit: the same login, the same data, the same limits.
    /// Without a session it does nothing.
    ///
    /// # Errors
    ///
    /// `BearerPresent`, as for [`data`](Self::data); `Late` after the head of the response.
    pub fn rotate(&self) -> Result<(), SessionError> {
        let mut state = self.0.open()?;
        self.0.check_bearer(&state)?;
        state.pending.rotate = true;
        Ok(())
    }

    /// Records at the commit that whoever is logged in has just proven again who they are: the
    /// application has checked that it is them. For what needs a recent login
    /// ([`RequireFresh`](auth_core::RequireFresh)), and for "sudo" modes.
    ///
    /// The session gets a new id; the login, its device, its data and its limits stay. To begin new
    /// limits, or to change what the session may do, [log in](Self::login) again.
    ///
    /// # Errors
    ///
    /// `NotLoggedIn` if nobody is; `Unavailable`, as for [`data`](Self::data); `BearerPresent`;
    /// `Late` after the head of the response.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn reauthenticate(&self) -> Result<(), SessionError> {
        self.0.check_bearer(&self.0.state())?;
        self.0.load().await.map_err(SessionErrorKind::Unavailable)?;
        let mut state = self.0.open()?;
        // A login that is about to be made is proof enough.
        if state.pending.login.is_some() {
            return Ok(());
        }
        match state.principal() {
            Some(Ok(Some(_))) => {
                state.pending.confirm = true;
                Ok(())
            }
            _ => Err(SessionErrorKind::NotLoggedIn.into()),
        }
    }

    /// Commits now what would be committed after the handler.
    ///
    /// # Errors
    ///
    /// `Moved`, `TooManyLogins`, `Ended`, `Contended`, `TooLarge`: nothing was changed.
    /// `Unavailable`: nothing was changed, answer 503. `CommitFailed`: the store did not confirm
    /// the change. After an error what was to be saved is forgotten, and not tried again after the
    /// handler. `Late` after the head of the response.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a step that was dropped is taken up again by the next commit, and made once.
    pub async fn save(&self) -> Result<(), SessionError> {
        if self.0.state().closed {
            return Err(SessionErrorKind::Late.into());
        }
        self.0.commit().await
    }

    /// Logs out, at once: ends the login with all tokens made of it, and deletes the session. The
    /// response removes the cookie. What was pending is dropped.
    ///
    /// What is written later in the same request begins a new anonymous session: a message for
    /// the next page, say.
    ///
    /// It also works after the head of the response, but for the cookie, which then names a
    /// session that is no more.
    ///
    /// # Errors
    ///
    /// `Unavailable`: the session and its cookie are as they were; answer 503. `Ended`, if another
    /// request has given the session a new id: the browser has that one by now, and may be logged in
    /// with it; or if the request came with several cookies of our name, of which none counts.
    /// `BearerPresent`, as for [`data`](Self::data).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it may have happened, but not by halves: either the login is good or it is not.
    pub async fn logout(&self) -> Result<(), SessionError> {
        self.0.log_out().await
    }

    /// Logs out, at once, but keeps the data, under a new id: nobody's cart. Without a login it
    /// does nothing.
    ///
    /// # Errors
    ///
    /// As [`logout`](Self::logout), and `Late` after the head of the response. If the store fails
    /// between the session and the tokens made of its login, the session is logged out all the
    /// same, but the tokens may last until they expire.
    pub async fn logout_keeping_data(&self) -> Result<(), SessionError> {
        self.0.log_out_keeping_data().await
    }

    /// The logins of whoever is logged in, of sessions and tokens, the newest first: up to `limit`,
    /// after the one named `after`.
    ///
    /// # Errors
    ///
    /// `NotLoggedIn`; `Unavailable` and `BearerPresent`, as for [`data`](Self::data).
    pub async fn logins(
        &self,
        after: Option<LoginId>,
        limit: usize,
    ) -> Result<LoginList, SessionError> {
        self.0.logins(after, limit).await
    }

    /// Ends one login of whoever is logged in, at once, with all tokens made of it; whether there
    /// was such a login. To end this one is to [log out](Self::logout).
    ///
    /// Logins that are not listed any more (the list holds 1,000) end by
    /// [`end_other_logins`](Self::end_other_logins).
    ///
    /// # Errors
    ///
    /// `NotLoggedIn`; `BearerPresent`; `Unavailable`: it may or may not have ended, answer 503.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it may have happened.
    pub async fn end_login(&self, login: LoginId) -> Result<bool, SessionError> {
        self.0.end_login(login).await
    }

    /// Ends all logins of whoever is logged in but this one, at once, listed or not: after a change
    /// of the password, say.
    ///
    /// # Errors
    ///
    /// As [`end_login`](Self::end_login).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it may have happened.
    pub async fn end_other_logins(&self) -> Result<(), SessionError> {
        self.0.end_other_logins().await
    }

    /// Ends all logins of whoever is logged in, at once, this one too: as [`logout`](Self::logout),
    /// but everywhere.
    ///
    /// # Errors
    ///
    /// As [`end_login`](Self::end_login), and `Ended`, as for [`logout`](Self::logout).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it may have happened.
    pub async fn end_all_logins(&self) -> Result<(), SessionError> {
        self.0.end_all_logins().await
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
