//! Tokens that were verified before.
//!
//! An entry saves the signature and the parsing, and nothing else: whoever finds one still checks the times and asks
//! the store. Only good tokens get in, so that strangers can neither fill it nor make it collide. The key is all of a
//! token's bytes: another signature over the same claims is another token.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    mem,
    sync::LazyLock,
};

use hashbrown::{HashTable, hash_table::Entry as Slot};
use parking_lot::Mutex;

use super::Verified;

/// What an entry takes besides its texts, in bytes, generously.
const OVERHEAD: usize = 768;
/// Below this, one shard will do.
const SHARDED_FROM: usize = 256 * 1024;
const SHARDS: usize = 16;

/// Good tokens, bounded by bytes.
pub(super) struct Cache {
    shards: Box<[Mutex<Shard>]>,
    /// Of half a shard.
    max_bytes: usize,
}

/// Two halves: tokens go into the young one. When that is full, it becomes the old one, and what was in there and was
/// not used since is gone.
#[derive(Default)]
struct Shard {
    young: HashTable<Entry>,
    old: HashTable<Entry>,
    young_bytes: usize,
}

struct Entry {
    hash: u64,
    token: Box<[u8]>,
    /// Of the keys that it was verified by.
    generation: u64,
    verified: Verified,
}

impl Entry {
    fn bytes(&self) -> usize {
        self.token.len() + self.verified.bytes() + OVERHEAD
    }
}

/// A token's hash, under a key that is this process's own.
///
/// The end of a good token is its signature, which nobody chooses: hashing more would be slower and no better.
#[derive(Clone, Copy)]
pub(super) struct TokenHash(u64);

impl TokenHash {
    pub(super) fn of(token: &[u8]) -> Self {
        static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        let end = token.last_chunk::<64>().map_or(token, |end| &end[..]);
        Self(KEY.hash_one((token.len(), end)))
    }
}

impl Cache {
    pub(super) fn new(max_bytes: usize) -> Self {
        let shards = if max_bytes < SHARDED_FROM { 1 } else { SHARDS };
        Self {
            shards: (0..shards).map(|_| Mutex::default()).collect(),
            max_bytes: max_bytes / shards / 2,
        }
    }

    fn shard(&self, hash: u64) -> &Mutex<Shard> {
        // The table uses the other end of the hash.
        &self.shards[(hash >> 48) as usize % self.shards.len()]
    }

    /// The token, if it was verified by keys of this generation.
    pub(super) fn get(&self, hash: TokenHash, token: &[u8], generation: u64) -> Option<Verified> {
        let TokenHash(hash) = hash;
        let is_it = |entry: &Entry| *entry.token == *token;
        let mut shard = self.shard(hash).lock();
        if let Some(entry) = shard.young.find(hash, is_it) {
            let current = entry.generation == generation;
            return current.then(|| entry.verified.clone());
        }
        let (entry, _) = shard.old.find_entry(hash, is_it).ok()?.remove();
        if entry.generation != generation {
            return None;
        }
        let verified = entry.verified.clone();
        let retired = shard.put(entry, self.max_bytes);
        drop(shard);
        drop(retired);
        Some(verified)
    }

    /// Keeps a good token.
    pub(super) fn insert(&self, hash: TokenHash, token: &[u8], generation: u64, of: &Verified) {
        let TokenHash(hash) = hash;
        let entry = Entry {
            hash,
            token: token.into(),
            generation,
            verified: of.clone(),
        };
        if entry.bytes() <= self.max_bytes {
            let retired = self.shard(hash).lock().put(entry, self.max_bytes);
            drop(retired);
        }
    }

    /// How many bytes it holds.
    #[cfg(all(test, any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto")))]
    fn bytes(&self) -> usize {
        let of = |table: &HashTable<Entry>| table.iter().map(Entry::bytes).sum::<usize>();
        let shards = self.shards.iter().map(|shard| shard.lock());
        shards
            .map(|shard| of(&shard.young) + of(&shard.old))
            .sum::<usize>()
    }
}

impl Shard {
    /// Puts an entry into the young half, and returns what that drives out: to be dropped outside of the lock.
    fn put(&mut self, entry: Entry, max_bytes: usize) -> HashTable<Entry> {
        let mut retired = HashTable::new();
        if self.young_bytes + entry.bytes() > max_bytes {
            retired = mem::replace(&mut self.old, mem::take(&mut self.young));
            self.young_bytes = 0;
        }
        let is_it = |other: &Entry| other.token == entry.token;
        self.young_bytes += entry.bytes();
        match self.young.entry(entry.hash, is_it, |entry| entry.hash) {
            Slot::Occupied(mut before) => {
                self.young_bytes -= before.get().bytes();
                *before.get_mut() = entry;
            }
            Slot::Vacant(slot) => {
                slot.insert(entry);
            }
        }
        retired
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cache")
    }
}

#[cfg(all(test, any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto")))]
mod tests {
    use super::*;
    use crate::verify::tests::{claims, header, sign, verifier};

    fn verified() -> Verified {
        let token = sign(header().to_string(), claims().to_string());
        verifier().verify(token.as_bytes()).expect("good")
    }

    fn get(cache: &Cache, token: &[u8], generation: u64) -> bool {
        let found = cache.get(TokenHash::of(token), token, generation);
        found.is_some()
    }

    fn insert(cache: &Cache, token: &[u8], generation: u64, of: &Verified) {
        cache.insert(TokenHash::of(token), token, generation, of);
    }

    #[test]
    fn a_token_is_found_by_all_of_its_bytes_and_by_its_keys_generation() {
        let cache = Cache::new(1 << 20);
        let good = verified();
        let token = [b'a'; 300];
        insert(&cache, &token, 7, &good);
        assert!(get(&cache, &token, 7));
        assert!(!get(&cache, &token, 8));
        assert!(!get(&cache, &token[1..], 7));
        for at in [0, 150, 299] {
            let mut other = token;
            other[at] = b'b';
            assert!(!get(&cache, &other, 7), "{at}");
            // Even where the hash is the same.
            let found = cache.get(TokenHash::of(&token), &other, 7);
            assert!(found.is_none(), "{at}");
        }
        insert(&cache, &token, 8, &good);
        assert!(get(&cache, &token, 8));
        assert!(!get(&cache, &token, 7));
    }

    #[test]
    fn the_bound_holds_and_what_is_used_stays() {
        let good = verified();
        for max in [100_000, 1 << 20] {
            let cache = Cache::new(max);
            let hot = [b'h'; 300];
            insert(&cache, &hot, 0, &good);
            for number in 0..100_000_u32 {
                let token = format!("{number:0>500}");
                insert(&cache, token.as_bytes(), 0, &good);
                if number % 8 == 0 {
                    assert!(get(&cache, &hot, 0), "{number}");
                }
                if number % 10_000 == 0 {
                    assert!(cache.bytes() <= max, "{number}: {}", cache.bytes());
                }
            }
            assert!((max / 4..=max).contains(&cache.bytes()));
        }
    }

    #[test]
    fn what_is_larger_than_its_place_stays_out() {
        let cache = Cache::new(4000);
        let good = verified();
        insert(&cache, &[b'a'; 2000], 0, &good);
        assert_eq!(cache.bytes(), 0);
        assert!(!get(&cache, &[b'a'; 2000], 0));
    }
}
