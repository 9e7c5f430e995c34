//! Taking tokens back.

use auth_core::{Event, StoreError, event::Asked, store::LoginKind};

use super::Issuer;
use crate::refresh::Opened;

impl Issuer {
    /// Takes back a token issued here (RFC 7009): an access token alone, a refresh token with its
    /// login. What is no token of this issuer, or is over, needs no revocation: that is Ok, too.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it is not known to have happened.
    ///
    /// # Cancel safety
    ///
    /// It may have happened when the future is dropped; it can be asked for again.
    pub async fn revoke(&self, token: &[u8]) -> Result<(), StoreError> {
        if self.open(token).is_some() {
            return self.revoke_refresh_token(token).await;
        }
        let Ok(token) = self.lenient_verifier().verify(token) else {
            return Ok(());
        };
        let Some(id) = token.token_id() else {
            return Ok(());
        };
        let (issuer, subject) = (token.issuer(), token.subject());
        let store = self.store();
        store
            .revoke_token(issuer, id, subject, token.expires_at())
            .await
    }

    /// Ends the login of a refresh token, whichever of its generations it is. What is no refresh
    /// token, or of a login that is over, needs no revocation: that is Ok, too.
    ///
    /// # Errors
    ///
    /// As [`revoke`](Self::revoke).
    ///
    /// # Cancel safety
    ///
    /// As [`revoke`](Self::revoke).
    pub async fn revoke_refresh_token(&self, token: &[u8]) -> Result<(), StoreError> {
        let Some(Opened { token, .. }) = self.open(token) else {
            return Ok(());
        };
        let store = self.store();
        let found = store.refresh_login(token.lane, token.login).await;
        let found = found.inspect_err(|_| self.tell_unavailable(Asked::Revocation));
        let Some(record) = found? else {
            return Ok(());
        };
        store.end_login(&record.subject, record.login).await?;
        self.config().events.tell(|| Event::LoggedOut {
            kind: LoginKind::Token,
            subject: record.subject.clone(),
            login: record.login,
        });
        Ok(())
    }
}
