//! What the server answers.

use std::collections::HashMap;

use auth_core::{StoreError, Unavailable};

/// A reply, without the client's own types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Nil,
    Text(String),
    /// Text that is not UTF-8: nothing of ours.
    Binary,
    List(Vec<Reply>),
}

/// A hash, or the flat list of one.
pub(crate) type Hash = HashMap<String, String>;

impl Reply {
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn number(&self) -> Option<u64> {
        self.text()?.parse().ok()
    }

    pub(crate) fn list(self) -> Result<Vec<Reply>, Failure> {
        match self {
            Self::List(list) => Ok(list),
            _ => Err(Failure::unreadable()),
        }
    }

    /// Whether it is what a master answers to `ROLE`.
    pub(crate) fn is_master(&self) -> bool {
        matches!(self, Self::List(list) if list.first().and_then(Reply::text) == Some("master"))
    }

    pub(crate) fn hash(self) -> Result<Hash, Failure> {
        hash(&self.list()?)
    }
}

/// Names and values in turn.
pub(crate) fn hash(flat: &[Reply]) -> Result<Hash, Failure> {
    let text = |reply: &Reply| reply.text().map(str::to_owned);
    let pair = |pair: &[Reply]| Some((text(pair.first()?)?, text(pair.get(1)?)?));
    let pairs: Option<Hash> = flat.chunks(2).map(pair).collect();
    pairs.ok_or_else(Failure::unreadable)
}

/// Why there is no reply, or not the one that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No answer: not connected, too slow, or the breaker is open.
    NoAnswer(String),
    /// It has not been tried yet to connect.
    NotYet,
    /// The server refused; the first word of its reply, and all of it.
    Refused { code: String, text: String },
}

impl Failure {
    pub(crate) fn no_answer(why: &str) -> Self {
        Self::NoAnswer(why.to_owned())
    }

    pub(crate) fn not_yet() -> Self {
        Self::NotYet
    }

    pub(crate) fn is_not_yet(&self) -> bool {
        *self == Self::NotYet
    }

    pub(crate) fn refused(text: &str) -> Self {
        let code = text.split_whitespace().next().unwrap_or_default();
        // When a script may not run a command, Redis 7.0 says it in the one way, and Redis since 7.2
        // and Valkey in the other.
        let is_forbidden = text.contains("The user executing the script can't")
            || text.contains("ACL failure in script");
        // And so when a key that a script reads has gone to another node of a cluster meanwhile.
        let is_elsewhere = text.contains("access a non local key");
        let code = match () {
            () if is_forbidden => "NOPERM",
            () if is_elsewhere => "TRYAGAIN",
            () => code,
        };
        Self::Refused {
            code: code.to_owned(),
            text: text.to_owned(),
        }
    }

    pub(crate) fn unreadable() -> Self {
        Self::refused("UNREADABLE")
    }

    pub(crate) fn is(&self, expected: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == expected)
    }

    /// Whether the server as a whole is in no state to answer; other errors are about a key or about
    /// writing, and say nothing of the next read.
    pub(crate) fn is_outage(&self) -> bool {
        match self {
            Self::NoAnswer(_) | Self::NotYet => true,
            Self::Refused { code, .. } => matches!(
                code.as_str(),
                "LOADING"
                    | "MASTERDOWN"
                    | "BUSY"
                    | "CLUSTERDOWN"
                    | "NOAUTH"
                    | "WRONGPASS"
                    | "NOMASTER"
            ),
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused { code, .. } => match code.as_str() {
                "WRONGTYPE" | "UNREADABLE" => Self::Unreadable,
                "OOM" => Self::Full,
                _ => Self::Unavailable(Unavailable::default()),
            },
            Failure::NoAnswer(_) | Failure::NotYet => Self::Unavailable(Unavailable::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_script_may_not_do_is_forbidden_however_it_is_said() {
        let rows = [
            "NOPERM this user has no permissions to run the 'zadd' command",
            "ERR The user executing the script can't run this command or subcommand script: f, on @user_script:26.",
            "ERR ACL failure in script: User app has no permissions to run the 'zadd' command script: f, on @user_script:26.",
        ];
        for row in rows {
            assert!(Failure::refused(row).is("NOPERM"), "{row}");
        }
    }

    #[test]
    fn what_is_about_a_key_or_a_write_is_no_outage() {
        let rows = [
            ("WRONGTYPE Operation against a key", false),
            ("OOM command not allowed", false),
            ("READONLY You can't write", false),
            ("MISCONF Redis is configured", false),
            ("NOREPLICAS Not enough good replicas", false),
            ("NOPERM User default has no permissions", false),
            ("LOADING Redis is loading", true),
            ("BUSY Redis is busy running a script", true),
            ("NOAUTH Authentication required.", true),
        ];
        for (row, is_outage) in rows {
            assert_eq!(Failure::refused(row).is_outage(), is_outage, "{row}");
        }
        assert!(Failure::no_answer("closed").is_outage());
    }
}
