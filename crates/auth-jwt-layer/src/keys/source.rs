//! Where a verifier has its keys from.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use auth_core::Unavailable;
use parking_lot::RwLock;

use super::KeySet;
use crate::{ConfigError, ConfigErrorKind, issuer::SigningRing};

/// Where a [`Verifier`](crate::Verifier) has its keys from: a [`KeySet`], or [`LiveKeys`] that change, or with the
/// feature `jwt-remote-keys` those that the issuer publishes.
#[derive(Clone)]
pub struct KeySource(Source);

#[derive(Clone)]
enum Source {
    Fixed(KeySet),
    Live(LiveKeys),
    #[cfg(feature = "jwt-remote-keys")]
    Remote(crate::RemoteKeys),
    Issuer(SigningRing),
}

/// What a source has for a token.
pub(crate) enum Keys {
    /// These keys, of this generation; whether the token's is among them is to be seen.
    Known(KeySet, u64),
    /// Whether there is such a key can not be told now.
    #[cfg_attr(not(feature = "jwt-remote-keys"), allow(dead_code))]
    Unavailable(Unavailable),
    /// They are being fetched: ask again then.
    #[cfg_attr(not(feature = "jwt-remote-keys"), allow(dead_code))]
    ToCome(KeysToCome),
}

/// Resolves when keys were fetched, or were not.
pub(crate) type KeysToCome = Pin<Box<dyn Future<Output = ()> + Send>>;

impl KeySource {
    /// The keys for a token that names `kid`. `waited` says that it has waited for them once.
    #[cfg_attr(not(feature = "jwt-remote-keys"), allow(unused_variables))]
    pub(crate) fn keys(&self, kid: Option<&str>, waited: bool) -> Keys {
        match &self.0 {
            Source::Fixed(keys) => Keys::Known(keys.clone(), 0),
            Source::Live(live) => {
                let current = live.0.read();
                Keys::Known(current.keys.clone(), current.generation)
            }
            #[cfg(feature = "jwt-remote-keys")]
            Source::Remote(remote) => remote.keys(kid, waited),
            Source::Issuer(ring) => {
                let (keys, generation) = ring.key_set();
                Keys::Known(keys, generation)
            }
        }
    }

    /// Which keys it has now: what was proven by those of another generation has to be proven again. None if they are
    /// too old to be believed.
    pub(crate) fn generation(&self) -> Option<u64> {
        match &self.0 {
            Source::Fixed(_) => Some(0),
            Source::Live(live) => Some(live.0.read().generation),
            #[cfg(feature = "jwt-remote-keys")]
            Source::Remote(remote) => remote.generation(),
            Source::Issuer(ring) => Some(ring.key_set().1),
        }
    }

    pub(crate) fn is_symmetric(&self) -> bool {
        match &self.0 {
            Source::Fixed(keys) => keys.is_symmetric(),
            Source::Live(live) => live.0.read().keys.is_symmetric(),
            #[cfg(feature = "jwt-remote-keys")]
            Source::Remote(_) => false,
            Source::Issuer(ring) => ring.key_set().0.is_symmetric(),
        }
    }
}

impl From<KeySet> for KeySource {
    fn from(keys: KeySet) -> Self {
        Self(Source::Fixed(keys))
    }
}

impl From<LiveKeys> for KeySource {
    fn from(keys: LiveKeys) -> Self {
        Self(Source::Live(keys))
    }
}

#[cfg(feature = "jwt-remote-keys")]
impl From<crate::RemoteKeys> for KeySource {
    fn from(keys: crate::RemoteKeys) -> Self {
        Self(Source::Remote(keys))
    }
}

impl From<SigningRing> for KeySource {
    fn from(ring: SigningRing) -> Self {
        Self(Source::Issuer(ring))
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Fixed(keys) => keys.fmt(f),
            Source::Live(live) => live.fmt(f),
            #[cfg(feature = "jwt-remote-keys")]
            Source::Remote(remote) => remote.fmt(f),
            Source::Issuer(ring) => ring.fmt(f),
        }
    }
}

/// Keys that can be replaced while verifiers use them. Clones are the same keys.
#[derive(Clone)]
pub struct LiveKeys(Arc<RwLock<Current>>);

struct Current {
    keys: KeySet,
    generation: u64,
}

impl LiveKeys {
    /// Begins with these keys.
    pub fn new(keys: KeySet) -> Self {
        let generation = 0;
        Self(Arc::new(RwLock::new(Current { keys, generation })))
    }

    /// The keys now.
    pub fn current(&self) -> KeySet {
        self.0.read().keys.clone()
    }

    /// Verifies by these keys from now on, and by no other: also what was verified before by a key that is gone is
    /// refused.
    ///
    /// # Errors
    ///
    /// [`ConfigErrorKind::MixedKeys`] for secrets where there were public keys, or the reverse. Nothing is replaced.
    pub fn replace(&self, keys: KeySet) -> Result<(), ConfigError> {
        let mut current = self.0.write();
        if current.keys.is_symmetric() != keys.is_symmetric() {
            return Err(ConfigErrorKind::MixedKeys.into());
        }
        current.generation += 1;
        current.keys = keys;
        Ok(())
    }
}

impl fmt::Debug for LiveKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.current().fmt(f)
    }
}
