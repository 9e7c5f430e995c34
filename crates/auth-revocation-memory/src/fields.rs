//! Changing a session's data.

use auth_core::store::{
    FieldChange, FieldValue, Fields, MAX_DATA_BYTES, MAX_FIELD_BYTES, MAX_FIELDS,
};

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
        let expected = expected.map(|it| it.as_ref().map(FieldValue::as_json));
        expected.is_some_and(|expected| expected != fields.get(&change.name))
    };
    if changes.iter().any(unexpected) {
        return Err(NotChanged::Conflict);
    }
    let changed = fields.changed(changes);
    if fits(&changed) {
        Ok(changed)
    } else {
        Err(NotChanged::TooLarge)
    }
}

fn fits(fields: &Fields) -> bool {
    let (mut count, mut bytes) = (0, 0);
    for (name, json) in fields {
        if json.len() > MAX_FIELD_BYTES {
            return false;
        }
        count += 1;
        bytes += name.len() + json.len();
    }
    count <= MAX_FIELDS && bytes <= MAX_DATA_BYTES
}
