//! Seeded mutations: bit flips, truncation, splices, and edits of anything that may be a length.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use quorate_core::{
    random::{Rng, Seed},
    testing::{
        corpus::samples,
        fuzz::{TARGETS, Target},
    },
};

/// Mutations per target, unless `QUORATE_FUZZ_ROUNDS` says otherwise.
const ROUNDS: u64 = 10_000;

/// The seed, unless `QUORATE_FUZZ_SEED` says otherwise; the test script draws one.
const SEED: u64 = 1;

/// The longest input grown by splicing. Real messages are longer, and no more interesting.
const BYTES_MAX: usize = 8 * 1024;

/// No decoder panics or takes two encodings for one value, whatever is done to real bytes.
#[test]
#[expect(clippy::print_stdout, reason = "the way to repeat a failure")]
fn mutated_bytes_are_refused_or_encode_back() {
    let number = from_environment("QUORATE_FUZZ_SEED").unwrap_or(SEED);
    let rounds = from_environment("QUORATE_FUZZ_ROUNDS").unwrap_or(ROUNDS);
    println!(
        "replay with QUORATE_FUZZ_SEED={number} QUORATE_FUZZ_ROUNDS={rounds} \
         ./.ci/test -p quorate-core --test fuzz"
    );
    let seed = Seed::from_number(number);
    let pool: Vec<Vec<u8>> = samples().into_iter().map(|sample| sample.bytes).collect();
    for target in TARGETS {
        let own: Vec<Vec<u8>> = samples()
            .into_iter()
            .filter(|sample| sample.target == target.name)
            .map(|sample| sample.bytes)
            .collect();
        let mut rng = seed.fork(target.name, 0).rng();
        let mut corpus = own.clone();
        let mut decoded: u64 = 0;
        for _ in 0..rounds {
            let mut bytes = pick(&corpus, &mut rng).clone();
            for _ in 0..=rng.below(3) {
                mutate(&mut bytes, &pool, &mut rng);
            }
            if try_one(target, &bytes) {
                decoded += 1;
                // What decodes is a new place to start from.
                corpus.push(bytes);
            }
            if corpus.len() > 256 {
                corpus.truncate(own.len());
            }
        }
        println!("{}: {decoded} of {rounds} decoded", target.name);
        assert!(decoded * 1_000 > rounds, "mutations of {} never decode", target.name);
    }
}

#[expect(clippy::disallowed_methods, reason = "a test may be told its seed")]
fn from_environment(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}

/// Runs a target and says which bytes it was if it panics.
#[expect(clippy::print_stdout, reason = "the bytes of a failure are the next corpus file")]
fn try_one(target: Target, bytes: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| (target.run)(bytes))).unwrap_or_else(|panic| {
        let shown: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        println!("{} panicked on {shown}", target.name);
        resume_unwind(panic)
    })
}

fn pick<'a>(pool: &'a [Vec<u8>], rng: &mut Rng) -> &'a Vec<u8> {
    &pool[index(pool.len(), rng)]
}

/// An index below `length`; 0 if there is none.
fn index(length: usize, rng: &mut Rng) -> usize {
    let bound = u64::try_from(length.max(1)).expect("a length fits");
    usize::try_from(rng.below(bound)).expect("below a length")
}

fn mutate(bytes: &mut Vec<u8>, pool: &[Vec<u8>], rng: &mut Rng) {
    let place = index(bytes.len(), rng);
    match rng.below(8) {
        0 => bytes.truncate(place),
        1 | 2 => {
            if let Some(byte) = bytes.get_mut(place) {
                *byte ^= 1 << rng.below(8);
            }
        }
        3 => {
            if let Some(byte) = bytes.get_mut(place) {
                *byte = [0, 1, 2, 3, 0x7f, 0x80, 0xff][index(7, rng)];
            }
        }
        4 => {
            // Where four bytes are, a count may be.
            let counts: [u32; 8] = [0, 1, 2, 64, 1024, 10_000, u32::MAX >> 1, u32::MAX];
            let count = counts[index(counts.len(), rng)];
            if let Some(field) = bytes.get_mut(place..place + 4) {
                field.copy_from_slice(&count.to_le_bytes());
            }
        }
        5 => {
            let other = pick(pool, rng);
            bytes.truncate(place);
            bytes.extend_from_slice(&other[index(other.len(), rng)..]);
        }
        6 => {
            let end = (place + 1 + index(64, rng)).min(bytes.len());
            let part = bytes[place.min(end)..end].to_vec();
            bytes.splice(place..place, part);
        }
        _ => {
            let more = rng.below(8);
            bytes.extend((0..more).map(|_| u8::try_from(rng.below(256)).expect("below 256")));
        }
    }
    bytes.truncate(BYTES_MAX);
}
