//! Two schedulers that disagree, as a value that shows it again.
//!
//! A [`Mismatch`] holds all that execution depends on, so it can be replayed far from where it was
//! found. It is written by this program and read by people's tools, so decoding trusts nothing.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    codec::{self, DecodeError},
    execution::{
        access::Prepared,
        cell::{Cell, CellPath, element},
        lthash::LtHash,
        overlay::Overlay,
        schedule::{Parallel, Plan, Scheduler, run_as},
        transition::{Params, TxEffects},
    },
    transaction::Transaction,
    types::Digest,
};

/// The first bytes of an encoded mismatch; the last of them is the version of what follows.
const HEADER: [u8; 8] = *b"QEXECMM\x01";

/// Everything that came of running a block's transactions, before fees are settled.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Run {
    /// Of every transaction, in the block's order.
    pub effects: Vec<TxEffects>,
    /// Cells that differ from before the block, ascending by path; `None` is removed.
    pub changes: Vec<(CellPath, Option<Cell>)>,
    /// All fees.
    pub fees: u128,
    /// What the changes do to the state's digest.
    pub digest: Digest,
}

impl Run {
    /// Gathers what was done to an overlay.
    pub(super) fn of(effects: &[TxEffects], overlay: &Overlay) -> Self {
        let mut hash = LtHash::new();
        for (path, before, after) in overlay.changed() {
            before.into_iter().for_each(|cell| hash.remove(&element(path, cell)));
            after.into_iter().for_each(|cell| hash.add(&element(path, cell)));
        }
        Self {
            effects: effects.to_vec(),
            changes: overlay.changes(),
            fees: effects.iter().map(|one| u128::from(one.fee)).sum(),
            digest: hash.digest(),
        }
    }

    /// Where another run first differs.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<Difference> {
        if self == other {
            return None;
        }
        if self.effects.len() != other.effects.len() {
            return Some(Difference::Length(self.effects.len(), other.effects.len()));
        }
        let mut pairs = self.effects.iter().zip(&other.effects);
        if let Some(index) = pairs.position(|(a, b)| a != b) {
            let (a, b) = (&self.effects[index], &other.effects[index]);
            return Some(Difference::Effects(index, Box::new((a.clone(), b.clone()))));
        }
        if let Some(path) = differing(&self.changes, &other.changes) {
            return Some(Difference::Cell(path));
        }
        if self.fees != other.fees {
            return Some(Difference::Fees(self.fees, other.fees));
        }
        Some(Difference::Digest(self.digest, other.digest))
    }
}

/// The first cell that only one side changes, or both differently.
fn differing(a: &[(CellPath, Option<Cell>)], b: &[(CellPath, Option<Cell>)]) -> Option<CellPath> {
    let index = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let path = |side: &[(CellPath, Option<Cell>)]| side.get(index).map(|(path, _)| *path);
    [path(a), path(b)].into_iter().flatten().min()
}

/// Where two runs of one block differ first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// One has results for more transactions than the other.
    Length(usize, usize),
    /// The effects of the transaction at this place.
    Effects(usize, Box<(TxEffects, TxEffects)>),
    /// A cell after the block.
    Cell(CellPath),
    /// The sum of all fees.
    Fees(u128, u128),
    /// The digest of the changes, though the changes are equal.
    Digest(Digest, Digest),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(a, b) => write!(f, "{a} results against {b}"),
            Self::Effects(index, pair) if pair.0.outcome != pair.1.outcome => {
                let (a, b) = (pair.0.outcome, pair.1.outcome);
                write!(f, "transaction {index}: {a} against {b}")
            }
            Self::Effects(index, _) => write!(f, "transaction {index}: other effects"),
            Self::Cell(path) => write!(f, "cell {path:?} after the block"),
            Self::Fees(a, b) => write!(f, "fees {a} against {b}"),
            Self::Digest(a, b) => write!(f, "digest {a} against {b}"),
        }
    }
}

/// Two results of one block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Mismatch {
    /// What the block was executed under.
    pub params: Params,
    /// The cells it needs, ascending by path, as they were before it.
    pub cells: Vec<(CellPath, Option<Cell>)>,
    /// The block's transactions.
    pub transactions: Vec<Transaction>,
    /// The scheduler that differed.
    pub scheduler: Scheduler,
    /// The result that was kept.
    pub sequential: Run,
    /// The other one.
    pub other: Run,
}

/// Why bytes are no mismatch that can be replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MismatchError {
    /// Something else altogether.
    #[error("not the record of an execution mismatch")]
    NotOne,
    /// Written by a program with another layout.
    #[error("written in version {0} of the layout, but this program reads version 1")]
    Version(u8),
    /// Damaged.
    #[error("damaged: {0}")]
    Damaged(#[from] DecodeError),
    /// Its cells are not sorted, not those its transactions use, or not of their paths' kinds.
    #[error("its cells are not those its transactions need")]
    Cells,
}

impl Mismatch {
    /// Bytes that [`Self::decode`] reads.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = HEADER.to_vec();
        bytes.extend(codec::encode(self));
        bytes
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, MismatchError> {
        let (name, body) = bytes.split_at_checked(HEADER.len()).ok_or(MismatchError::NotOne)?;
        let (version, name) = name.split_last().ok_or(MismatchError::NotOne)?;
        if name != &HEADER[..HEADER.len() - 1] {
            return Err(MismatchError::NotOne);
        }
        if *version != HEADER[HEADER.len() - 1] {
            return Err(MismatchError::Version(*version));
        }
        let found: Self = codec::decode(body, body.len())?;
        let fits = |(path, cell): &(CellPath, Option<Cell>)| {
            cell.as_ref().is_none_or(|cell| cell.kind().code() == path.get()[0])
        };
        let sorted = found.cells.is_sorted_by(|a, b| a.0 < b.0);
        let prepared: Vec<Prepared<'_>> = found.transactions.iter().map(Prepared::new).collect();
        let plan = Plan::new(prepared.iter().map(|one| &one.access), &[]);
        let there = |path| found.cells.binary_search_by(|(at, _)| at.cmp(path)).is_ok();
        if !sorted || !found.cells.iter().all(fits) || !plan.paths().iter().all(there) {
            return Err(MismatchError::Cells);
        }
        Ok(found)
    }

    /// Runs the block again under a scheduler.
    ///
    /// # Panics
    /// If the cells are none that a chain could have had, such as balances beyond the supply.
    #[must_use]
    pub fn run<P: Parallel>(&self, scheduler: Scheduler, parallel: &P) -> Run {
        let prepared: Vec<Prepared<'_>> = self.transactions.iter().map(Prepared::new).collect();
        let besides: Vec<CellPath> = self.cells.iter().map(|(path, _)| *path).collect();
        let plan = Plan::new(prepared.iter().map(|one| &one.access), &besides);
        let cells = self.cells.iter().map(|(_, cell)| cell.clone()).collect();
        let mut overlay = Overlay::new(plan.paths().to_vec(), cells);
        let effects = run_as(scheduler, parallel, &self.params, &prepared, &plan, &mut overlay);
        Run::of(&effects, &overlay)
    }
}
