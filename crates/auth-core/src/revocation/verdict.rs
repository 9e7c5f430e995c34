//! The question put to a store, and the rule that answers it.

use super::{LoginKey, Place, TokenKey, lane::digest};
use crate::{LoginId, Timestamp};

/// What a store says of a credential.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Verdict {
    /// Nothing has revoked it.
    Active,
    /// It was revoked.
    Revoked,
    /// The store can not vouch: it is down, too slow, or has lost data. Never the same as either
    /// of the others.
    Unknown,
}

impl Verdict {
    /// The verdict on what needs both to be active: revoked if either is, and else unknown if either is.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Revoked, _) | (_, Self::Revoked) => Self::Revoked,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Active, Self::Active) => Self::Active,
        }
    }
}

/// What is asked of a store: names only, so that no store learns whom it judges.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Query {
    /// The subject's lane and key.
    pub place: Place,
    /// The login the credential belongs to, if it is one of ours.
    pub login: Option<LoginKey>,
    /// The token's own name, if the credential is a token.
    pub token: Option<TokenKey>,
    /// How old the credential is, in the store's terms.
    pub standing: Standing,
}

/// How old a credential is, in the terms of its lane's revocations.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Standing {
    /// The version that the store gave when the credential was made: a credential of ours.
    Version(u64),
    /// The `iat` of somebody else's token.
    IssuedAt(Timestamp),
}

/// How far ahead of us a foreign issuer's clock may be, and how close to a revocation its tokens
/// are refused: 2 s, in ms.
pub const FOREIGN_SKEW_MS: u64 = 2_000;

impl Query {
    /// Asks about a credential of ours, of `login` at `version`.
    pub fn own(realm: &str, subject: &str, login: &LoginId, version: u64) -> Self {
        Self {
            place: Place::of(realm, subject),
            login: Some(LoginKey::of(realm, subject, login)),
            token: None,
            standing: Standing::Version(version),
        }
    }

    /// Asks about a token of somebody else's issuer, issued at `iat`.
    pub fn foreign(realm: &str, subject: &str, iat: Timestamp) -> Self {
        Self {
            place: Place::of(realm, subject),
            login: None,
            token: None,
            standing: Standing::IssuedAt(iat),
        }
    }

    /// Asks about a session at somebody else's OpenID provider, by the `sid` of a token of that
    /// issuer's, issued at `iat`: whether the provider has
    /// [ended](crate::store::Revocation::provider_session) it.
    pub fn provider_session(issuer: &str, sid: &str, iat: Timestamp) -> Self {
        let [realm, name] = provider_session(issuer, sid);
        Self::foreign(&realm, &name, iat).token(&realm, &name)
    }

    /// Asks about the token that `issuer` named `jti`, too.
    #[must_use]
    pub fn token(mut self, issuer: &str, jti: &str) -> Self {
        self.token = Some(TokenKey::of(issuer, jti));
        self
    }
}

/// Where a provider's session is: a realm that is nobody's, and a subject and token name there. Of
/// the `sid` they have the hash only.
pub(crate) fn provider_session(issuer: &str, sid: &str) -> [String; 2] {
    let hash = digest(&[b"sid", issuer.as_bytes(), sid.as_bytes()]);
    let name = hash.iter().map(|b| format!("{b:02x}")).collect();
    [format!("{issuer}\0sid"), name]
}

/// What a lane's record holds that concerns one query.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Entries {
    /// The lane's own epoch, `e`.
    pub epoch: u64,
    /// The subject's entry, `s`, if there is one.
    pub subject: Option<SubjectEpoch>,
    /// Whether the login is among the ended ones, `l`.
    pub login_ended: bool,
    /// Whether the token is among the denied ones, `t`.
    pub token_denied: bool,
}

/// A subject's versioned claim: what was made before `epoch` is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SubjectEpoch {
    /// Credentials of a lower version are revoked.
    pub epoch: u64,
    /// The one login that is spared, if it reaches `floor`.
    pub keep: Option<LoginKey>,
    /// What the spared login must reach: the epoch that was in force before it was spared.
    pub floor: u64,
}

impl Entries {
    /// The version of a credential made now.
    pub fn version(&self) -> u64 {
        self.epoch.max(self.subject.map_or(0, |s| s.epoch))
    }

    /// When what is outdated by these entries became so at the latest: epochs are never below the
    /// clock that they were handed out by. None for what is listed itself: of that only its end is
    /// kept.
    pub fn revoked_at(&self) -> Option<Timestamp> {
        let is_listed = self.token_denied || self.login_ended;
        (!is_listed).then(|| Timestamp::from_millis(self.version()))
    }
}

