//! The entries of a lane's hash, as text.

use auth_core::{
    Timestamp,
    revocation::{Lane, LoginKey, SubjectEpoch, SubjectKey, TokenKey},
    store::Notice,
};

use crate::{keys, reply::Reply};

/// One revocation, and until when (by the store's clock) it has to be remembered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Entry {
    Token(TokenKey, Timestamp),
    Login(LoginKey, Timestamp),
    Subject(SubjectKey, SubjectEpoch, Timestamp),
}

/// What can not be read is never forgotten.
const FOR_EVER: Timestamp = Timestamp::from_millis(u64::MAX);

impl Entry {
    /// What subscribers are told of it.
    pub(crate) fn notice(&self, lane: Lane) -> Notice {
        match *self {
            Self::Token(token, _) => Notice::Token(lane, token),
            Self::Login(login, _) => Notice::Login(lane, login),
            Self::Subject(subject, claim, _) => Notice::Subject(lane, subject, claim.keep),
        }
    }

    /// None if the field is no revocation. One whose value can not be read revokes.
    pub(crate) fn parse(name: &str, value: &Reply) -> Option<Self> {
        let (kind, name) = name.split_at_checked(2)?;
        match kind {
            "t:" => Some(Self::Token(
                TokenKey::from_bytes(keys::bytes(name)?),
                until(value),
            )),
            "l:" => Some(Self::Login(
                LoginKey::from_bytes(keys::bytes(name)?),
                until(value),
            )),
            "s:" => {
                let (claim, until) = claim(value);
                let subject = SubjectKey::from_bytes(keys::bytes(name)?);
                Some(Self::Subject(subject, claim, until))
            }
            _ => None,
        }
    }
}

/// Until when an entry has to be remembered, ms.
pub(crate) fn until(value: &Reply) -> Timestamp {
    value.number().map_or(FOR_EVER, Timestamp::from_millis)
}

/// `epoch until floor keep op`; one that can not be read revokes, for ever.
pub(crate) fn claim(value: &Reply) -> (SubjectEpoch, Timestamp) {
    let parse = |text: &str| {
        let mut parts = text.split(' ');
        let epoch = parts.next()?.parse().ok()?;
        let until = Timestamp::from_millis(parts.next()?.parse().ok()?);
        let floor = parts.next()?.parse().ok()?;
        let keep = keys::bytes(parts.next()?).map(LoginKey::from_bytes);
        Some((SubjectEpoch { epoch, keep, floor }, until))
    };
    let unreadable = SubjectEpoch {
        epoch: u64::MAX,
        keep: None,
        floor: 0,
    };
    value
        .text()
        .and_then(parse)
        .unwrap_or((unreadable, FOR_EVER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_and_what_can_not_be_read_revokes() {
        let name = "AQEBAQEBAQEBAQEBAQEBAQ";
        let key = [1; 16];
        let at = Timestamp::from_millis;
        let claim = |epoch, keep, floor| SubjectEpoch { epoch, keep, floor };
        let subject = |claim, until| Entry::Subject(SubjectKey::from_bytes(key), claim, until);
        let kept = Some(LoginKey::from_bytes(key));
        let token = |until| Entry::Token(TokenKey::from_bytes(key), until);
        let login = |until| Entry::Login(LoginKey::from_bytes(key), until);
        let rows = [
            ("t", "17", Some(token(at(17)))),
            ("l", "18", Some(login(at(18)))),
            ("s", "5 17 0 - op", Some(subject(claim(5, None, 0), at(17)))),
            (
                "s",
                "5 17 3 AQEBAQEBAQEBAQEBAQEBAQ op",
                Some(subject(claim(5, kept, 3), at(17))),
            ),
            ("t", "soon", Some(token(FOR_EVER))),
            ("l", "-1", Some(login(FOR_EVER))),
            (
                "s",
                "5 17",
                Some(subject(claim(u64::MAX, None, 0), FOR_EVER)),
            ),
            ("x", "17", None),
        ];
        for (kind, value, expected) in rows {
            let value = Reply::Text(value.to_owned());
            let entry = Entry::parse(&format!("{kind}:{name}"), &value);
            assert_eq!(entry, expected, "{kind} {value:?}");
        }
        for name in ["id", "e", "t:", "t:short", "é:", ""] {
            assert_eq!(Entry::parse(name, &Reply::Nil), None, "{name}");
        }
    }
}
