//! From the headers of a request to what its token says: proof first, the store last.

use std::{future::Future, sync::Arc, time::Duration};

use auth_core::{
    InvalidToken, LoginId, OutagePolicy, Principal, PrincipalKind, PrincipalParts, RejectionKind,
    Unavailable, Verdict,
    credentials::bearer_token,
    revocation::{FOREIGN_SKEW_MS, MAX_LIFETIME, Query},
    store::Revocations,
};
use http::HeaderMap;

use crate::{ConfigError, ConfigErrorKind, Verified, Verifier, verify::verify};

/// Examines tokens.
pub(super) struct Examiner {
    verifiers: Box<[Verifier]>,
    store: Option<Arc<dyn Revocations>>,
    outage: OutagePolicy,
}

/// What is known without waiting.
pub(super) enum Examined {
    /// There is no token.
    Absent,
    /// There is one, and it proves this principal.
    Proven(Principal),
    /// There is one, and it is no good, or can not be judged.
    Refused(RejectionKind),
    /// It is good if the store says so.
    Ask(Query, Principal),
}

impl Examiner {
    pub(super) fn new(
        verifiers: Vec<Verifier>,
        store: Option<Arc<dyn Revocations>>,
        outage: OutagePolicy,
    ) -> Result<Self, ConfigError> {
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
            outage,
        })
    }

    pub(super) fn examine(&self, headers: &HeaderMap) -> Examined {
        let token = match bearer_token(headers) {
            Ok(Some(token)) => token,
            Ok(None) => return Examined::Absent,
            Err(_) => return Examined::Refused(RejectionKind::InvalidRequest),
        };
        let (verifier, verified) = match verify(&self.verifiers, token.as_bytes()) {
            Ok(proven) => proven,
            Err(why) => return Examined::Refused(RejectionKind::InvalidToken(why)),
        };
        let Some(store) = &self.store else {
            return Examined::Proven(principal(&verified, verifier.is_own(), None));
        };
        let query = match query(&**store, verifier, &verified) {
            Ok(query) => query,
            Err(why) => return Examined::Refused(RejectionKind::InvalidToken(why)),
        };
        let principal = principal(&verified, verifier.is_own(), Some(query));
        match store.verdict_now(&query) {
            Some(verdict) => self.settle(verdict, &query, principal),
            None => Examined::Ask(query, principal),
        }
    }

    /// Asks the store.
    pub(super) fn ask(&self, query: Query) -> impl Future<Output = Verdict> + Send + use<> {
        let store = self.store.clone();
        async move {
            match store {
                Some(store) => store.verdict(&query).await,
                None => Verdict::Unknown,
            }
        }
    }

    /// What the store's verdict makes of a proven token. Never [`Examined::Ask`].
    pub(super) fn settle(&self, verdict: Verdict, query: &Query, principal: Principal) -> Examined {
        let verdict = match (verdict, self.outage) {
            (Verdict::Unknown, OutagePolicy::Stale { at_most }) => self.stale(query, at_most),
            (verdict, _) => verdict,
        };
        match verdict {
            Verdict::Active => Examined::Proven(principal),
            Verdict::Revoked => {
                Examined::Refused(RejectionKind::InvalidToken(InvalidToken::Revoked))
            }
            Verdict::Unknown => {
                Examined::Refused(RejectionKind::Unavailable(Unavailable::default()))
            }
        }
    }

    fn stale(&self, query: &Query, at_most: Duration) -> Verdict {
        let store = self.store.as_ref();
        store
            .and_then(|store| store.verdict_stale(query, at_most))
            .unwrap_or(Verdict::Unknown)
    }
}

/// What to ask the store: by version for our own tokens, by `iat` for others'.
fn query(
    store: &dyn Revocations,
    verifier: &Verifier,
    verified: &Verified,
) -> Result<Query, InvalidToken> {
    let token_id = verified.token_id().ok_or(InvalidToken::Claims)?;
    let issued_at = verified.issued_at().ok_or(InvalidToken::Claims)?;
    // It would outlive what the store remembers, and come back to life.
    if verified.expires_at() > issued_at.plus(MAX_LIFETIME) {
        return Err(InvalidToken::Claims);
    }
    let query = if verifier.is_own() {
        let login = own_login(verified).ok_or(InvalidToken::Claims)?;
        let version = verified.version().ok_or(InvalidToken::Claims)?;
        Query::own(store.realm(), verified.subject(), &login, version)
    } else {
        // An issuer whose clock is ahead could otherwise outrun a revocation.
        let now = verifier.clock().now();
        let latest = now.plus(Duration::from_millis(FOREIGN_SKEW_MS));
        if issued_at > latest {
            return Err(InvalidToken::NotYetValid);
        }
        let realm = verifier.realm().unwrap_or(verified.issuer());
        Query::foreign(realm, verified.subject(), issued_at)
    };
    Ok(query.token(verified.issuer(), token_id))
}

fn own_login(verified: &Verified) -> Option<LoginId> {
    verified.session_id()?.parse().ok()
}

fn principal(verified: &Verified, own: bool, query: Option<Query>) -> Principal {
    let login = if own { own_login(verified) } else { None };
    let parts = PrincipalParts::new(verified.subject())
        .issuer(verified.issuer())
        .client_id(verified.client_id().map(str::to_owned))
        .login(login)
        .scopes(verified.scopes().clone())
        .auth_time(verified.auth_time())
        .query(query)
        .expires_at(Some(verified.expires_at()));
    Principal::proven(PrincipalKind::Token, parts)
}
