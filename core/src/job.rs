//! Expensive, pure work that a driver runs where it likes.
//!
//! A job is data; what it computes is the function here. Results carry the id they were asked with,
//! so a late or repeated one changes nothing. Nothing here knows about threads.

use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    block::{Block, Header},
    certificate::Certificate,
    codec::Bounded,
    crypto::{SignatureCheck, Verifier},
    execution::{ExecutedBlock, ExecutionState},
    message::{BLOCK_RESPONSE_BYTES_MAX, BLOCKS_MAX, BlockWant, LINKS_MAX},
    proof::CommitProof,
    store::Archive,
    transaction::Transaction,
    types::{Height, View},
    vote::Kind,
};

/// Names one request for work within one life of one replica.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct JobId(u64);

impl JobId {
    /// Wraps a raw number.
    #[must_use]
    pub const fn new(raw: u64) -> Self {
        Self(raw)
    }

    /// The raw number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// Hands out job ids, each once in one life of one replica.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct JobIds {
    next: u64,
}

impl JobIds {
    /// The first id will be 0.
    #[must_use]
    pub const fn new() -> Self {
        Self { next: 0 }
    }

    /// An id that was never handed out before.
    ///
    /// # Panics
    /// After 2^64 of them.
    #[expect(clippy::should_implement_trait, reason = "an allocator is not an iterator")]
    pub fn next(&mut self) -> JobId {
        let id = JobId::new(self.next);
        self.next = self.next.checked_add(1).expect("2^64 jobs outlast any process");
        id
    }
}

/// Work to be done elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Job {
    /// Check signatures.
    Verify {
        /// Names the request.
        id: JobId,
        /// The questions.
        checks: Vec<SignatureCheck>,
    },
    /// Check a proposed or fetched block against its own header, and the signatures in it.
    CheckBlock {
        /// Names the request.
        id: JobId,
        /// The block.
        block: Arc<Block>,
        /// Which of its transactions' signatures were not checked before.
        unchecked: Unchecked,
        /// Signatures to check along with it: the leader's vote, the evidence's votes.
        checks: Vec<SignatureCheck>,
    },
    /// Check the signatures of transactions offered to the mempool.
    CheckTransactions {
        /// Names the request.
        id: JobId,
        /// The transactions.
        transactions: Vec<Transaction>,
    },
    /// Execute the next finalized block. Strictly in height order, one after the other.
    Execute {
        /// The block.
        block: Arc<Block>,
    },
    /// Read what a peer asked for.
    Read {
        /// Names the request.
        id: JobId,
        /// What is wanted.
        want: ReadWant,
    },
}

/// Which transactions of a block to check. That a transaction was checked before is said only if it is
/// the same bytes, signatures included.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Unchecked {
    /// All of them.
    All,
    /// Those at these places, ascending.
    Only(Vec<u16>),
}

impl Unchecked {
    /// The transactions to check.
    fn of<'a>(&self, transactions: &'a [Transaction]) -> Vec<&'a Transaction> {
        match self {
            Self::All => transactions.iter().collect(),
            Self::Only(places) => {
                let at = |place: &u16| &transactions[usize::from(*place)];
                places.iter().map(at).collect()
            }
        }
    }
}

/// What to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum ReadWant {
    /// Blocks, to answer a peer.
    Blocks(BlockWant),
    /// The commit proof that decides a finalized view.
    ProofAt(View),
    /// A certificate above the finalized view that is no longer in memory.
    Certificate(View, Kind),
}

/// What came of a job.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum JobResult {
    /// One answer per signature.
    Verified {
        /// The request.
        id: JobId,
        /// In the order of the checks.
        good: Vec<bool>,
    },
    /// A block was checked.
    BlockChecked {
        /// The request.
        id: JobId,
        /// One answer per extra signature.
        good: Vec<bool>,
        /// What is wrong with the block, if anything.
        fault: Option<BlockFault>,
    },
    /// One answer per transaction: whether all its signatures hold.
    TransactionsChecked {
        /// The request.
        id: JobId,
        /// In the order of the transactions.
        good: Vec<bool>,
    },
    /// A block was executed.
    Executed(ExecutedBlock),
    /// Blocks were read.
    BlocksRead {
        /// The request.
        id: JobId,
        /// What was found.
        found: BlockRange,
    },
    /// Certificates were read.
    CertificatesRead {
        /// The request.
        id: JobId,
        /// What was found.
        found: Vec<Certificate>,
    },
}

/// What is permanently wrong with a block, whoever looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum BlockFault {
    /// The payload is not the one the header commits to.
    PayloadMismatch,
    /// A transaction's signature does not hold.
    BadTransactionSignature,
}

/// Consecutive blocks and what proves them final.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BlockRange {
    /// Ascending and contiguous.
    pub blocks: Vec<Arc<Block>>,
    /// From above the last block up to the finalized one.
    pub links: Vec<Header>,
    /// Finalization of the last link, or of the last block.
    pub finalization: Option<Certificate>,
    /// Proofs of the blocks.
    pub proofs: Vec<CommitProof>,
}

