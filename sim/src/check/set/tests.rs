//! When agreement breaks, the run goes on until the culprits are named or time is up.

use std::sync::Arc;

use quorate_core::{store::Record, types::ValidatorId, vote::Statement};

use super::{
    super::stage::{Seen, Stage, assert_broken, wrote},
    Agreement, PROOF_GRACE,
};
use crate::{scenario::Invariant, trace::What};

/// n0 and n1 finalize different blocks with the help of n2 and n3; `proven` says whose proof is there.
fn part(stage: &mut Stage, proven: &[u32]) -> Seen {
    for (number, salt) in [(0, 0), (1, 1)] {
        let signers = [number, 2, 3];
        let block = stage.first_block(salt);
        let candidate = stage.on_root(1, &block);
        for statement in [Statement::Notarize(candidate), Statement::Finalize(candidate)] {
            stage.sign(&signers, statement)?;
        }
        let mut records =
            vec![Record::Block(Arc::clone(&block)), stage.advance(candidate, &signers, &[&block])];
        if proven.contains(&number) {
            records.push(stage.proof(1, candidate, &signers, vec![]));
        }
        stage.see(number, wrote(1, records))?;
    }
    Ok(())
}

fn stage() -> Stage {
    let mut stage = Stage::new(4, Agreement::default()).corrupt(&[2, 3]);
    stage.checks.demand_accountability();
    stage
}

#[test]
fn culprits_are_named_at_once_if_the_proofs_are_there() {
    let mut stage = stage();
    assert_broken(part(&mut stage, &[0, 1]), Invariant::Agreement, "at height h1");
    let named: Vec<ValidatorId> = stage.checks.culprits().iter().copied().collect();
    assert_eq!(named, [ValidatorId::new(2), ValidatorId::new(3)]);
}

#[test]
fn late_proofs_are_waited_for() {
    let mut stage = stage();
    assert_eq!(part(&mut stage, &[0]), Ok(()));
    let block = stage.first_block(1);
    let proof = stage.proof(1, stage.on_root(1, &block), &[1, 2, 3], vec![]);
    let seen = stage.see(1, wrote(2, vec![proof]));
    assert_broken(seen, Invariant::Agreement, "at height h1");
    assert_eq!(stage.checks.culprits().len(), 2);
}

#[test]
fn time_runs_out() {
    let mut stage = stage();
    assert_eq!(part(&mut stage, &[0]), Ok(()));
    stage.now += PROOF_GRACE;
    assert_broken(stage.see(1, What::Paused), Invariant::Agreement, "at height h1");
    assert!(stage.checks.culprits().is_empty());
}

#[test]
fn the_end_of_the_run_is_the_end_of_waiting() {
    let mut stage = stage();
    assert_eq!(part(&mut stage, &[]), Ok(()));
    let end = stage.now;
    assert_broken(stage.checks.finish(end), Invariant::Agreement, "at height h1");
}
