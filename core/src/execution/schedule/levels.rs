//! Batches without conflicts.
//!
//! A transaction's level is one more than the highest level of the earlier transactions it conflicts
//! with, so conflicting transactions are never of one level and keep their order across levels. Takes
//! one pass over all uses: per cell it is enough to know the highest level of each kind of use.

use std::ops::Range;

use crate::execution::{access::Access, schedule::plan::Plan};
use crate::planted::planted;

/// Transactions by level, each level a conflict-free batch in the block's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    /// Every transaction once: by level, then by its place in the block.
    order: Vec<usize>,
    /// Each level's part of the order.
    waves: Vec<Range<usize>>,
}

impl Levels {
    /// The levels of a plan, unless there are more than `levels_max` of them.
    #[must_use]
    pub fn within(plan: &Plan, levels_max: usize) -> Option<Self> {
        Self::by(plan, levels_max, Access::conflicts)
    }

    /// As [`Self::within`], with another idea of what conflicts.
    pub(super) fn by(
        plan: &Plan,
        levels_max: usize,
        conflicts: impl Fn(Access, Access) -> bool,
    ) -> Option<Self> {
        const USES: [Access; 3] = [Access::Add, Access::Read, Access::Write];
        // Level of the last use of each kind, counted from one; zero if there is none.
        let mut last = vec![[0usize; 3]; plan.paths().len()];
        let mut levels = Vec::with_capacity(plan.tasks());
        let mut counts: Vec<usize> = Vec::new();
        for task in 0..plan.tasks() {
            let mut before = 0;
            for one in plan.uses(task) {
                for (kind, level) in USES.into_iter().zip(last[one.slot]) {
                    if level > before && conflicts(one.access, kind) {
                        before = level;
                    }
                }
            }
            if before >= levels_max {
                return None;
            }
            if before == counts.len() {
                counts.push(0);
            }
            counts[before] += 1;
            levels.push(before);
            for one in plan.uses(task) {
                let kind = match one.access {
                    Access::Add => 0,
                    Access::Read => 1,
                    Access::Write => 2,
                };
                let highest = &mut last[one.slot][kind];
                *highest = (*highest).max(before + 1);
                if kind == 2 && planted!(LevelOffByOne) {
                    *highest = before;
                }
            }
        }
        Some(Self::sorted(&levels, &counts))
    }

    /// The batches, in the order they must run.
    pub fn waves(&self) -> impl Iterator<Item = &[usize]> {
        self.waves.iter().map(|wave| &self.order[wave.clone()])
    }

    /// How many batches there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waves.len()
    }

    /// Whether there is nothing to run.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waves.is_empty()
    }

    /// Sorts by counting: keeps the block's order within a level.
    fn sorted(levels: &[usize], counts: &[usize]) -> Self {
        let mut waves = Vec::with_capacity(counts.len());
        let mut end = 0;
        for count in counts {
            waves.push(end..end);
            end += count;
        }
        let mut order = vec![0; levels.len()];
        for (task, level) in levels.iter().enumerate() {
            order[waves[*level].end] = task;
            waves[*level].end += 1;
        }
        Self { order, waves }
    }
}
