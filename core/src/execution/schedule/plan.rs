//! A block's distinct cells, and where each transaction's cells stand among them.
//!
//! Worked out once per block from the access sets. The sorted paths are what is read from storage;
//! after that nothing is looked up by path again.

use crate::execution::{
    access::{Access, AccessSet},
    cell::CellPath,
};

/// One transaction's use of one of the block's cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// Index among the plan's paths.
    pub slot: usize,
    /// How it is used.
    pub access: Access,
}

/// Which cells a block needs and who uses them how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    paths: Vec<CellPath>,
    /// Of all transactions, one after the other, each in the order of its access set.
    uses: Vec<Use>,
    /// Where each transaction's uses begin, and where the last one's end.
    starts: Vec<usize>,
}

impl Plan {
    /// Of these access sets in the block's order, and other cells the block needs `besides`.
    #[must_use]
    pub fn new<'a>(sets: impl Iterator<Item = &'a AccessSet>, besides: &[CellPath]) -> Self {
        let mut plan = Self { paths: Vec::new(), uses: Vec::new(), starts: vec![0] };
        let mut all: Vec<CellPath> = Vec::new();
        for set in sets {
            for (path, access) in set.entries() {
                all.push(*path);
                plan.uses.push(Use { slot: 0, access: *access });
            }
            plan.starts.push(plan.uses.len());
        }
        all.extend(besides);
        // Almost every comparison is settled by the first half of the hash, which is one number.
        let keyed = |(index, path): (usize, &CellPath)| (prefix(path), index);
        let mut order: Vec<(u128, usize)> = all.iter().enumerate().map(keyed).collect();
        order.sort_unstable_by(|(a, i), (b, j)| a.cmp(b).then_with(|| all[*i].cmp(&all[*j])));
        for (_, index) in order {
            if plan.paths.last() != Some(&all[index]) {
                plan.paths.push(all[index]);
            }
            if let Some(one) = plan.uses.get_mut(index) {
                one.slot = plan.paths.len() - 1;
            }
        }
        plan
    }

    /// The distinct cells, ascending.
    #[must_use]
    pub fn paths(&self) -> &[CellPath] {
        &self.paths
    }

    /// How many transactions there are.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.starts.len() - 1
    }

    /// What one transaction uses, in the order of its access set.
    ///
    /// # Panics
    /// If there is no such transaction.
    #[must_use]
    pub fn uses(&self, task: usize) -> &[Use] {
        &self.uses[self.starts[task]..self.starts[task + 1]]
    }

    /// All uses together: the reads it would take to read each cell whenever it is used.
    #[must_use]
    pub fn uses_count(&self) -> usize {
        self.uses.len()
    }
}

fn prefix(path: &CellPath) -> u128 {
    let (half, _) = path.get().split_first_chunk().expect("a path has 32 bytes");
    u128::from_be_bytes(*half)
}
