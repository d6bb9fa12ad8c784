//! What validators sign and what quorums of signatures say. Checkpoints and their certificates are read as
//! well as written, because proofs are judged by them.

use quorate_core::{
    block::Candidate,
    certificate::{Certificate, Signers},
    checkpoint::Checkpoint,
    codec::Bounded,
    committee::MEMBERS_MAX,
    crypto::Signature,
    evidence::{Evidence, Offence},
    proof::CommitProof,
    types::{Epoch, Height, ValidatorIndex},
    vote::{Kind, Promise, Statement, Vote},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::text::{Hex32, Hex64};

/// A block at a view over one ancestry: what votes are about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CandidateJson {
    /// Commits to all of it.
    pub id: Hex32,
    /// The epoch.
    pub epoch: u64,
    /// The view it is proposed in.
    pub view: u64,
    /// The view of the candidate it builds on.
    pub parent_view: u64,
    /// The id of the candidate it builds on.
    pub parent_id: Hex32,
    /// The block's digest.
    pub block: Hex32,
}

/// A promise about a view, or about the state after a height.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum StatementJson {
    /// "I accept this candidate."
    Notarize {
        /// The candidate.
        candidate: CandidateJson,
    },
    /// "I give up on this view."
    Nullify {
        /// The epoch.
        epoch: u64,
        /// The view given up.
        view: u64,
    },
    /// "This candidate is notarized and I shall never give up its view."
    Finalize {
        /// The candidate.
        candidate: CandidateJson,
    },
    /// "After this height the state is this."
    Checkpoint {
        /// What is said.
        checkpoint: CheckpointJson,
    },
}

/// The state after a height, and what happened since the checkpoint before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckpointJson {
    /// The epoch of the block.
    pub epoch: u64,
    /// The height executed last.
    pub height: u64,
    /// The block at that height.
    pub block: Hex32,
    /// Commits to every cell of the state.
    pub state_root: Hex32,
    /// Root over the receipt roots of all heights since the checkpoint before.
    pub receipts_root: Hex32,
    /// Root over the outbox roots of the same heights.
    pub outbox_root: Hex32,
    /// The committee whose members sign this.
    pub committee: Hex32,
    /// The next epoch's committee, if the block ends its epoch.
    pub next_committee: Option<Hex32>,
}

/// One validator's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignerJson {
    /// Its place in the committee.
    #[schema(maximum = 1023)]
    pub index: u16,
    /// What it signed with its consensus key.
    pub signature: Hex64,
}

/// One statement about a view, signed by a quorum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateJson {
    /// What all of them signed.
    pub statement: StatementJson,
    /// Who signed, ascending by place.
    #[schema(max_items = 1024)]
    pub signers: Vec<SignerJson>,
}

/// A checkpoint signed by a quorum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckpointCertificateJson {
    /// What all of them signed.
    pub checkpoint: CheckpointJson,
    /// Who signed, ascending by place.
    #[schema(max_items = 1024)]
    pub signers: Vec<SignerJson>,
}

/// Why a height is final.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommitProofJson {
    /// The block's height.
    pub height: u64,
    /// The candidate through which it became final.
    pub candidate: CandidateJson,
    /// A quorum that accepted it, if this node holds it.
    pub notarization: Option<CertificateJson>,
    /// A quorum that made it final; absent if it became final through a block above it.
    pub finalization: Option<CertificateJson>,
    /// Quorums that gave up the views between its parent's and its own, ascending.
    pub nullifications: Vec<CertificateJson>,
}

/// A signed statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoteJson {
    /// What is promised.
    pub statement: StatementJson,
    /// Who promises: a place in the committee.
    pub signer: u16,
    /// The signature.
    pub signature: Hex64,
}

/// Which rule was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OffenceJson {
    /// Two blocks accepted in one view.
    ConflictingNotarize,
    /// Two blocks made final in one view.
    ConflictingFinalize,
    /// A view given up and made final.
    NullifyFinalize,
    /// Two states of one height.
    ConflictingCheckpoint,
}

/// Two conflicting votes of one validator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceJson {
    /// The rule that was broken.
    pub offence: Option<OffenceJson>,
    /// The epoch of the offence.
    pub epoch: u64,
    /// The offender's place in the epoch's committee.
    pub signer: u16,
    /// Both votes.
    #[schema(min_items = 2, max_items = 2)]
    pub votes: Vec<VoteJson>,
}

impl From<&Candidate> for CandidateJson {
    fn from(candidate: &Candidate) -> Self {
        Self {
            id: candidate.id().into(),
            epoch: candidate.epoch.get(),
            view: candidate.view.get(),
            parent_view: candidate.parent_view.get(),
            parent_id: candidate.parent_id.into(),
            block: candidate.block.into(),
        }
    }
}

