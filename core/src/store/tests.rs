//! The fold of a log: idempotent, in order, and enough to start from.

use std::sync::Arc;

use proptest::prelude::*;

use super::{Archive, Finalized, Record, Recovered, SignerRecord, Stored};
use crate::{
    codec,
    evidence::Evidence,
    proof::CommitProof,
    signer::SignState,
    testing::cast::{Cast, Link, checkpoint, notarize, nullify},
    types::{Height, View},
    vote::Kind,
};

fn folded(log: &[Record]) -> Stored {
    let mut stored = Stored::default();
    log.iter().for_each(|record| stored.apply(record));
    stored
}

fn signer() -> SignerRecord {
    SignerRecord::Intact(SignState::default())
}

/// Three heights finalized one by one, one more only notarized, evidence, and a fork that lost.
fn full_log(cast: &Cast, chain: &[Link]) -> Vec<Record> {
    let loser = cast.block(2, chain[2].block.digest(), Vec::new());
    let offence = Evidence::of(&cast.vote(1, notarize(9, 1)), &cast.vote(1, notarize(9, 2)));
    let mut log = vec![Record::Evidence(offence.expect("E1"))];
    for link in &chain[..3] {
        log.extend(link.recorded());
        log.push(Record::Block(Arc::clone(&loser)));
        log.push(link.finalized());
        log.push(Record::Proof(CommitProof { notarization: None, ..link.proof() }));
        log.push(Record::Proof(link.proof()));
    }
    log.push(Record::Certificate(cast.unanimous(nullify(5))));
    log.extend(chain[3].recorded());
    log
}

#[test]
fn every_record_twice_is_as_good_as_once() {
    let cast = Cast::equal(4);
    let log = full_log(&cast, &cast.chain(4));
    let once = folded(&log);
    let mut twice = Stored::default();
    for record in &log {
        twice.apply(record);
        twice.apply(record);
    }
    assert_eq!(twice, once);
}

/// A crash may leave any prefix applied; then the whole log is read again.
#[test]
fn reading_again_from_the_start_changes_nothing() {
    let cast = Cast::equal(4);
    let log = full_log(&cast, &cast.chain(4));
    let once = folded(&log);
    for cut in 0..=log.len() {
        let mut again = folded(&log[..cut]);
        log.iter().for_each(|record| again.apply(record));
        assert_eq!(again, once, "cut at {cut}");
    }
}

#[test]
fn what_is_final_is_archived_and_what_lost_is_dropped() {
    let cast = Cast::equal(4);
    let chain = cast.chain(4);
    let stored = folded(&full_log(&cast, &chain));
    for link in &chain[..3] {
        let archived = stored.at_height(link.height()).expect("final");
        assert_eq!(archived.block, link.block);
        assert_eq!(archived.proof, Some(link.proof()), "the later proof replaced the earlier");
        assert_eq!(stored.by_digest(&link.block.digest()), Some(Arc::clone(&link.block)));
        assert_eq!(stored.proof_at_view(link.candidate.view), Some(link.proof()));
    }
    assert_eq!(stored.at_height(Height::new(4)), None);
    assert_eq!(stored.by_digest(&chain[3].block.digest()), Some(Arc::clone(&chain[3].block)));
    assert_eq!(stored.blocks.len(), 1, "only what is not yet final");
    assert_eq!(stored.proof_at_view(View::ZERO), Some(chain[0].proof()), "the lowest above");
    assert_eq!(stored.proof_at_view(View::new(4)), None);
}

#[test]
fn a_certificate_at_or_below_finality_is_not_kept() {
    let cast = Cast::equal(4);
    let chain = cast.chain(4);
    let mut stored = folded(&full_log(&cast, &chain));
    let held: Vec<_> = stored.certificates.keys().copied().collect();
    assert_eq!(held, [(View::new(4), Kind::Notarize), (View::new(5), Kind::Nullify)]);
    for view in 1..=3 {
        stored.apply(&Record::Certificate(cast.unanimous(nullify(view))));
    }
    assert_eq!(stored.certificates.keys().copied().collect::<Vec<_>>(), held);
    assert_eq!(stored.certificate(View::new(5), Kind::Nullify), Some(cast.unanimous(nullify(5))));
    assert_eq!(stored.certificate(View::new(5), Kind::Notarize), None);
}

#[test]
fn a_replica_starts_from_what_was_kept() {
    let cast = Cast::equal(4);
    let chain = cast.chain(4);
    let mut stored = folded(&full_log(&cast, &chain));
    let incomplete = CommitProof { notarization: None, ..chain[1].proof() };
    stored.apply(&Record::Proof(incomplete.clone()));
    let recovered = stored.recover(SignerRecord::Lost, Vec::new());
    let tip = recovered.finalized.expect("three heights are final");
    assert_eq!((tip.candidate, tip.block), (chain[2].candidate, Arc::clone(&chain[2].block)));
    assert_eq!(recovered.head, Some(Arc::clone(&chain[2].block)));
    assert_eq!(recovered.blocks, [Arc::clone(&chain[3].block)]);
    assert_eq!(recovered.certificates.len(), 2);
    assert_eq!(recovered.proofs, [incomplete], "only proofs that lack something");
    assert_eq!(recovered.evidence.len(), 1);
    assert_eq!(recovered.signer, SignerRecord::Lost);
    let nothing = Stored::default().recover(signer(), Vec::new());
    assert_eq!(nothing, Recovered::nothing());
}

