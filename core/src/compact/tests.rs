//! What is announced is what is put together, and nothing else passes for it.

use proptest::prelude::*;

use super::*;
use crate::{
    codec,
    job::{BlockFault, Job, JobId, JobResult, Unchecked, run_pure},
    testing::{cast::Cast, corpus, strategies},
};

fn seal(one: &Transaction) -> Digest {
    sealed_id(&one.id(), &one.signatures)
}

fn block(numbers: impl IntoIterator<Item = u64>) -> Arc<Block> {
    let transactions = numbers.into_iter().map(corpus::transfer).collect();
    Cast::equal(4).block(1, Digest::ZERO, transactions)
}

fn announced(block: &Block, whole: &[u16]) -> CompactBlock {
    let sealed: Vec<Digest> = block.payload().transactions.iter().map(seal).collect();
    CompactBlock::of(block, &sealed, whole).expect("different short ids")
}

proptest! {
    /// Whatever is carried whole and whatever is at hand: every transaction finds its place, what is
    /// missing is named, and with it the block is the one that was announced.
    #[test]
    fn announced_block_is_put_together(
        count in 0..12u64,
        whole in proptest::collection::btree_set(0..12u16, 0..4),
        held in proptest::collection::btree_set(0..16u64, 0..16),
    ) {
        let block = block(0..count);
        let transactions = &block.payload().transactions;
        let whole: Vec<u16> = whole.into_iter().filter(|one| u64::from(*one) < count).collect();
        let compact = announced(&block, &whole);
        let copy: CompactBlock = codec::decode(&codec::encode(&compact), 1 << 16).unwrap();
        prop_assert_eq!(&copy, &compact);
        prop_assert_eq!(compact.digest(), block.digest());

        let wanted = Wanted::of(&compact);
        let mut parts = Parts::of(&compact, |_| false);
        let mut expected: BTreeSet<u16> = (0..).take(transactions.len()).collect();
        expected.retain(|place| !whole.contains(place));
        for number in held {
            let one = corpus::transfer(number);
            let place = wanted.place(&seal(&one));
            let really = u16::try_from(number).unwrap();
            prop_assert_eq!(place, expected.contains(&really).then_some(really));
            if let Some(place) = place {
                parts.put(place, one, true);
                expected.remove(&place);
            }
        }
        let missing = parts.missing();
        prop_assert_eq!(&missing, &expected.into_iter().collect::<Vec<_>>());
        for place in &missing {
            let one = transactions[usize::from(*place)].clone();
            let names = ShortIds::of(&block.digest());
            prop_assert_eq!(compact.short_at(*place), Some(names.short(&seal(&one))));
            parts.put(*place, one, false);
        }
        let (joined, unchecked) = parts.join(&compact);
        prop_assert_eq!(&joined, &block);
        let mut untrusted = [whole, missing].concat();
        untrusted.sort_unstable();
        prop_assert_eq!(unchecked, untrusted);
    }

    /// Any announcement from outside is either refused, or can be asked about without a panic.
    #[test]
    fn anything_can_be_asked_about(compact in strategies::compact_block()) {
        if compact.is_well_formed() {
            let wanted = Wanted::of(&compact);
            let parts = Parts::of(&compact, |_| true);
            prop_assert_eq!(parts.missing().len(), compact.short_ids().len());
            prop_assert_eq!(wanted.place(&Digest::ZERO), None);
            for place in 0..16 {
                prop_assert_eq!(compact.short_at(place).is_some(), parts.missing().contains(&place));
            }
        }
    }
}

#[test]
fn malformed_announcements_are_noticed() {
    let block = block(0..4);
    let good = announced(&block, &[1]);
    assert!(good.is_well_formed());
    let with = |prefilled: Vec<Prefilled>, short_ids: Vec<ShortId>| {
        let (prefilled, short_ids) = (Bounded::new(prefilled), Bounded::new(short_ids));
        let header = block.header().clone();
        CompactBlock::new(header, Bounded::default(), prefilled, short_ids).is_well_formed()
    };
    let (whole, short_ids) = (good.prefilled()[0].clone(), good.short_ids().to_vec());
    let at = |place| Prefilled { place, ..whole.clone() };
    assert!(with(vec![at(3)], short_ids.clone()));
    assert!(!with(vec![at(4)], short_ids.clone()), "a place outside");
    assert!(!with(vec![at(1), at(1)], short_ids.clone()), "a place twice");
    assert!(!with(vec![at(2), at(1)], short_ids.clone()), "not in order");
    let twice = [short_ids.clone(), vec![short_ids[0]]].concat();
    assert!(!with(vec![at(1)], twice), "a short id twice");
    let name = |number: u64| {
        let [a, b, c, d, e, f, ..] = number.to_le_bytes();
        ShortId::new([a, b, c, d, e, f])
    };
    let many: Vec<ShortId> = (0..10_000).map(name).collect();
    assert!(with(vec![], many.clone()));
    assert!(!with(vec![at(1)], many), "longer than any block");
}

/// Short ids depend on the block, so nobody can prepare two transactions that meet.
#[test]
fn short_ids_are_keyed_by_the_block() {
    let sealed = seal(&corpus::transfer(0));
    let short = |name: u8| ShortIds::of(&Digest::new([name; 32])).short(&sealed);
    assert_ne!(short(1), short(2));
    assert_eq!(short(1), short(1));
}

/// A transaction signed otherwise has another name: its id is the same, but the block's bytes are not.
#[test]
fn signatures_are_part_of_the_name() {
    let good = corpus::transfer(0);
    let mut other = good.clone();
    let mut signatures = other.signatures.into_inner();
    signatures[0].signature = crate::crypto::Signature::new([1; 64]);
    other.signatures = Bounded::new(signatures);
    assert_eq!(other.id(), good.id());
    assert_ne!(seal(&other), seal(&good));
}

/// Only the places named are checked, but the payload is always compared with the header.
#[test]
fn check_leaves_out_what_was_checked() {
    let mut bad = corpus::transfer(1);
    let mut signatures = bad.signatures.into_inner();
    signatures[0].signature = crate::crypto::Signature::new([1; 64]);
    bad.signatures = Bounded::new(signatures);
    let transactions = vec![corpus::transfer(0), bad];
    let block = Cast::equal(4).block(1, Digest::ZERO, transactions);
    let fault = |block: &Arc<Block>, unchecked| {
        let (id, block) = (JobId::new(0), Arc::clone(block));
        let job = Job::CheckBlock { id, block, unchecked, checks: Vec::new() };
        match run_pure(&job, &mut crate::crypto::Ed25519) {
            Some(JobResult::BlockChecked { fault, .. }) => fault,
            other => panic!("{other:?} is no answer"),
        }
    };
    let badly_signed = Some(BlockFault::BadTransactionSignature);
    assert_eq!(fault(&block, Unchecked::All), badly_signed);
    assert_eq!(fault(&block, Unchecked::Only(vec![1])), badly_signed);
    assert_eq!(fault(&block, Unchecked::Only(vec![0])), None);
    let header = Header { payload_root: Digest::ZERO, ..block.header().clone() };
    let other = Arc::new(Block::new(header, block.payload().clone()));
    assert_eq!(fault(&other, Unchecked::Only(vec![])), Some(BlockFault::PayloadMismatch));
}
