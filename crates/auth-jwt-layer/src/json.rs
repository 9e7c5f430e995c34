//! The strict parts of reading JSON from strangers.
//!
//! Three things that `serde_json` leaves to its callers: members that nobody asked for are still looked at (its own
//! skipping takes lone surrogates and any depth), duplicate names are refused, and times are numbers in range.

use std::{borrow::Cow, fmt};

use auth_core::Timestamp;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// How deep a value may be nested.
pub(crate) const MAX_DEPTH: u8 = 32;

/// Reads a value of any type and forgets it.
#[derive(Clone, Copy)]
pub(crate) struct Skip(u8);

impl Skip {
    /// Skips the value of a member of the outermost object.
    pub(crate) const MEMBER: Self = Self(MAX_DEPTH - 1);

    /// Skips what is in the value.
    pub(crate) fn deeper<E: Error>(self) -> Result<Self, E> {
        let left = self.0.checked_sub(1);
        left.map(Self).ok_or_else(|| E::custom("nested too deep"))
    }
}

impl<'de> DeserializeSeed<'de> for Skip {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Skip {
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

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let element = self.deeper()?;
        while seq.next_element_seed(element)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let member = self.deeper()?;
        while map.next_key_seed(member)?.is_some() {
            map.next_value_seed(member)?;
        }
        Ok(())
    }
}

/// A string, borrowed from the input unless it has escapes.
pub(crate) struct Str<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Str<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StrVisitor;

        impl<'de> Visitor<'de> for StrVisitor {
            type Value = Str<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(StrVisitor)
    }
}

/// A `NumericDate` (RFC 7519 section 2): seconds since the epoch, fractions rounded down, not beyond the year 9999.
pub(crate) struct NumericDate(pub(crate) Timestamp);

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DateVisitor;

        impl Visitor<'_> for DateVisitor {
            type Value = NumericDate;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time in seconds")
            }

            fn visit_u64<E: Error>(self, seconds: u64) -> Result<NumericDate, E> {
                if seconds > Timestamp::MAX_SECS {
                    return Err(E::custom("beyond the year 9999"));
                }
                Ok(NumericDate(Timestamp::from_secs(seconds)))
            }

            fn visit_f64<E: Error>(self, seconds: f64) -> Result<NumericDate, E> {
                // The range leaves out NaN, and is exact in f64.
                if !(0.0..=Timestamp::MAX_SECS as f64).contains(&seconds) {
                    return Err(E::custom("out of range"));
                }
                self.visit_u64(seconds as u64)
            }
        }

        // The hint, and not `any`: with serde_json's `arbitrary_precision`, which any crate may switch on, `any`
        // gives numbers as maps.
        deserializer.deserialize_u64(DateVisitor)
    }
}

/// The names of an object's members that have no field of their own.
pub(crate) struct OtherNames<'de> {
    seen: Vec<Cow<'de, str>>,
    at_most: usize,
}

impl<'de> OtherNames<'de> {
    pub(crate) fn at_most(at_most: usize) -> Self {
        Self {
            seen: Vec::new(),
            at_most,
        }
    }

    /// Takes note of a name; fails on its second occurrence (RFC 7515 section 4, RFC 7519 section 4).
    pub(crate) fn note<E: Error>(&mut self, name: Cow<'de, str>) -> Result<(), E> {
        if self.seen.len() == self.at_most {
            return Err(E::custom("too many members"));
        }
        if self.seen.contains(&name) {
            return Err(E::custom("a duplicate member"));
        }
        self.seen.push(name);
        Ok(())
    }
}

/// Reads the value of a member into its field; fails if the field was filled before.
pub(crate) fn fill<T, E: Error>(field: &mut Option<T>, value: T) -> Result<(), E> {
    match field.replace(value) {
        None => Ok(()),
        Some(_) => Err(E::custom("a duplicate member")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skips(json: &str) -> bool {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        Skip::MEMBER.deserialize(&mut deserializer).is_ok() && deserializer.end().is_ok()
    }

    #[test]
    fn what_is_skipped_is_still_read() {
        let deep = |n: usize| "[".repeat(n) + &"]".repeat(n);
        for (what, json, read) in [
            (
                "a value of every type",
                r#"{"a":[1,-1,1.5,"x",null,true,{}]}"#.to_owned(),
                true,
            ),
            (
                "an escaped surrogate pair",
                r#""\ud83d\ude00""#.to_owned(),
                true,
            ),
            ("a lone surrogate", r#"["\ud83d"]"#.to_owned(), false),
            (
                "a lone surrogate in a name",
                r#"{"\ud83d":1}"#.to_owned(),
                false,
            ),
            ("a number out of range", "1e400".to_owned(), false),
            ("a control character", "\"\u{1}\"".to_owned(), false),
            ("the greatest depth", deep(31), true),
            ("one deeper", deep(32), false),
            ("2,500 deep", deep(2500), false),
            ("something after it", "1 2".to_owned(), false),
        ] {
            assert_eq!(skips(&json), read, "{what}");
        }
    }

    #[test]
    fn a_time_is_a_number_in_range() {
        for (what, json, seconds) in [
            ("an integer", "1700000000", Some(1_700_000_000)),
            (
                "a fraction is rounded down",
                "1700000000.9",
                Some(1_700_000_000),
            ),
            ("an exponent", "1.7e9", Some(1_700_000_000)),
            ("zero", "0", Some(0)),
            ("minus zero", "-0", Some(0)),
            (
                "the last second of 9999",
                "253402300799",
                Some(Timestamp::MAX_SECS),
            ),
            ("the first of 10000", "253402300800", None),
            ("the same as a fraction", "253402300799.5", None),
            ("milliseconds", "1700000000000", None),
            ("u64::MAX", "18446744073709551615", None),
            ("beyond u64", "18446744073709551616", None),
            ("1e300", "1e300", None),
            ("negative", "-1", None),
            ("a negative fraction", "-0.5", None),
            ("a string", "\"1700000000\"", None),
            ("null", "null", None),
            ("true", "true", None),
            ("an array", "[1700000000]", None),
        ] {
            let read = serde_json::from_str::<NumericDate>(json).ok();
            assert_eq!(read.map(|date| date.0.as_secs()), seconds, "{what}");
        }
    }
}
