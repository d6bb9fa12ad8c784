//! Whenever the process is killed or the power fails, nothing that was signed is forgotten, and the book can
//! be read again. Damage is told from a write that was cut off.

use std::{cell::RefCell, collections::BTreeSet, rc::Rc};

use proptest::prelude::*;
use quorate_core::{
    signer::SafetyState,
    testing::cast,
    types::{Height, View},
};

use super::*;

const SECTOR: usize = 512;

fn identity() -> Identity {
    Identity { genesis: Digest::new([1; 32]), key: cast::secret_key(1).public() }
}

/// A file with a page cache, and a moment at which the world ends.
#[derive(Debug)]
struct World {
    durable: Vec<u8>,
    cached: Vec<u8>,
    /// Sectors that the next sync writes. A cached one that is not among them may still be another than the
    /// durable one: a sync that failed never tries again.
    dirty: BTreeSet<usize>,
    /// Steps that still happen.
    steps: u32,
    /// Syncs that still succeed, and which sectors the one that fails has written.
    syncs: (u32, u64),
}

#[derive(Clone, Debug)]
struct FakeDisk(Rc<RefCell<World>>);

impl World {
    /// Whether the next step happens.
    fn step(&mut self) -> bool {
        let happens = self.steps > 0;
        self.steps = self.steps.saturating_sub(1);
        happens
    }

    /// Writes those of the dirty sectors that the coins choose. None is dirty afterwards.
    fn flush(&mut self, mut coins: u64) {
        for sector in std::mem::take(&mut self.dirty) {
            if coins & 1 == 1 {
                let at = sector * SECTOR..(sector + 1) * SECTOR;
                self.durable[at.clone()].copy_from_slice(&self.cached[at]);
            }
            coins = coins.rotate_right(1);
        }
    }
}

impl FakeDisk {
    fn new(bytes: Vec<u8>, steps: u32) -> Self {
        let world = World {
            durable: bytes.clone(),
            cached: bytes,
            dirty: BTreeSet::new(),
            steps,
            syncs: (u32::MAX, 0),
        };
        Self(Rc::new(RefCell::new(world)))
    }

    /// The process ends. What it wrote is still there, unless the power is gone: then only what was durable,
    /// and any of the sectors that were to be written.
    fn end(&self, power_fails: bool, coins: u64) {
        let world = &mut *self.0.borrow_mut();
        if power_fails {
            world.flush(coins);
            world.cached = world.durable.clone();
        }
    }

    /// Another process begins, and will take so many steps.
    fn begin(&self, steps: u32) {
        self.0.borrow_mut().steps = steps;
    }

    /// Lets a sync fail after so many that succeed.
    fn fail_sync_after(&self, syncs: u32, coins: u64) {
        self.0.borrow_mut().syncs = (syncs, coins);
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.borrow().cached.clone()
    }
}

fn dead<T>() -> io::Result<T> {
    Err(io::Error::other("the world has ended"))
}

impl Disk for FakeDisk {
    fn read(&self) -> io::Result<Vec<u8>> {
        Ok(self.0.borrow().cached.clone())
    }

    /// A step for each sector: a write may be cut off behind any of them.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut world = self.0.borrow_mut();
        let mut at = usize::try_from(offset).expect("a small file");
        for part in bytes.chunks(SECTOR) {
            if !world.step() {
                return dead();
            }
            world.cached[at..at + part.len()].copy_from_slice(part);
            world.dirty.insert(at / SECTOR);
            at += part.len();
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut world = self.0.borrow_mut();
        if !world.step() {
            return dead();
        }
        let (left, coins) = world.syncs;
        if left == 0 {
            world.syncs = (u32::MAX, 0);
            world.flush(coins);
            return Err(io::Error::other("the disk fails"));
        }
        world.syncs.0 = left - 1;
        world.flush(u64::MAX);
        // It may be done and the answer still never come.
        if world.step() { Ok(()) } else { dead() }
    }
}

/// A pledge about one of a few views or heights: some are asked twice, some go on, some are refused.
fn pledge() -> impl Strategy<Value = Pledge> {
    let about_view = (0..3u64, 1..12u64, 0..2u8, 0..3u8).prop_map(|(floor, view, name, kind)| {
        let statement = match kind {
            0 => cast::notarize(view, name),
            1 => cast::nullify(view),
            _ => cast::finalize(view, name),
        };
        let safety = SafetyState { floor: View::new(floor), ..SafetyState::default() };
        Pledge::View { safety, statement }
    });
    let about_state = (0..2u64, 1..6u64, 0..2u8).prop_map(|(certified, place, name)| {
        let checkpoint = cast::checkpoint(place * 8, name);
        Pledge::Checkpoint { certified: Height::new(certified * 8), checkpoint }
    });
    prop_oneof![3 => about_view, 1 => about_state]
}

