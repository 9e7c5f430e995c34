//! The verifier.

use std::{sync::Arc, time::Duration};

use auth_core::{Clock, InvalidToken};

use super::{
    Verified, VerifierBuilder,
    builder::Settings,
    claims::{Claims, has_come, scopes_at},
    compact::{self, Compact},
    header::Header,
};
use crate::{Algorithm, KeySet};

/// Verifies the tokens of one issuer for one audience. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Verifier(Arc<Settings>);

impl Verifier {
    /// Begins with the defaults: `at+jwt` tokens, 30 s of leeway, the system's clock.
    pub fn builder(issuer: &str, audience: &str, keys: KeySet) -> VerifierBuilder {
        VerifierBuilder::new(issuer, audience, keys)
    }

    pub(super) fn new(settings: Settings) -> Self {
        Self(Arc::new(settings))
    }

    /// Whether it requires `jti` and `iat`.
    pub fn requires_token_id(&self) -> bool {
        self.0.require_token_id
    }

    /// Whether its issuer is our own.
    pub fn is_own(&self) -> bool {
        self.0.own
    }

    pub(crate) fn longest_lifetime(&self) -> Option<Duration> {
        self.0.max_lifetime
    }

    /// What tells it the time.
    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    /// Checks a token: its shape, header, key and signature, and only then its claims.
    ///
    /// # Errors
    ///
    /// [`InvalidToken`]: the first thing that is wrong with it.
    pub fn verify(&self, token: &[u8]) -> Result<Verified, InvalidToken> {
        let settings = &*self.0;
        if token.len() > settings.size_limit {
            return Err(InvalidToken::TooLarge);
        }
        let parts = compact::split(token)?;
        let header = Header::read(&parts.header)?;
        if !header.is_of_type(settings.plain_jwt) {
            return Err(InvalidToken::Type);
        }
        if !verifies(&settings.keys, &header, &parts)? {
            return Err(InvalidToken::Signature);
        }
        self.check(parts.claims)
    }

    /// Checks claims whose signature is good.
    fn check(&self, json: Vec<u8>) -> Result<Verified, InvalidToken> {
        let settings = &*self.0;
        let claims = Claims::read(&json, settings.own)?;
        let missing = InvalidToken::Claims;
        let issuer = claims.issuer().ok_or(missing)?;
        if issuer != &*settings.issuer {
            return Err(InvalidToken::Issuer);
        }
        if !claims.is_for(&settings.audience).ok_or(missing)? {
            return Err(InvalidToken::Audience);
        }
        let subject = claims.subject().ok_or(missing)?;
        let expires_at = claims.exp.as_ref().ok_or(missing)?.0;
        if settings.require_token_id && (claims.token_id().is_none() || claims.iat.is_none()) {
            return Err(missing);
        }
        let now = settings.clock.now();
        if expires_at <= now.minus(settings.leeway) {
            return Err(InvalidToken::Expired);
        }
        let latest = now.plus(settings.leeway);
        let (issued_at, not_before) = (claims.iat.as_ref(), claims.nbf.as_ref());
        if !has_come(not_before, latest) || !has_come(issued_at, latest) {
            return Err(InvalidToken::NotYetValid);
        }
        let since = issued_at.map_or(now, |at| at.0);
        if settings
            .max_lifetime
            .is_some_and(|max| expires_at > since.plus(max))
        {
            return Err(missing);
        }
        let text = |text: Option<&str>| text.map(Into::into);
        let mut verified = Verified {
            issuer: issuer.into(),
            subject: subject.into(),
            token_id: text(claims.token_id()),
            client_id: text(claims.client_id()),
            session_id: text(claims.session_id()),
            generation: claims.generation,
            version: claims.ver,
            scopes: scopes_at(&json, &settings.scopes_at),
            issued_at: claims.iat.as_ref().map(|at| at.0),
            auth_time: claims.auth_time.as_ref().map(|at| at.0),
            expires_at,
            json: Box::default(),
        };
        verified.json = json.into();
        Ok(verified)
    }
}

/// Whether the key that the header names has signed the rest, by the one algorithm that the key is for.
pub(super) fn verifies(
    keys: &KeySet,
    header: &Header<'_>,
    parts: &Compact<'_>,
) -> Result<bool, InvalidToken> {
    let algorithm = Algorithm::from_name(header.alg()).ok_or(InvalidToken::Algorithm)?;
    let key = keys.find(header.kid()).ok_or(InvalidToken::Key)?;
    if key.algorithm() != algorithm {
        return Err(InvalidToken::Algorithm);
    }
    Ok(key.verifies(parts.signed, &parts.signature))
}
