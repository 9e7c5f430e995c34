//! The role of a denylist: verdicts and revocations.

use std::fmt;

use async_trait::async_trait;

use super::{Epoch, Subscription};
use crate::{
    LoginId, StoreError, Timestamp, Unavailable, Verdict,
    revocation::{Op, Query, provider_session},
};

/// Judges credentials, and takes them back.
#[async_trait]
pub trait Revocations: fmt::Debug + Send + Sync + 'static {
    /// The realm of this store: the namespace of its subjects. Layers and issuers take it from
    /// here, so that sessions and tokens of one subject always meet.
    fn realm(&self) -> &str;

    /// Whether other processes use the same state, now or after a restart: then secrets that its
    /// records depend on must be configured, not made up. True unless a store says otherwise.
    fn is_shared(&self) -> bool {
        true
    }

    /// The verdict, where this process knows it without asking anybody.
    fn verdict_now(&self, query: &Query) -> Option<Verdict> {
        let _ = query;
        None
    }

    /// The verdict. [`Verdict::Unknown`] when the store can not tell within its deadline.
    async fn verdict(&self, query: &Query) -> Verdict;

    /// The verdict of a local copy that is not older than `at_most`, for the outage policy
    /// `Stale`. A revocation that this process made or saw always wins. None without such a copy.
    fn verdict_stale(&self, query: &Query, at_most: std::time::Duration) -> Option<Verdict> {
        let _ = (query, at_most);
        None
    }

    /// Where the subject's revocations stand now. Read it before a password is checked, and give it
    /// to the login (`since`): if a revocation comes between, the login is refused.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] when the store can not tell.
    async fn epoch(&self, subject: &str) -> Result<Epoch, Unavailable>;

    /// Makes one revocation, once per `op`. When it returns `Ok`, the credential is refused.
    ///
    /// # Errors
    ///
    /// [`StoreError::Full`] when a denylist has reached its limit, [`StoreError::Unavailable`] when
    /// it is not known to have happened. Never `Ok` when the store refused.
    async fn revoke(&self, op: Op, revocation: &Revocation) -> Result<(), StoreError>;

    /// Tells of revocations as they happen here.
    fn subscribe(&self) -> Subscription;

    /// Kills one access token of this store's realm: one of our own. A token of somebody else's
    /// issuer is in the realm that its layer asks in, which is that issuer unless mapped: use
    /// [`revoke`](Self::revoke) with [`Revocation::token`] of that realm.
    ///
    /// # Errors
    ///
    /// As [`revoke`](Self::revoke).
    async fn revoke_token(
        &self,
        issuer: &str,
        jti: &str,
        subject: &str,
        exp: Timestamp,
    ) -> Result<(), StoreError> {
        let revocation = Revocation::token(self.realm(), issuer, jti, subject, exp);
        self.revoke(Op::random(), &revocation).await
    }

    /// Kills one login: its session or refresh token, and every access token of it.
    ///
    /// # Errors
    ///
    /// As [`revoke`](Self::revoke).
    async fn end_login(&self, subject: &str, login: LoginId) -> Result<(), StoreError> {
        let revocation = Revocation::login(self.realm(), subject, login);
        self.revoke(Op::random(), &revocation).await
    }

    /// Kills every login of the subject but one, listed or not.
    ///
    /// # Errors
    ///
    /// As [`revoke`](Self::revoke).
    async fn end_other_logins(&self, subject: &str, keep: LoginId) -> Result<(), StoreError> {
        let revocation = Revocation::other_logins(self.realm(), subject, keep);
        self.revoke(Op::random(), &revocation).await
    }

    /// Kills everything of one subject: "log out everywhere", in one write.
    ///
    /// # Errors
    ///
    /// As [`revoke`](Self::revoke).
    async fn revoke_subject(&self, subject: &str) -> Result<(), StoreError> {
        let revocation = Revocation::subject(self.realm(), subject);
        self.revoke(Op::random(), &revocation).await
    }

    /// Kills everything.
    ///
    /// # Errors
    ///
    /// As [`revoke`](Self::revoke).
    async fn revoke_all(&self) -> Result<(), StoreError> {
        self.revoke(Op::random(), &Revocation::all()).await
    }
}

/// One revocation: what to kill, and in which realm its subject lives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Revocation {
    realm: String,
    target: Target,
}

/// What a revocation kills.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Target {
    /// One access token.
    Token {
        /// Its `iss`.
        issuer: String,
        /// Its `jti`.
        jti: String,
        /// Its `sub`: where it is looked for.
        subject: String,
        /// Its `exp`: when it need not be remembered any more.
        exp: Timestamp,
    },
    /// One login and all that came of it.
    Login {
        /// Whose.
        subject: String,
        /// Which.
        login: LoginId,
    },
    /// All logins but one.
    OtherLogins {
        /// Whose.
        subject: String,
        /// The one that stays.
        keep: LoginId,
    },
    /// Everything of one subject.
    Subject {
        /// Whose.
        subject: String,
    },
    /// Everything, in every realm.
    All,
}

impl Revocation {
    fn new(realm: &str, target: Target) -> Self {
        Self {
            realm: realm.to_owned(),
            target,
        }
    }

    /// Kills the token that `issuer` named `jti`.
    pub fn token(realm: &str, issuer: &str, jti: &str, subject: &str, exp: Timestamp) -> Self {
        Self::new(
            realm,
            Target::Token {
                issuer: issuer.to_owned(),
                jti: jti.to_owned(),
                subject: subject.to_owned(),
                exp,
            },
        )
    }

    /// Kills the tokens of a session at somebody else's OpenID provider, which named it `sid`, where
    /// that is asked about ([`Query::provider_session`]). It is remembered until `until`, when the
    /// last of them has expired. Told of as the end of a token, whose subject is a hash.
    pub fn provider_session(issuer: &str, sid: &str, until: Timestamp) -> Self {
        let [realm, name] = provider_session(issuer, sid);
        Self::token(&realm, &realm, &name, &name, until)
    }

    /// Kills one login.
    pub fn login(realm: &str, subject: &str, login: LoginId) -> Self {
        let subject = subject.to_owned();
        Self::new(realm, Target::Login { subject, login })
    }

    /// Kills all logins of a subject but one.
    pub fn other_logins(realm: &str, subject: &str, keep: LoginId) -> Self {
        let subject = subject.to_owned();
        Self::new(realm, Target::OtherLogins { subject, keep })
    }

    /// Kills everything of a subject.
    pub fn subject(realm: &str, subject: &str) -> Self {
        let subject = subject.to_owned();
        Self::new(realm, Target::Subject { subject })
    }

    /// Kills everything.
    pub fn all() -> Self {
        Self::new("", Target::All)
    }

    /// The realm its subject lives in.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// What it kills.
    pub fn target(&self) -> &Target {
        &self.target
    }
}
