//! Scopes and roles, wherever an issuer puts them: gathered in the one pass over the claims.

use std::{borrow::Cow, fmt};

use auth_core::Scopes;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::json::{Skip, Str};

/// The deepest path.
const MAX_DEPTH: usize = 8;
/// At most so many paths: a bit for each.
const MAX_PATHS: usize = 8;
/// What has a meaning of its own and so is no place for scopes.
const TAKEN: [&str; 12] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "auth_time",
    "client_id",
    "sid",
    "gen",
    "ver",
];

/// The places in the claims that hold scopes, each a path of member names.
#[derive(Clone, Debug)]
pub(super) struct ScopePaths(Vec<Vec<Box<str>>>);

impl Default for ScopePaths {
    /// `scope` (RFC 8693 section 4.2, RFC 9068 section 2.2.3).
    fn default() -> Self {
        Self(vec![vec!["scope".into()]])
    }
}

impl ScopePaths {
    pub(super) fn only<I: IntoIterator<Item: Into<Box<str>>>>(path: I) -> Self {
        Self(Vec::new()).and(path)
    }

    pub(super) fn and<I: IntoIterator<Item: Into<Box<str>>>>(mut self, path: I) -> Self {
        self.0.push(path.into_iter().map(Into::into).collect());
        self
    }

    /// Few, of names only, and not where something else is.
    pub(super) fn are_sound(&self) -> bool {
        let sound = |path: &Vec<Box<str>>| {
            (1..=MAX_DEPTH).contains(&path.len())
                && path.iter().all(|name| !name.is_empty())
                && !TAKEN.contains(&&*path[0])
        };
        (1..=MAX_PATHS).contains(&self.0.len()) && self.0.iter().all(sound)
    }

    /// Reads the value of a member at the claims' top level; None if no path begins there.
    pub(super) fn at<'p, 'o, 'de>(
        &'p self,
        name: &str,
        found: &'o mut Gathered<'de>,
    ) -> Option<Gather<'p, 'o, 'de>> {
        let all = ((1_u16 << self.0.len()) - 1) as u8;
        let under = self.next(all, 0, name);
        (under != 0).then(|| self.under(under, 0, Skip::MEMBER, found))
    }

    /// Of the paths in `of`, those that go on with `name` at `depth`.
    fn next(&self, of: u8, depth: usize, name: &str) -> u8 {
        let goes_on = |path: &Vec<Box<str>>| path.get(depth).is_some_and(|at| **at == *name);
        let paths = (0..).zip(&self.0);
        paths.fold(0, |sum, (bit, path)| {
            sum | (u8::from(goes_on(path)) << bit) & of
        })
    }

    /// The value under the name at `depth` of these paths: some end there, others go on.
    fn under<'p, 'o, 'de>(
        &'p self,
        paths: u8,
        depth: usize,
        skip: Skip,
        found: &'o mut Gathered<'de>,
    ) -> Gather<'p, 'o, 'de> {
        let ends = |path: &Vec<Box<str>>| path.len() == depth + 1;
        let ending = (0..).zip(&self.0).fold(0, |sum, (bit, path)| {
            sum | (u8::from(ends(path)) << bit) & paths
        });
        Gather {
            paths: self,
            going_on: paths & !ending,
            depth: depth + 1,
            takes: if ending == 0 {
                Takes::Nothing
            } else {
                Takes::Text
            },
            skip,
            found,
        }
    }
}

/// The scopes found so far, as text.
#[derive(Default)]
pub(super) struct Gathered<'de>(Option<Cow<'de, str>>);

impl<'de> Gathered<'de> {
    pub(super) fn scopes(&self) -> Scopes {
        self.0.as_deref().map(Scopes::parse).unwrap_or_default()
    }

    fn add(&mut self, text: Cow<'de, str>) {
        match &mut self.0 {
            None => self.0 = Some(text),
            Some(all) => {
                let all = all.to_mut();
                all.push(' ');
                all.push_str(&text);
            }
        }
    }
}

/// Reads a value, all of it, and keeps the scopes that are in it.
pub(super) struct Gather<'p, 'o, 'de> {
    paths: &'p ScopePaths,
    going_on: u8,
    depth: usize,
    takes: Takes,
    skip: Skip,
    found: &'o mut Gathered<'de>,
}

/// What of a value is scopes.
#[derive(Clone, Copy, PartialEq)]
enum Takes {
    Nothing,
    /// A text of scopes, or a list of them. What is neither is no scope.
    Text,
    /// One scope, in a list.
    One,
}

impl<'de> DeserializeSeed<'de> for Gather<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Gather<'_, '_, 'de> {
    fn text(self, text: Cow<'de, str>) {
        // In a list, what has a space in it is not several scopes: it is none.
        if self.takes == Takes::Text || self.takes == Takes::One && !text.contains(' ') {
            self.found.add(text);
        }
    }
}

impl<'de> Visitor<'de> for Gather<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<(), E> {
        self.text(Cow::Borrowed(text));
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.text(Cow::Owned(text.to_owned()));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        if self.takes != Takes::Text {
            return self.skip.visit_seq(seq);
        }
        let skip = self.skip.deeper()?;
        loop {
            let element = Gather {
                paths: self.paths,
                going_on: 0,
                depth: self.depth,
                takes: Takes::One,
                skip,
                found: &mut *self.found,
            };
            if seq.next_element_seed(element)?.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if self.going_on == 0 {
            return self.skip.visit_map(map);
        }
        let skip = self.skip.deeper()?;
        let mut seen = 0;
        while let Some(Str(name)) = map.next_key()? {
            let next = self.paths.next(self.going_on, self.depth, &name);
            if next & seen != 0 {
                return Err(A::Error::custom("a duplicate member"));
            }
            seen |= next;
            if next == 0 {
                map.next_value_seed(skip)?;
            } else {
                let value = self.paths.under(next, self.depth, skip, &mut *self.found);
                map.next_value_seed(value)?;
            }
        }
        Ok(())
    }
}
