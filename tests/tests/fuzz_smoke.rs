//! The fuzz targets over their seeds, and over some thousand mutations of them: the same ones each time.

use std::fs;

use auth_tests::{fuzz::TARGETS, repository};

/// Mutations of each target's seeds.
const MUTATIONS: usize = 4_000;

/// What is often interesting.
const PIECES: [&[u8]; 16] = [
    b"\"", b"\\", b"{", b"}", b"[", b"]", b",", b".", b"=", b";", b" ", b"\n", b"\\ud800",
    b"1e999", b"-1", b"null",
];

/// Random numbers that are the same each time (xorshift, Marsaglia 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    fn mutate(&mut self, data: &mut Vec<u8>, other: &[u8]) {
        let at = self.below(data.len() + 1);
        match self.below(6) {
            0 if at < data.len() => data[at] ^= 1 << self.below(8),
            1 if at < data.len() => {
                let end = at + self.below((data.len() - at).min(16)) + 1;
                data.drain(at..end);
            }
            2 => {
                let piece = PIECES[self.below(PIECES.len())];
                data.splice(at..at, piece.iter().copied());
            }
            3 if at < data.len() => data[at] = self.below(256) as u8,
            4 => {
                let end = at + self.below((data.len() - at).min(64) + 1);
                let again = data[at..end].to_vec();
                data.splice(at..at, again);
            }
            _ if !other.is_empty() => {
                let from = self.below(other.len());
                data.truncate(at);
                data.extend_from_slice(&other[from..]);
            }
            _ => data.push(0),
        }
    }
}

fn smoke(name: &str) {
    let (_, target) = TARGETS
        .into_iter()
        .find(|(of, _)| *of == name)
        .expect("a target");
    let folder = repository().join("tests/fuzz/corpus").join(name);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .expect("a folder of seeds")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    let seeds: Vec<_> = files
        .iter()
        .map(|file| fs::read(file).expect("a seed"))
        .collect();
    assert!(!seeds.is_empty());
    target(&[]);
    // No refresh token is good that was not issued: of the others, some seeds are.
    let good = seeds.iter().filter(|seed| target(seed)).count();
    assert_eq!(good > 0, name != "refresh");
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for number in 0..MUTATIONS {
        let mut data = seeds[number % seeds.len()].clone();
        for _ in 0..=random.below(4) {
            let other = &seeds[random.below(seeds.len())];
            random.mutate(&mut data, other);
        }
        target(&data);
    }
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                smoke(stringify!($name));
            }
        )*

        #[test]
        fn every_target_is_here() {
            let names = TARGETS.map(|(name, _)| name);
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

targets!(token claims authorization cookie refresh jwks);
