//! Randomness as a value: one seed, forked by label, so a new draw in one place shifts no other.

use std::io::{Read, Result as IoResult, Write};

use borsh::{BorshDeserialize, BorshSerialize};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

use crate::{
    digest::{Domain, Hasher},
    time::Span,
};

/// The root of everything random in one replica or one simulated run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Seed([u8; 32]);

impl Seed {
    /// Wraps raw bytes.
    #[must_use]
    pub const fn new(raw: [u8; 32]) -> Self {
        Self(raw)
    }

    /// A seed from a number people can type.
    #[must_use]
    pub fn from_number(number: u64) -> Self {
        Self(*Hasher::new(Domain::Seed).bytes(b"number").value(&number).finish().get())
    }

    /// The raw bytes.
    #[must_use]
    pub const fn get(&self) -> &[u8; 32] {
        &self.0
    }

    /// An independent seed for `label` and `entity`.
    #[must_use]
    pub fn fork(&self, label: &str, entity: u64) -> Self {
        let length = u64::try_from(label.len()).expect("labels are short");
        Self(
            *Hasher::new(Domain::Seed)
                .bytes(&self.0)
                .value(&length)
                .bytes(label.as_bytes())
                .value(&entity)
                .finish()
                .get(),
        )
    }

    /// The stream of numbers this seed stands for.
    #[must_use]
    pub fn rng(&self) -> Rng {
        Rng { seed: *self, inner: ChaCha8Rng::from_seed(self.0) }
    }
}

/// A stream of pseudo-random numbers whose position can be stored and restored.
#[derive(Clone, Debug)]
pub struct Rng {
    seed: Seed,
    inner: ChaCha8Rng,
}

impl Rng {
    /// A number below `bound`, without bias worth naming (below 2^-64 per draw times the bound).
    ///
    /// # Panics
    /// If `bound` is zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "a number below zero was asked for");
        let wide = u128::from(self.inner.next_u64()) * u128::from(bound);
        u64::try_from(wide >> 64).expect("the high half of a product below 2^128")
    }

    /// Any `u64`.
    #[expect(clippy::should_implement_trait, reason = "a stream without end is no iterator")]
    pub fn next(&mut self) -> u64 {
        self.inner.next_u64()
    }

    /// `span` give or take `percent` of it.
    pub fn jittered(&mut self, span: Span, percent: u64) -> Span {
        let low = span.scaled(100 - percent.min(100), 100);
        let width = span.scaled(2 * percent.min(100), 100);
        low.plus(Span::from_nanos(self.below(width.nanos().saturating_add(1))))
    }
}

impl PartialEq for Rng {
    fn eq(&self, other: &Self) -> bool {
        self.seed == other.seed && self.inner.get_word_pos() == other.inner.get_word_pos()
    }
}

impl Eq for Rng {}

impl BorshSerialize for Rng {
    fn serialize<W: Write>(&self, writer: &mut W) -> IoResult<()> {
        self.seed.serialize(writer)?;
        self.inner.get_word_pos().serialize(writer)
    }
}

impl BorshDeserialize for Rng {
    fn deserialize_reader<R: Read>(reader: &mut R) -> IoResult<Self> {
        let seed = Seed::deserialize_reader(reader)?;
        let mut rng = seed.rng();
        rng.inner.set_word_pos(u128::deserialize_reader(reader)?);
        Ok(rng)
    }
}

#[cfg(test)]
mod tests;
