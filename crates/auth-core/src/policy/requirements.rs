//! The requirements of OWASP ASVS 5.0.0 that are about sessions and tokens, by number; what they ask
//! for is told in our words.

/// One requirement of OWASP ASVS 5.0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Requirement {
    /// Its number: `7.2.3`.
    pub number: &'static str,
    /// From which level on it is asked for: 1 to 3.
    pub level: u8,
    /// What it is about.
    pub title: &'static str,
}

const fn requirement(number: &'static str, level: u8, title: &'static str) -> Requirement {
    Requirement {
        number,
        level,
        title,
    }
}

/// Chapters V7 (session management) and V9 (self-contained tokens), in order.
pub const REQUIREMENTS: [Requirement; 26] = [
    requirement(
        "7.1.1",
        2,
        "limits of inactivity and lifetime are documented and justified",
    ),
    requirement(
        "7.1.2",
        2,
        "how many sessions an account may have is documented",
    ),
    requirement(
        "7.1.3",
        2,
        "sessions that are part of a federation are documented",
    ),
    requirement(
        "7.2.1",
        1,
        "session tokens are verified by a trusted backend",
    ),
    requirement(
        "7.2.2",
        1,
        "session tokens are generated, not static secrets",
    ),
    requirement(
        "7.2.3",
        1,
        "reference tokens are unique and of 128 random bits or more",
    ),
    requirement(
        "7.2.4",
        1,
        "a login, also a repeated one, makes a new token and ends the old one",
    ),
    requirement("7.3.1", 2, "there is a limit of inactivity"),
    requirement("7.3.2", 2, "there is a limit of lifetime"),
    requirement(
        "7.4.1",
        1,
        "after logout or expiry a session can not be resumed",
    ),
    requirement(
        "7.4.2",
        1,
        "all sessions end when an account is disabled or deleted",
    ),
    requirement(
        "7.4.3",
        2,
        "the other sessions can be ended after a factor was changed",
    ),
    requirement("7.4.4", 2, "logout is easy to find on every page"),
    requirement(
        "7.4.5",
        2,
        "administrators can end the sessions of one user, or of all",
    ),
    requirement(
        "7.5.1",
        2,
        "who changes what logins rest on has to prove again who they are",
    ),
    requirement(
        "7.5.2",
        2,
        "users see their sessions, and end any of them after a fresh login",
    ),
    requirement(
        "7.5.3",
        3,
        "highly sensitive operations need a fresh login or a second check",
    ),
    requirement(
        "7.6.1",
        2,
        "lifetimes of relying parties and identity providers go together",
    ),
    requirement(
        "7.6.2",
        2,
        "no session begins without consent or an explicit action",
    ),
    requirement(
        "9.1.1",
        1,
        "signature or MAC is checked before the content is believed",
    ),
    requirement(
        "9.1.2",
        1,
        "only algorithms of an allowlist; none is never one of them",
    ),
    requirement(
        "9.1.3",
        1,
        "keys come from sources configured beforehand, not from the token",
    ),
    requirement("9.2.1", 1, "tokens are good within their time span only"),
    requirement(
        "9.2.2",
        2,
        "tokens are of the right type, and meant for the purpose",
    ),
    requirement(
        "9.2.3",
        2,
        "tokens are accepted only by the audience that they are for",
    ),
    requirement(
        "9.2.4",
        2,
        "an issuer that signs for several audiences tells them apart",
    ),
];
