//! Randomness looked up by what it is for, never drawn in turn.
//!
//! A stream is the hash of (run seed, domain, entity); a number in it is found by its place. So the
//! fate of message 17 on one link does not depend on how many others were sent, and removing one
//! fault leaves every other draw where it was, which is what shrinking a scenario needs.

use quorate_core::random::Seed;

/// A keyed stream of numbers. Cheap to copy; asking twice gives the same answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(u64);

impl Key {
    /// The stream of `entity` in `domain`.
    #[must_use]
    pub fn new(seed: &Seed, domain: &str, entity: u64) -> Self {
        let forked = seed.fork(domain, entity);
        let (head, _) = forked.get().split_first_chunk::<8>().expect("a seed has 32 bytes");
        Self(u64::from_le_bytes(*head))
    }

    /// The stream that a number stands for.
    #[must_use]
    pub const fn of(number: u64) -> Self {
        Self(mix(number))
    }

    /// A stream within this one, for instance one fault's share of a link's fates.
    #[must_use]
    pub const fn within(self, entity: u64) -> Self {
        Self(mix(self.0 ^ mix(entity.wrapping_add(0xA076_1D64_78BD_642F))))
    }

    /// The number at a place. `purpose` keeps several questions about one place apart.
    #[must_use]
    pub const fn at(self, place: u64, purpose: u64) -> u64 {
        let spread = place.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(purpose << 56);
        mix(self.0 ^ mix(spread))
    }

    /// A number below `bound` at a place; zero if the bound is zero.
    #[must_use]
    pub fn below(self, place: u64, purpose: u64, bound: u64) -> u64 {
        let wide = u128::from(self.at(place, purpose)) * u128::from(bound);
        u64::try_from(wide >> 64).expect("the high half of a product below 2^128")
    }
}

/// The finalizer of SplitMix64: every input bit reaches every output bit.
/// Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014.
const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// Truncates, and cuts to the range of `u64`; not a number becomes zero.
#[must_use]
#[expect(clippy::as_conversions, reason = "the one conversion from a float; it saturates")]
pub fn float_to_integer(value: f64) -> u64 {
    value as u64
}

/// The nearest float.
#[must_use]
#[expect(clippy::as_conversions, reason = "the one conversion to a float; it rounds")]
pub fn integer_to_float(value: u64) -> f64 {
    value as f64
}

/// A draw as a float in the open interval (0, 1): 53 bits and a half, never 0, so it has a logarithm.
#[must_use]
pub fn unit(draw: u64) -> f64 {
    (integer_to_float(draw >> 11) + 0.5) / 9_007_199_254_740_992.0
}
