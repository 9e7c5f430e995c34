//! Changing a session's data.

use std::{collections::BTreeMap, sync::Arc};

use auth_core::store::{FieldChange, FieldValue, MAX_DATA_BYTES, MAX_FIELD_BYTES, MAX_FIELDS};

pub(crate) type Fields = BTreeMap<Arc<str>, FieldValue>;

/// Why changes were not made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NotChanged {
    /// A field is not as expected.
    Conflict,
    /// It would be too much.
    TooLarge,
}

/// The fields as `changes` leave them.
pub(crate) fn changed(fields: &Fields, changes: &[FieldChange]) -> Result<Fields, NotChanged> {
    let unexpected = |change: &FieldChange| {
        let expected = change.expected.as_ref();
        expected.is_some_and(|expected| expected.as_ref() != fields.get(&change.name))
    };
    if changes.iter().any(unexpected) {
        return Err(NotChanged::Conflict);
    }
    let mut changed = fields.clone();
    for change in changes {
        match &change.value {
            Some(value) => changed.insert(Arc::clone(&change.name), value.clone()),
            None => changed.remove(&change.name),
        };
    }
    if fits(&changed) {
        Ok(changed)
    } else {
        Err(NotChanged::TooLarge)
    }
}

fn fits(fields: &Fields) -> bool {
    let length = |value: &FieldValue| value.as_json().len();
    fields.len() <= MAX_FIELDS
        && fields
            .values()
            .all(|value| length(value) <= MAX_FIELD_BYTES)
        && fields
            .iter()
            .map(|(name, value)| name.len() + length(value))
            .sum::<usize>()
            <= MAX_DATA_BYTES
}
