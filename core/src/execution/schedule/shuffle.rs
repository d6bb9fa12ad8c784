//! A random legal interleaving on one thread.
//!
//! Running and folding are separate steps, and any legal step may come next: a transaction may run
//! once all earlier transactions it conflicts with are folded, and its effects may be folded at any
//! time after. So other transactions run between the two, as they would on other threads, and an order
//! that matters but is not kept shows in the result of some seed.
//!
//! Per cell, consecutive uses that do not conflict form a group. A group opens when the one before it
//! is folded; a transaction may run when its group is open at each of its cells.

use std::collections::VecDeque;

use crate::{
    execution::{
        access::Access,
        overlay::Overlay,
        schedule::{Plan, Task, fold, slots},
        transition::{Params, TxEffects},
    },
    random::Rng,
};

/// Uses of one cell that do not conflict with each other.
#[derive(Default)]
struct Group {
    access: Option<Access>,
    members: Vec<usize>,
    /// Members that are not folded yet.
    left: usize,
}

/// What may happen next.
struct Walk {
    /// Per cell: groups that are not folded, the first of them open.
    groups: Vec<VecDeque<Group>>,
    /// Per transaction: cells at which its group is not open.
    blocked: Vec<usize>,
    ready: Vec<usize>,
    ran: Vec<(usize, TxEffects)>,
}

/// Runs every task in a random legal order.
pub(super) fn run_shuffled<T: Task>(
    mut rng: Rng,
    params: &Params,
    tasks: &[T],
    plan: &Plan,
    overlay: &mut Overlay,
) -> Vec<TxEffects> {
    let mut walk = Walk::new(plan);
    let mut done: Vec<Option<TxEffects>> = Vec::new();
    done.resize_with(tasks.len(), || None);
    while !(walk.ready.is_empty() && walk.ran.is_empty()) {
        let choice = below(&mut rng, walk.ready.len() + walk.ran.len());
        if choice < walk.ready.len() {
            let index = walk.ready.swap_remove(choice);
            let effects = tasks[index].run(params, &slots(plan, overlay, index));
            walk.ran.push((index, effects));
        } else {
            let (index, effects) = walk.ran.swap_remove(choice - walk.ready.len());
            fold(tasks[index].access(), plan.uses(index), &effects, overlay);
            walk.folded(plan, index);
            done[index] = Some(effects);
        }
    }
    done.into_iter().map(|one| one.expect("the conflicts have no cycle")).collect()
}

impl Walk {
    fn new(plan: &Plan) -> Self {
        let mut groups: Vec<VecDeque<Group>> = Vec::new();
        groups.resize_with(plan.paths().len(), VecDeque::new);
        let mut blocked = vec![0; plan.tasks()];
        for (task, blocked) in blocked.iter_mut().enumerate() {
            for one in plan.uses(task) {
                let groups = &mut groups[one.slot];
                let joins =
                    |group: &Group| group.access.is_some_and(|at| !at.conflicts(one.access));
                if !groups.back().is_some_and(joins) {
                    groups.push_back(Group { access: Some(one.access), ..Group::default() });
                }
                *blocked += usize::from(groups.len() > 1);
                let group = groups.back_mut().expect("one was just pushed if there was none");
                group.members.push(task);
                group.left += 1;
            }
        }
        let ready = (0..plan.tasks()).filter(|task| blocked[*task] == 0).collect();
        Self { groups, blocked, ready, ran: Vec::new() }
    }

    /// Opens what waited for this transaction last.
    fn folded(&mut self, plan: &Plan, task: usize) {
        for one in plan.uses(task) {
            let groups = &mut self.groups[one.slot];
            let open = groups.front_mut().expect("a folded transaction was in an open group");
            open.left -= 1;
            if open.left > 0 {
                continue;
            }
            groups.pop_front();
            for member in groups.front().iter().flat_map(|group| &group.members) {
                self.blocked[*member] -= 1;
                if self.blocked[*member] == 0 {
                    self.ready.push(*member);
                }
            }
        }
    }
}

fn below(rng: &mut Rng, bound: usize) -> usize {
    let bound = u64::try_from(bound).expect("a block has few transactions");
    usize::try_from(rng.below(bound)).expect("below a usize")
}
