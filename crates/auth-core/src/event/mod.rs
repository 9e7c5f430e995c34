//! What an operator wants to hear of: who came, who was refused and why, what was taken back, and
//! what went wrong.
//!
//! Layers, issuers and stores each take an [`EventSink`], by `on_event`; guards tell the sink of the
//! layers around them. Give all of them the same one, and every event is told once:
//!
//! | who tells | of |
//! |---|---|
//! | session layer | logins, logouts, new ids, refusals, sessions that could not be loaded or saved |
//! | token layer, guards | refusals; verdicts and keys that could not be had |
//! | issuer | logins, logouts, refreshes, and what is wrong with refresh tokens |
//! | back-channel logout | what providers end, and logout tokens that were refused |
//! | store | revocations, made or not; data that a server has lost |
//! | [`EndWithLogin`](crate::EndWithLogin), [`Caller::ended`](crate::Caller::ended) | streams that ended with their login |
//!
//! # What events carry
//!
//! No secret: no token, no session id, nothing of either. Subjects are in them, which are personal
//! data, and the public ids of logins; [`TracingEvents`] can leave subjects out, and metrics never have
//! them. What came with a request that was refused is not in them at all, as anybody can write it.
//!
//! # Metrics
//!
//! With the feature `metrics`, [`MetricsEvents`] counts, by the recorder of the `metrics` crate:
//!
//! | counter | labels | counts |
//! |---|---|---|
//! | `auth_logins_total` | `kind`: session, token | logins that began |
//! | `auth_logins_refused_total` | `kind`; `reason`: moved, too-many | logins that were refused after the password was right |
//! | `auth_logouts_total` | `kind` | logouts by the user's own client |
//! | `auth_provider_logouts_total` | `scope`: session, subject | logouts that an OpenID provider told of |
//! | `auth_rotations_total` | | sessions that got a new id under the same login |
//! | `auth_refreshes_total` | `result`: advanced, replayed | refresh tokens that were good |
//! | `auth_refresh_alarms_total` | `reason`: reused, data-lost, adopted, ahead | refresh tokens that point at a theft or a loss of data |
//! | `auth_refusals_total` | `reason`: [`RejectionKind::reason`] | requests and tokens that were refused |
//! | `auth_streams_ended_total` | `reason`: revoked, expired, unavailable | streams that ended with their login |
//! | `auth_revocations_total` | `target`: token, login, other-logins, subject, all | revocations that were made |
//! | `auth_unavailable_total` | `asked`: [`Asked`] | questions that a store, or a key set, had no answer to |
//! | `auth_data_losses_total` | | lanes of which a server had lost data |
//! | `auth_late_changes_total` | | changes to a session that came after the response |

#[cfg(feature = "metrics")]
mod metrics;
mod sink;
#[cfg(feature = "tracing")]
mod tracing;

#[cfg(feature = "metrics")]
pub use self::metrics::MetricsEvents;
#[cfg(feature = "tracing")]
pub use self::tracing::TracingEvents;
pub use sink::{EventSink, Events};

use crate::{
    LoginEnd, LoginId, RejectionKind,
    revocation::Lane,
    store::{LoginKind, Revocation, Target},
};

/// Something that happened. Holds no secret.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A login began.
    LoggedIn {
        /// Of which kind.
        kind: LoginKind,
        /// Whose.
        subject: String,
        /// Which.
        login: LoginId,
        /// The subject's other logins that were ended to make room for it.
        displaced: Vec<LoginId>,
    },
    /// A login was refused after the application had found the password right.
    LoginRefused {
        /// Of which kind.
        kind: LoginKind,
        /// Whose.
        subject: String,
        /// Why.
        reason: LoginRefusal,
    },
    /// A client logged out, or gave its refresh token back. It is a revocation, too, which the
    /// store tells.
    LoggedOut {
        /// Of which kind.
        kind: LoginKind,
        /// Whose login.
        subject: String,
        /// Which.
        login: LoginId,
    },
    /// Somebody else's OpenID provider said that a session, or everything of a subject, has ended
    /// there. What that ended here the store tells, as revocations.
    ProviderLogout {
        /// The provider's issuer.
        issuer: String,
        /// Whom it named, in its own words, if it did.
        subject: Option<String>,
        /// Whether it was a single session.
        is_session: bool,
        /// How many logins of ours it ended, or without a session, how many subjects of ours it logged out.
        ended: usize,
    },
    /// A session got a new id under the same login, or under none.
    Rotated {
        /// Whose login, if there is one, and which.
        login: Option<(String, LoginId)>,
    },
    /// A refresh token was taken for new tokens.
    Refreshed {
        /// Whose login.
        subject: String,
        /// Which.
        login: LoginId,
        /// Whether it was the one before the current, within the grace.
        replayed: bool,
    },
    /// A refresh token was presented long after it was rotated: somebody has a copy. Its login was
    /// ended.
    RefreshReused {
        /// Whose login.
        subject: String,
        /// Which.
        login: LoginId,
    },
    /// The store had another hash under the right generation: it has lost data. The login was
    /// ended.
    RefreshDataLost {
        /// Whose login.
        subject: String,
        /// Which.
        login: LoginId,
    },
    /// The store had lost one rotation to a failover; the token was adopted.
    RefreshAdopted {
        /// Whose login.
        subject: String,
        /// Which.
        login: LoginId,
    },
    /// A refresh token was further ahead of the store than one lost rotation explains.
    RefreshAhead {
        /// Whose login.
        subject: String,
        /// Which.
        login: LoginId,
    },
    /// A request was refused, or only its token, where the layer was told to go on.
    Refused {
        /// Why.
        kind: RejectionKind,
        /// Who it was, where that was proven, and by which login.
        principal: Option<(String, Option<LoginId>)>,
    },
    /// A stream ended with the login of whoever read it.
    StreamEnded {
        /// How.
        end: LoginEnd,
        /// Whose login, and which.
        principal: Option<(String, Option<LoginId>)>,
    },
    /// A revocation was made.
    Revoked {
        /// What it took back.
        target: Revoked,
        /// From whom; None if from everybody.
        subject: Option<String>,
    },
    /// A store or a key set had no answer. Told once for each question, whatever was made of that.
    Unavailable {
        /// What was asked.
        asked: Asked,
    },
    /// A server had lost data of one lane, a 1,024th of the subjects: what was issued to them before
    /// is refused from now on.
    DataLost {
        /// The lane.
        lane: Lane,
    },
    /// A session was changed after its response's head had gone out: the change is lost.
    LateSessionChange,
}

