//! The verifier.

use std::{
    fmt, slice,
    sync::{Arc, OnceLock},
    time::Duration,
};

use auth_core::{Clock, InvalidToken, Unavailable};

use super::{
    Verified, VerifierBuilder,
    builder::Settings,
    cache::{Cache, TokenHash},
    claims::{Claims, has_come, unproven_issuer},
    compact::{self, Compact},
    header::Header,
    verified::Facts,
};
use crate::{
    Algorithm, KeySet, KeySource,
    keys::{Keys, KeysToCome},
};

/// Verifies the tokens of one issuer. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Verifier(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: Settings,
    cache: Option<Cache>,
}

/// The memory for verified tokens, unless said otherwise: 8 MiB.
const CACHE_BYTES: usize = 8 * 1024 * 1024;

/// Why a token is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum VerifyError {
    /// It is no good.
    Invalid(InvalidToken),
    /// Its key is not known, and can not be fetched now. It is not the token's fault: answer 503.
    Unavailable(Unavailable),
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(why) => why.fmt(f),
            Self::Unavailable(_) => f.write_str("the keys can not be fetched"),
        }
    }
}

impl std::error::Error for VerifyError {}

/// Why a token is not taken, or not yet.
pub(crate) enum Refusal {
    Invalid(InvalidToken),
    /// Its key may exist, but that can not be found out now.
    Unavailable(Unavailable),
    /// To be tried again when its key was fetched.
    Wait(KeysToCome),
}

impl From<InvalidToken> for Refusal {
    fn from(why: InvalidToken) -> Self {
        Self::Invalid(why)
    }
}

impl Verifier {
    /// Begins with the defaults: `at+jwt` tokens, 30 s of leeway, the system's clock.
    pub fn builder(issuer: &str, audience: &str, keys: impl Into<KeySource>) -> VerifierBuilder {
        VerifierBuilder::new(issuer, audience, keys.into())
    }

    pub(super) fn new(settings: Settings) -> Self {
        let unless_said = match settings.keys.is_symmetric() {
            true => 0,
            false => CACHE_BYTES,
        };
        let cache = match settings.cache.unwrap_or(unless_said) {
            0 => None,
            bytes => Some(Cache::new(bytes)),
        };
        Self(Arc::new(Inner { settings, cache }))
    }

    /// Whose tokens it verifies.
    pub fn issuer(&self) -> &str {
        &self.0.settings.issuer
    }

    /// Whether its issuer is our own.
    pub fn is_own(&self) -> bool {
        self.0.settings.own
    }

    /// Whether its tokens' `sid` names a session at somebody else's provider.
    pub(crate) fn has_provider_sessions(&self) -> bool {
        self.0.settings.provider_sessions && !self.is_own()
    }

    /// The longest token, in bytes.
    pub(super) fn size_limit(&self) -> usize {
        self.0.settings.size_limit
    }

    pub(crate) fn realm(&self) -> Option<&str> {
        self.0.settings.realm.as_deref()
    }

    pub(crate) fn audiences(&self) -> &[Box<str>] {
        &self.0.settings.audiences
    }

    pub(crate) fn leeway(&self) -> Duration {
        self.0.settings.leeway
    }

    pub(crate) fn takes_plain_jwt(&self) -> bool {
        self.0.settings.plain_jwt
    }

    pub(crate) fn longest_lifetime(&self) -> Option<Duration> {
        self.0.settings.max_lifetime
    }

    /// A token of its issuer's has proved somebody.
    pub(crate) fn presented(&self, token: &Verified) {
        if let Some(witness) = &self.0.settings.witness {
            witness.presented(token);
        }
    }

