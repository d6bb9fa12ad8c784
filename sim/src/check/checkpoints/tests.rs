//! Two certificates of one height, one that nobody signed, and one of a state nobody computed are
//! noticed; a machine known to be wrong proves nothing.

use std::sync::Arc;

use quorate_core::{checkpoint::Checkpoint, execution::Outcome, store::Record, types::Height};

use super::{
    super::stage::{Stage, assert_broken, checkpoint, executed, wrote},
    CheckpointsAgree,
};
use crate::{check::Lapse, scenario::Invariant, trace::What};

/// An execution of height 1 that ended in this checkpoint.
fn computed(stage: &Stage, checkpoint: Checkpoint) -> What {
    let What::Executed { block, result, replayed } =
        executed(&stage.first_block(0), 1, Outcome::Applied)
    else {
        unreachable!("an execution")
    };
    let mut result = Arc::unwrap_or_clone(result);
    result.state = checkpoint.state_root;
    result.checkpoint = Some(checkpoint);
    What::Executed { block, result: Arc::new(result), replayed }
}

fn certified(stage: &Stage, checkpoint: Checkpoint, signers: &[u32]) -> What {
    wrote(1, vec![Record::Checkpoint(stage.certificate(checkpoint, signers))])
}

#[test]
fn what_a_quorum_computes_is_fine() {
    let mut stage = Stage::new(4, CheckpointsAgree::default());
    let right = checkpoint(1, 1);
    assert_eq!(stage.sign(&[0, 1, 2], right), Ok(()));
    for number in 0..4 {
        stage.fine(number, computed(&stage, right));
        stage.fine(number, certified(&stage, right, &[0, 1, 2]));
    }
}

#[test]
fn two_certificates_of_one_height_break_it() {
    let mut stage = Stage::new(4, CheckpointsAgree::default());
    for name in [1, 2] {
        assert_eq!(stage.sign(&[0, 1, 2], checkpoint(8, name)), Ok(()));
    }
    stage.fine(0, certified(&stage, checkpoint(8, 1), &[0, 1, 2]));
    let seen = stage.see(1, certified(&stage, checkpoint(8, 2), &[0, 1, 2]));
    assert_broken(seen, Invariant::Checkpoints, "a quorum signed checkpoint h8");
}

#[test]
fn a_certificate_without_signers_breaks_it() {
    let mut stage = Stage::new(4, CheckpointsAgree::default());
    assert_eq!(stage.sign(&[0, 1], checkpoint(8, 1)), Ok(()));
    let seen = stage.see(0, certified(&stage, checkpoint(8, 1), &[0, 1, 2]));
    assert_broken(seen, Invariant::Checkpoints, "never signed it");
    let seen = stage.see(0, certified(&stage, checkpoint(8, 1), &[0, 1]));
    assert_broken(seen, Invariant::Checkpoints, "weigh 2 of 4");
}

/// Whichever comes first.
#[test]
fn a_certificate_of_what_nobody_computed_breaks_it() {
    let (right, wrong) = (checkpoint(1, 1), checkpoint(1, 2));
    let mut stage = Stage::new(4, CheckpointsAgree::default());
    assert_eq!(stage.sign(&[0, 1, 2], wrong), Ok(()));
    stage.fine(0, computed(&stage, right));
    let seen = stage.see(1, certified(&stage, wrong, &[0, 1, 2]));
    assert_broken(seen, Invariant::Checkpoints, "and n0 computed checkpoint h1");

    let mut stage = Stage::new(4, CheckpointsAgree::default());
    assert_eq!(stage.sign(&[0, 1, 2], wrong), Ok(()));
    stage.fine(1, certified(&stage, wrong, &[0, 1, 2]));
    let seen = stage.see(0, computed(&stage, right));
    assert_broken(seen, Invariant::Checkpoints, "and n0 computed checkpoint h1");
}

#[test]
fn honest_machines_that_differ_break_it() {
    let mut stage = Stage::new(4, CheckpointsAgree::default());
    stage.fine(0, computed(&stage, checkpoint(1, 1)));
    let seen = stage.see(1, computed(&stage, checkpoint(1, 2)));
    assert_broken(seen, Invariant::Checkpoints, "n0 and n1 computed different checkpoints");
}

#[test]
fn a_machine_known_to_be_wrong_proves_nothing() {
    let mut stage = Stage::new(4, CheckpointsAgree::default());
    stage.fine(0, computed(&stage, checkpoint(1, 1)));
    stage.fine(1, What::Diverged(Height::new(1)));
    stage.fine(1, computed(&stage, checkpoint(1, 2)));
}

/// A third or more that is wrong may make up a quorum with what it can delude.
#[test]
fn nothing_is_demanded_of_a_third() {
    let mut stage = Stage::new(4, CheckpointsAgree::default());
    stage.checks.honesty_mut().enter(2, Lapse::Byzantine);
    stage.fine(1, What::Diverged(Height::new(1)));
    assert_eq!(stage.sign(&[0, 1, 2], checkpoint(1, 2)), Ok(()));
    stage.fine(0, computed(&stage, checkpoint(1, 1)));
    stage.fine(0, certified(&stage, checkpoint(1, 2), &[0, 1, 2]));
}

#[test]
fn a_checkpoint_of_another_state_breaks_it() {
    let mut stage = Stage::new(4, CheckpointsAgree::default());
    let What::Executed { block, result, replayed } = computed(&stage, checkpoint(1, 1)) else {
        panic!("an execution")
    };
    let mut other = result.as_ref().clone();
    other.checkpoint = Some(checkpoint(1, 2));
    let seen = stage.see(0, What::Executed { block, result: Arc::new(other), replayed });
    assert_broken(seen, Invariant::Checkpoints, "is of another state than");
}
