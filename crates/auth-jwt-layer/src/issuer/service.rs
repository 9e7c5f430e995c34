//! The issuer.

use std::{fmt, sync::Arc, time::Duration};

use auth_core::{
    Clock, Event, LoginId, Principal, Timestamp, Unavailable,
    event::{Asked, Events, LoginRefusal},
    revocation::{Lane, Op},
    store::{
        Admission, Admitted, Lifetimes, LoginKind, LoginLimit, RefreshGrant, RefreshLogins,
        RefreshStart,
    },
};

use super::{
    AssertionError, ClaimsError, IssuerBuilder, LoginError, SigningKeys, SigningRing, TokenLogin,
    Tokens,
    access::{Access, AccessError},
    arrivals::Arrivals,
    builder::MAX_LEEWAY,
};
use crate::{
    ConfigError, KeySet, KeySource, RefreshKeys, Verifier, refresh::RefreshToken, verify::Witness,
};

/// Issues access tokens, and rotates the refresh tokens beside them.
///
/// Cheap to clone.
///
/// # Examples
///
/// A refresh token is good for one successor, and a revoked one for nothing:
///
/// ```
/// # #[cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
///
/// use auth_core::store::Revocations;
/// use auth_jwt_layer::{Issuer, RefreshError, SigningKeys, TokenLogin};
/// use auth_revocation_memory::MemoryStore;
///
/// let store = Arc::new(MemoryStore::new());
/// let keys = SigningKeys::builder().generate_ed25519("2025-11").build()?;
/// let issuer = Issuer::builder("https://auth.example", "api", keys, store.clone()).build()?;
///
/// // The password was right.
/// let tokens = issuer.login(TokenLogin::new("alice").device("CLI")).await?;
/// let verified = issuer.verifier()?.verify(tokens.access_token().as_bytes())?;
/// assert_eq!(verified.subject(), "alice");
///
/// let tokens = issuer.refresh(tokens.refresh_token().as_bytes(), None).await?;
///
/// store.revoke_subject("alice").await?;
/// let refreshed = issuer.refresh(tokens.refresh_token().as_bytes(), None).await;
/// assert_eq!(refreshed.unwrap_err(), RefreshError::InvalidGrant);
/// # Ok(())
/// # }
/// # #[cfg(not(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto")))]
/// # fn main() {}
/// ```
///
/// # What to know before deploying it
///
/// - Processes that share a store need the same [`RefreshKeys`], and the same signing keys in the
///   same order, but for the time it takes to [rotate](Self::rotate_signing_key) them.
/// - Access tokens are checked against the store only where a store was given to the layer; elsewhere
///   they are good until they expire.
/// - A thief who refreshes before his victim does is noticed at the next use of the other one's
///   token after the [grace](IssuerBuilder::grace): both are out then.
#[derive(Clone)]
pub struct Issuer(Arc<Inner>);

struct Inner {
    config: Config,
    refresh_keys: RefreshKeys,
    verifier: Verifier,
    /// Takes what any verifier may still take, whatever its leeway.
    lenient: Verifier,
    arrivals: Option<Arc<Arrivals>>,
}

pub(super) struct Config {
    pub(super) issuer: String,
    /// Whom its tokens are for; the first one is us.
    pub(super) audiences: Vec<String>,
    pub(super) client_id: String,
    pub(super) signing: SigningRing,
    pub(super) store: Arc<dyn RefreshLogins>,
    pub(super) access_ttl: Duration,
    pub(super) lifetimes: Lifetimes,
    pub(super) grace: Duration,
    /// Zero unless asked for.
    pub(super) retry: Duration,
    pub(super) limit: Option<LoginLimit>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) events: Events,
}

impl Issuer {
    /// Begins an issuer that is named `issuer` in its tokens (`iss`), which are for `audience`
    /// (`aud`), signed by `signing`. Its logins are kept in `store`, in the realm of that store.
    pub fn builder(
        issuer: impl Into<String>,
        audience: impl Into<String>,
        signing: SigningKeys,
        store: Arc<dyn RefreshLogins>,
    ) -> IssuerBuilder {
        IssuerBuilder::new(issuer.into(), audience.into(), signing, store)
    }

    /// From a configuration that was checked.
    pub(super) fn new(config: Config, refresh_keys: RefreshKeys) -> Self {
        let arrivals = config.arrivals();
        let verifier = || {
            let keys = KeySource::from(config.signing.clone());
            Verifier::builder(&config.issuer, &config.audiences[0], keys)
                .own()
                .require_token_id()
                .clock(Arc::clone(&config.clock))
        };
        let valid = "the issuer has a name and an audience";
        let witness = arrivals.clone().map(|it| it as Arc<dyn Witness>);
        let lenient = verifier().leeway(MAX_LEEWAY).cache(0);
        Self(Arc::new(Inner {
            verifier: verifier().witness(witness).build().expect(valid),
            lenient: lenient.build().expect(valid),
            config,
            refresh_keys,
            arrivals,
        }))
    }

