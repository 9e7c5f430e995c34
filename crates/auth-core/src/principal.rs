//! Who the caller is.

use std::{fmt, sync::Arc};

use crate::{LoginId, Scopes, Timestamp, revocation::Query, store::Revocations};

/// Who the caller is, proven: the same for a cookie session and for a token.
///
/// Cheap to clone. It can not be deserialised, and there is no way to change one: what a handler
/// holds is what a layer proved.
#[derive(Clone, PartialEq)]
pub struct Principal(Arc<PrincipalParts>);

/// How a principal proved who it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum PrincipalKind {
    /// A cookie session.
    Session,
    /// A token.
    Token,
    /// A scheme of the application's own, see [`Principal::vouched`].
    Vouched,
}

impl PrincipalKind {
    /// `session`, `token` or `vouched`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Token => "token",
            Self::Vouched => "vouched",
        }
    }
}

/// What a principal is made of, for those who make one: layers and applications with a scheme of
/// their own.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PrincipalParts {
    kind: Option<PrincipalKind>,
    subject: String,
    issuer: Option<String>,
    realm: Option<String>,
    client_id: Option<String>,
    login: Option<LoginId>,
    scopes: Scopes,
    auth_time: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    version: Option<u64>,
    query: Option<Query>,
    provider_session: Option<Query>,
}

impl PrincipalParts {
    /// Begins with the subject: whatever the application names its users by.
    pub fn new(subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            ..Self::default()
        }
    }

    /// Who said so: a token's `iss`.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// The realm that its subject belongs to, for a subject of somebody else's issuer.
    #[must_use]
    pub fn realm(mut self, realm: Option<String>) -> Self {
        self.realm = realm;
        self
    }

    /// The OAuth client that the token was issued to.
    #[must_use]
    pub fn client_id(mut self, client_id: Option<String>) -> Self {
        self.client_id = client_id;
        self
    }

    /// The login this principal came in through.
    #[must_use]
    pub fn login(mut self, login: Option<LoginId>) -> Self {
        self.login = login;
        self
    }

    /// What it may do.
    #[must_use]
    pub fn scopes(mut self, scopes: Scopes) -> Self {
        self.scopes = scopes;
        self
    }

    /// When the user last proved who they are.
    #[must_use]
    pub fn auth_time(mut self, at: Option<Timestamp>) -> Self {
        self.auth_time = at;
        self
    }

    /// The version of its session.
    #[must_use]
    pub fn version(mut self, version: Option<u64>) -> Self {
        self.version = version;
        self
    }

    /// What a store was asked about it.
    #[must_use]
    pub fn query(mut self, query: Option<Query>) -> Self {
        self.query = query;
        self
    }

    /// What a store was asked about the session at the provider that the token belongs to.
    #[must_use]
    pub fn provider_session(mut self, query: Option<Query>) -> Self {
        self.provider_session = query;
        self
    }

    /// When the credential ends by itself.
    #[must_use]
    pub fn expires_at(mut self, at: Option<Timestamp>) -> Self {
        self.expires_at = at;
        self
    }
}

impl Principal {
    /// For the layers of this workspace: the one place where a principal is made.
    #[doc(hidden)]
    pub fn proven(kind: PrincipalKind, parts: PrincipalParts) -> Self {
        Self(Arc::new(PrincipalParts {
            kind: Some(kind),
            ..parts
        }))
    }

    /// A principal that the application itself vouches for, because it authenticated the caller
    /// by a scheme of its own. Hand it on with [`Caller::vouch`](crate::Caller::vouch).
    pub fn vouched(parts: PrincipalParts) -> Self {
        Self::proven(PrincipalKind::Vouched, parts)
    }

    /// A principal that nobody proved, for tests of handlers.
    pub fn insecure_for_tests(kind: PrincipalKind, parts: PrincipalParts) -> Self {
        Self::proven(kind, parts)
    }

    /// Whom the credential names: the session's subject or the token's `sub`.
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// How it was proven.
    pub fn kind(&self) -> PrincipalKind {
        // `proven` is the only constructor and sets it.
        self.0.kind.unwrap_or(PrincipalKind::Vouched)
    }

    /// The login it came in through: what lists of devices show and `end_login` takes. A token of
    /// somebody else's issuer has none.
    pub fn login(&self) -> Option<LoginId> {
        self.0.login
    }

    /// The token's `iss`.
    pub fn issuer(&self) -> Option<&str> {
        self.0.issuer.as_deref()
    }

    /// The realm that its subject belongs to, for a token of somebody else's issuer: that issuer, unless mapped. None
    /// for those who belong to the realm of our own store.
    ///
    /// `alice` of another realm is not our `alice`. To revoke her, name her realm, as in
    /// [`Revocation::subject`](crate::store::Revocation::subject); her data is not ours of that name either.
    pub fn realm(&self) -> Option<&str> {
        self.0.realm.as_deref()
    }

    /// The token's `client_id`.
    pub fn client_id(&self) -> Option<&str> {
        self.0.client_id.as_deref()
    }

    /// What it may do.
    pub fn scopes(&self) -> &Scopes {
        &self.0.scopes
    }

    /// When the user last proved who they are, where that is known.
    pub fn auth_time(&self) -> Option<Timestamp> {
        self.0.auth_time
    }

    /// When the credential ends by itself, if not used again: a token's `exp`, a session's idle or
    /// absolute end, whichever is sooner.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.0.expires_at
    }

    /// What to ask `store`, the one that this was proven against, to learn whether it was revoked
    /// since: for what goes on long after the layers have looked, such as a stream. Subscribe to
    /// the store first, and ask then. None if no store knows of it.
    pub fn query(&self, store: &(impl Revocations + ?Sized)) -> Option<Query> {
        let by_version = || {
            let (login, version) = (self.login()?, self.0.version?);
            let realm = store.realm();
            Some(Query::own(realm, self.subject(), &login, version))
        };
        self.0.query.or_else(by_version)
    }

    /// Whether both are handles to the same one.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// What to ask that store besides, of a token that belongs to a session at somebody else's
    /// OpenID provider: whether the provider has ended that. None unless it is
    /// [asked about](Query::provider_session).
    pub fn provider_session(&self) -> Option<Query> {
        self.0.provider_session
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal")
            .field("subject", &self.subject())
            .field("kind", &self.kind())
            .field("login", &self.login())
            .field("scopes", self.scopes())
            .finish_non_exhaustive()
    }
}
