//! What validators say to each other. `docs/wire.md` shows the bytes.
//!
//! Everything here is a claim by a peer until the machine that receives it has checked it.

use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    block::{Block, EVIDENCE_MAX, Header, TRANSACTIONS_MAX},
    certificate::Certificate,
    checkpoint::Checkpoint,
    codec::{self, Bounded, DecodeError},
    compact::CompactBlock,
    evidence::Evidence,
    proof::CommitProof,
    transaction::Transaction,
    types::{Digest, Epoch, Height, View},
    vote::{Kind, Vote},
};

/// Bytes of the largest message.
pub const MESSAGE_BYTES_MAX: usize = 6 * 1024 * 1024;

/// Nullifications a proposal carries itself; the rest are sent on request.
pub const SKIPS_INLINE_MAX: usize = 16;

/// Certificates in one answer.
pub const CERTIFICATES_MAX: usize = 64;

/// Blocks in one answer.
pub const BLOCKS_MAX: usize = 32;

/// Bytes of blocks in one answer, unless a single block is larger.
pub const BLOCK_RESPONSE_BYTES_MAX: u32 = 4 * 1024 * 1024;

/// Headers that link an answer's last block to the Finalization above it.
pub const LINKS_MAX: usize = 4096;

/// Transactions in one gossip message.
pub const TRANSACTIONS_GOSSIP_MAX: usize = 1024;

/// Own votes in one answer or resend.
pub const VOTES_MAX: usize = 32;

/// Own checkpoints in one message: as many as are ever open.
pub const CHECKPOINT_VOTES_MAX: usize = 16;

/// A leader's block with everything needed to judge it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Proposal {
    /// The leader's own Notarize, which names the candidate.
    pub notarize: Vote,
    /// The block.
    pub body: Body,
    /// Why the parent may be built on and the views between skipped.
    pub justify: Justify,
}

/// A proposed block, whole or announced by short ids (P26).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Body {
    /// Whole.
    Full(Arc<Block>),
    /// Without what the receiver probably has.
    Compact(Arc<CompactBlock>),
}

impl Body {
    /// The block's header.
    #[must_use]
    pub fn header(&self) -> &Header {
        match self {
            Self::Full(block) => block.header(),
            Self::Compact(compact) => compact.header(),
        }
    }

    /// The block's digest.
    #[must_use]
    pub fn digest(&self) -> Digest {
        match self {
            Self::Full(block) => block.digest(),
            Self::Compact(compact) => compact.digest(),
        }
    }

    /// The block's evidence.
    #[must_use]
    pub fn evidence(&self) -> &Bounded<Evidence, EVIDENCE_MAX> {
        match self {
            Self::Full(block) => &block.payload().evidence,
            Self::Compact(compact) => compact.evidence(),
        }
    }

    /// How many transactions the block has.
    #[must_use]
    pub fn transactions(&self) -> usize {
        match self {
            Self::Full(block) => block.payload().transactions.len(),
            Self::Compact(compact) => compact.transactions(),
        }
    }
}

/// The certificates behind a proposal's choice of parent.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Justify {
    /// Notarization or Finalization of the parent; absent if the parent is the epoch's root.
    pub parent: Option<Certificate>,
    /// Nullifications of skipped views, ascending, the lowest ones if there are too many.
    pub skips: Bounded<Certificate, SKIPS_INLINE_MAX>,
}

/// Where a validator stands. A hint, never a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Status {
    /// Its epoch.
    pub epoch: Epoch,
    /// The view it is in.
    pub view: View,
    /// Its highest finalized view.
    pub finalized_view: View,
    /// Its highest finalized height.
    pub finalized_height: Height,
    /// The id of its highest finalized candidate.
    pub finalized_id: Digest,
    /// The height of its newest certified checkpoint.
    pub checkpoint: Height,
}

/// Asks for the certificates of one view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CertificateRequest {
    /// The epoch.
    pub epoch: Epoch,
    /// The view.
    pub view: View,
    /// One kind, or any that decides the view.
    pub kind: Option<Kind>,
}

/// Which blocks are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum BlockWant {
    /// One block, finalized or not.
    Digest(Digest),
    /// Finalized blocks from a height upwards, as many as fit.
    From(Height),
}

