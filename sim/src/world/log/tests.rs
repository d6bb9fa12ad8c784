//! A log torn at any byte recovers exactly its whole entries, and a torn slot never loses a promise.

use quorate_core::{
    signer::{Pledge, SafetyState, SignState},
    types::{Epoch, Seq, View},
    vote::Statement,
};

use super::{Corruption, Entry, encode_pledge, encode_slot, encode_write, read, read_slots};

fn pledge(view: u64) -> Pledge {
    let statement = Statement::Nullify { epoch: Epoch::ZERO, view: View::new(view) };
    Pledge::View { safety: SafetyState::default(), statement }
}

/// A log of five entries, and where each ends.
fn log() -> (Vec<u8>, Vec<usize>) {
    let mut bytes = Vec::new();
    let mut ends = Vec::new();
    for number in 0..5 {
        let seq = Seq::new(number + 1);
        bytes.extend(match number % 2 {
            0 => encode_pledge(Vec::new(), number, seq, &pledge(number + 1)),
            _ => encode_write(Vec::new(), number, seq, &Vec::new()),
        });
        ends.push(bytes.len());
    }
    (bytes, ends)
}

#[test]
fn a_log_torn_at_every_byte_recovers_its_whole_entries() {
    let (bytes, ends) = log();
    for cut in 0..=bytes.len() {
        let whole = ends.iter().filter(|end| **end <= cut).count();
        let length = if whole == 0 { 0 } else { ends[whole - 1] };
        let found = read(&bytes[..cut]).expect("a torn tail is no corruption");
        assert_eq!(found.entries.len(), whole, "cut at {cut}");
        assert_eq!((found.length, found.torn), (length, cut - length), "cut at {cut}");
        assert_eq!(found.next, u64::try_from(whole).expect("few"), "cut at {cut}");
    }
}

#[test]
fn entries_come_back_as_they_were() {
    let (bytes, _) = log();
    let found = read(&bytes).expect("intact");
    match (&found.entries[0], &found.entries[1]) {
        (Entry::Pledge { seq, pledge: held }, Entry::Write { batch, .. }) => {
            assert_eq!((*seq, *held), (Seq::new(1), pledge(1)));
            assert!(batch.is_empty());
        }
        other => panic!("a pledge and a write were written, not {other:?}"),
    }
}

#[test]
fn any_flipped_byte_before_the_last_entry_is_corruption_and_in_it_a_torn_tail() {
    let (bytes, ends) = log();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        let entry = ends.iter().filter(|end| **end <= at).count();
        let start = if entry == 0 { 0 } else { ends[entry - 1] };
        match read(&damaged) {
            Err(Corruption { at: found }) => {
                assert!(entry < 4, "flipped at {at}");
                assert_eq!(found, start, "flipped at {at}");
            }
            Ok(found) => {
                assert_eq!(entry, 4, "flipped at {at}");
                assert_eq!(found.entries.len(), 4, "flipped at {at}");
            }
        }
    }
}

#[test]
fn a_missing_entry_is_corruption() {
    let (bytes, ends) = log();
    let mut spliced = bytes[..ends[1]].to_vec();
    spliced.extend_from_slice(&bytes[ends[2]..]);
    assert_eq!(read(&spliced).map(|found| found.length), Err(Corruption { at: ends[1] }));
}

#[test]
fn a_torn_slot_never_loses_the_version_before() {
    let mut old = SignState::default();
    old.record(&pledge(1)).expect("the first promise");
    let mut new = old.clone();
    new.record(&pledge(2)).expect("another view");
    let (before, held, after) = (
        encode_slot(Vec::new(), 1, &SignState::default()),
        encode_slot(Vec::new(), 2, &old),
        encode_slot(Vec::new(), 3, &new),
    );
    for cut in 0..=after.len() {
        // The slot being overwritten: new bytes up to the tear, old ones behind it.
        let mut slot = after[..cut].to_vec();
        slot.extend_from_slice(before.get(cut..).unwrap_or_default());
        let (version, state) = read_slots([&slot, &held]).expect("one slot is intact");
        match version {
            3 => assert_eq!((cut, &state), (after.len(), &new)),
            _ => assert_eq!((version, &state), (2, &old), "cut at {cut}"),
        }
    }
}

#[test]
fn with_both_slots_damaged_the_sign_state_is_lost() {
    let slot = encode_slot(Vec::new(), 1, &SignState::default());
    let mut damaged = slot.clone();
    damaged[20] ^= 1;
    assert!(read_slots([&damaged, &[]]).is_none());
    assert!(read_slots([&damaged, &slot]).is_some());
}
