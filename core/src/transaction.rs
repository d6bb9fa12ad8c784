//! Transactions: what account holders sign.
//!
//! The id covers everything but the signatures, so nobody can give a transaction a second id by
//! signing it again; the chain is part of what is signed. Decoding checks sizes only: whether a
//! transaction may run is execution's question, and nothing here looks at the state.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    codec::{self, Bounded, DecodeError},
    crypto::{PublicKey, SecretKey, Signature, SignatureCheck},
    digest::{Domain, digest_of},
    types::{ChainId, Digest, Height},
};

/// Outputs one transfer may have.
pub const OUTPUTS_MAX: usize = 256;

/// Signatures one transaction may carry.
pub const SIGNATURES_MAX: usize = 64;

/// The only encoding version there is.
pub const VERSION: u8 = 1;

/// Bytes of the longest transaction that decodes.
pub const TRANSACTION_BYTES_MAX: usize = FIXED_BYTES + OUTPUTS_MAX * 40 + SIGNATURES_MAX * 96;

/// Bytes of the shortest transaction that anyone should keep: one output and one signature.
pub const TRANSACTION_BYTES_MIN: u32 = 206;

/// Everything but the outputs and the signatures: version, chain, payer, nonce, fee, height, the
/// kind's tag and the two counts.
const FIXED_BYTES: usize = 1 + 4 + 32 + 8 + 8 + 8 + 1 + 4 + 4;

/// An account's name: the digest of the key that controls it at first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Address(Digest);

impl Address {
    /// The address of a key.
    #[must_use]
    pub fn of_key(key: &PublicKey) -> Self {
        Self(digest_of(Domain::Address, key))
    }

    /// The raw digest.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.0
    }
}

/// One credit of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Output {
    /// Who receives.
    pub to: Address,
    /// Native tokens, in the smallest unit.
    pub amount: u64,
}

/// What a transaction does.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum TransactionKind {
    /// Moves native tokens from the payer to others.
    Transfer {
        /// The credits, in order.
        outputs: Bounded<Output, OUTPUTS_MAX>,
    },
}

/// Why a transfer cannot be carried out, whatever the balances are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferFault {
    /// Nobody to pay.
    #[error("a transfer needs at least one output")]
    NoOutputs,
    /// An output of nothing.
    #[error("an output's amount is zero")]
    ZeroAmount,
    /// The amounts, or the amounts and the fee, do not add up to a `u64`.
    #[error("the amounts exceed 2^64 - 1")]
    Overflow,
}

/// Everything a signer agrees to.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TransactionBody {
    /// Encoding version: [`VERSION`].
    pub version: u8,
    /// The chain it is for.
    pub chain_id: ChainId,
    /// Who pays.
    pub payer: Address,
    /// The payer's next nonce.
    pub nonce: u64,
    /// What the payer is ready to pay, in native tokens.
    pub fee: u64,
    /// The last height it may be executed at.
    pub valid_until: Height,
    /// What it does.
    pub kind: TransactionKind,
}

/// One key's consent.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct TransactionSignature {
    /// The key.
    pub key: PublicKey,
    /// Its signature over the transaction's id.
    pub signature: Signature,
}

/// A body and the signatures on it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Transaction {
    /// What is agreed to.
    pub body: TransactionBody,
    /// By whom.
    pub signatures: Bounded<TransactionSignature, SIGNATURES_MAX>,
}

impl Transaction {
    /// Signs a body with one key.
    #[must_use]
    pub fn signed(body: TransactionBody, key: &SecretKey) -> Self {
        let signature = key.sign(&signing_message(&body));
        let signatures = vec![TransactionSignature { key: key.public(), signature }];
        Self { body, signatures: Bounded::new(signatures) }
    }

    /// The transaction's id, which excludes the signatures.
    #[must_use]
    pub fn id(&self) -> Digest {
        digest_of(Domain::Transaction, &self.body)
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
    /// Never: the bounds of the two vectors keep it far below a `u32`.
    #[must_use]
    pub fn encoded_len(&self) -> u32 {
        let length = borsh::object_length(self).expect("measuring does not fail");
        assert!(length <= TRANSACTION_BYTES_MAX, "{length} bytes exceed the bounds' own maximum");
        u32::try_from(length).expect("at most some kilobytes")
    }

    /// Whether exactly one key signs and it is the one the payer's address names. Says nothing about
    /// whether the signature holds.
    ///
    /// A second signature is refused rather than ignored: it is covered by no id, so anyone could
    /// add it to somebody else's transaction.
    #[must_use]
    pub fn is_signed_by_payer(&self) -> bool {
        match &*self.signatures {
            [only] => Address::of_key(&only.key) == self.body.payer,
            _ => false,
        }
    }

    /// The signatures to check, one per key carried.
    #[must_use]
    pub fn checks(&self) -> Vec<SignatureCheck> {
        let message = signing_message(&self.body);
        let check = |one: &TransactionSignature| SignatureCheck {
            key: one.key,
            message,
            signature: one.signature,
        };
        self.signatures.iter().map(check).collect()
    }
}

impl TransactionBody {
    /// What the payer loses if all goes well, without the fee.
    ///
    /// # Errors
    /// If there is no output, an output of nothing, or the sum with the fee exceeds a `u64`.
    pub fn amount(&self) -> Result<u64, TransferFault> {
        let TransactionKind::Transfer { outputs } = &self.kind;
        if outputs.is_empty() {
            return Err(TransferFault::NoOutputs);
        }
        if outputs.iter().any(|output| output.amount == 0) {
            return Err(TransferFault::ZeroAmount);
        }
        let add = |sum: u64, output: &Output| sum.checked_add(output.amount);
        let amount = outputs.iter().try_fold(0, add).ok_or(TransferFault::Overflow)?;
        amount.checked_add(self.fee).map(|_| amount).ok_or(TransferFault::Overflow)
    }
}

fn signing_message(body: &TransactionBody) -> Digest {
    digest_of(Domain::TransactionSigning, body)
}

#[cfg(test)]
mod tests;
