//! Whose signatures a payer takes when a transaction's turn comes.
//!
//! Anybody can sign a body that names several keys with keys of its own, and it would take the payer's
//! nonce in the mempool. So the keys are compared with the account's signers, as far as those are known,
//! as changed by what waits before. Says nothing about whether signatures hold.

use crate::{
    mempool::refusal::Refusal,
    transaction::{Authority, MultiSigAction, Signers, Transaction, TransactionKind},
};

/// Whose signatures are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signing<'a> {
    /// Nobody has told yet: whoever signs is taken at its word, until a block tells.
    Unknown,
    /// Those of the key that the address names.
    Key,
    /// Those of some keys together.
    Several(&'a Signers),
}

impl<'a> Signing<'a> {
    /// Of an account that has these signers.
    pub(super) fn of(signers: Option<&'a Signers>) -> Self {
        signers.map_or(Self::Key, Self::Several)
    }

    /// Whether a transaction with plausible signers has those that are taken.
    pub(super) fn check(self, tx: &Transaction) -> Result<(), Refusal> {
        match (tx.body.authority, self) {
            (_, Self::Unknown) | (Authority::Key, Self::Key) => Ok(()),
            (Authority::Key, Self::Several(_)) => Err(Refusal::NeedsMultiSig),
            (Authority::MultiSig, Self::Key) => Err(Refusal::NotMultiSig),
            (Authority::MultiSig, Self::Several(signers)) => {
                let keys = tx.signatures.iter().map(|one| one.key);
                if signers.are_satisfied_by(keys) { Ok(()) } else { Err(Refusal::WrongSigners) }
            }
        }
    }

    /// Whose signatures are taken once a transaction of the payer was applied.
    pub(super) fn after(self, tx: &'a Transaction) -> Self {
        match &tx.body.kind {
            TransactionKind::MultiSig(MultiSigAction::Set(signers)) => Self::Several(signers),
            TransactionKind::MultiSig(MultiSigAction::Clear) => Self::Key,
            _ => self,
        }
    }
}

/// Whether a transaction changes whose signatures its payer takes.
pub(super) fn changes_signers(tx: &Transaction) -> bool {
    matches!(tx.body.kind, TransactionKind::MultiSig(_))
}
