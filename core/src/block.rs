//! Blocks, and candidates: a block at a view over one ancestry.
//!
//! A block is immutable and shared by reference once decoded. A candidate's id commits to its view
//! and parent, so equal blocks over different parents are different candidates.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    codec::Bounded,
    digest::{Domain, digest_of},
    evidence::Evidence,
    time::UnixMillis,
    transaction::Transaction,
    types::{ChainId, Digest, Epoch, Height, ValidatorIndex, View},
};

/// Transactions a payload may hold, whatever the genesis says.
pub const TRANSACTIONS_MAX: usize = 10_000;

/// Pieces of evidence a payload may hold.
pub const EVIDENCE_MAX: usize = 16;

/// What a block commits to. Its digest is the block's identity.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Header {
    /// The chain.
    pub chain_id: ChainId,
    /// The epoch it was made in.
    pub epoch: Epoch,
    /// Its place in the chain: the parent's plus one.
    pub height: Height,
    /// The parent block's digest; the genesis digest at height 1.
    pub parent: Digest,
    /// The view it was first proposed in.
    pub origin_view: View,
    /// Who proposed it.
    pub proposer: ValidatorIndex,
    /// Digest of the payload.
    pub payload_root: Digest,
    /// Bytes of the encoded payload.
    pub payload_len: u32,
    /// Wall-clock milliseconds, greater than the parent's.
    pub timestamp: UnixMillis,
    /// Digest of the evidence within the payload.
    pub evidence_root: Digest,
    /// The next epoch's committee, in a boundary block.
    pub next_committee: Option<Digest>,
}

/// What a block carries.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Payload {
    /// Transactions in the order they are executed.
    pub transactions: Bounded<Transaction, TRANSACTIONS_MAX>,
    /// Offences to be punished.
    pub evidence: Bounded<Evidence, EVIDENCE_MAX>,
}

impl Payload {
    /// Digest of the whole payload.
    #[must_use]
    pub fn root(&self) -> Digest {
        digest_of(Domain::Payload, self)
    }

    /// Digest of the evidence alone.
    #[must_use]
    pub fn evidence_root(&self) -> Digest {
        digest_of(Domain::EvidenceRoot, &self.evidence)
    }

    /// Bytes of the encoding.
    ///
    /// # Panics
    /// If they exceed a `u32`: frames that long are refused before they are decoded.
    #[must_use]
    pub fn encoded_len(&self) -> u32 {
        let length = borsh::object_length(self).expect("measuring does not fail");
        u32::try_from(length).expect("payloads are far smaller than 4 GiB")
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.transactions.is_empty() && self.evidence.is_empty()
    }
}

/// A header and its payload, with the digest computed once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    header: Header,
    payload: Payload,
    digest: Digest,
}

impl Block {
    /// Joins the two. Says nothing about whether the header commits to this payload: see
    /// [`crate::job`].
    #[must_use]
    pub fn new(header: Header, payload: Payload) -> Self {
        let digest = digest_of(Domain::Header, &header);
        Self { header, payload, digest }
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The payload.
    #[must_use]
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// The header's digest: the block's identity.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

impl BorshSerialize for Block {
    fn serialize<W: std::io::Write>(&self, writer: &mut W) -> std::io::Result<()> {
        self.header.serialize(writer)?;
        self.payload.serialize(writer)
    }
}

impl BorshDeserialize for Block {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        let header = Header::deserialize_reader(reader)?;
        Ok(Self::new(header, Payload::deserialize_reader(reader)?))
    }
}

/// A block at a view over one ancestry: what votes are about.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Candidate {
    /// The epoch.
    pub epoch: Epoch,
    /// The view it is proposed in.
    pub view: View,
    /// The view of the candidate it builds on; 0 for the epoch's root.
    pub parent_view: View,
    /// The id of the candidate it builds on.
    pub parent_id: Digest,
    /// The block's digest.
    pub block: Digest,
}

impl Candidate {
    /// Commits to all of it.
    #[must_use]
    pub fn id(&self) -> Digest {
        digest_of(Domain::Candidate, self)
    }
}

/// The id that stands for the root of an epoch: view 0, notarized and final by definition.
///
/// Never a candidate id, so validators that finalized the boundary at different views agree on it.
#[must_use]
pub fn root_id(epoch: Epoch, boundary: Digest, committee: Digest) -> Digest {
    digest_of(Domain::Root, &(epoch, boundary, committee))
}
