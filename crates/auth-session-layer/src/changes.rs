//! Changes to a session's data that are not saved yet.

use std::{collections::BTreeMap, fmt, sync::Arc};

use auth_core::store::{FieldChange, FieldValue, MAX_FIELD_BYTES};
use serde::{Serialize, de::DeserializeOwned};

use crate::{SessionError, SessionErrorKind, error::SizeLimit};

pub(crate) type Fields = BTreeMap<Arc<str>, FieldValue>;

/// A function of the field's value: run when it is given, and again if the field has changed
/// meanwhile.
pub(crate) type UpdateFn =
    Arc<dyn Fn(Option<&FieldValue>) -> Result<Option<FieldValue>, SessionError> + Send + Sync>;

/// Changes to fields, by name.
#[derive(Clone, Default)]
pub(crate) struct Changes(BTreeMap<Arc<str>, Change>);

#[derive(Clone)]
struct Change {
    /// What the field becomes; None removes it.
    value: Option<FieldValue>,
    /// How `value` follows from what is saved; empty if it does not depend on that.
    updates: Vec<UpdateFn>,
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What a field becomes; None if it is not among them.
    pub(crate) fn get(&self, name: &str) -> Option<Option<&FieldValue>> {
        self.0.get(name).map(|change| change.value.as_ref())
    }

    /// Adds one: `update`, which gave `value`, or `value` in any case.
    pub(crate) fn put(&mut self, name: &str, value: Option<FieldValue>, update: Option<UpdateFn>) {
        match (self.0.get_mut(name), update) {
            (Some(change), Some(update)) => {
                change.value = value;
                // After a plain write it is the write that counts, whatever is saved.
                if !change.updates.is_empty() {
                    change.updates.push(update);
                }
            }
            (_, update) => {
                let updates = update.into_iter().collect();
                self.0.insert(name.into(), Change { value, updates });
            }
        }
    }

    /// Makes them to `fields`.
    pub(crate) fn apply(&self, fields: &mut Fields) {
        for (name, change) in &self.0 {
            match &change.value {
                Some(value) => fields.insert(Arc::clone(name), value.clone()),
                None => fields.remove(name),
            };
        }
    }

    /// Runs the updates again, from what is saved.
    pub(crate) fn rebase(&mut self, saved: &Fields) -> Result<(), SessionError> {
        for (name, change) in &mut self.0 {
            let Some((first, rest)) = change.updates.split_first() else {
                continue;
            };
            let mut value = first(saved.get(name))?;
            for update in rest {
                value = update(value.as_ref())?;
            }
            change.value = value;
        }
        Ok(())
    }

    /// What there is to save, if `saved` is what is saved.
    pub(crate) fn to_send(&self, saved: &Fields) -> Vec<FieldChange> {
        self.0
            .iter()
            .filter(|(name, change)| change.value.as_ref() != saved.get(*name))
            .map(|(name, change)| FieldChange {
                name: Arc::clone(name),
                value: change.value.clone(),
                expected: (!change.updates.is_empty()).then(|| saved.get(name).cloned()),
            })
            .collect()
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Reads a field's value. What serde says of a failure may quote the value: it is left out.
pub(crate) fn read<T: DeserializeOwned>(name: &str, value: &FieldValue) -> Result<T, SessionError> {
    serde_json::from_str(value.as_json())
        .map_err(|_| SessionError::in_field(SessionErrorKind::InvalidValue, name))
}

/// Writes a field's value.
pub(crate) fn write<T>(name: &str, value: &T) -> Result<FieldValue, SessionError>
where
    T: Serialize + ?Sized,
{
    let json = serde_json::to_string(value)
        .map_err(|_| SessionError::in_field(SessionErrorKind::InvalidValue, name))?;
    if json.len() > MAX_FIELD_BYTES {
        return Err(SessionError::too_large(SizeLimit::FieldBytes, name));
    }
    Ok(FieldValue::from_json(json))
}
