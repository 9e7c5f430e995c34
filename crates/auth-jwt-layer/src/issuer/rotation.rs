//! Rotating refresh tokens.

use auth_core::{
    Event, Scopes, StoreError, Unavailable,
    event::Asked,
    random_bytes,
    store::{Derivation, Presented, RefreshRecord, Rotated, Rotation, Successor},
};

use super::{
    Issuer, RefreshError, Tokens,
    access::{Access, AccessError},
    claims::Custom,
};
use crate::refresh::{Opened, RefreshToken, Sealed};

impl Issuer {
    /// Takes a refresh token, as the client sent it, for a new pair of tokens. `scope` is what the
    /// new access token may do: what was granted, less than that, or None for all that was granted;
    /// later refreshes can have all of it again (RFC 6749 section 6).
    ///
    /// # What is checked, in this order
    ///
    /// 1. Form, key and MAC of the token. What we did not write asks no store and makes no event.
    /// 2. The scope, if one was asked for. Asking for too much does not use the token up.
    /// 3. In one step of the store: the login is there, neither over nor revoked, and this is its
    ///    current token, or the one before within the [grace](super::IssuerBuilder::grace), which gets the
    ///    same successor and a new access token.
    ///
    /// # Errors
    ///
    /// [`RefreshError`]. A successor that was made with a key that has left the ring can not be made
    /// again: for a replay that is `InvalidGrant`.
    ///
    /// # Cancel safety
    ///
    /// The token may have been rotated when the future is dropped. Sent again within the grace it
    /// gets the same successor, byte for byte.
    pub async fn refresh(
        &self,
        token: &[u8],
        scope: Option<&Scopes>,
    ) -> Result<Tokens, RefreshError> {
        self.refresh_as(None, token, scope).await
    }

    /// The same, for a client that says who it is: a token of another client's is not valid, and not
    /// used up.
    pub(crate) async fn refresh_as(
        &self,
        client_id: Option<&str>,
        token: &[u8],
        scope: Option<&Scopes>,
    ) -> Result<Tokens, RefreshError> {
        let opened = self.open(token).ok_or(RefreshError::InvalidGrant)?;
        let scope = scope.filter(|scope| !scope.is_empty());
        if scope.is_some() || client_id.is_some() {
            self.check_unused(&opened, client_id, scope).await?;
        }
        let (record, replayed) = self.rotate(&opened).await?;
        self.check_grant(&record, client_id, scope)?;
        let scopes = scope.unwrap_or(&record.grant.scopes);
        let refresh = self.successor(&opened, &record)?;
        let tokens = self.tokens(&record, scopes, refresh)?;
        self.config().events.tell(|| Event::Refreshed {
            subject: record.subject.clone(),
            login: record.login,
            replayed,
        });
        Ok(tokens)
    }

    pub(super) fn open(&self, token: &[u8]) -> Option<Opened> {
        RefreshToken::open(token, self.refresh_keys())
    }

    /// Refuses another client, and a scope that is too wide, while the token is still unused. Any
    /// other token goes on to the rotation, which knows what to do with it.
    async fn check_unused(
        &self,
        opened: &Opened,
        client_id: Option<&str>,
        scope: Option<&Scopes>,
    ) -> Result<(), RefreshError> {
        let (lane, login) = (opened.token.lane, opened.token.login);
        let store = self.store();
        let record = store.refresh_login(lane, login).await;
        let record = record.map_err(|error| self.trouble(error))?;
        let record = record.ok_or(RefreshError::InvalidGrant)?;
        if record.rotation.current != opened.hash {
            return Ok(());
        }
        let checked = self.check_grant(&record, client_id, scope);
        checked.inspect_err(|_| self.arrived(&opened.token))
    }

    fn check_grant(
        &self,
        record: &RefreshRecord,
        client_id: Option<&str>,
        scope: Option<&Scopes>,
    ) -> Result<(), RefreshError> {
        let grant = &record.grant;
        let granted_to = grant.client_id.as_ref().unwrap_or(&self.config().client_id);
        // RFC 6749 section 5.2: `invalid_grant` for what was issued to another client.
        if client_id.is_some_and(|client_id| client_id != granted_to) {
            return Err(RefreshError::InvalidGrant);
        }
        if scope.is_some_and(|scope| !grant.scopes.is_superset(scope)) {
            return Err(RefreshError::InvalidScope);
        }
        Ok(())
    }

