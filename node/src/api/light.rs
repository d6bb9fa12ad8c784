//! What a proof of an account is worth to somebody who has the genesis and nothing else: no node, no
//! network, no state.

use quorate_core::{
    certificate::Certificate,
    checkpoint::Checkpoint,
    committee::CommitteeError,
    config::Genesis,
    crypto::Ed25519,
    execution::{
        Account, Anchor, AnchorError, CellProof, ProofError,
        cell::{Cell, CellPath},
    },
    types::{Digest, Height},
    vote::SigningContext,
};

use super::json::{AccountProofJson, BadSigners, WayTooLong};

/// What was proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The height after which it holds.
    pub height: Height,
    /// The state root that a quorum signed.
    pub state_root: Digest,
    /// The account; `None` if there is provably none under the address.
    pub account: Option<Account>,
}

/// Why a proof shows nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LightError {
    /// The genesis has no committee.
    #[error("the genesis cannot be used: {0}")]
    Genesis(#[from] CommitteeError),
    /// The signers are not written as they must be.
    #[error("the certificate is malformed: {0}")]
    Signers(#[from] BadSigners),
    /// The way is not one.
    #[error("the proof is malformed: {0}")]
    Way(#[from] WayTooLong),
    /// No quorum of the genesis committee signed the checkpoint.
    #[error("{0}; is this the genesis of the chain that the proof is of?")]
    Anchor(#[from] AnchorError),
    /// The way leads elsewhere.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

/// Checks that a quorum of the genesis committee vouches for what the proof says of its account.
///
/// # Errors
/// What of it does not hold.
///
/// # Panics
/// Never: at an account's path a proof shows an account or nothing.
pub fn verify(genesis: &Genesis, proof: &AccountProofJson) -> Result<Verified, LightError> {
    let committee = genesis.committee()?;
    let context = SigningContext {
        chain_id: genesis.chain_id,
        genesis: genesis.digest(),
        committee: committee.digest(),
    };
    let certificate = Certificate::<Checkpoint>::try_from(&proof.certificate)?;
    let cell_proof = CellProof::try_from(proof)?;
    let anchor = Anchor::verify(&certificate, &context, &committee, &mut Ed25519)?;
    let path = CellPath::account(&proof.address.address());
    let account = anchor.cell(&path, &cell_proof)?.map(|cell| match cell {
        Cell::Account(account) => *account,
        other => unreachable!("a {:?} at the path of an account", other.kind()),
    });
    let Checkpoint { height, state_root, .. } = *anchor.checkpoint();
    Ok(Verified { height, state_root, account })
}
