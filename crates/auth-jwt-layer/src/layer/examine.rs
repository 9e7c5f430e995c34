//! From the headers of a request to what its token says: proof first, the store last.

use std::{future::Future, sync::Arc, time::Duration};

use auth_core::{
    Event, InvalidToken, LoginId, OutagePolicy, Principal, PrincipalKind, PrincipalParts,
    RejectionKind, Unavailable, Verdict,
    credentials::{CookieLookup, MalformedAuthorization, bearer_token, find_cookie},
    event::{Asked, Events},
    provider::PROVIDER_SESSION_MEMORY,
    revocation::{FOREIGN_SKEW_MS, MAX_LIFETIME, Query},
    store::Revocations,
};
use http::HeaderMap;

use crate::{
    ConfigError, ConfigErrorKind, Verified, Verifier,
    keys::KeysToCome,
    verify::{Refusal, verify},
};

/// Examines tokens.
pub(super) struct Examiner {
    verifiers: Box<[Verifier]>,
    store: Option<Arc<dyn Revocations>>,
    cookie: Option<String>,
    outage: OutagePolicy,
    events: Events,
}

/// A token that proved somebody.
#[derive(Clone)]
pub(super) struct Proof {
    pub(super) principal: Principal,
    pub(super) token: Verified,
}

/// What is known without waiting.
pub(super) enum Examined {
    /// There is no token.
    Absent,
    /// There is one, and it proves this principal.
    Proven(Proof),
    /// There is one, and it is no good, or can not be judged.
    Refused(RejectionKind),
    /// Its key is being fetched: examine it again then.
    AwaitKeys(KeysToCome),
    /// It is good if the store says so.
    Ask(Query, Proof),
}

impl Examiner {
    pub(super) fn verifiers(&self) -> &[Verifier] {
        &self.verifiers
    }

    pub(super) fn has_store(&self) -> bool {
        self.store.is_some()
    }

    pub(super) fn new(
        verifiers: Vec<Verifier>,
        store: Option<Arc<dyn Revocations>>,
        cookie: Option<String>,
        outage: OutagePolicy,
    ) -> Result<Self, ConfigError> {
        if cookie.as_deref().is_some_and(|name| !is_name(name)) {
            return Err(ConfigErrorKind::CookieName.into());
        }
        for (number, verifier) in verifiers.iter().enumerate() {
            let mut before = verifiers[..number].iter();
            if before.any(|other| other.issuer() == verifier.issuer()) {
                return Err(ConfigErrorKind::DuplicateIssuer.into());
            }
            if store.is_some() && verifier.longest_lifetime() > Some(MAX_LIFETIME) {
                return Err(ConfigErrorKind::MaxLifetime.into());
            }
        }
        Ok(Self {
            verifiers: verifiers.into(),
            store,
            cookie,
            outage,
            events: Events::default(),
        })
    }

    pub(super) fn telling(self, events: Events) -> Self {
        Self { events, ..self }
    }

    pub(super) fn events(&self) -> &Events {
        &self.events
    }

    /// `waited` says that the request has waited for keys once.
    pub(super) fn examine(&self, headers: &HeaderMap, waited: bool) -> Examined {
        let token = match self.token(headers) {
            Ok(Some(token)) => token,
            Ok(None) => return Examined::Absent,
            Err(_) => return Examined::Refused(RejectionKind::InvalidRequest),
        };
        let (verifier, token) = match verify(&self.verifiers, token, waited) {
            Ok(proven) => proven,
            Err(Refusal::Invalid(why)) => {
                return Examined::Refused(RejectionKind::InvalidToken(why));
            }
            Err(Refusal::Unavailable(why)) => {
                self.tell_unavailable(Asked::Keys);
                return Examined::Refused(RejectionKind::Unavailable(why));
            }
            Err(Refusal::Wait(keys)) => return Examined::AwaitKeys(keys),
        };
        let Some(store) = &self.store else {
            let proven = || Some(principal(verifier, &token, None));
            return match token.principal(None, proven) {
                Some(principal) => Examined::Proven(Proof { principal, token }),
                None => Examined::Refused(RejectionKind::InvalidToken(InvalidToken::Claims)),
            };
        };
        match proof(&**store, verifier, token) {
            Err(why) => Examined::Refused(RejectionKind::InvalidToken(why)),
            Ok((query, proof)) => match verdict_now(&**store, &query, &proof.principal) {
                Some(verdict) => self.settle(verdict, &query, proof),
                None => Examined::Ask(query, proof),
            },
        }
    }

