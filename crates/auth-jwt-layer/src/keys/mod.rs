//! The keys of one issuer.

mod backend;
mod builder;
mod curve;
mod jwk;
mod prepared;
mod rsa;
mod secret;
mod source;
mod spki;

use std::{fmt, sync::Arc};

use jsonwebtoken::DecodingKey;

pub use builder::KeySetBuilder;
pub use source::{KeySource, LiveKeys};

pub(crate) use backend::backend;
pub(crate) use source::{Keys, KeysToCome};

use self::prepared::Prepared;
use crate::Algorithm;

/// The keys that one issuer signs with: each has exactly one algorithm.
///
/// Secrets and public keys do not mix in one set. Cheap to clone; Debug shows ids and algorithms
/// only.
#[derive(Clone)]
pub struct KeySet(Arc<[Key]>);

struct Key {
    kid: Option<Box<str>>,
    algorithm: Algorithm,
    key: DecodingKey,
    prepared: Prepared,
}

/// A key that answers to a token.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a>(&'a Key);

impl KeySet {
    /// Begins without a key.
    pub fn builder() -> KeySetBuilder {
        KeySetBuilder::default()
    }

    /// Whether whoever verifies by them can also sign.
    pub(crate) fn is_symmetric(&self) -> bool {
        self.0.iter().any(|key| key.algorithm.is_symmetric())
    }

    /// The key that a token names. A token without a `kid` can only mean the one key there is, and
    /// a key without one, if it is the only one, can be what any token means.
    pub(crate) fn find(&self, kid: Option<&str>) -> Option<Found<'_>> {
        let key = match (kid, &*self.0) {
            (Some(_), [only]) if only.kid.is_none() => Some(only),
            (Some(kid), keys) => keys.iter().find(|key| key.kid.as_deref() == Some(kid)),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        key.map(Found)
    }
}

impl Found<'_> {
    /// Its one algorithm.
    pub(crate) fn algorithm(self) -> Algorithm {
        self.0.algorithm
    }

    /// Whether `signature` over `message` is this key's.
    pub(crate) fn verifies(self, message: &[u8], signature: &Vec<u8>) -> bool {
        if let Some(verifies) = self.0.prepared.verifies(message, signature) {
            return verifies;
        }
        // The backend's verifiers can not be shared between threads, so one is made for each token:
        // a box and a copy of the key, nothing beside a signature.
        let Some(backend) = backend() else {
            return false;
        };
        (backend.verifier_factory)(&self.0.algorithm.in_backend(), &self.0.key)
            .is_ok_and(|verifier| verifier.verify(message, signature).is_ok())
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.0.iter().map(|key| (&key.kid, key.algorithm));
        f.debug_map().entries(keys).finish()
    }
}

#[cfg(test)]
mod tests;