/// Why a login was refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum LoginRefusal {
    /// The subject was revoked while the password was checked.
    Moved,
    /// The subject has as many logins as are allowed.
    TooMany,
}

impl LoginRefusal {
    /// The word used in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Moved => "moved",
            Self::TooMany => "too-many",
        }
    }
}

/// What a revocation took back.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Revoked {
    /// One access token.
    Token,
    /// One login.
    Login(LoginId),
    /// All logins but this one.
    OtherLogins(LoginId),
    /// All logins.
    Subject,
    /// All logins of everybody.
    All,
}

impl Revoked {
    /// The word used in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Login(_) => "login",
            Self::OtherLogins(_) => "other-logins",
            Self::Subject => "subject",
            Self::All => "all",
        }
    }
}

/// What was asked when there was no answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Asked {
    /// Whether a credential was revoked: `verdict`.
    Verdict,
    /// For the keys to verify a token with: `keys`.
    Keys,
    /// For a session: `session`.
    Session,
    /// To save a session: `commit`.
    Commit,
    /// To begin a login: `login`.
    Login,
    /// To rotate a refresh token: `refresh`.
    Refresh,
    /// To revoke something: `revocation`. It may have been made.
    Revocation,
}

impl Asked {
    /// The word used in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verdict => "verdict",
            Self::Keys => "keys",
            Self::Session => "session",
            Self::Commit => "commit",
            Self::Login => "login",
            Self::Refresh => "refresh",
            Self::Revocation => "revocation",
        }
    }
}

impl Event {
    /// That `revocation` was made.
    pub(super) fn revoked(revocation: &Revocation) -> Self {
        let (target, subject) = match revocation.target() {
            Target::Token { subject, .. } => (Revoked::Token, Some(subject)),
            Target::Login { subject, login } => (Revoked::Login(*login), Some(subject)),
            Target::OtherLogins { subject, keep } => (Revoked::OtherLogins(*keep), Some(subject)),
            Target::Subject { subject } => (Revoked::Subject, Some(subject)),
            Target::All => (Revoked::All, None),
        };
        Self::Revoked {
            target,
            subject: subject.cloned(),
        }
    }

    /// Whom it concerns, where that is one subject.
    pub fn subject(&self) -> Option<&str> {
        match self {
            Self::LoggedIn { subject, .. }
            | Self::LoginRefused { subject, .. }
            | Self::LoggedOut { subject, .. }
            | Self::Refreshed { subject, .. }
            | Self::RefreshReused { subject, .. }
            | Self::RefreshDataLost { subject, .. }
            | Self::RefreshAdopted { subject, .. }
            | Self::RefreshAhead { subject, .. } => Some(subject),
            Self::Rotated { login } => login.as_ref().map(|(subject, _)| subject.as_str()),
            Self::Refused { principal, .. } | Self::StreamEnded { principal, .. } => {
                principal.as_ref().map(|(subject, _)| subject.as_str())
            }
            Self::Revoked { subject, .. } | Self::ProviderLogout { subject, .. } => {
                subject.as_deref()
            }
            Self::Unavailable { .. } | Self::DataLost { .. } | Self::LateSessionChange => None,
        }
    }

    /// The login that it concerns, where that is one.
    pub fn login(&self) -> Option<LoginId> {
        match self {
            Self::LoggedIn { login, .. }
            | Self::LoggedOut { login, .. }
            | Self::Refreshed { login, .. }
            | Self::RefreshReused { login, .. }
            | Self::RefreshDataLost { login, .. }
            | Self::RefreshAdopted { login, .. }
            | Self::RefreshAhead { login, .. }
            | Self::Revoked {
                target: Revoked::Login(login),
                ..
            } => Some(*login),
            Self::Rotated { login } => login.as_ref().map(|(_, login)| *login),
            Self::Refused { principal, .. } | Self::StreamEnded { principal, .. } => {
                principal.as_ref().and_then(|(_, login)| *login)
            }
            Self::LoginRefused { .. }
            | Self::ProviderLogout { .. }
            | Self::Revoked { .. }
            | Self::Unavailable { .. }
            | Self::DataLost { .. }
            | Self::LateSessionChange => None,
        }
    }
}