/// Catching up: the ancestors become final first, then the tip that the Finalization names.
#[test]
fn finality_may_come_in_parts() {
    let cast = Cast::equal(4);
    let chain = cast.chain(3);
    let part = |from: usize, to: usize| {
        Record::Finalized(Finalized {
            tip: chain[2].candidate,
            certificate: chain[2].finalization.clone(),
            blocks: chain[from..to]
                .iter()
                .map(|link| (link.height(), link.block.digest()))
                .collect(),
        })
    };
    let block = |place: usize| Record::Block(Arc::clone(&chain[place].block));

    let mut stored = folded(&[block(0), block(1), part(0, 2)]);
    let recovered = stored.recover(signer(), Vec::new());
    assert_eq!(recovered.finalized, None, "the finalized view has not moved");
    assert_eq!(recovered.head, Some(Arc::clone(&chain[1].block)), "the chain has");
    assert_eq!(recovered.certificates, [chain[2].finalization.clone()], "and the goal is kept");

    let log = [block(0), block(1), part(0, 2), block(2), part(2, 3)];
    log[3..].iter().for_each(|record| stored.apply(record));
    assert_eq!(
        stored.recover(signer(), Vec::new()).finalized.expect("reached").block,
        chain[2].block
    );
    assert!(stored.certificates.is_empty());
    log.iter().for_each(|record| stored.apply(record));
    assert_eq!(stored, folded(&log));
}

#[test]
#[should_panic(expected = "I6")]
fn a_block_is_recorded_before_it_is_final() {
    let chain = Cast::equal(4).chain(1);
    folded(&[chain[0].finalized()]);
}

#[test]
#[should_panic(expected = "I5")]
fn finality_skips_no_height() {
    let chain = Cast::equal(4).chain(3);
    let log = [chain[0].recorded(), vec![chain[0].finalized()], chain[2].recorded()].concat();
    let mut stored = folded(&log);
    stored.apply(&chain[2].finalized());
}

#[test]
fn retention_forgets_the_old_and_keeps_the_tip() {
    let cast = Cast::equal(4);
    let chain = cast.chain(4);
    let mut stored = folded(&full_log(&cast, &chain));
    stored.prune_below(Height::new(3));
    assert_eq!(stored.at_height(Height::new(2)), None);
    assert_eq!(stored.proof_at_view(View::new(1)), Some(chain[2].proof()));
    assert!(stored.recover(signer(), Vec::new()).finalized.is_some());
    stored.apply(&Record::Certificate(chain[3].notarization.clone()));
    stored.apply(&chain[3].finalized());
    assert_eq!(stored.at_height(Height::new(4)).expect("final").block, chain[3].block);
}

/// A proof of the same height through another view does not leave the first view behind.
#[test]
fn a_replaced_proof_is_found_at_its_own_view_only() {
    let cast = Cast::equal(4);
    let chain = cast.chain(1);
    let mut stored = folded(&[chain[0].recorded(), vec![chain[0].finalized()]].concat());
    let mut earlier = chain[0].proof();
    earlier.candidate.view = View::new(7);
    stored.apply(&Record::Proof(earlier.clone()));
    assert_eq!(stored.proof_at_view(View::new(2)), Some(earlier));
    stored.apply(&Record::Proof(chain[0].proof()));
    assert_eq!(stored.proof_at_view(View::new(2)), None);
    assert_eq!(stored.proof_at_view(View::new(1)), Some(chain[0].proof()));
    stored.prune_below(Height::new(2));
    assert_eq!(stored.proof_at_view(View::ZERO), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any subset of a log's idle records, repeated anywhere, folds to the same; and the fold can be
    /// written and read.
    #[test]
    fn repeats_never_matter(repeats in proptest::collection::vec((0..32usize, 0..32usize), 0..40)) {
        let cast = Cast::equal(2);
        let log = full_log(&cast, &cast.chain(4));
        let mut longer: Vec<Record> = Vec::new();
        for (place, record) in log.iter().enumerate() {
            longer.push(record.clone());
            for (at, what) in &repeats {
                // A record is repeated later than it was first written, as a restart does.
                if *at == place && *what <= place && !matches!(log[*what], Record::Proof(_)) {
                    longer.push(log[*what].clone());
                }
            }
        }
        let stored = folded(&longer);
        prop_assert_eq!(&stored, &folded(&log));
        prop_assert_eq!(codec::decode::<Stored>(&codec::encode(&stored), usize::MAX), Ok(stored));
    }
}

/// The newest certificate outlives every retention policy: the state is judged by it.
#[test]
fn the_newest_checkpoint_is_kept() {
    let cast = Cast::equal(4);
    let mut stored = Stored::default();
    for height in [8, 16, 24] {
        stored.apply(&Record::Checkpoint(cast.unanimous(checkpoint(height, 1))));
    }
    stored.prune_below(Height::new(16));
    let heights = |stored: &Stored| -> Vec<u64> {
        stored.checkpoints.keys().map(|height| height.get()).collect()
    };
    assert_eq!(heights(&stored), [16, 24]);
    stored.prune_below(Height::new(100));
    assert_eq!(heights(&stored), [24]);
    let computed = vec![checkpoint(32, 1)];
    let recovered = stored.recover(signer(), computed.clone());
    assert_eq!(recovered.checkpoint, Some(cast.unanimous(checkpoint(24, 1))));
    assert_eq!(recovered.computed, computed);
}