    /// The token of the header, or else of the cookie. An empty cookie, and two of the name, are none.
    fn token<'a>(
        &self,
        headers: &'a HeaderMap,
    ) -> Result<Option<&'a [u8]>, MalformedAuthorization> {
        if let Some(token) = bearer_token(headers)? {
            return Ok(Some(token.as_bytes()));
        }
        let cookie = self.cookie.as_deref();
        Ok(match cookie.map(|name| find_cookie(headers, name)) {
            Some(CookieLookup::One(value)) if !value.is_empty() => Some(value),
            _ => None,
        })
    }

    /// A token has proved somebody.
    pub(super) fn presented(&self, token: &Verified) {
        let mut verifiers = self.verifiers.iter();
        if let Some(verifier) = verifiers.find(|it| it.issuer() == token.issuer()) {
            verifier.presented(token);
        }
    }

    /// Asks the store.
    pub(super) fn ask(
        &self,
        query: Query,
        principal: &Principal,
    ) -> impl Future<Output = Verdict> + Send + use<> {
        let store = self.store.clone();
        let session = principal.provider_session();
        async move {
            let Some(store) = store else {
                return Verdict::Unknown;
            };
            let verdict = store.verdict(&query).await;
            match session {
                Some(session) if verdict != Verdict::Revoked => {
                    verdict.and(store.verdict(&session).await)
                }
                _ => verdict,
            }
        }
    }

    /// What the store's verdict makes of a proven token. Never something to wait for.
    pub(super) fn settle(&self, verdict: Verdict, query: &Query, proof: Proof) -> Examined {
        if verdict == Verdict::Unknown {
            self.tell_unavailable(Asked::Verdict);
        }
        let verdict = match (verdict, self.outage) {
            (Verdict::Unknown, OutagePolicy::Stale { at_most }) => {
                let session = proof.principal.provider_session();
                let also = session.map_or(Verdict::Active, |session| self.stale(&session, at_most));
                self.stale(query, at_most).and(also)
            }
            (verdict, _) => verdict,
        };
        match verdict {
            Verdict::Active => Examined::Proven(proof),
            Verdict::Revoked => {
                Examined::Refused(RejectionKind::InvalidToken(InvalidToken::Revoked))
            }
            Verdict::Unknown => {
                Examined::Refused(RejectionKind::Unavailable(Unavailable::default()))
            }
        }
    }

    fn tell_unavailable(&self, asked: Asked) {
        self.events.tell(|| Event::Unavailable { asked });
    }

    fn stale(&self, query: &Query, at_most: Duration) -> Verdict {
        let store = self.store.as_ref();
        store
            .and_then(|store| store.verdict_stale(query, at_most))
            .unwrap_or(Verdict::Unknown)
    }
}

/// The verdict on both that a token may be asked about, where the store knows it at once.
fn verdict_now(store: &dyn Revocations, query: &Query, principal: &Principal) -> Option<Verdict> {
    let verdict = store.verdict_now(query)?;
    match principal.provider_session() {
        Some(session) => Some(verdict.and(store.verdict_now(&session)?)),
        None => Some(verdict),
    }
}

/// What the store is asked of a token, and whom it proves if the answer is good.
fn proof(
    store: &dyn Revocations,
    verifier: &Verifier,
    token: Verified,
) -> Result<(Query, Proof), InvalidToken> {
    let issued_at = token.issued_at().ok_or(InvalidToken::Claims)?;
    // An issuer whose clock is ahead could otherwise outrun a revocation.
    let skew = Duration::from_millis(FOREIGN_SKEW_MS);
    if !verifier.is_own() && issued_at > verifier.clock().now().plus(skew) {
        return Err(InvalidToken::NotYetValid);
    }
    // It would outlive what the store remembers, and come back to life.
    if token.expires_at() > issued_at.plus(MAX_LIFETIME) {
        return Err(InvalidToken::Claims);
    }
    let session = verifier.has_provider_sessions() && token.session_id().is_some();
    // Likewise what it remembers of sessions.
    if session && token.expires_at() > issued_at.plus(PROVIDER_SESSION_MEMORY) {
        return Err(InvalidToken::Claims);
    }
    let realm = match verifier.is_own() {
        true => store.realm(),
        false => foreign_realm(verifier),
    };
    let principal = token.principal(Some(realm), || {
        let subject = token.subject();
        // By version for our own tokens, by `iat` for others'.
        let query = match verifier.is_own() {
            true => Query::own(realm, subject, &own_login(&token)?, token.version()?),
            false => Query::foreign(realm, subject, issued_at),
        };
        let query = query.token(token.issuer(), token.token_id()?);
        Some(principal(verifier, &token, Some(query)))
    });
    let principal = principal.ok_or(InvalidToken::Claims)?;
    let query = principal.query(store).ok_or(InvalidToken::Claims)?;
    Ok((query, Proof { principal, token }))
}

/// What to ask about the session that somebody else's token belongs to, if it does.
fn session_at_provider(verifier: &Verifier, token: &Verified) -> Option<Query> {
    let sid = token.session_id()?;
    let at = token.issued_at()?;
    let sessions = verifier.has_provider_sessions();
    sessions.then(|| Query::provider_session(token.issuer(), sid, at))
}

/// Where the subjects of somebody else's issuer live.
pub(crate) fn foreign_realm(verifier: &Verifier) -> &str {
    verifier.realm().unwrap_or(verifier.issuer())
}

fn own_login(token: &Verified) -> Option<LoginId> {
    token.session_id()?.parse().ok()
}

fn principal(verifier: &Verifier, token: &Verified, query: Option<Query>) -> Principal {
    let login = own_login(token).filter(|_| verifier.is_own());
    let realm = (!verifier.is_own()).then(|| foreign_realm(verifier).to_owned());
    let parts = PrincipalParts::new(token.subject())
        .issuer(token.issuer())
        .realm(realm)
        .client_id(token.client_id().map(str::to_owned))
        .login(login)
        .scopes(token.scopes().clone())
        .auth_time(token.auth_time())
        .query(query)
        .provider_session(session_at_provider(verifier, token))
        .expires_at(Some(token.expires_at()));
    Principal::proven(PrincipalKind::Token, parts)
}

/// A cookie's name is a token (RFC 6265 section 4.1.1, RFC 9110 section 5.6.2).
fn is_name(name: &str) -> bool {
    let is_name_byte = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !name.is_empty() && name.bytes().all(is_name_byte)
}
