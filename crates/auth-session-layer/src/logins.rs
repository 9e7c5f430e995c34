//! The logins of whoever is logged in to a session: the list of devices, and ending them.

use auth_core::{
    LoginId, StoreError,
    store::{LoginInfo, LoginPage, MAX_LISTED_LOGINS},
};

use crate::{SessionError, SessionErrorKind, shared::Shared, state::Live};

/// One page of a subject's logins, the newest first; of sessions and of tokens.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct LoginList {
    /// The logins.
    pub logins: Vec<ListedLogin>,
    /// After which login the next page begins, if there is one.
    pub next: Option<LoginId>,
}

/// One login.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ListedLogin {
    /// Its public id, its label, when it began, when it was last used, when it ends.
    pub info: LoginInfo,
    /// Whether it is the login of the session that asks.
    pub is_current: bool,
}

/// Whoever is logged in.
struct Somebody {
    subject: String,
    login: LoginId,
}

impl Shared {
    async fn somebody(&self) -> Result<Somebody, SessionError> {
        self.check_bearer(&self.state())?;
        self.load().await.map_err(SessionErrorKind::Unavailable)?;
        let state = self.state();
        let login = state.live().and_then(|live| live.record.login.as_ref());
        let login = login.ok_or(SessionErrorKind::NotLoggedIn)?;
        Ok(Somebody {
            subject: login.subject.to_string(),
            login: login.login,
        })
    }

    pub(crate) async fn logins(
        &self,
        after: Option<LoginId>,
        limit: usize,
    ) -> Result<LoginList, SessionError> {
        let who = self.somebody().await?;
        let page = self.config.store.logins(&who.subject, after, limit).await;
        let LoginPage { logins, next } = page.map_err(unavailable)?;
        let listed = |info: LoginInfo| ListedLogin {
            is_current: info.login == who.login,
            info,
        };
        Ok(LoginList {
            logins: logins.into_iter().map(listed).collect(),
            next,
        })
    }

    pub(crate) async fn end_login(&self, login: LoginId) -> Result<bool, SessionError> {
        let who = self.somebody().await?;
        if login == who.login {
            return self.log_out().await.map(|()| true);
        }
        let store = &self.config.store;
        // A login that is not there is not ended all the same: whoever makes names up would fill
        // the store with what it has to remember.
        let page = store.logins(&who.subject, None, MAX_LISTED_LOGINS).await;
        let page = page.map_err(unavailable)?;
        let is_listed = page.logins.iter().any(|info| info.login == login);
        if is_listed {
            let ended = store.end_login(&who.subject, login).await;
            ended.map_err(unavailable)?;
        }
        Ok(is_listed)
    }

    pub(crate) async fn end_other_logins(&self) -> Result<(), SessionError> {
        let who = self.somebody().await?;
        let store = &self.config.store;
        let ended = store.end_other_logins(&who.subject, who.login).await;
        Ok(ended.map_err(unavailable)?)
    }

    /// Ends all of them, and forgets this session as a logout does.
    pub(crate) async fn end_all_logins(&self) -> Result<(), SessionError> {
        let _step = self.step.lock().await;
        let Some(Live { key, record, .. }) = self.session_to_leave().await? else {
            return Err(SessionErrorKind::NotLoggedIn.into());
        };
        let login = record.login.as_ref().ok_or(SessionErrorKind::NotLoggedIn)?;
        let store = &self.config.store;
        let ended = store.revoke_subject(&login.subject).await;
        ended.map_err(unavailable)?;
        self.end_record(&key).await?;
        self.left();
        Ok(())
    }
}

fn unavailable(error: StoreError) -> SessionErrorKind {
    SessionErrorKind::Unavailable(error.into())
}
