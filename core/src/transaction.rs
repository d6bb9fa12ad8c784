//! Transactions: what account holders sign.
//!
//! The id covers everything but the signatures; a signature covers the id within its chain. Decoding
//! checks sizes only: whether a transaction may run is execution's question.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    codec::Bounded,
    crypto::{PublicKey, SecretKey, Signature, SignatureCheck},
    digest::{Domain, digest_of},
    types::{ChainId, Digest, Height},
};

/// Outputs one transfer may have.
pub const OUTPUTS_MAX: usize = 256;

/// Signatures one transaction may carry.
pub const SIGNATURES_MAX: usize = 64;

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

/// Everything a signer agrees to.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TransactionBody {
    /// Encoding version, 1.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
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

fn signing_message(body: &TransactionBody) -> Digest {
    digest_of(Domain::TransactionSigning, body)
}
