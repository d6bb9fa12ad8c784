//! Whoever made two chains final is named by the proofs of both; proofs that name too few are noticed.

use std::{collections::BTreeSet, sync::Arc};

use quorate_core::{
    block::{Block, Candidate},
    store::Record,
    types::ValidatorIndex,
    vote::Statement,
};

use super::{
    super::stage::{Stage, nullify, wrote},
    Judgement, judge,
};

/// n0 finalizes one block and n1 another, each with the help of n2 and n3.
fn write(stage: &mut Stage, number: u32, candidate: Candidate, block: &Arc<Block>, proof: Record) {
    let signers = [number, 2, 3];
    let records =
        vec![Record::Block(Arc::clone(block)), stage.advance(candidate, &signers, &[block]), proof];
    stage.fine(number, wrote(1, records));
}

fn both(stage: &Stage) -> BTreeSet<ValidatorIndex> {
    [stage.index(2), stage.index(3)].into()
}

#[test]
fn two_blocks_in_one_view_convict() {
    let mut stage = Stage::unwatched(4).corrupt(&[2, 3]);
    for (number, salt) in [(0, 0), (1, 1)] {
        let signers = [number, 2, 3];
        let block = stage.first_block(salt);
        let candidate = stage.on_root(1, &block);
        for statement in [Statement::Notarize(candidate), Statement::Finalize(candidate)] {
            assert_eq!(stage.sign(&signers, statement), Ok(()));
        }
        let proof = stage.proof(1, candidate, &signers, vec![]);
        write(&mut stage, number, candidate, &block, proof);
    }
    assert_eq!(judge(stage.scene()), Judgement::Named(both(&stage)));
}

#[test]
fn skipping_a_finalized_view_convicts() {
    let mut stage = Stage::unwatched(4).corrupt(&[2, 3]);
    let (left, right) = (stage.first_block(0), stage.first_block(1));
    let (early, late) = (stage.on_root(1, &left), stage.on_root(2, &right));
    let script = [
        (&[0, 2, 3], Statement::Notarize(early)),
        (&[0, 2, 3], Statement::Finalize(early)),
        (&[1, 2, 3], nullify(1)),
        (&[1, 2, 3], Statement::Notarize(late)),
        (&[1, 2, 3], Statement::Finalize(late)),
    ];
    for (numbers, statement) in script {
        assert_eq!(stage.sign(numbers, statement), Ok(()));
    }
    let proof = stage.proof(1, early, &[0, 2, 3], vec![]);
    write(&mut stage, 0, early, &left, proof);
    let skip = stage.certificate(nullify(1), &[1, 2, 3]);
    let proof = stage.proof(1, late, &[1, 2, 3], vec![skip]);
    write(&mut stage, 1, late, &right, proof);
    assert_eq!(judge(stage.scene()), Judgement::Named(both(&stage)));
}

#[test]
fn without_the_skip_nobody_is_named_yet() {
    let mut stage = Stage::unwatched(4).corrupt(&[2, 3]);
    let (left, right) = (stage.first_block(0), stage.first_block(1));
    let (early, late) = (stage.on_root(1, &left), stage.on_root(2, &right));
    let proof = stage.proof(1, early, &[0, 2, 3], vec![]);
    write(&mut stage, 0, early, &left, proof);
    let proof = stage.proof(1, late, &[1, 2, 3], vec![]);
    write(&mut stage, 1, late, &right, proof);
    assert_eq!(judge(stage.scene()), Judgement::NotYet(BTreeSet::new()));
}

/// Complete proofs of two chains that convict nobody cannot be: a rule of the protocol was broken.
#[test]
fn complete_proofs_that_name_too_few_break_it() {
    let mut stage = Stage::unwatched(4).corrupt(&[3]);
    for (number, salt, signers) in [(0, 0, [0, 1, 3]), (1, 1, [1, 2, 3])] {
        let block = stage.first_block(salt);
        // Both claim view 1 but other views' certificates: nothing in them conflicts.
        let candidate = stage.on_root(1 + salt, &block);
        let other =
            Candidate { parent_view: candidate.view.previous().expect("not zero"), ..candidate };
        for statement in [Statement::Notarize(other), Statement::Finalize(other)] {
            assert_eq!(stage.sign(&signers, statement), Ok(()));
        }
        let proof = stage.proof(1, other, &signers, vec![]);
        let records = vec![
            Record::Block(Arc::clone(&block)),
            stage.advance(other, &signers, &[&block]),
            proof,
        ];
        stage.fine(number, wrote(1, records));
    }
    let Judgement::Broken(reason) = judge(stage.scene()) else { panic!("this cannot be") };
    assert!(reason.contains("name only 0 validators"), "{reason}");
}

#[test]
fn blaming_the_honest_breaks_it() {
    // The same votes as in the first test, but n3 counts as honest.
    let mut stage = Stage::unwatched(4).corrupt(&[2]);
    for (number, salt) in [(0, 0), (1, 1)] {
        let signers = [number, 2, 3];
        let block = stage.first_block(salt);
        let candidate = stage.on_root(1, &block);
        for statement in [Statement::Notarize(candidate), Statement::Finalize(candidate)] {
            assert_eq!(stage.sign(&signers, statement), Ok(()));
        }
        let proof = stage.proof(1, candidate, &signers, vec![]);
        write(&mut stage, number, candidate, &block, proof);
    }
    let Judgement::Broken(reason) = judge(stage.scene()) else { panic!("n3 is honest") };
    assert!(reason.contains("blame n3, which is honest"), "{reason}");
}
