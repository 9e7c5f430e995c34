//! What a lane says of one credential.

use auth_core::{
    Verdict,
    revocation::{Entries, LoginKey, Query, Standing::Version, TokenKey, judge},
};

use crate::{
    keys::{Keys, text},
    seen::Standing,
};

/// What a lane says that concerns one query.
pub(crate) struct Known {
    /// What the server says, and what this node knows better.
    pub(crate) entries: Entries,
    /// Only what the server says.
    pub(crate) there: Entries,
    /// The highest version that the lane has handed out.
    pub(crate) highest: u64,
}

impl Known {
    /// The rule, and that a version which the lane never handed out is from before it lost data.
    pub(crate) fn verdict(&self, query: &Query) -> Verdict {
        self.judge(query, &self.entries)
    }

    /// The same by the server alone: whether a revocation took place there. One that failed may be
    /// asked for again, and is not done because this node refuses already what it was about.
    pub(crate) fn verdict_there(&self, query: &Query) -> Verdict {
        self.judge(query, &self.there)
    }

    fn judge(&self, query: &Query, entries: &Entries) -> Verdict {
        match query.standing {
            Version(version) if version > self.highest => Verdict::Revoked,
            _ => judge(query, entries),
        }
    }
}

/// A query, and what was known before the server is asked: its answer can not be older than that,
/// unless it has lost something.
pub(crate) struct Question {
    pub(crate) query: Query,
    pub(crate) known: Standing,
}

impl Question {
    /// The arguments of `HMGET`.
    pub(crate) fn words(&self, keys: &Keys) -> Vec<String> {
        let query = &self.query;
        let name = |kind: char, name: Option<&[u8; 16]>| {
            format!("{kind}:{}", name.map(|name| text(name)).unwrap_or_default())
        };
        let mut words = vec![keys.lane(query.place.lane)];
        words.extend(["id", "e", "h", "n"].map(str::to_owned));
        words.push(name('s', Some(query.place.subject.as_bytes())));
        words.push(name('l', query.login.as_ref().map(LoginKey::as_bytes)));
        words.push(name('t', query.token.as_ref().map(TokenKey::as_bytes)));
        words
    }
}