/// Runs a job that needs only the verifier. `None` for the ones that need state or the store.
#[must_use]
pub fn run_pure(job: &Job, verifier: &mut dyn Verifier) -> Option<JobResult> {
    match job {
        Job::Verify { id, checks } => {
            Some(JobResult::Verified { id: *id, good: verifier.verify(checks) })
        }
        Job::CheckBlock { id, block, unchecked, checks } => {
            let good = verifier.verify(checks);
            let fault = check_block(block, unchecked, verifier);
            Some(JobResult::BlockChecked { id: *id, good, fault })
        }
        Job::CheckTransactions { id, transactions } => {
            let all: Vec<&Transaction> = transactions.iter().collect();
            let good = check_transactions(&all, verifier);
            Some(JobResult::TransactionsChecked { id: *id, good })
        }
        Job::Execute { .. } | Job::Read { .. } => None,
    }
}

/// Runs a job that needs only the archive. `None` for all others.
#[must_use]
pub fn run_read(job: &Job, archive: &dyn Archive) -> Option<JobResult> {
    match job {
        Job::Read { id, want } => Some(read(*id, *want, archive)),
        Job::Verify { .. }
        | Job::CheckBlock { .. }
        | Job::CheckTransactions { .. }
        | Job::Execute { .. } => None,
    }
}

/// Runs any job with everything at hand, on the spot.
#[must_use]
pub fn run(
    job: &Job,
    verifier: &mut dyn Verifier,
    state: &mut ExecutionState,
    archive: &dyn Archive,
) -> JobResult {
    match job {
        Job::Execute { block } => JobResult::Executed(state.execute(block)),
        Job::Read { id, want } => read(*id, *want, archive),
        Job::Verify { .. } | Job::CheckBlock { .. } | Job::CheckTransactions { .. } => {
            run_pure(job, verifier).expect("needs only the verifier")
        }
    }
}

fn check_block(
    block: &Block,
    unchecked: &Unchecked,
    verifier: &mut dyn Verifier,
) -> Option<BlockFault> {
    let (header, payload) = (block.header(), block.payload());
    if header.payload_len != payload.encoded_len()
        || header.payload_root != payload.root()
        || header.evidence_root != payload.evidence_root()
    {
        return Some(BlockFault::PayloadMismatch);
    }
    let good = check_transactions(&unchecked.of(&payload.transactions), verifier);
    good.contains(&false).then_some(BlockFault::BadTransactionSignature)
}

/// One batch over all signatures of all transactions. A transaction without any is not good.
fn check_transactions(transactions: &[&Transaction], verifier: &mut dyn Verifier) -> Vec<bool> {
    let checks: Vec<Vec<SignatureCheck>> = transactions.iter().map(|one| one.checks()).collect();
    let flat: Vec<SignatureCheck> = checks.iter().flatten().copied().collect();
    let mut answers = verifier.verify(&flat).into_iter();
    checks
        .iter()
        .map(|own| {
            // Counted to the end: each transaction takes exactly its own answers.
            let bad = answers.by_ref().take(own.len()).filter(|good| !good).count();
            bad == 0 && !own.is_empty()
        })
        .collect()
}

fn read(id: JobId, want: ReadWant, archive: &dyn Archive) -> JobResult {
    match want {
        ReadWant::ProofAt(view) => {
            let proof = archive.proof_at_view(view);
            let mut found: Vec<Certificate> =
                proof.iter().flat_map(CommitProof::certificates).cloned().collect();
            // The view asked about comes first: an answer may be cut.
            found.sort_by_key(|certificate| certificate.view() != view);
            JobResult::CertificatesRead { id, found }
        }
        ReadWant::Certificate(view, kind) => {
            let found = archive.certificate(view, kind).into_iter().collect();
            JobResult::CertificatesRead { id, found }
        }
        ReadWant::Blocks(BlockWant::Digest(digest)) => {
            let blocks = archive.by_digest(&digest).into_iter().collect();
            JobResult::BlocksRead { id, found: BlockRange { blocks, ..BlockRange::default() } }
        }
        ReadWant::Blocks(BlockWant::From(from)) => {
            JobResult::BlocksRead { id, found: read_range(from, archive) }
        }
    }
}

/// Finalized blocks from a height, cut at the limits, and the chain of headers that ties the last of
/// them to the nearest direct Finalization.
fn read_range(from: Height, archive: &dyn Archive) -> BlockRange {
    let mut range = BlockRange::default();
    let mut bytes: u32 = 0;
    let mut height = from;
    while range.blocks.len() < BLOCKS_MAX {
        let Some(archived) = archive.at_height(height) else { break };
        bytes = bytes.saturating_add(archived.block.header().payload_len).saturating_add(512);
        if !range.blocks.is_empty() && bytes > BLOCK_RESPONSE_BYTES_MAX {
            break;
        }
        range.finalization = archived.proof.as_ref().and_then(|proof| proof.finalization.clone());
        range.proofs.extend(archived.proof);
        range.blocks.push(archived.block);
        height = height.next();
    }
    while range.finalization.is_none() && range.links.len() < LINKS_MAX && !range.blocks.is_empty()
    {
        let Some(archived) = archive.at_height(height) else { break };
        range.finalization = archived.proof.and_then(|proof| proof.finalization);
        range.links.push(archived.block.header().clone());
        height = height.next();
    }
    // Whoever is catching up himself holds final blocks whose Finalization he cannot show yet. Without
    // it they prove nothing, and sending them would look like an offence.
    if range.finalization.is_none() {
        return BlockRange::default();
    }
    range
}

/// Makes a bounded vector of as much of `items` as fits.
#[must_use]
pub fn fitting<T, const MAX: usize>(mut items: Vec<T>) -> Bounded<T, MAX> {
    items.truncate(MAX);
    Bounded::new(items)
}
