//! Domain-separated blake2b-256.
//!
//! Every digest begins with the length and bytes of its domain, so a digest of one kind of thing is
//! never a digest of another. The domains are listed here and nowhere else.

use blake2::{Blake2b, Digest as _, digest::consts::U32};
use borsh::BorshSerialize;

use crate::types::Digest;

/// What a digest is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// A genesis document.
    Genesis,
    /// A committee.
    Committee,
    /// The root candidate of an epoch.
    Root,
    /// A block header: the block's identity.
    Header,
    /// A payload: what a header commits to.
    Payload,
    /// The evidence within a payload.
    EvidenceRoot,
    /// A candidate: a block at a view over one ancestry.
    Candidate,
    /// The bytes a consensus key signs about a view.
    Statement,
    /// The bytes a consensus key signs about the state after a height.
    Checkpoint,
    /// A transaction without its signatures: its id.
    Transaction,
    /// A transaction with its signatures.
    SealedTransaction,
    /// The key of a block's short ids.
    ShortIds,
    /// The bytes an account key signs.
    TransactionSigning,
    /// An account's address.
    Address,
    /// A state cell's key.
    CellPath,
    /// A state cell's value.
    CellValue,
    /// The order-free digest of the state.
    State,
    /// What came of one transaction.
    Receipt,
    /// A node of a Merkle tree over a list.
    Merkle,
    /// A forked seed.
    Seed,
    /// Coefficients of a signature batch.
    SignatureBatch,
    /// A machine's serialised state, for replay.
    Snapshot,
    /// A stored record's checksum.
    Record,
    /// A trace's rolling hash.
    Trace,
    /// A frame of a capture, and the effects of a captured step.
    Capture,
}

impl Domain {
    const fn tag(self) -> &'static [u8] {
        match self {
            Self::Genesis => b"quorate/1/genesis",
            Self::Committee => b"quorate/1/committee",
            Self::Root => b"quorate/1/root",
            Self::Header => b"quorate/1/header",
            Self::Payload => b"quorate/1/payload",
            Self::EvidenceRoot => b"quorate/1/evidence-root",
            Self::Candidate => b"quorate/1/candidate",
            Self::Statement => b"quorate/1/statement",
            Self::Checkpoint => b"quorate/1/checkpoint",
            Self::Transaction => b"quorate/1/transaction",
            Self::SealedTransaction => b"quorate/1/sealed-transaction",
            Self::ShortIds => b"quorate/1/short-ids",
            Self::TransactionSigning => b"quorate/1/transaction-signing",
            Self::Address => b"quorate/1/address",
            Self::CellPath => b"quorate/1/cell-path",
            Self::CellValue => b"quorate/1/cell-value",
            Self::State => b"quorate/1/state",
            Self::Receipt => b"quorate/1/receipt",
            Self::Merkle => b"quorate/1/merkle",
            Self::Seed => b"quorate/1/seed",
            Self::SignatureBatch => b"quorate/1/signature-batch",
            Self::Snapshot => b"quorate/1/snapshot",
            Self::Record => b"quorate/1/record",
            Self::Trace => b"quorate/1/trace",
            Self::Capture => b"quorate/1/capture",
        }
    }
}

/// A digest under construction.
#[derive(Clone)]
pub struct Hasher(Blake2b<U32>);

impl Hasher {
    /// An empty digest of one domain.
    #[must_use]
    pub fn new(domain: Domain) -> Self {
        let tag = domain.tag();
        let mut inner = Blake2b::<U32>::new();
        inner.update([u8::try_from(tag.len()).expect("domain tags are short")]);
        inner.update(tag);
        Self(inner)
    }

    /// Appends raw bytes. The caller sees to it that the concatenation is unambiguous.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update(bytes);
        self
    }

    /// Appends a value's borsh encoding, which is unambiguous by itself.
    #[must_use]
    pub fn value<T: BorshSerialize + ?Sized>(mut self, value: &T) -> Self {
        value.serialize(&mut Sink(&mut self.0)).expect("hashing does not fail");
        self
    }

    /// The digest.
    #[must_use]
    pub fn finish(self) -> Digest {
        Digest::new(self.0.finalize().into())
    }
}

/// The digest of one value in one domain.
#[must_use]
pub fn digest_of<T: BorshSerialize + ?Sized>(domain: Domain, value: &T) -> Digest {
    Hasher::new(domain).value(value).finish()
}

/// Lets borsh write straight into the hash.
struct Sink<'a>(&'a mut Blake2b<U32>);

impl std::io::Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