/// The rule: revoked if and only if the token or the login is listed, or the credential is older
/// than the epochs in force and its login is not the one that was spared.
pub fn judge(query: &Query, entries: &Entries) -> Verdict {
    let outdated = match query.standing {
        Standing::Version(version) => {
            version < entries.version() && !spared(query, version, entries)
        }
        Standing::IssuedAt(iat) => {
            // `iat` counts whole seconds and comes from another clock.
            let iat_ms = iat.as_secs().saturating_mul(1000);
            iat_ms <= entries.version().saturating_add(FOREIGN_SKEW_MS) && entries.version() > 0
        }
    };
    if entries.token_denied || entries.login_ended || outdated {
        Verdict::Revoked
    } else {
        Verdict::Active
    }
}

fn spared(query: &Query, version: u64, entries: &Entries) -> bool {
    entries.subject.is_some_and(|s| {
        s.keep.is_some() && s.keep == query.login && version >= entries.epoch.max(s.floor)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: LoginKey = LoginKey::from_bytes([1; 16]);
    const OTHER: LoginKey = LoginKey::from_bytes([2; 16]);

    fn own(login: LoginKey, version: u64) -> Query {
        Query {
            place: Place::of("r", "s"),
            login: Some(login),
            token: None,
            standing: Standing::Version(version),
        }
    }

    fn entries(epoch: u64, subject: Option<(u64, Option<LoginKey>, u64)>) -> Entries {
        Entries {
            epoch,
            subject: subject.map(|(epoch, keep, floor)| SubjectEpoch { epoch, keep, floor }),
            ..Entries::default()
        }
    }

    #[test]
    fn the_rule_row_by_row() {
        use Verdict::{Active, Revoked};
        let rows = [
            (
                "nothing was ever revoked",
                own(OTHER, 0),
                entries(0, None),
                Active,
            ),
            (
                "older than the lane",
                own(OTHER, 9),
                entries(10, None),
                Revoked,
            ),
            (
                "as old as the lane",
                own(OTHER, 10),
                entries(10, None),
                Active,
            ),
            (
                "older than the subject",
                own(OTHER, 19),
                entries(10, Some((20, None, 0))),
                Revoked,
            ),
            (
                "as old as the subject",
                own(OTHER, 20),
                entries(10, Some((20, None, 0))),
                Active,
            ),
            (
                "the lane is newer than the subject",
                own(OTHER, 20),
                entries(30, Some((20, None, 0))),
                Revoked,
            ),
            (
                "spared",
                own(KEPT, 10),
                entries(10, Some((20, Some(KEPT), 0))),
                Active,
            ),
            (
                "spared at its floor",
                own(KEPT, 15),
                entries(10, Some((20, Some(KEPT), 15))),
                Active,
            ),
            (
                "spared, but below its floor",
                own(KEPT, 14),
                entries(10, Some((20, Some(KEPT), 15))),
                Revoked,
            ),
            (
                "spared, but the lane moved on",
                own(KEPT, 15),
                entries(16, Some((20, Some(KEPT), 15))),
                Revoked,
            ),
            (
                "another login is spared",
                own(OTHER, 15),
                entries(10, Some((20, Some(KEPT), 0))),
                Revoked,
            ),
            (
                "a query without a login is never the spared one",
                Query {
                    login: None,
                    ..own(KEPT, 15)
                },
                entries(10, Some((20, None, 0))),
                Revoked,
            ),
        ];
        for (row, query, entries, expected) in rows {
            assert_eq!(judge(&query, &entries), expected, "{row}");
        }
    }

    #[test]
    fn presence_revokes_whatever_the_version() {
        for (login_ended, token_denied) in [(true, false), (false, true), (true, true)] {
            let listed = Entries {
                login_ended,
                token_denied,
                ..Entries::default()
            };
            assert_eq!(judge(&own(OTHER, u64::MAX), &listed), Verdict::Revoked);
        }
    }

    #[test]
    fn of_two_verdicts_the_worse_one_holds() {
        use Verdict::{Active, Revoked, Unknown};
        for (one, other, both) in [
            (Active, Active, Active),
            (Active, Unknown, Unknown),
            (Active, Revoked, Revoked),
            (Unknown, Unknown, Unknown),
            (Unknown, Revoked, Revoked),
            (Revoked, Revoked, Revoked),
        ] {
            assert_eq!(one.and(other), both);
            assert_eq!(other.and(one), both);
        }
    }

    #[test]
    fn a_foreign_token_must_be_clearly_younger_than_the_epoch() {
        use Verdict::{Active, Revoked};
        let rows = [
            ("long before", 90, 100_000, Revoked),
            ("at the epoch", 100, 100_000, Revoked),
            ("within the skew", 102, 100_000, Revoked),
            ("beyond the skew", 103, 100_000, Active),
            ("no epoch at all", 0, 0, Active),
            (
                "an epoch at the end of time",
                Timestamp::MAX_SECS,
                u64::MAX,
                Revoked,
            ),
        ];
        for (row, iat, epoch, expected) in rows {
            let query = Query::foreign("r", "s", Timestamp::from_secs(iat));
            assert_eq!(judge(&query, &entries(epoch, None)), expected, "{row}");
        }
    }
}
