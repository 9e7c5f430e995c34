//! The map that records live in.

use std::{fmt, hash::Hash, sync::Arc};

use moka::{ops::compute::Op, sync::Cache};

/// Shared cells by key.
///
/// moka without a capacity and without an expiry of its own: it knows neither our clock nor what is
/// revoked, and whatever it dropped by itself would be a login that ends for no reason. The
/// [janitor](crate::janitor) removes what is over.
pub(crate) struct Records<K, V> {
    cache: Cache<K, Arc<V>>,
}

impl<K, V> Records<K, V>
where
    K: Hash + Eq + Copy + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    pub(crate) fn new() -> Self {
        Self {
            cache: Cache::builder().build(),
        }
    }

    pub(crate) fn get(&self, key: &K) -> Option<Arc<V>> {
        self.cache.get(key)
    }

    /// Inserts `value` unless something is there, which is then given back.
    pub(crate) fn insert_new(&self, key: K, value: Arc<V>) -> Result<(), Arc<V>> {
        let entry = self.cache.entry(key).or_insert(value);
        if entry.is_fresh() {
            Ok(())
        } else {
            Err(entry.into_value())
        }
    }

    /// Removes this very cell, not another that may have taken its place.
    pub(crate) fn remove(&self, key: K, cell: &Arc<V>) {
        self.cache.entry(key).and_compute_with(|entry| match entry {
            Some(entry) if Arc::ptr_eq(entry.value(), cell) => Op::Remove,
            _ => Op::Nop,
        });
    }

    /// All of them, more or less: what comes and goes meanwhile may be missed.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, Arc<V>)> {
        self.cache.iter().map(|(key, cell)| (*key, cell))
    }

    /// Lets moka do its own maintenance, which otherwise waits for calls.
    pub(crate) fn maintain(&self) {
        self.cache.run_pending_tasks();
    }

    pub(crate) fn len(&self) -> usize {
        self.cache.run_pending_tasks();
        usize::try_from(self.cache.entry_count()).unwrap_or(usize::MAX)
    }
}

impl<K, V> fmt::Debug for Records<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Records")
    }
}
