//! Transactions: what account holders sign.
//!
//! The id covers everything but the signatures, so nobody can give a transaction a second id by
//! signing it again; the chain is part of what is signed. Decoding checks sizes only: whether a
//! transaction may run is execution's question, and nothing here looks at the state.

use borsh::{BorshDeserialize, BorshSerialize};

pub use self::{
    asset::{Amount, Asset, AssetId, Output},
    body::TransactionBody,
    conflict::ConflictKey,
    fault::Fault,
    kind::*,
    payer::{Address, Authority, FeeMode, Payer},
};
use crate::{
    codec::{self, Bounded, DecodeError},
    crypto::{PublicKey, SecretKey, Signature, SignatureCheck},
    types::Digest,
};

mod asset;
mod body;
mod conflict;
mod fault;
mod kind;
mod payer;

/// The only encoding version there is.
pub const VERSION: u8 = 1;

/// Signatures one transaction may carry.
pub const SIGNATURES_MAX: usize = 16;

/// Bytes of the longest transaction that decodes: one that makes as many objects as large as can be
/// out of as many as can be.
pub const TRANSACTION_BYTES_MAX: usize = FIXED_BYTES
    + (4 + OWNED_MAX * 44 + 4 + SHARED_MAX * 37)
    + (4 + ACTIONS_MAX * (1 + 32 + 8 + 4 + OBJECT_DATA_MAX))
    + SIGNATURES_MAX * 96;

/// Bytes of the shortest transaction that anyone should keep: a withdrawal with one signature.
pub const TRANSACTION_BYTES_MIN: u32 = 166;

/// Everything but the kind's fields and the signatures: version, chain, payer, authority, fee mode,
/// fee, height, the kind's number and the count of signatures.
const FIXED_BYTES: usize = 1 + 4 + 41 + 1 + 1 + 8 + 8 + 1 + 4;

/// One key's consent.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct TransactionSignature {
    /// The key.
    pub key: PublicKey,
    /// Its signature of the body.
    pub signature: Signature,
}

/// A body and the signatures on it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Transaction {
    /// What is agreed to.
    pub body: TransactionBody,
    /// By whom: exactly the keys that are needed, strictly ascending.
    pub signatures: Bounded<TransactionSignature, SIGNATURES_MAX>,
}

impl Transaction {
    /// Signs a body with one key.
    #[must_use]
    pub fn signed(body: TransactionBody, key: &SecretKey) -> Self {
        Self::signed_by_all(body, &[key])
    }

    /// Signs a body with several keys.
    ///
    /// # Panics
    /// If there are more than [`SIGNATURES_MAX`] keys.
    #[must_use]
    pub fn signed_by_all(body: TransactionBody, keys: &[&SecretKey]) -> Self {
        let message = body.signing_message();
        let sign = |key: &&SecretKey| TransactionSignature {
            key: key.public(),
            signature: key.sign(&message),
        };
        let mut signatures: Vec<TransactionSignature> = keys.iter().map(sign).collect();
        signatures.sort_unstable();
        Self { body, signatures: Bounded::new(signatures) }
    }

    /// The transaction's id, which excludes the signatures.
    #[must_use]
    pub fn id(&self) -> Digest {
        self.body.id()
    }

    /// Decodes a transaction from a client.
    ///
    /// # Errors
    /// If the bytes are too long, malformed or not canonical.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        codec::decode(bytes, TRANSACTION_BYTES_MAX)
    }

    /// Bytes of the encoding; at most [`TRANSACTION_BYTES_MAX`].
    ///
    /// # Panics
    /// Never: the bounds of all lists keep it far below a `u32`.
    #[must_use]
    pub fn encoded_len(&self) -> u32 {
        let length = borsh::object_length(self).expect("measuring does not fail");
        assert!(length <= TRANSACTION_BYTES_MAX, "{length} bytes exceed the bounds' own maximum");
        u32::try_from(length).expect("at most some kilobytes")
    }

    /// Whether the keys that sign can be those that the body's authority asks for, as far as its bytes
    /// tell: for a single key, it alone and it is the one that the payer's address names; for several,
    /// strictly ascending. Whether several are the payer's signers only the state tells. Says nothing
    /// about whether the signatures hold.
    ///
    /// A signature too many is refused rather than ignored: it is covered by no id, so anyone could
    /// add it to somebody else's transaction.
    #[must_use]
    pub fn has_plausible_signers(&self) -> bool {
        match self.body.authority {
            Authority::Key => self.is_signed_by_payer(),
            Authority::MultiSig => {
                let keys = self.signatures.iter().map(|one| one.key);
                !self.signatures.is_empty() && keys.is_sorted_by(|a, b| a < b)
            }
        }
    }

    /// Whether exactly one key signs and it is the one the payer's address names. Says nothing about
    /// whether the signature holds, or whether the account takes a single one.
    #[must_use]
    pub fn is_signed_by_payer(&self) -> bool {
        match &*self.signatures {
            [only] => Address::of_key(&only.key) == self.body.payer.address(),
            _ => false,
        }
    }

    /// The signatures to check, one per key carried.
    #[must_use]
    pub fn checks(&self) -> Vec<SignatureCheck> {
        let message = self.body.signing_message();
        let check = |one: &TransactionSignature| SignatureCheck {
            key: one.key,
            message,
            signature: one.signature,
        };
        self.signatures.iter().map(check).collect()
    }
}

#[cfg(test)]
mod tests;
