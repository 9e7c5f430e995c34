//! A session's data as it is kept: one block of text.

use std::{collections::BTreeMap, fmt};

use super::FieldChange;

/// The fields of a session, in the order of their names: each name with its value as JSON text.
///
/// One allocation, however many they are: a session at rest is little more than its bytes. It is read
/// in place, and written anew as a whole.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Fields(
    /// For each field the length of its name, that of its value, the name, and the value. Lengths
    /// have six bits in each character, the lowest first, and a seventh where more follow: so that
    /// all of it is text, and parts of it need no check.
    Option<Box<str>>,
);

impl Fields {
    /// None.
    pub const fn new() -> Self {
        Self(None)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The value of a field, as JSON text; None if it is not there.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.iter().filter(|(other, _)| *other == name);
        found.next().map(|(_, json)| json)
    }

    /// Names and values as JSON text, in the order of the names.
    pub fn iter(&self) -> FieldsIter<'_> {
        FieldsIter(self.0.as_deref().unwrap_or_default())
    }

    /// The fields as `changes` leave them. What they expect is not looked at.
    #[must_use]
    pub fn changed(&self, changes: &[FieldChange]) -> Self {
        let stays = |name: &str| changes.iter().all(|change| *change.name != *name);
        let mut all: Vec<(&str, &str)> = self.iter().filter(|(name, _)| stays(name)).collect();
        for (number, change) in changes.iter().enumerate() {
            // Of two changes of one field the later counts.
            let mut later = changes[number + 1..].iter();
            if let Some(json) = &change.value
                && later.all(|other| other.name != change.name)
            {
                let at = all.partition_point(|(name, _)| *name < &*change.name);
                all.insert(at, (&change.name, json.as_json()));
            }
        }
        Self::of(&all)
    }

    /// Of fields in the order of their names.
    fn of(all: &[(&str, &str)]) -> Self {
        let size = |(name, json): &(&str, &str)| name.len() + json.len() + 4;
        let mut text = String::with_capacity(all.iter().map(size).sum());
        for (name, json) in all {
            push_length(&mut text, name.len());
            push_length(&mut text, json.len());
            text.push_str(name);
            text.push_str(json);
        }
        Self((!text.is_empty()).then(|| text.into_boxed_str()))
    }
}

/// Of a name that comes twice the later value counts.
impl<N: AsRef<str>, J: AsRef<str>> FromIterator<(N, J)> for Fields {
    fn from_iter<I: IntoIterator<Item = (N, J)>>(fields: I) -> Self {
        let fields: Vec<(N, J)> = fields.into_iter().collect();
        let sorted: BTreeMap<&str, &str> = fields
            .iter()
            .map(|(name, json)| (name.as_ref(), json.as_ref()))
            .collect();
        Self::of(&sorted.into_iter().collect::<Vec<_>>())
    }
}

impl<'a> IntoIterator for &'a Fields {
    type Item = (&'a str, &'a str);
    type IntoIter = FieldsIter<'a>;

    fn into_iter(self) -> FieldsIter<'a> {
        self.iter()
    }
}

/// Shows the names, and of the values the lengths only.
impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = self.iter();
        f.debug_map()
            .entries(fields.map(|(name, json)| (name, format!("{} bytes", json.len()))))
            .finish()
    }
}

/// Goes through [`Fields`].
#[derive(Clone)]
pub struct FieldsIter<'a>(&'a str);

impl<'a> Iterator for FieldsIter<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let (name, json) = (self.take_length(), self.take_length());
        Some((self.take(name), self.take(json)))
    }
}

impl<'a> FieldsIter<'a> {
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    fn take_length(&mut self) -> usize {
        let (mut length, mut bits, mut used) = (0, 0, 0);
        for byte in self.0.bytes() {
            length |= usize::from(byte & (MORE - 1)) << bits;
            bits += 6;
            used += 1;
            if byte & MORE == 0 {
                break;
            }
        }
        self.take(used);
        length
    }
}

/// That another character of a length follows.
const MORE: u8 = 1 << 6;

fn push_length(text: &mut String, mut length: usize) {
    loop {
        let low = (length & usize::from(MORE - 1)) as u8;
        length >>= 6;
        if length == 0 {
            return text.push(char::from(low));
        }
        text.push(char::from(low | MORE));
    }
}

impl fmt::Debug for FieldsIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FieldsIter")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::FieldValue;

    #[test]
    fn fields_of_any_length_are_read_back_in_order() {
        let lengths = [0, 1, 62, 63, 64, 65, 4_095, 4_096, 16_384, 300_000];
        let json = |length: usize| "\u{e4}".repeat(length / 2) + &"x".repeat(length % 2);
        for rows in [&lengths[..0], &lengths[..1], &lengths] {
            let fields: Vec<_> = rows
                .iter()
                .map(|length| (format!("{length:07}\u{20ac}"), json(*length)))
                .collect();
            let kept: Fields = fields.iter().rev().map(|(n, j)| (n, j)).collect();
            let read: Vec<_> = kept.iter().collect();
            let written: Vec<_> = fields.iter().map(|(n, j)| (&**n, &**j)).collect();
            assert_eq!(read, written);
            assert_eq!(kept.len(), rows.len());
            assert_eq!(kept.is_empty(), rows.is_empty());
            for (name, value) in &fields {
                assert_eq!(kept.get(name), Some(&**value));
            }
            assert_eq!(kept.get("0"), None);
        }
    }

    #[test]
    fn changes_put_fields_in_their_places() {
        let change = |name: &str, json: Option<&str>| FieldChange {
            name: name.into(),
            value: json.map(FieldValue::from_json),
            expected: None,
        };
        let fields: Fields = [("b", "1"), ("d", "2"), ("b", "3")].into_iter().collect();
        let rows = [
            (vec![], vec![("b", "3"), ("d", "2")]),
            (
                vec![change("e", Some("4")), change("a", Some("5"))],
                vec![("a", "5"), ("b", "3"), ("d", "2"), ("e", "4")],
            ),
            (
                vec![change("d", Some("")), change("c", Some("6"))],
                vec![("b", "3"), ("c", "6"), ("d", "")],
            ),
            (vec![change("b", None), change("x", None)], vec![("d", "2")]),
            (vec![change("b", None), change("d", None)], vec![]),
            (
                vec![change("b", Some("4")), change("b", Some("5"))],
                vec![("b", "5"), ("d", "2")],
            ),
            (
                vec![change("b", Some("4")), change("b", None)],
                vec![("d", "2")],
            ),
        ];
        for (changes, expected) in rows {
            let changed = fields.changed(&changes);
            assert_eq!(changed.iter().collect::<Vec<_>>(), expected);
            // Equal, however it came about.
            assert_eq!(changed, expected.into_iter().collect());
        }
    }

    #[test]
    fn values_are_not_shown() {
        let fields: Fields = [("cart", "\"secret\"")].into_iter().collect();
        assert_eq!(format!("{fields:?}"), r#"{"cart": "8 bytes"}"#);
    }
}
