//! Accounts that several keys control together.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    codec::Bounded,
    crypto::PublicKey,
    transaction::{Fault, asset::check_ascending},
};

/// Keys that may control one account.
pub const SIGNERS_MAX: usize = 16;

/// Changes whose signatures the payer's account takes, from the next transaction on.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum MultiSigAction {
    /// These signers instead of whoever it was before.
    Set(Signers) = 0,
    /// The key that the address names, alone.
    Clear = 1,
}

/// Some keys, and how many of them must sign.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Signers {
    /// How many sign: exactly as many, so that nobody can add a signature.
    pub threshold: u8,
    /// The keys, strictly ascending.
    pub keys: Bounded<PublicKey, SIGNERS_MAX>,
}

impl Signers {
    /// Whether these keys, strictly ascending, are exactly enough and all among the signers.
    #[must_use]
    pub fn are_satisfied_by(&self, keys: impl ExactSizeIterator<Item = PublicKey> + Clone) -> bool {
        keys.len() == usize::from(self.threshold)
            && keys.clone().is_sorted_by(|a, b| a < b)
            && keys.clone().all(|key| self.keys.binary_search(&key).is_ok())
    }

    fn check(&self) -> Result<(), Fault> {
        check_ascending(&self.keys)?;
        let threshold = usize::from(self.threshold);
        if (1..=self.keys.len()).contains(&threshold) { Ok(()) } else { Err(Fault::BadThreshold) }
    }
}

impl MultiSigAction {
    pub(super) fn check(&self) -> Result<(), Fault> {
        match self {
            Self::Set(signers) => signers.check(),
            Self::Clear => Ok(()),
        }
    }
}
