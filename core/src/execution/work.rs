//! A block about to be executed: the cells it needs, and what is worked out before they are there.
//!
//! A block becomes [`Work`], which names its cells; the driver reads them; the state takes both and
//! gives back a [`Done`]. Nothing here reads cells or runs transactions.

use crate::{
    block::Block,
    committee::Committee,
    execution::{
        access::Prepared,
        cell::{Cell, CellPath},
        epilogue,
        outcome::ExecutedBlock,
        schedule::{Parallel, Plan},
    },
    transaction::{Address, Payer},
};

/// A block with its transactions prepared and its cells named.
#[derive(Clone, Debug)]
pub struct Work<'a> {
    pub(super) block: &'a Block,
    pub(super) prepared: Vec<Prepared<'a>>,
    pub(super) plan: Plan,
}

impl<'a> Work<'a> {
    /// Hashes ids and works out access sets, on `parallel` since that is most of the work.
    pub(super) fn new<P: Parallel>(block: &'a Block, committee: &Committee, parallel: &P) -> Self {
        let payload = block.payload();
        // Lets go of the reference to the reference that `map` hands in.
        let transactions: Vec<_> = payload.transactions.iter().collect();
        let prepared = parallel.map(&transactions, |transaction| Prepared::new(transaction));
        let besides = epilogue::paths(payload, committee);
        let plan = Plan::new(prepared.iter().map(|one| &one.access), &besides);
        Self { block, prepared, plan }
    }

    /// The cells the block needs, ascending, each once.
    #[must_use]
    pub fn paths(&self) -> &[CellPath] {
        self.plan.paths()
    }

    /// Reads it would take to read every cell whenever a transaction uses it.
    #[must_use]
    pub fn uses_count(&self) -> usize {
        self.plan.uses_count()
    }

    /// Every payer and the path of its account, ascending by address, each once; owners of coins that
    /// pay are payers too.
    pub(super) fn payers(&self) -> Vec<(Address, CellPath)> {
        let payer = |one: &Prepared<'_>| match one.transaction.body.payer {
            Payer::Account { address, .. } => {
                let path = one.access.declared(0).expect("the payer is declared first");
                (address, *path)
            }
            Payer::Coins { owner } => (owner, CellPath::account(&owner)),
        };
        let mut payers: Vec<(Address, CellPath)> = self.prepared.iter().map(payer).collect();
        payers.sort_unstable();
        payers.dedup();
        payers
    }
}

/// What came of a block, with what storage needs to keep and to undo it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The answer to whoever asked.
    pub executed: ExecutedBlock,
    /// Cells that changed, ascending by path; `None` is removed.
    pub writes: Vec<(CellPath, Option<Cell>)>,
    /// The same cells as they were before.
    pub undo: Vec<(CellPath, Option<Cell>)>,
}
