//! Scopes, as RFC 6749 writes them.

use std::{fmt, str::FromStr};

/// At most so many scopes are in a set.
pub const MAX_SCOPES: usize = 128;
/// At most so many bytes of text are read as scopes: 4 KiB.
pub const MAX_SCOPE_BYTES: usize = 4 * 1024;

/// A set of scopes in the form of RFC 6749 section 3.3: tokens of printable ASCII without space,
/// quote and backslash, kept in the order given, each once. At most [`MAX_SCOPES`],
/// so that what a stranger sends costs nothing.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Scopes(Box<str>);

impl Scopes {
    /// From scopes, one an item. Items that are not scope tokens are left out: they could be
    /// neither written nor matched; and so is what exceeds the limits.
    pub fn new<I>(scopes: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        Self::gather(String::new(), scopes)
    }

    fn gather<I>(mut all: String, scopes: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let mut count = 0;
        for scope in scopes {
            let scope = scope.as_ref();
            if count == MAX_SCOPES || all.len() + scope.len() >= MAX_SCOPE_BYTES {
                break;
            }
            if is_scope_token(scope) && !holds(&all, scope) {
                count += 1;
                if !all.is_empty() {
                    all.push(' ');
                }
                all.push_str(scope);
            }
        }
        Self(all.into())
    }

    /// From the text form, scopes separated by spaces; what is no scope is left out. To refuse it
    /// instead, use `text.parse()`.
    pub fn parse(text: &str) -> Self {
        // Mostly all of it is scopes, and the room is just right.
        let room = String::with_capacity(text.len().min(MAX_SCOPE_BYTES));
        Self::gather(room, text.split(' '))
    }

    /// Whether `scope` is among them, compared byte by byte.
    pub fn contains(&self, scope: &str) -> bool {
        is_scope_token(scope) && holds(&self.0, scope)
    }

    /// Whether all of `other` are among them.
    pub fn is_superset(&self, other: &Self) -> bool {
        other.iter().all(|scope| holds(&self.0, scope))
    }

    /// One by one.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ').filter(|scope| !scope.is_empty())
    }

    /// The text form, separated by single spaces.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn holds(all: &str, scope: &str) -> bool {
    all.split(' ').any(|one| one == scope)
}

fn is_scope_token(scope: &str) -> bool {
    !scope.is_empty()
        && scope
            .bytes()
            .all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

/// From the text form, all or nothing: for what a client asks for.
impl FromStr for Scopes {
    type Err = ParseScopesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words = || text.split(' ').filter(|word| !word.is_empty());
        if text.len() >= MAX_SCOPE_BYTES
            || words().count() > MAX_SCOPES
            || !words().all(is_scope_token)
        {
            return Err(ParseScopesError);
        }
        Ok(Self::new(words()))
    }
}

/// The text is not a list of scopes, or a longer one than is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ParseScopesError;

impl fmt::Display for ParseScopesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a list of scopes")
    }
}

impl std::error::Error for ParseScopesError {}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl<S: AsRef<str>> FromIterator<S> for Scopes {
    fn from_iter<I: IntoIterator<Item = S>>(scopes: I) -> Self {
        Self::new(scopes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_items_agree() {
        let scopes = Scopes::parse("read  admin read");
        assert_eq!(scopes, Scopes::new(["read", "admin"]));
        assert_eq!(scopes.as_str(), "read admin");
        assert_eq!(scopes.iter().collect::<Vec<_>>(), ["read", "admin"]);
    }

    #[test]
    fn only_whole_scopes_match() {
        let scopes = Scopes::parse("read:all admin");
        assert!(scopes.contains("admin"));
        for no in ["", "read", "ADMIN", "admi", "read:all admin", " admin"] {
            assert!(!scopes.contains(no), "{no:?}");
        }
    }

    #[test]
    fn what_is_no_scope_token_is_left_out() {
        assert!(Scopes::new(["a\"b", "a\\b", "a b", "\u{e4}", ""]).is_empty());
    }

    #[test]
    fn what_a_client_asks_for_is_read_whole_or_not_at_all() {
        assert_eq!("read  admin".parse(), Ok(Scopes::parse("read admin")));
        assert_eq!("".parse(), Ok(Scopes::default()));
        let many = |n: usize| (0..n).map(|i| format!("s{i} ")).collect::<String>();
        assert!(many(MAX_SCOPES).parse::<Scopes>().is_ok());
        for no in [
            "\\",
            "read \"",
            "a\tb",
            &many(MAX_SCOPES + 1),
            &"a".repeat(MAX_SCOPE_BYTES),
        ] {
            assert_eq!(no.parse::<Scopes>(), Err(ParseScopesError));
        }
    }

    #[test]
    fn a_set_stays_small_whatever_it_is_made_of() {
        let endless = (0..).map(|n: u64| n.to_string());
        assert_eq!(Scopes::new(endless).iter().count(), MAX_SCOPES);
        let long = Scopes::new((0..100).map(|n| format!("{n}{}", "a".repeat(100))));
        assert!(long.as_str().len() <= MAX_SCOPE_BYTES);
    }

    #[test]
    fn narrower_is_a_subset() {
        let wide = Scopes::parse("a b c");
        assert!(wide.is_superset(&Scopes::parse("c a")));
        assert!(wide.is_superset(&Scopes::default()));
        assert!(!wide.is_superset(&Scopes::parse("a d")));
    }
}