impl From<&Statement> for StatementJson {
    fn from(statement: &Statement) -> Self {
        match statement {
            Statement::Notarize(candidate) => Self::Notarize { candidate: candidate.into() },
            Statement::Nullify { epoch, view } => {
                Self::Nullify { epoch: epoch.get(), view: view.get() }
            }
            Statement::Finalize(candidate) => Self::Finalize { candidate: candidate.into() },
        }
    }
}

impl From<&Promise> for StatementJson {
    fn from(promise: &Promise) -> Self {
        match promise {
            Promise::View(statement) => statement.into(),
            Promise::Checkpoint(checkpoint) => Self::Checkpoint { checkpoint: checkpoint.into() },
        }
    }
}

impl From<&Checkpoint> for CheckpointJson {
    fn from(checkpoint: &Checkpoint) -> Self {
        Self {
            epoch: checkpoint.epoch.get(),
            height: checkpoint.height.get(),
            block: checkpoint.block.into(),
            state_root: checkpoint.state_root.into(),
            receipts_root: checkpoint.receipts_root.into(),
            outbox_root: checkpoint.outbox_root.into(),
            committee: checkpoint.committee.into(),
            next_committee: checkpoint.next_committee.map(Hex32::from),
        }
    }
}

impl From<&CheckpointJson> for Checkpoint {
    fn from(json: &CheckpointJson) -> Self {
        Self {
            epoch: Epoch::new(json.epoch),
            height: Height::new(json.height),
            block: json.block.digest(),
            state_root: json.state_root.digest(),
            receipts_root: json.receipts_root.digest(),
            outbox_root: json.outbox_root.digest(),
            committee: json.committee.digest(),
            next_committee: json.next_committee.map(Hex32::digest),
        }
    }
}

fn signers<S>(certificate: &Certificate<S>) -> Vec<SignerJson> {
    let each = certificate.signers.iter().zip(&certificate.signatures);
    let one = |(index, signature): (ValidatorIndex, &Signature)| SignerJson {
        index: index.get(),
        signature: (*signature).into(),
    };
    each.map(one).collect()
}

impl From<&Certificate> for CertificateJson {
    fn from(certificate: &Certificate) -> Self {
        Self { statement: (&certificate.statement).into(), signers: signers(certificate) }
    }
}

impl From<&Certificate<Checkpoint>> for CheckpointCertificateJson {
    fn from(certificate: &Certificate<Checkpoint>) -> Self {
        Self { checkpoint: (&certificate.statement).into(), signers: signers(certificate) }
    }
}

/// Signers that are not those of any certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signers are not strictly ascending places below 1024")]
pub struct BadSigners;

impl TryFrom<&CheckpointCertificateJson> for Certificate<Checkpoint> {
    type Error = BadSigners;

    fn try_from(json: &CheckpointCertificateJson) -> Result<Self, BadSigners> {
        let is_ascending = json.signers.is_sorted_by(|a, b| a.index < b.index);
        let within = |one: &SignerJson| usize::from(one.index) < MEMBERS_MAX;
        if !is_ascending || !json.signers.iter().all(within) {
            return Err(BadSigners);
        }
        let members = json.signers.iter().map(|one| ValidatorIndex::new(one.index));
        let signatures = json.signers.iter().map(|one| one.signature.signature());
        Ok(Self {
            statement: (&json.checkpoint).into(),
            signers: Signers::new(members),
            // Strictly ascending below the bound, so there are no more than it.
            signatures: Bounded::new(signatures.collect()),
        })
    }
}

impl From<&CommitProof> for CommitProofJson {
    fn from(proof: &CommitProof) -> Self {
        Self {
            height: proof.height.get(),
            candidate: (&proof.candidate).into(),
            notarization: proof.notarization.as_ref().map(CertificateJson::from),
            finalization: proof.finalization.as_ref().map(CertificateJson::from),
            nullifications: proof.nullifications.iter().map(CertificateJson::from).collect(),
        }
    }
}

impl From<&Vote<Promise>> for VoteJson {
    fn from(vote: &Vote<Promise>) -> Self {
        Self {
            statement: (&vote.statement).into(),
            signer: vote.signer.get(),
            signature: vote.signature.into(),
        }
    }
}

impl From<&Evidence> for EvidenceJson {
    fn from(evidence: &Evidence) -> Self {
        let offence = evidence.offence().map(|offence| match offence {
            Offence::ConflictingNotarize => OffenceJson::ConflictingNotarize,
            Offence::ConflictingFinalize => OffenceJson::ConflictingFinalize,
            Offence::NullifyFinalize => OffenceJson::NullifyFinalize,
            Offence::ConflictingCheckpoint => OffenceJson::ConflictingCheckpoint,
        });
        Self {
            offence,
            epoch: evidence.epoch().get(),
            signer: evidence.signer().get(),
            votes: evidence.votes().into_iter().map(VoteJson::from).collect(),
        }
    }
}

/// The kind of a certificate, in a word.
#[must_use]
pub(crate) const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Notarize => "notarize",
        Kind::Nullify => "nullify",
        Kind::Finalize => "finalize",
    }
}
