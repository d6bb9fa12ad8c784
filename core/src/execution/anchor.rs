//! What somebody who executes nothing may believe: a checkpoint that a quorum signed, and every cell
//! and receipt that is proven under it.
//!
//! Needs the genesis document's digest, the committee of the checkpoint's epoch and something that checks
//! signatures, and no state, no blocks and no peers. What is refused is refused with the reason: it is
//! the certificate, the proof, or a root that is another. Whoever made a proof against another height
//! than the checkpoint's is told so by the root.

use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    certificate::{Certificate, CertificateError},
    checkpoint::Checkpoint,
    codec::Bounded,
    committee::Committee,
    crypto::Verifier,
    digest::{Domain, digest_of},
    execution::{
        cell::{Cell, CellPath, element},
        outcome::Outcome,
    },
    merkle,
    tree::{MultiProof, PATHS_MAX, PathProof},
    types::{Digest, Height, ValidatorIndex},
    vote::SigningContext,
};

/// A checkpoint that a quorum of a committee has signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor(Checkpoint);

/// Why a certificate vouches for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnchorError {
    /// It is of another committee than the one that is trusted.
    #[error("the certificate is by the committee {found}, and {trusted} is trusted")]
    Committee {
        /// By the certificate.
        found: Digest,
        /// By whoever asks.
        trusted: Digest,
    },
    /// Its signers are no quorum, or it is not well formed.
    #[error("the certificate is invalid: {0}")]
    Certificate(#[from] CertificateError),
    /// A signature is not its signer's.
    #[error("the certificate is invalid: the signature of {0} does not hold")]
    Signature(ValidatorIndex),
}

/// Why a proof shows nothing under a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// It leads to no root at all: it is not well formed, or shows something else than it says.
    #[error("the proof is malformed, or says something else than it shows")]
    Malformed,
    /// It has a cell of one kind at a path of another.
    #[error("the proof has a cell of another kind at {0:?}")]
    Kind(CellPath),
    /// It is not about exactly the paths that were asked about.
    #[error("the proof is about other paths, or not in ascending order")]
    Paths,
    /// It is of another state.
    #[error("the proof leads to the state root {found}, and {certified} is certified")]
    StateRoot {
        /// Where it leads.
        found: Digest,
        /// By the checkpoint.
        certified: Digest,
    },
    /// It is of other heights.
    #[error("the proof leads to the receipts root {found}, and {certified} is certified")]
    ReceiptsRoot {
        /// Where it leads.
        found: Digest,
        /// By the checkpoint.
        certified: Digest,
    },
}

/// One cell, or that there is none, with its proof.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CellProof {
    /// The cell; `None` if there is none.
    pub cell: Option<Cell>,
    /// The way to it.
    pub way: PathProof,
}

/// Many cells with one proof.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CellsProof {
    /// What every path has, ascending by path.
    pub cells: Bounded<(CellPath, Option<Cell>), PATHS_MAX>,
    /// The way to all of them.
    pub way: MultiProof,
}

/// What became of one transaction, with its proof.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ReceiptProof {
    /// Its id.
    pub transaction: Digest,
    /// Its fate.
    pub outcome: Outcome,
    /// Its place among the receipts of its block.
    pub in_block: merkle::Proof,
    /// The block's place among those since the checkpoint before.
    pub in_checkpoint: merkle::Proof,
}

/// Where a transaction is, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proven {
    /// The height of its block.
    pub height: Height,
    /// Its place in the block, from zero.
    pub index: u64,
    /// Its fate.
    pub outcome: Outcome,
}