    /// The record of the login after the rotation, and whether that was an earlier one.
    async fn rotate(&self, opened: &Opened) -> Result<(RefreshRecord, bool), RefreshError> {
        let (config, keys) = (self.config(), self.refresh_keys());
        let Opened { token, hash } = opened;
        let derivation = Derivation {
            nonce: random_bytes(),
            key_id: keys.current().id(),
        };
        let successor = token
            .successor(&derivation, keys)
            .ok_or(RefreshError::InvalidGrant)?;
        let rotation = Rotation {
            lane: token.lane,
            login: token.login,
            presented: Presented {
                generation: token.generation,
                hash: *hash,
            },
            successor: Successor {
                hash: successor.hash,
                derivation,
            },
            grace: config.grace,
            retry: config.retry,
        };
        let login = token.login;
        let rotated = config.store.rotate(&rotation).await;
        let event = match rotated.map_err(|error| self.trouble(error))? {
            Rotated::Advanced { record, adopted } => {
                if adopted {
                    let subject = record.subject.clone();
                    config
                        .events
                        .tell(|| Event::RefreshAdopted { subject, login });
                }
                return Ok((record, false));
            }
            Rotated::Replayed { record } => return Ok((record, true)),
            Rotated::Invalid => return Err(RefreshError::InvalidGrant),
            Rotated::Reused { subject } => Event::RefreshReused { subject, login },
            Rotated::DataLost { subject } => Event::RefreshDataLost { subject, login },
            Rotated::Ahead { subject } => Event::RefreshAhead { subject, login },
            // An answer that this version does not know gives nobody tokens, and ends no login.
            _ => return Err(Unavailable::default().into()),
        };
        config.events.tell(|| event);
        Err(RefreshError::InvalidGrant)
    }

    /// The successor that the record names: the one proposed a moment ago, or the one that an
    /// earlier presentation of the same token got.
    fn successor(&self, opened: &Opened, record: &RefreshRecord) -> Result<Sealed, RefreshError> {
        let rotation = &record.rotation;
        let derivation = rotation.derived.ok_or_else(Unavailable::default)?;
        let successor = opened.token.successor(&derivation, self.refresh_keys());
        let successor = successor.ok_or(RefreshError::InvalidGrant)?;
        if successor.hash != rotation.current {
            // Handing it out would end the login at its next use, as a loss of data.
            return Err(trouble(StoreError::Unreadable));
        }
        Ok(successor)
    }

    fn tokens(
        &self,
        record: &RefreshRecord,
        scopes: &Scopes,
        refresh: Sealed,
    ) -> Result<Tokens, RefreshError> {
        let config = self.config();
        let grant = &record.grant;
        let custom = Custom::from_stored(grant.claims.as_ref())
            .ok_or_else(|| trouble(StoreError::Unreadable))?;
        let access = Access {
            subject: &record.subject,
            login: record.login,
            generation: record.rotation.generation,
            version: record.version,
            client_id: grant.client_id.as_ref().unwrap_or(&config.client_id),
            scopes,
            auth_time: grant.auth_time.unwrap_or(record.created_at),
            custom: &custom,
            absolute_end: record.absolute_end,
        };
        let (access_token, expires_in) = config.access_token(&access, config.clock.now())?;
        Ok(Tokens {
            access_token,
            refresh_token: refresh.text,
            expires_in,
            scope: scopes.clone(),
            login: record.login,
            ended: Vec::new(),
        })
    }

    /// The store could not be asked, which is told.
    fn trouble(&self, error: StoreError) -> RefreshError {
        self.tell_unavailable(Asked::Refresh);
        trouble(error)
    }

    pub(super) fn tell_unavailable(&self, asked: Asked) {
        self.config().events.tell(|| Event::Unavailable { asked });
    }
}

/// Store trouble says nothing about the token.
fn trouble(error: StoreError) -> RefreshError {
    RefreshError::Unavailable(error.into())
}

/// The claims were checked at the login: whatever is wrong now is wrong here.
impl From<AccessError> for RefreshError {
    fn from(_: AccessError) -> Self {
        Self::Unavailable(Unavailable::default())
    }
}
