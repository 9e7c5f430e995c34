//! The name of one command.

use std::fmt;

use crate::random_bytes;

/// Names one command to a store: sent again with the same `Op`, it happens once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Op([u8; 16]);

impl Op {
    /// A new one.
    pub fn random() -> Self {
        Self(random_bytes())
    }

    /// From its 16 bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Op({:032x})", u128::from_be_bytes(self.0))
    }
}
