//! Access tokens and assertions.

use std::time::Duration;

use auth_core::{LoginId, Principal, Scopes, Timestamp, random_bytes};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    AssertionError, ClaimsError,
    claims::{Audience, Claims, Custom},
    service::Config,
    signing::SigningFailed,
};

/// What an access token is made from.
pub(super) struct Access<'a> {
    pub(super) subject: &'a str,
    pub(super) login: LoginId,
    pub(super) generation: u64,
    pub(super) version: u64,
    pub(super) client_id: &'a str,
    pub(super) scopes: &'a Scopes,
    pub(super) auth_time: Timestamp,
    pub(super) custom: &'a Custom,
    pub(super) absolute_end: Timestamp,
}

/// Why there is no access token.
pub(super) enum AccessError {
    Claims(ClaimsError),
    Signing,
}

impl From<ClaimsError> for AccessError {
    fn from(error: ClaimsError) -> Self {
        Self::Claims(error)
    }
}

impl From<SigningFailed> for AccessError {
    fn from(_: SigningFailed) -> Self {
        Self::Signing
    }
}

impl Config {
    /// An access token, and how long it lives.
    pub(super) fn access_token(
        &self,
        access: &Access<'_>,
        now: Timestamp,
    ) -> Result<(String, Duration), AccessError> {
        let iat = now.as_secs();
        let ttl = self.access_ttl.as_secs();
        let exp = (iat + ttl - jitter(ttl)).min(access.absolute_end.as_secs());
        let claims = self.claims(access, iat, exp).to_json_with_id()?;
        let token = self.signing.sign(&claims, now)?;
        Ok((token, Duration::from_secs(exp.saturating_sub(iat))))
    }

    /// Whether the tokens of this login will be short enough, whatever numbers they come to carry.
    pub(super) fn check_claims(&self, access: &Access<'_>) -> Result<(), ClaimsError> {
        let widest = self.claims(access, u64::MAX, u64::MAX);
        widest.to_json_with_id().map(|_| ())
    }

    fn claims<'c>(&'c self, access: &'c Access<'_>, iat: u64, exp: u64) -> Claims<'c> {
        Claims {
            iss: &self.issuer,
            sub: access.subject,
            aud: Audience(&self.audiences),
            exp,
            iat,
            nbf: iat,
            jti: "",
            client_id: access.client_id,
            sid: Some(access.login.to_string()),
            generation: Some(access.generation),
            version: Some(access.version),
            scope: access.scopes.as_str(),
            auth_time: Some(access.auth_time.as_secs()),
            custom: access.custom,
        }
    }

    /// Whether assertions may be made for `audience`, to live for `ttl`.
    pub(super) fn check_assertion(
        &self,
        audience: &str,
        ttl: Duration,
    ) -> Result<(), AssertionError> {
        if audience.is_empty() || self.audiences.iter().any(|it| it == audience) {
            return Err(AssertionError::Audience);
        }
        if !(Duration::from_secs(1)..=MAX_ASSERTION_TTL).contains(&ttl) {
            return Err(AssertionError::Lifetime);
        }
        Ok(())
    }

    /// A short-lived statement to `audience` of who `principal` is.
    pub(super) fn assertion(
        &self,
        principal: &Principal,
        audience: &str,
        ttl: Duration,
    ) -> Result<String, AssertionError> {
        self.check_assertion(audience, ttl)?;
        if principal
            .realm()
            .is_some_and(|realm| realm != self.store.realm())
        {
            return Err(AssertionError::Foreign);
        }
        let now = self.clock.now();
        let iat = now.as_secs();
        let end = principal.expires_at().map_or(u64::MAX, Timestamp::as_secs);
        let audiences = [audience.to_owned()];
        let claims = Claims {
            iss: &self.issuer,
            sub: principal.subject(),
            aud: Audience(&audiences),
            exp: (iat + ttl.as_secs()).min(end),
            iat,
            nbf: iat,
            jti: "",
            client_id: principal.client_id().unwrap_or(&self.client_id),
            // Without `ver`: no verifier takes it for a token of the login itself.
            sid: principal.login().map(|login| login.to_string()),
            generation: None,
            version: None,
            scope: principal.scopes().as_str(),
            auth_time: principal.auth_time().map(Timestamp::as_secs),
            custom: &Custom::default(),
        };
        let claims = claims
            .to_json_with_id()
            .map_err(|_| AssertionError::Signing)?;
        let signed = self.signing.sign(&claims, now);
        signed.map_err(|_| AssertionError::Signing)
    }
}

impl Claims<'_> {
    /// As JSON, under a new `jti` of 128 random bits.
    fn to_json_with_id(&self) -> Result<Vec<u8>, ClaimsError> {
        let jti = URL_SAFE_NO_PAD.encode(random_bytes::<16>());
        Claims {
            jti: &jti,
            ..self.clone()
        }
        .to_json()
    }
}

pub(super) const MAX_ASSERTION_TTL: Duration = Duration::from_secs(300);

/// Whole seconds from 0 to a twentieth of `ttl`.
fn jitter(ttl: u64) -> u64 {
    u64::from_be_bytes(random_bytes()) % (ttl / 20 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_takes_off_up_to_a_twentieth() {
        for ttl in [0, 1, 19] {
            assert_eq!(jitter(ttl), 0, "{ttl}");
        }
        let drawn: Vec<u64> = (0..1_000).map(|_| jitter(300)).collect();
        assert_eq!(drawn.iter().min(), Some(&0));
        assert_eq!(drawn.iter().max(), Some(&15));
    }
}
