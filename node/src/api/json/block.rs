//! Blocks, their headers, and what became of their transactions.

use quorate_core::{
    block::Header,
    execution::Outcome,
    types::{Digest, Height},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    consensus::{CommitProofJson, EvidenceJson},
    text::Hex32,
    transaction::TransactionJson,
};
use crate::store::BlockSummary;

/// What a block commits to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeaderJson {
    /// Its digest: the block's identity.
    pub digest: Hex32,
    /// The chain.
    pub chain_id: u32,
    /// The epoch it was made in.
    pub epoch: u64,
    /// Its place in the chain, from 1.
    pub height: u64,
    /// The parent's digest; the genesis digest at height 1.
    pub parent: Hex32,
    /// The view it was first proposed in.
    pub origin_view: u64,
    /// Who proposed it: a place in the committee.
    pub proposer: u16,
    /// Digest of the payload.
    pub payload_root: Hex32,
    /// Bytes of the encoded payload.
    pub payload_bytes: u32,
    /// Wall-clock milliseconds since 1970, greater than the parent's.
    pub timestamp_ms: u64,
    /// Digest of the evidence within the payload.
    pub evidence_root: Hex32,
    /// The next epoch's committee, in the last block of an epoch.
    pub next_committee: Option<Hex32>,
}

/// A finalized block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockJson {
    /// What it commits to.
    pub header: HeaderJson,
    /// Its transactions in the order they are executed.
    pub transactions: Vec<TransactionJson>,
    /// Offences to be punished.
    pub evidence: Vec<EvidenceJson>,
    /// What became of the transactions, in the same order; absent until the block is executed here.
    pub outcomes: Option<Vec<OutcomeJson>>,
    /// Why it is final; absent if this node does not hold the proof yet.
    pub proof: Option<CommitProofJson>,
}

/// What became of one transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutcomeJson {
    /// Its fate.
    pub outcome: Fate,
    /// Why it failed or was skipped: a stable name.
    pub reason: Option<String>,
}

/// What can become of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Done.
    Applied,
    /// The nonce is used up and the fee taken; nothing else happened.
    Failed,
    /// Nothing happened: no fee, and the nonce may still be used.
    Skipped,
}

/// A block in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockSummaryJson {
    /// Its place in the chain.
    pub height: u64,
    /// Its digest.
    pub digest: Hex32,
    /// The view it was first proposed in.
    pub origin_view: u64,
    /// The view it became final in, where that is known.
    pub view: Option<u64>,
    /// Who proposed it.
    pub proposer: u16,
    /// Wall-clock milliseconds since 1970.
    pub timestamp_ms: u64,
    /// How many transactions it has.
    pub transactions: u32,
    /// Bytes of the encoded payload.
    pub payload_bytes: u32,
}

/// Some blocks, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BlocksJson {
    /// The blocks, descending by height. Heights that were pruned are left out.
    pub blocks: Vec<BlockSummaryJson>,
    /// `from` of the next page; absent on the last one.
    pub next_from: Option<u64>,
}

/// A transaction that is final.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FinalTransactionJson {
    /// Its id.
    pub id: Hex32,
    /// The height of its block.
    pub height: u64,
    /// The digest of its block, unless that was pruned.
    pub block: Option<Hex32>,
    /// Its place in the block, from zero.
    pub index: u32,
    /// What became of it.
    pub outcome: Fate,
    /// Why it failed or was skipped: a stable name.
    pub reason: Option<String>,
    /// The transaction, unless its block was pruned.
    pub transaction: Option<TransactionJson>,
}

impl HeaderJson {
    /// A header and the digest of its block.
    #[must_use]
    pub fn new(header: &Header, digest: Digest) -> Self {
        Self {
            digest: digest.into(),
            chain_id: header.chain_id.get(),
            epoch: header.epoch.get(),
            height: header.height.get(),
            parent: header.parent.into(),
            origin_view: header.origin_view.get(),
            proposer: header.proposer.get(),
            payload_root: header.payload_root.into(),
            payload_bytes: header.payload_len,
            timestamp_ms: header.timestamp.get(),
            evidence_root: header.evidence_root.into(),
            next_committee: header.next_committee.map(Hex32::from),
        }
    }
}

impl BlockSummaryJson {
    /// A final block in a list.
    #[must_use]
    pub fn of(found: &BlockSummary) -> Self {
        let (header, proof) = (&found.header, found.proof.as_ref());
        Self {
            height: header.height.get(),
            digest: found.digest.into(),
            origin_view: header.origin_view.get(),
            view: proof.map(|proof| proof.candidate.view.get()),
            proposer: header.proposer.get(),
            timestamp_ms: header.timestamp.get(),
            transactions: found.transactions,
            payload_bytes: header.payload_len,
        }
    }
}

impl From<&Outcome> for OutcomeJson {
    fn from(outcome: &Outcome) -> Self {
        let (outcome, reason) = match outcome {
            Outcome::Applied => (Fate::Applied, None),
            Outcome::Failed(reason) => (Fate::Failed, Some(reason.name())),
            Outcome::Skipped(reason) => (Fate::Skipped, Some(reason.name())),
        };
        Self { outcome, reason: reason.map(str::to_owned) }
    }
}

/// The height after the lowest of a page, if there is one below it.
pub(crate) fn page_below(lowest: Height) -> Option<u64> {
    lowest.previous().filter(|below| *below > Height::ZERO).map(Height::get)
}