    /// Begins a token login, for somebody whose password the application has just checked.
    ///
    /// # Errors
    ///
    /// [`LoginError`]; nobody is logged in then.
    ///
    /// # Cancel safety
    ///
    /// A login whose future is dropped may have begun. Nobody has its tokens; it stays in the
    /// subject's list until it has idled out or is ended.
    pub async fn login(&self, login: TokenLogin) -> Result<Tokens, LoginError> {
        let config = &self.0.config;
        let custom = login.claims?;
        let id = LoginId::random();
        let now = config.clock.now();
        let client_id = login.client_id.as_ref().unwrap_or(&config.client_id);
        let mut access = Access {
            subject: &login.subject,
            login: id,
            generation: u64::MAX,
            version: u64::MAX,
            client_id,
            scopes: &login.scopes,
            auth_time: login.auth_time.unwrap_or(now),
            custom: &custom,
            absolute_end: now.plus(config.lifetimes.absolute),
        };
        config.check_claims(&access)?;
        let provider = login.provider.as_ref();
        if provider.is_some_and(|provider| !provider.is_sound_for(&login.subject)) {
            return Err(LoginError::Claims(ClaimsError::Subject));
        }
        let lane = Lane::of(config.store.realm(), &login.subject);
        let refresh = RefreshToken::first(lane, id).seal(self.0.refresh_keys.current());
        let mut start = RefreshStart {
            admission: Admission {
                subject: login.subject.clone(),
                login: id,
                kind: LoginKind::Token,
                device: login.device,
                lifetimes: config.lifetimes,
                since: login.since,
                limit: config.limit,
                session: None,
                op: Op::random(),
            },
            grant: RefreshGrant {
                client_id: Some(client_id.clone()),
                scopes: login.scopes.clone(),
                auth_time: login.auth_time,
                claims: custom.to_stored(),
            },
            hash: refresh.hash,
        };
        let goes_on = match provider {
            Some(provider) => provider.link(&*config.store, &mut start.admission).await,
            None => Ok(true),
        };
        let started = match goes_on {
            Ok(true) => config.store.start(&start).await,
            // The provider has ended it already.
            Ok(false) => Ok(Admitted::Moved),
            Err(error) => Err(error),
        };
        let (version, ended) = match started {
            Ok(Admitted::Yes { version, ended }) => (version, ended),
            Ok(Admitted::Moved) => {
                config.tell_login_refused(login.subject, LoginRefusal::Moved);
                return Err(LoginError::Moved);
            }
            Ok(Admitted::TooMany) => {
                config.tell_login_refused(login.subject, LoginRefusal::TooMany);
                return Err(LoginError::TooMany);
            }
            // An answer that this version does not know admits nobody.
            Ok(_) => return Err(Unavailable::default().into()),
            Err(error) => {
                let asked = Asked::Login;
                config.events.tell(|| Event::Unavailable { asked });
                // It may have happened all the same.
                config.store.withdraw(&login.subject, id);
                return Err(Unavailable::from(error).into());
            }
        };
        access.generation = 1;
        access.version = version;
        let (access_token, expires_in) = config.access_token(&access, now)?;
        config.events.tell(|| Event::LoggedIn {
            kind: LoginKind::Token,
            subject: login.subject.clone(),
            login: id,
            displaced: ended.clone(),
        });
        Ok(Tokens {
            access_token,
            refresh_token: refresh.text,
            expires_in,
            scope: login.scopes.clone(),
            login: id,
            ended,
        })
    }

    /// A short-lived token that tells `audience` who `principal` is, however that was proven: what a
    /// gateway hands on instead of a bare header. It ends with the credential it was made for, at
    /// most 5 minutes from now, and nothing else ends it; so it can not be for an audience of the
    /// access tokens. [`forward_auth`](Self::forward_auth) is the endpoint that gateways ask for one.
    ///
    /// It says that `principal` is a subject of ours. One of somebody else's issuer is not, unless
    /// their [realm](crate::VerifierBuilder::realm) was mapped to the store's.
    ///
    /// # Errors
    ///
    /// [`AssertionError`].
    pub fn assertion(
        &self,
        principal: &Principal,
        audience: &str,
        ttl: Duration,
    ) -> Result<String, AssertionError> {
        self.0.config.assertion(principal, audience, ttl)
    }

    /// Whether assertions can be made for `audience`, to live for `ttl`.
    pub(crate) fn check_assertion(
        &self,
        audience: &str,
        ttl: Duration,
    ) -> Result<(), AssertionError> {
        self.0.config.check_assertion(audience, ttl)
    }

