//! Dice that can be thrown again.

use crate::random_bytes;

/// SplitMix64: small, seeded, good enough to choose steps by.
pub(super) struct Dice(u64);

impl Dice {
    /// Seeded by `AUTH_CONTRACT_SEED` if that is set; tells the seed, so that a run can be had again.
    pub(super) fn new(case: &str) -> Self {
        let seed = match std::env::var("AUTH_CONTRACT_SEED") {
            Ok(seed) => seed.parse().expect("AUTH_CONTRACT_SEED is a number"),
            Err(_) => u64::from_be_bytes(random_bytes()),
        };
        println!("{case}: AUTH_CONTRACT_SEED={seed}");
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to, not including, `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("it is below a usize")
    }
}
