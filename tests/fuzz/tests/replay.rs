//! Runs every fuzz target without a fuzzer: kept finds, seeds, and mutants of the seeds.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use chaperone_fuzz::{TARGETS, Target};

/// How many mutants of each seed are tried.
const MUTANTS: usize = 6;
/// The most mutants of one target.
const MUTANTS_MOST: usize = 1_200;
/// So that a longer search needs no other program: `CHAPERONE_MUTANTS=100 cargo test -p chaperone-fuzz`.
const MORE: &str = "CHAPERONE_MUTANTS";

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn run(target: &Target, input: &[u8], what: &str) {
    let body = target.body;
    if catch_unwind(|| body(input)).is_err() {
        let shown: String =
            input.iter().flat_map(|byte| std::ascii::escape_default(*byte)).map(char::from).collect();
        panic!("{}, {what}: b\"{shown}\"", target.name);
    }
}

/// A generator that gives the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        // Marsaglia's xorshift64.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(most.max(1)).unwrap()).unwrap()
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }

    /// A few bytes changed, put in, taken out, repeated or brought from `other`.
    fn mutant(&mut self, seed: &[u8], other: &[u8]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            let end = (at + self.below(8)).min(bytes.len());
            match self.below(5) {
                0 => bytes.insert(at, self.byte()),
                1 => drop(bytes.drain(at..end)),
                2 => {
                    let part = bytes[at..end].to_vec();
                    bytes.splice(at..at, part);
                }
                3 => {
                    let from = self.below(other.len());
                    let part = other[from..].iter().take(12).copied();
                    bytes.splice(at..end, part);
                }
                _ => {
                    let byte = self.byte();
                    if let Some(place) = bytes.get_mut(at) {
                        *place = byte;
                    }
                }
            }
        }
        bytes
    }
}

fn target(name: &str) -> &'static Target {
    TARGETS.iter().find(|target| target.name == name).unwrap()
}

/// Kept finds first, so that one that is back is told by its name.
fn replay(name: &str) {
    let target = target(name);
    let finds = fs::read_dir(fuzz().join("finds").join(name)).into_iter().flatten();
    let mut finds: Vec<_> = finds.map(|file| file.unwrap().path()).collect();
    finds.sort();
    for find in finds {
        run(
            target,
            &fs::read(&find).unwrap(),
            &format!("the find `{}`", find.file_name().unwrap().to_string_lossy()),
        );
    }
    let seeds = (target.seeds)();
    for (number, seed) in seeds.iter().enumerate() {
        run(target, seed, &format!("seed {number}"));
    }
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let more: Option<usize> = std::env::var(MORE).ok().map(|number| number.parse().unwrap());
    let most = more.map_or(MUTANTS_MOST, |_| usize::MAX);
    for turn in (0..more.unwrap_or(MUTANTS)).flat_map(|_| 0..seeds.len()).take(most) {
        let other = random.below(seeds.len());
        let mutant = random.mutant(&seeds[turn], &seeds[other]);
        run(target, &mutant, &format!("a mutant of seed {turn}"));
    }
}

macro_rules! replays {
    ($($name:ident)*) => {
        $(#[test] fn $name() { replay(stringify!($name)); })*

        #[test]
        fn every_target_is_replayed_and_has_its_files() {
            let names = BTreeSet::from([$(stringify!($name)),*].map(str::to_owned));
            assert_eq!(names, TARGETS.iter().map(|target| target.name.to_owned()).collect());
            let files = |folder: &str| -> BTreeSet<String> {
                let files = fs::read_dir(fuzz().join(folder)).into_iter().flatten();
                let name = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
                files.map(|file| name(file.unwrap().path())).collect()
            };
            assert_eq!(files("fuzz_targets"), names);
            assert!(files("finds").is_subset(&names), "finds of no target");
        }
    };
}

replays! { chain pgwire policy proto redact scram sql token }