    /// The name it goes by in its tokens: `iss`.
    pub fn issuer(&self) -> &str {
        &self.0.config.issuer
    }

    /// Whom its access tokens are for: the first of their `aud`.
    pub fn audience(&self) -> &str {
        &self.0.config.audiences[0]
    }

    /// The public keys as a JWK set, to be served as `application/jwk-set+json` (RFC 7517 section
    /// 8.5): those that sign, are about to sign, or have signed tokens that may be alive. Secrets are
    /// not in it.
    pub fn jwks(&self) -> String {
        self.0.config.signing.jwks()
    }

    /// Signs with another key, the first of `new`, without refusing anybody's token in between:
    ///
    /// 1. At once, the keys of `new` are published, and tokens of theirs are taken here.
    /// 2. When the [lead](IssuerBuilder::signing_lead) is over, its first key signs. Returned is the
    ///    time of that.
    /// 3. When the last token of the key before has expired, and the leeway of verifiers is over,
    ///    that key is forgotten.
    ///
    /// All of that happens here by the clock, in every clone of this issuer and in the
    /// [verifiers](Self::verifier) it has made. Other processes that issue tokens have to be given the
    /// same key before the lead is over. A process that restarts meanwhile begins with both keys, the
    /// old one first, and is given the new one again, for which a new lead begins. The same key again
    /// changes nothing.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for another key of an id that is known, and for secrets beside private keys.
    /// Nothing has changed then.
    pub fn rotate_signing_key(&self, new: &SigningKeys) -> Result<Timestamp, ConfigError> {
        self.0.config.signing.rotate(new)
    }

    /// Forgets a signing key at once, and with it every token that it has signed: for a key that got
    /// into the wrong hands. If it is the one that signs, the next one signs in its place, whether or
    /// not others have heard of that; [`rotate_signing_key`](Self::rotate_signing_key) brings one.
    /// Returns whether there was such a key.
    ///
    /// Who has fetched the key set believes in the key for as long as he keeps it. Here it is
    /// forgotten by this process.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if there is no other key. Nothing has changed then.
    pub fn drop_signing_key(&self, kid: &str) -> Result<bool, ConfigError> {
        self.0.config.signing.remove(kid)
    }

    /// Verifies its access tokens, as tokens of our own: what a [`JwtLayer`](crate::JwtLayer) in the
    /// same service takes.
    ///
    /// # Errors
    ///
    /// None: what could be wrong, the issuer's own [`build`](IssuerBuilder::build) has found.
    pub fn verifier(&self) -> Result<Verifier, ConfigError> {
        Ok(self.0.verifier.clone())
    }

    /// The keys that its tokens verify with now. For a verifier that follows their
    /// [rotation](Self::rotate_signing_key), use [`key_source`](Self::key_source).
    pub fn key_set(&self) -> KeySet {
        self.0.config.signing.key_set().0
    }

    /// The keys that its tokens verify with, as they rotate.
    pub fn key_source(&self) -> KeySource {
        self.0.config.signing.clone().into()
    }

    /// Verifies its access tokens.
    pub(super) fn own_verifier(&self) -> &Verifier {
        &self.0.verifier
    }

    /// Verifies its access tokens for as long as anybody may take them, for whom they are to be taken back.
    pub(super) fn lenient_verifier(&self) -> &Verifier {
        &self.0.lenient
    }

    /// Somebody has presented a current refresh token without a rotation of it.
    pub(super) fn arrived(&self, token: &RefreshToken) {
        if let Some(arrivals) = &self.0.arrivals {
            arrivals.arrived(token.lane, token.login, token.generation);
        }
    }

    pub(super) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(super) fn store(&self) -> &Arc<dyn RefreshLogins> {
        &self.0.config.store
    }

    pub(super) fn refresh_keys(&self) -> &RefreshKeys {
        &self.0.refresh_keys
    }
}

impl Config {
    fn tell_login_refused(&self, subject: String, reason: LoginRefusal) {
        self.events.tell(|| Event::LoginRefused {
            kind: LoginKind::Token,
            subject,
            reason,
        });
    }
}

impl From<AccessError> for LoginError {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Claims(claims) => Self::Claims(claims),
            AccessError::Signing => Self::Unavailable(Unavailable::default()),
        }
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("config", &self.0.config)
            .field("refresh_keys", &self.0.refresh_keys)
            .finish()
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("issuer", &self.issuer)
            .field("audiences", &self.audiences)
            .field("signing", &self.signing)
            .field("store", &self.store)
            .field("access_ttl", &self.access_ttl)
            .field("lifetimes", &self.lifetimes)
            .field("grace", &self.grace)
            .field("retry", &self.retry)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
