//! ed25519 keys and signatures, checked one by one or in batches, with one acceptance rule.
//!
//! The rule is ZIP-215, under which a batch accepts exactly what single checks accept; without it
//! validators could disagree about a signature depending on how it was batched. Secret keys are for
//! drivers and tools: nothing reachable from `Replica` holds one.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use ed25519_consensus::{SigningKey, VerificationKeyBytes, batch};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use crate::{
    digest::{Domain, Hasher},
    types::{Digest, hex},
};

/// An ed25519 public key, not yet known to be a point on the curve.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Wraps raw bytes.
    #[must_use]
    pub const fn new(raw: [u8; 32]) -> Self {
        Self(raw)
    }

    /// The raw bytes.
    #[must_use]
    pub const fn get(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0[..4], f)
    }
}

/// An ed25519 signature, not yet checked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Signature([u8; 64]);

impl Signature {
    /// Wraps raw bytes.
    #[must_use]
    pub const fn new(raw: [u8; 64]) -> Self {
        Self(raw)
    }

    /// The raw bytes.
    #[must_use]
    pub const fn get(&self) -> &[u8; 64] {
        &self.0
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0[..4], f)
    }
}

/// A signing key. Signing is deterministic: the same message always gets the same bytes.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// The key with this seed (RFC 8032 "private key").
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from(seed))
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verification_key().to_bytes())
    }

    /// Signs a digest.
    #[must_use]
    pub fn sign(&self, message: &Digest) -> Signature {
        Signature(self.0.sign(message.get()).to_bytes())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {:?})", self.public())
    }
}

/// One question: did `key` sign `message`?
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct SignatureCheck {
    /// Whose signature it should be.
    pub key: PublicKey,
    /// What should be signed.
    pub message: Digest,
    /// What was offered.
    pub signature: Signature,
}

/// Whatever answers signature checks. The simulator remembers answers; the node asks [`Ed25519`].
pub trait Verifier {
    /// One answer per check, in order. A pure function of the checks.
    fn verify(&mut self, checks: &[SignatureCheck]) -> Vec<bool>;
}

/// The real thing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ed25519;

impl Verifier for Ed25519 {
    fn verify(&mut self, checks: &[SignatureCheck]) -> Vec<bool> {
        let mut good = vec![true; checks.len()];
        bisect(checks, &mut good);
        good
    }
}

/// Marks the bad ones: a batch that fails is halved until each failure stands alone.
fn bisect(checks: &[SignatureCheck], good: &mut [bool]) {
    match checks {
        [] => {}
        [one] => good[0] = verify_one(one),
        _ if verify_batch(checks) => {}
        _ => {
            let middle = checks.len() / 2;
            let (left, right) = good.split_at_mut(middle);
            bisect(&checks[..middle], left);
            bisect(&checks[middle..], right);
        }
    }
}

fn verify_one(check: &SignatureCheck) -> bool {
    let signature = ed25519_consensus::Signature::from(check.signature.0);
    ed25519_consensus::VerificationKey::try_from(check.key.0)
        .is_ok_and(|key| key.verify(&signature, check.message.get()).is_ok())
}

fn verify_batch(checks: &[SignatureCheck]) -> bool {
    let mut verifier = batch::Verifier::new();
    let mut transcript = Hasher::new(Domain::SignatureBatch);
    for check in checks {
        transcript = transcript.value(check);
        let signature = ed25519_consensus::Signature::from(check.signature.0);
        verifier.queue((VerificationKeyBytes::from(check.key.0), signature, check.message.get()));
    }
    // The batch's random coefficients come from a hash of everything in it, signatures included,
    // so nobody can choose signatures knowing them, and the core needs no ambient randomness.
    let seed = *transcript.finish().get();
    verifier.verify(ChaCha8Rng::from_seed(seed)).is_ok()
}

#[cfg(test)]
mod tests;