impl Anchor {
    /// The checkpoint of a certificate, if a quorum of `committee` signed it.
    ///
    /// # Errors
    /// If it is of another committee, not well formed, of too few signers, or not signed by one of them.
    pub fn verify(
        certificate: &Certificate<Checkpoint>,
        context: &SigningContext,
        committee: &Committee,
        verifier: &mut impl Verifier,
    ) -> Result<Self, AnchorError> {
        let (found, trusted) = (certificate.statement.committee, committee.digest());
        if found != trusted {
            return Err(AnchorError::Committee { found, trusted });
        }
        let checks = certificate.checks(context, committee)?;
        let good = verifier.verify(&checks);
        assert_eq!(good.len(), checks.len(), "one answer per check");
        match certificate.signers.iter().zip(good).find(|(_, good)| !good) {
            Some((signer, _)) => Err(AnchorError::Signature(signer)),
            None => Ok(Self(certificate.statement)),
        }
    }

    /// Of a checkpoint that nobody has signed: for fuzzing what is judged by it.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) const fn unsigned(checkpoint: Checkpoint) -> Self {
        Self(checkpoint)
    }

    /// What the quorum signed.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.0
    }

    /// The cell at `path` after the checkpoint's height; `None` if there is none.
    ///
    /// # Errors
    /// If the proof does not show it.
    pub fn cell<'a>(
        &self,
        path: &CellPath,
        proof: &'a CellProof,
    ) -> Result<Option<&'a Cell>, ProofError> {
        let value = value_of(path, proof.cell.as_ref())?;
        let found = proof.way.root(path.get(), value.as_ref()).ok_or(ProofError::Malformed)?;
        self.check_state_root(found)?;
        Ok(proof.cell.as_ref())
    }

    /// What each of these paths has after the checkpoint's height. Order and repetitions do not matter.
    ///
    /// # Errors
    /// If the proof does not show it, or is not about exactly these paths.
    pub fn cells<'a>(
        &self,
        paths: &[CellPath],
        proof: &'a CellsProof,
    ) -> Result<BTreeMap<CellPath, Option<&'a Cell>>, ProofError> {
        let mut paths = paths.to_vec();
        paths.sort_unstable();
        paths.dedup();
        if !proof.cells.iter().map(|(path, _)| path).eq(&paths) {
            return Err(ProofError::Paths);
        }
        let mut claims = BTreeMap::new();
        for (path, cell) in &proof.cells {
            claims.insert(*path.get(), value_of(path, cell.as_ref())?);
        }
        let found = proof.way.root(&claims).ok_or(ProofError::Malformed)?;
        self.check_state_root(found)?;
        Ok(proof.cells.iter().map(|(path, cell)| (*path, cell.as_ref())).collect())
    }

    /// What became of a transaction in one of the blocks since the checkpoint before this one.
    ///
    /// # Errors
    /// If the proof does not show it.
    pub fn receipt(
        &self,
        transaction: &Digest,
        proof: &ReceiptProof,
    ) -> Result<Proven, ProofError> {
        let ReceiptProof { outcome, in_block, in_checkpoint, .. } = proof;
        if proof.transaction != *transaction {
            return Err(ProofError::Malformed);
        }
        let receipt = digest_of(Domain::Receipt, &(transaction, outcome));
        let block = in_block.root(&receipt).ok_or(ProofError::Malformed)?;
        let found = in_checkpoint.root(&block).ok_or(ProofError::Malformed)?;
        let certified = self.0.receipts_root;
        if found != certified {
            return Err(ProofError::ReceiptsRoot { found, certified });
        }
        // The last leaf is of the checkpoint's own height, and the number of leaves is bound.
        let above = in_checkpoint.count - 1 - in_checkpoint.index;
        let height = self.0.height.minus(above);
        Ok(Proven { height, index: in_block.index, outcome: *outcome })
    }

    fn check_state_root(&self, found: Digest) -> Result<(), ProofError> {
        let certified = self.0.state_root;
        if found == certified { Ok(()) } else { Err(ProofError::StateRoot { found, certified }) }
    }
}

fn value_of(path: &CellPath, cell: Option<&Cell>) -> Result<Option<Digest>, ProofError> {
    match cell {
        Some(cell) if cell.kind().code() != path.kind_code() => Err(ProofError::Kind(*path)),
        _ => Ok(cell.map(|cell| element(path, cell))),
    }
}

#[cfg(test)]
mod tests;