/// Asks for blocks. The answer repeats `id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BlockRequest {
    /// Chosen by the asker, never reused.
    pub id: u64,
    /// What is wanted.
    pub want: BlockWant,
}

/// Answers a [`BlockRequest`]. An empty answer says "I have none".
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BlockResponse {
    /// The request's id.
    pub id: u64,
    /// The blocks, ascending and contiguous; for `BlockWant::Digest` at most one.
    pub blocks: Bounded<Arc<Block>, BLOCKS_MAX>,
    /// Headers from the one above the last block up to the finalized one, if they differ.
    pub links: Bounded<Header, LINKS_MAX>,
    /// Finalization of the last link, or of the last block if there are no links. Always present
    /// when blocks were asked for by height.
    pub finalization: Option<Certificate>,
    /// Commit proofs of the blocks, as far as the answerer has them.
    pub proofs: Bounded<CommitProof, BLOCKS_MAX>,
}

/// Asks a leader for transactions of the block it announced (P28).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TransactionsRequest {
    /// The view it was proposed in.
    pub view: View,
    /// The block.
    pub block: Digest,
    /// Their places in the block, ascending.
    pub places: Bounded<u16, TRANSACTIONS_MAX>,
}

/// Answers a [`TransactionsRequest`]. An empty answer says "I do not have the block".
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TransactionsResponse {
    /// The view of the request.
    pub view: View,
    /// The block.
    pub block: Digest,
    /// The transactions, in the order they were asked for.
    pub transactions: Bounded<Transaction, TRANSACTIONS_MAX>,
}

/// One message between two nodes.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Message {
    /// A leader's block.
    Proposal(Arc<Proposal>),
    /// One vote, by its sender.
    Vote(Vote),
    /// Several votes, all by their sender: resent at a standstill or on request.
    Votes(Bounded<Vote, VOTES_MAX>),
    /// Certificates, relayed or asked for.
    Certificates(Bounded<Certificate, CERTIFICATES_MAX>),
    /// Heartbeat.
    Status(Status),
    /// Asks for certificates.
    CertificateRequest(CertificateRequest),
    /// Asks for blocks.
    BlockRequest(BlockRequest),
    /// Hands over blocks.
    BlockResponse(BlockResponse),
    /// Transactions for the mempool.
    Transactions(Bounded<Transaction, TRANSACTIONS_GOSSIP_MAX>),
    /// Proof of an offence, so that every leader can include it.
    Evidence(Box<Evidence>),
    /// Checkpoints signed by the sender, each for a height of its own.
    CheckpointVotes(Bounded<Vote<Checkpoint>, CHECKPOINT_VOTES_MAX>),
    /// What a quorum says the state is.
    CheckpointCertificate(Box<Certificate<Checkpoint>>),
    /// Asks for transactions of an announced block.
    TransactionsRequest(TransactionsRequest),
    /// Hands them over.
    TransactionsResponse(TransactionsResponse),
}

impl Message {
    /// Decodes a message from a peer.
    ///
    /// # Errors
    /// If the bytes are too long, malformed or not canonical.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        codec::decode(bytes, MESSAGE_BYTES_MAX)
    }

    /// Encodes a message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// What kind of message it is, for people.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Proposal(proposal) => match &proposal.body {
                Body::Full(_) => "proposal",
                Body::Compact(_) => "announcement",
            },
            Self::Vote(vote) => match vote.statement.kind() {
                Kind::Notarize => "notarize",
                Kind::Nullify => "nullify",
                Kind::Finalize => "finalize",
            },
            Self::Votes(_) => "votes",
            Self::Certificates(_) => "certificates",
            Self::Status(_) => "status",
            Self::CertificateRequest(_) => "certificate-request",
            Self::BlockRequest(_) => "block-request",
            Self::BlockResponse(_) => "block-response",
            Self::Transactions(_) => "transactions",
            Self::Evidence(_) => "evidence",
            Self::CheckpointVotes(_) => "checkpoint-votes",
            Self::CheckpointCertificate(_) => "checkpoint-certificate",
            Self::TransactionsRequest(_) => "transactions-request",
            Self::TransactionsResponse(_) => "transactions-response",
        }
    }
}

#[cfg(test)]
mod tests;
