//! What a lane says of one credential.

use auth_core::{
    Verdict,
    revocation::{Entries, Query, Standing::Version, judge},
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