    /// What tells it the time.
    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.settings.clock
    }

    pub(crate) fn shared_clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.0.settings.clock)
    }

    /// Checks a token: its shape, header, issuer, key and signature, and only then its claims.
    ///
    /// Goes by the keys that are there. Where keys are fetched, use [`verify_or_fetch`](Self::verify_or_fetch).
    ///
    /// # Errors
    ///
    /// [`InvalidToken`]: the first thing that is wrong with it.
    pub fn verify(&self, token: &[u8]) -> Result<Verified, InvalidToken> {
        match verify(slice::from_ref(self), token, false) {
            Ok((_, verified)) => Ok(verified),
            Err(Refusal::Invalid(why)) => Err(why),
            Err(Refusal::Unavailable(_) | Refusal::Wait(_)) => Err(InvalidToken::Key),
        }
    }

    /// As [`verify`](Self::verify), and waits for a key that has to be fetched first, as
    /// [`JwtLayer`](crate::JwtLayer) does.
    ///
    /// # Errors
    ///
    /// [`VerifyError`].
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a fetch that has begun goes on by itself.
    pub async fn verify_or_fetch(&self, token: &[u8]) -> Result<Verified, VerifyError> {
        let mut waited = false;
        loop {
            match verify(slice::from_ref(self), token, waited) {
                Ok((_, verified)) => return Ok(verified),
                Err(Refusal::Invalid(why)) => return Err(VerifyError::Invalid(why)),
                Err(Refusal::Unavailable(why)) => return Err(VerifyError::Unavailable(why)),
                Err(Refusal::Wait(keys)) => keys.await,
            }
            waited = true;
        }
    }

    #[cfg(test)]
    pub(super) fn is_caching(&self) -> bool {
        self.0.cache.is_some()
    }

    #[cfg(test)]
    pub(super) fn remembers(&self, token: &[u8]) -> bool {
        self.cached(TokenHash::of(token), token).is_some()
    }

    /// The token, if it was verified before by the keys that there are now.
    fn cached(&self, hash: TokenHash, token: &[u8]) -> Option<Verified> {
        let cache = self.0.cache.as_ref()?;
        let generation = self.0.settings.keys.generation()?;
        cache.get(hash, token, generation)
    }

    /// Checks the key and the signature. Returns the generation of the keys.
    pub(super) fn prove(
        &self,
        header: &Header<'_>,
        parts: &Compact<'_>,
        waited: bool,
    ) -> Result<u64, Refusal> {
        let settings = &self.0.settings;
        // Before any key is looked for: what no key can be for is not worth a fetch.
        let algorithm = Algorithm::from_name(header.alg()).ok_or(InvalidToken::Algorithm)?;
        if algorithm.is_symmetric() != settings.keys.is_symmetric() {
            return Err(InvalidToken::Algorithm.into());
        }
        match settings.keys.keys(header.kid(), waited) {
            Keys::Known(keys, generation) => match verifies(&keys, header, parts)? {
                true => Ok(generation),
                false => Err(InvalidToken::Signature.into()),
            },
            Keys::Unavailable(why) => Err(Refusal::Unavailable(why)),
            Keys::ToCome(keys) => Err(Refusal::Wait(keys)),
        }
    }

    /// Checks claims whose signature is good, but for the time.
    fn check(&self, json: Vec<u8>) -> Result<Verified, InvalidToken> {
        let settings = &self.0.settings;
        let claims = Claims::read(
            &json,
            settings.own,
            settings.provider_sessions,
            &settings.scopes_at,
        )?;
        let missing = InvalidToken::Claims;
        let issuer = claims.issuer().ok_or(missing)?;
        if issuer != &*settings.issuer {
            return Err(InvalidToken::Issuer);
        }
        if !claims.is_for(&settings.audiences).ok_or(missing)? {
            return Err(InvalidToken::Audience);
        }
        let subject = claims.subject().ok_or(missing)?;
        let expires_at = claims.exp.as_ref().ok_or(missing)?.0;
        if settings.require_token_id && (claims.token_id().is_none() || claims.iat.is_none()) {
            return Err(missing);
        }
        let text = |text: Option<&str>| text.map(Into::into);
        let mut facts = Facts {
            issuer: issuer.into(),
            subject: subject.into(),
            token_id: text(claims.token_id()),
            client_id: text(claims.client_id()),
            session_id: text(claims.session_id()),
            generation: claims.generation,
            version: claims.ver,
            scopes: claims.scopes(),
            issued_at: claims.iat.as_ref().map(|at| at.0),
            not_before: claims.nbf.as_ref().map(|at| at.0),
            auth_time: claims.auth_time.as_ref().map(|at| at.0),
            expires_at,
            json: Box::default(),
            principal: OnceLock::new(),
        };
        facts.json = json.into();
        Ok(Verified::new(facts))
    }

    /// Checks whether this is the time for it.
    fn check_times(&self, token: &Verified) -> Result<(), InvalidToken> {
        let settings = &self.0.settings;
        let now = settings.clock.now();
        let expires_at = token.expires_at();
        if expires_at <= now.minus(settings.leeway) {
            return Err(InvalidToken::Expired);
        }
        let latest = now.plus(settings.leeway);
        let issued_at = token.issued_at();
        if !has_come(token.not_before(), latest) || !has_come(issued_at, latest) {
            return Err(InvalidToken::NotYetValid);
        }
        let since = issued_at.unwrap_or(now);
        match settings.max_lifetime {
            Some(max) if expires_at > since.plus(max) => Err(InvalidToken::Claims),
            _ => Ok(()),
        }
    }
}

/// Checks a token against the verifier of its issuer, one of these.
///
/// The issuer is chosen by claims that are not proven yet, so all that a stranger gains by naming another one is that
/// his token is checked against that one's keys. `waited` says that it has waited for keys once.
pub(crate) fn verify<'v>(
    verifiers: &'v [Verifier],
    token: &[u8],
    waited: bool,
) -> Result<(&'v Verifier, Verified), Refusal> {
    if Some(token.len()) > verifiers.iter().map(Verifier::size_limit).max() {
        return Err(InvalidToken::TooLarge.into());
    }
    let hash = TokenHash::of(token);
    for verifier in verifiers {
        if let Some(verified) = verifier.cached(hash, token) {
            verifier.check_times(&verified)?;
            return Ok((verifier, verified));
        }
    }
    let parts = compact::split(token)?;
    let header = Header::read(&parts.header)?;
    let issuer = unproven_issuer(&parts.claims).ok_or(InvalidToken::Claims)?;
    let mut verifiers = verifiers.iter();
    let verifier = verifiers
        .find(|verifier| *verifier.issuer() == *issuer)
        .ok_or(InvalidToken::Issuer)?;
    if token.len() > verifier.size_limit() {
        return Err(InvalidToken::TooLarge.into());
    }
    if !header.is_of_type(verifier.takes_plain_jwt()) {
        return Err(InvalidToken::Type.into());
    }
    let generation = verifier.prove(&header, &parts, waited)?;
    drop(issuer);
    let verified = verifier.check(parts.claims)?;
    verifier.check_times(&verified)?;
    if let Some(cache) = &verifier.0.cache {
        cache.insert(hash, token, generation, &verified);
    }
    Ok((verifier, verified))
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
