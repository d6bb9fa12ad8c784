//! Answers signature checks, each question once per run.
//!
//! An answer is a pure function of the question, so remembering it changes nothing but the time: a
//! vote is checked once, not once by every validator. Bounded: old answers are forgotten.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use quorate_core::crypto::{Ed25519, SignatureCheck, Verifier};

use super::keys::mock_holds;
use crate::scenario::Crypto;

/// Answers kept per generation; two generations are kept.
const ANSWERS_MAX: usize = 1 << 16;

/// Remembers answers.
#[derive(Debug)]
pub struct Memo {
    crypto: Crypto,
    recent: Answers,
    older: Answers,
    asked: Vec<usize>,
    fresh: Vec<SignatureCheck>,
}

/// Only looked up, never walked through: its order is nobody's concern.
type Answers = HashMap<SignatureCheck, bool, BuildHasherDefault<Fold>>;

impl Memo {
    /// Nothing known yet.
    #[must_use]
    pub fn new(crypto: Crypto) -> Self {
        Self {
            crypto,
            recent: Answers::default(),
            older: Answers::default(),
            asked: Vec::new(),
            fresh: Vec::new(),
        }
    }

    fn known(&self, check: &SignatureCheck) -> Option<bool> {
        self.recent.get(check).or_else(|| self.older.get(check)).copied()
    }

    fn remember(&mut self, check: SignatureCheck, good: bool) {
        if self.recent.len() >= ANSWERS_MAX {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(check, good);
    }
}

impl Verifier for Memo {
    fn verify(&mut self, checks: &[SignatureCheck]) -> Vec<bool> {
        if self.crypto == Crypto::Mock {
            return checks.iter().map(mock_holds).collect();
        }
        let mut answers = vec![false; checks.len()];
        self.asked.clear();
        self.fresh.clear();
        for (place, check) in checks.iter().enumerate() {
            match self.known(check) {
                Some(good) => answers[place] = good,
                None => {
                    self.asked.push(place);
                    self.fresh.push(*check);
                }
            }
        }
        let found = Ed25519.verify(&self.fresh);
        for (nth, good) in found.into_iter().enumerate() {
            answers[self.asked[nth]] = good;
            self.remember(self.fresh[nth], good);
        }
        answers
    }
}

/// A fast hash for keys that are random bytes already: folds eight at a time.
#[derive(Default)]
struct Fold(u64);

impl Hasher for Fold {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            let mixed = self.0.rotate_left(23) ^ u64::from_le_bytes(word);
            self.0 = mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        }
    }
}

#[cfg(test)]
mod tests;
