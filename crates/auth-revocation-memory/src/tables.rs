//! The tables that sessions live in.

use std::{fmt, sync::Arc};

use auth_core::{revocation::LANES, store::SessionKey};
use hashbrown::{HashTable, hash_table::Entry};
use parking_lot::RwLock;

use crate::session_cell::{CellId, SessionCell};

/// Sessions by key: a table for each lane, of shared cells.
///
/// Not moka, because a session may not be forgotten before its time, and because a table takes nine
/// bytes for an entry where moka takes three hundred. Nothing leaves it by itself: the
/// [janitor](crate::janitor) removes what is over.
pub(crate) struct Tables(Box<[RwLock<HashTable<Arc<SessionCell>>>]>);

impl Tables {
    pub(crate) fn new() -> Self {
        Self((0..LANES).map(|_| RwLock::default()).collect())
    }

    fn table(&self, id: &CellId) -> &RwLock<HashTable<Arc<SessionCell>>> {
        &self.0[usize::from(id.lane().index())]
    }

    pub(crate) fn get(&self, key: &SessionKey) -> Option<Arc<SessionCell>> {
        let id = CellId::of(key);
        let table = self.table(&id).read();
        table.find(id.hash(), |cell| cell.id == id).cloned()
    }

    /// Inserts `cell` unless one of its key is there, which is then given back.
    pub(crate) fn insert_new(&self, cell: &Arc<SessionCell>) -> Result<(), Arc<SessionCell>> {
        let mut table = self.table(&cell.id).write();
        let is_it = |other: &Arc<SessionCell>| other.id == cell.id;
        match table.entry(cell.id.hash(), is_it, |other| other.id.hash()) {
            Entry::Occupied(there) => Err(Arc::clone(there.get())),
            Entry::Vacant(place) => {
                place.insert(Arc::clone(cell));
                Ok(())
            }
        }
    }

    /// Removes this very cell, not another that may have taken its place.
    pub(crate) fn remove(&self, cell: &Arc<SessionCell>) {
        let mut table = self.table(&cell.id).write();
        if let Ok(there) = table.find_entry(cell.id.hash(), |other| Arc::ptr_eq(other, cell)) {
            there.remove();
        }
    }

    /// All cells, lane by lane: what comes and goes meanwhile may be missed. A lane's table is only
    /// locked while its cells are copied.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Arc<SessionCell>> {
        let cells = |table: &RwLock<HashTable<_>>| table.read().iter().cloned().collect::<Vec<_>>();
        self.0.iter().flat_map(cells)
    }

    /// Gives back the memory of tables that are mostly empty.
    pub(crate) fn maintain(&self) {
        for table in &self.0 {
            let is_sparse = |table: &HashTable<_>| table.capacity() > 8 + 4 * table.len();
            if is_sparse(&table.read()) {
                table.write().shrink_to_fit(|cell| cell.id.hash());
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|table| table.read().len()).sum()
    }
}

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tables")
    }
}
