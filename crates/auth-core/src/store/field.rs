//! The fields of a session.

use std::{fmt, sync::Arc};

/// A session has at most so many fields.
pub const MAX_FIELDS: usize = 64;
/// A field's value has at most so many bytes of JSON: 16 KiB.
pub const MAX_FIELD_BYTES: usize = 16 * 1024;
/// All names and values of a session together have at most so many bytes: 64 KiB.
pub const MAX_DATA_BYTES: usize = 64 * 1024;

/// The value of one field: JSON text. Cheap to clone; its Debug shows the length only.
#[derive(Clone, PartialEq, Eq)]
pub struct FieldValue(Arc<str>);

impl FieldValue {
    /// From JSON text; whoever makes one sees to it that it is JSON.
    pub fn from_json(json: impl Into<Arc<str>>) -> Self {
        Self(json.into())
    }

    /// The JSON text.
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FieldValue({} bytes)", self.0.len())
    }
}

/// A change to one field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldChange {
    /// Which.
    pub name: Arc<str>,
    /// What it becomes; None removes it.
    pub value: Option<FieldValue>,
    /// Only if it is this now (`Some(None)`: only if it is not there); None: in any case.
    pub expected: Option<Option<FieldValue>>,
}