fn pledges() -> impl Strategy<Value = Vec<Vec<Pledge>>> {
    prop::collection::vec(prop::collection::vec(pledge(), 1..4), 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Several lives, each ended after some number of steps or by a sync that fails, by a kill or a power
    /// failure.
    #[test]
    fn nothing_signed_is_forgotten(
        batches in pledges(),
        lives in prop::collection::vec((0u32..40, 0u32..8, any::<bool>(), any::<u64>()), 1..8),
    ) {
        let disk = FakeDisk::new(blank(&identity()), 0);
        // Everything a signature may exist of.
        let mut signed = SignState::default();
        // What a process was about to sign when it ended, if anything.
        let mut unsure = None;
        let mut batches = batches.into_iter().cycle();
        let last = (u32::MAX, u32::MAX, false, 0);
        for (steps, syncs, power_fails, coins) in lives.into_iter().chain([last]) {
            disk.begin(steps);
            disk.fail_sync_after(syncs, coins);
            match Book::open(disk.clone(), identity()) {
                Err(Unreadable::Io(_)) => {}
                Err(other) => prop_assert!(false, "after {signed:?}: {other:?}"),
                Ok(mut book) => {
                    if unsure.take().as_ref() == Some(book.state()) {
                        signed = book.state().clone();
                    }
                    prop_assert_eq!(book.state(), &signed, "something signed is forgotten");
                    for batch in batches.by_ref().take(8) {
                        let mut next = signed.clone();
                        let fits = batch.iter().try_for_each(|pledge| next.record(pledge)).is_ok();
                        match book.record(&batch) {
                            Ok(()) => {
                                prop_assert!(fits, "recorded what a sign-state refuses");
                                signed = next;
                            }
                            Err(Unrecorded::Refused(_)) => prop_assert!(!fits),
                            Err(Unrecorded::Stopped) => prop_assert!(false, "asked after its end"),
                            Err(Unrecorded::Io(_)) => {
                                let again = book.record(&batch);
                                prop_assert!(matches!(again, Err(Unrecorded::Stopped)));
                                unsure = Some(next);
                                break;
                            }
                        }
                        prop_assert_eq!(book.state(), &signed);
                    }
                }
            }
            disk.end(power_fails, coins);
        }
    }
}

/// A version whose sync failed is in memory and looks as if it had been written. Whoever signs on it makes it
/// durable first, and an end in the midst of that takes nothing that was signed before.
#[test]
fn what_a_failed_sync_left_in_memory_is_not_believed() {
    let first_two = {
        let (_, state) = used(2);
        state
    };
    for steps in 0..32 {
        let (bytes, _) = used(1);
        let disk = FakeDisk::new(bytes, u32::MAX);
        let mut book = Book::open(disk.clone(), identity()).expect("intact");
        book.record(&[promise(2)]).expect("a disk that works");
        assert_eq!(book.state(), &first_two);
        disk.fail_sync_after(0, 0);
        let failed = book.record(&[promise(3)]);
        assert!(matches!(failed, Err(Unrecorded::Io(_))), "{failed:?}");
        disk.end(false, 0);
        disk.begin(steps);
        let mut signed = first_two.clone();
        if let Ok(mut book) = Book::open(disk.clone(), identity())
            && book.record(&[promise(3)]).is_ok()
        {
            signed = book.state().clone();
        }
        // Every second sector of what was to be written gets there.
        disk.end(true, 0xaaaa_aaaa_aaaa_aaaa);
        disk.begin(u32::MAX);
        let book = Book::open(disk.clone(), identity()).expect("it can be read");
        let kept = book.state();
        let mut with_third = signed.clone();
        with_third.record(&promise(3)).expect("it fits");
        assert!(*kept == signed || *kept == with_third, "{steps} steps: {kept:?}");
    }
}

/// A book with some versions behind it, and the bytes it left.
fn used(promises: u64) -> (Vec<u8>, SignState) {
    let disk = FakeDisk::new(blank(&identity()), u32::MAX);
    let mut book = Book::open(disk.clone(), identity()).expect("blank");
    for view in 1..=promises {
        book.record(&[promise(view)]).expect("ascending views");
    }
    assert_eq!(book.version, promises);
    (disk.bytes(), book.state().clone())
}

fn promise(view: u64) -> Pledge {
    Pledge::View { safety: Default::default(), statement: cast::nullify(view) }
}

fn reopen(bytes: Vec<u8>) -> Result<SignState, Unreadable> {
    Book::open(FakeDisk::new(bytes, u32::MAX), identity()).map(|book| book.state().clone())
}

/// A changed byte anywhere that matters is damage, never an older version.
#[test]
fn an_older_version_is_never_accepted() {
    for promises in 0..4 {
        let (bytes, state) = used(promises);
        assert_eq!(reopen(bytes.clone()).expect("intact"), state);
        let slot = usize::try_from(slot_offset(promises)).expect("a small file");
        let length = encode_slot(promises, &state, &identity()).len();
        let head = encode_head(&identity()).len();
        let places = (0..head).chain(PAGE..PAGE + 12).chain(slot..slot + length);
        for at in places {
            let mut changed = bytes.clone();
            changed[at] ^= 0x10;
            let refused = reopen(changed).expect_err("damaged");
            assert!(matches!(refused, Unreadable::Damaged(_)), "byte {at}: {refused:?}");
        }
    }
}

/// The one before the newest may be anything: nobody needs it.
#[test]
fn damage_to_the_other_slot_does_no_harm() {
    let (mut bytes, state) = used(3);
    let other = usize::try_from(slot_offset(2)).expect("a small file");
    bytes[other + 20] ^= 1;
    assert_eq!(reopen(bytes).expect("the newest is whole"), state);
}

#[test]
fn another_length_is_damage() {
    let (bytes, _) = used(1);
    for length in [0, 1, PAGE, FILE_BYTES - 1] {
        assert!(matches!(reopen(bytes[..length].to_vec()), Err(Unreadable::Damaged(_))));
    }
    let longer = [bytes, vec![0]].concat();
    assert!(matches!(reopen(longer), Err(Unreadable::Damaged(_))));
}

/// A copy of yesterday's slot in place of today's other one is no pair.
#[test]
fn versions_that_do_not_follow_each_other_are_damage() {
    let (old, _) = used(1);
    let (mut bytes, _) = used(4);
    let at = usize::try_from(slot_offset(1)).expect("a small file");
    bytes[at..].copy_from_slice(&old[at..]);
    assert!(matches!(reopen(bytes), Err(Unreadable::Damaged(_))));
}

#[test]
fn the_same_promise_again_writes_nothing() {
    let (bytes, state) = used(2);
    let disk = FakeDisk::new(bytes, u32::MAX);
    let mut book = Book::open(disk.clone(), identity()).expect("intact");
    disk.begin(0);
    book.record(&[promise(1), promise(2)]).expect("on disk already");
    assert_eq!(book.state(), &state);
    assert!(matches!(book.record(&[promise(3)]), Err(Unrecorded::Io(_))));
    assert!(matches!(book.record(&[promise(1)]), Err(Unrecorded::Stopped)));
}

#[test]
fn a_refusal_of_one_records_none() {
    let disk = FakeDisk::new(blank(&identity()), u32::MAX);
    let mut book = Book::open(disk.clone(), identity()).expect("blank");
    let finalize =
        |name| Pledge::View { safety: Default::default(), statement: cast::finalize(5, name) };
    book.record(&[finalize(1)]).expect("the first");
    let (before, bytes) = (book.state().clone(), disk.bytes());
    assert!(matches!(book.record(&[promise(6), finalize(2)]), Err(Unrecorded::Refused(_))));
    assert_eq!((book.state(), disk.bytes()), (&before, bytes));
    book.record(&[promise(6)]).expect("alone it is fine");
}

/// As many promises as a state can hold fit a slot.
#[test]
fn the_largest_state_fits() {
    let mut book =
        Book::open(FakeDisk::new(blank(&identity()), u32::MAX), identity()).expect("blank");
    let view = |statement| Pledge::View { safety: Default::default(), statement };
    let mut all = Vec::new();
    for number in 1..=257 {
        all.push(view(cast::notarize(number, 1)));
        all.push(view(cast::nullify(number)));
    }
    for height in 1..=64 {
        let checkpoint = cast::checkpoint(height * 8, 1);
        all.push(Pledge::Checkpoint { certified: Default::default(), checkpoint });
    }
    book.record(&all).expect("all of them");
    let length = encode_slot(1, book.state(), &identity()).len();
    assert!(length < SLOT_BYTES * 3 / 4, "{length} bytes");
}
