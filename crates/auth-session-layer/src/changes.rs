//! Changes to a session's data that are not saved yet.

use std::{fmt, sync::Arc};

use auth_core::store::{FieldChange, FieldValue, Fields, MAX_FIELD_BYTES};
use serde::{Serialize, de::DeserializeOwned};

use crate::{SessionError, SessionErrorKind, error::SizeLimit};

/// A function of the field's value: run when it is given, and again if the field has changed
/// meanwhile.
pub(crate) type UpdateFn =
    Arc<dyn Fn(Option<&FieldValue>) -> Result<Option<FieldValue>, SessionError> + Send + Sync>;

/// Changes to fields, by name.
#[derive(Clone, Default)]
pub(crate) struct Changes(
    /// In the order of their names; there are few.
    Vec<(Arc<str>, Change)>,
);

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
        let at = self.find(name).ok()?;
        Some(self.0[at].1.value.as_ref())
    }

    /// Where the change of a field is, or else has its place.
    fn find(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| (**other).cmp(name))
    }

    /// The fields that are there after it, of those that it changes.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        let values = self.0.iter();
        values.filter_map(|(name, change)| Some((&**name, change.value.as_ref()?.as_json())))
    }

    /// Adds one: `update`, which gave `value`, or `value` in any case.
    pub(crate) fn put(&mut self, name: &str, value: Option<FieldValue>, update: Option<UpdateFn>) {
        let at = match self.find(name) {
            Ok(at) => at,
            Err(at) => {
                let updates = update.into_iter().collect();
                let change = Change { value, updates };
                return self.0.insert(at, (name.into(), change));
            }
        };
        let change = &mut self.0[at].1;
        change.value = value;
        match update {
            None => change.updates.clear(),
            // After a plain write it is the write that counts, whatever is saved.
            Some(_) if change.updates.is_empty() => {}
            Some(update) => change.updates.push(update),
        }
    }

    /// Whether any of them follows from what is saved.
    pub(crate) fn has_updates(&self) -> bool {
        self.0.iter().any(|(_, change)| !change.updates.is_empty())
    }

    /// Runs the updates again, from what is saved.
    pub(crate) fn rebase(&mut self, saved: &Fields) -> Result<(), SessionError> {
        for (name, change) in &mut self.0 {
            let Some((first, rest)) = change.updates.split_first() else {
                continue;
            };
            let saved = saved.get(name).map(FieldValue::from_json);
            let mut value = first(saved.as_ref())?;
            for update in rest {
                value = update(value.as_ref())?;
            }
            change.value = value;
        }
        Ok(())
    }

    /// Those that change something, if `saved` is what is saved.
    fn real<'a>(&'a self, saved: &'a Fields) -> impl Iterator<Item = &'a (Arc<str>, Change)> {
        let changes = self.0.iter();
        let becomes = |change: &'a Change| change.value.as_ref().map(FieldValue::as_json);
        changes.filter(move |(name, change)| becomes(change) != saved.get(name))
    }

    /// Whether there is something to save, if `saved` is what is saved.
    pub(crate) fn change(&self, saved: &Fields) -> bool {
        self.real(saved).next().is_some()
    }

    /// What there is to save, if `saved` is what is saved.
    pub(crate) fn to_send(&self, saved: &Fields) -> Vec<FieldChange> {
        self.real(saved)
            .map(|(name, change)| FieldChange {
                name: Arc::clone(name),
                value: change.value.clone(),
                expected: (!change.updates.is_empty())
                    .then(|| saved.get(name).map(FieldValue::from_json)),
            })
            .collect()
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|(name, _)| name);
        f.debug_set().entries(names).finish()
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
