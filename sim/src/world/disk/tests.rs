//! What is durable stays, what is pending is at the crash's mercy, and every fault does its own thing.

use quorate_core::{random::Seed, time::Span};

use super::{CrashOutcome, Disk, DiskError, DiskFault, File};
use crate::{
    scenario::{Disk as DiskModel, DiskOp, Distribution, Ppm, Torn},
    world::{keyed::Key, network::FaultId},
};

fn disk(model: DiskModel) -> Disk {
    Disk::new(model, Key::new(&Seed::from_number(3), "disk", 0), true)
}

fn sync(disk: &mut Disk, file: File) {
    let sync = disk.begin_sync(file);
    disk.finish_sync(sync).expect("the device works");
}

fn data(disk: &mut Disk) -> Vec<u8> {
    disk.read(File::Data).expect("the device works")
}

#[test]
fn a_crash_keeps_what_was_synced_and_loses_the_rest() {
    let mut disk = disk(DiskModel::default());
    disk.append(File::Data, vec![1; 100]).expect("the device works");
    sync(&mut disk, File::Data);
    disk.append(File::Data, vec![2; 100]).expect("the device works");
    assert_eq!(disk.crash(), CrashOutcome { lost: 1, torn: 0, betrayed: false });
    assert_eq!(data(&mut disk), vec![1; 100]);
    // The next append goes where the durable bytes end.
    disk.append(File::Data, vec![3; 10]).expect("the device works");
    disk.flush();
    assert_eq!(data(&mut disk).len(), 110);
}

#[test]
fn an_fsync_covers_only_what_was_written_before_it_began() {
    let mut disk = disk(DiskModel::default());
    disk.append(File::Data, vec![1; 8]).expect("the device works");
    let begun = disk.begin_sync(File::Data);
    disk.append(File::Data, vec![2; 8]).expect("the device works");
    disk.finish_sync(begun).expect("the device works");
    disk.crash();
    assert_eq!(data(&mut disk), vec![1; 8]);
}

#[test]
fn unsynced_writes_survive_as_a_prefix() {
    let half = Ppm::new(500_000).expect("a probability");
    for seed in 0..50 {
        let model = DiskModel { lost_unsynced: half, ..DiskModel::default() };
        let mut disk = Disk::new(model, Key::new(&Seed::from_number(seed), "disk", 0), true);
        for byte in 1..=8u8 {
            disk.append(File::Data, vec![byte; 4]).expect("the device works");
        }
        disk.crash();
        let left = data(&mut disk);
        let expected: Vec<u8> = (1..=8u8).flat_map(|byte| [byte; 4]).take(left.len()).collect();
        assert_eq!(left, expected);
    }
}

#[test]
fn a_torn_write_ends_at_a_sector() {
    let mut lengths = std::collections::BTreeSet::new();
    for seed in 0..100 {
        let torn_write = Torn { p: Ppm::ALWAYS, sector: 512 };
        let model = DiskModel { torn_write, ..DiskModel::default() };
        let mut disk = Disk::new(model, Key::new(&Seed::from_number(seed), "disk", 0), true);
        disk.append(File::Data, vec![1; 700]).expect("the device works");
        sync(&mut disk, File::Data);
        disk.append(File::Data, vec![2; 1_500]).expect("the device works");
        assert_eq!(disk.crash().torn, 1);
        lengths.insert(data(&mut disk).len());
    }
    // From byte 700 the sectors end at 1024, 1536 and 2048.
    assert_eq!(lengths.into_iter().collect::<Vec<_>>(), [700, 1024, 1536, 2048]);
}

#[test]
fn a_lying_fsync_betrays_at_the_crash_unless_an_honest_one_follows() {
    let lying = |honest_after: bool| {
        let mut disk = disk(DiskModel::default());
        disk.begin(FaultId(0), DiskFault::Lie(Ppm::ALWAYS));
        disk.append(File::Data, vec![1; 8]).expect("the device works");
        sync(&mut disk, File::Data);
        disk.end(FaultId(0));
        if honest_after {
            sync(&mut disk, File::Data);
        }
        (disk.crash().betrayed, data(&mut disk).len())
    };
    assert_eq!(lying(false), (true, 0));
    assert_eq!(lying(true), (false, 8));
}

#[test]
fn bitrot_flips_one_bit_and_spares_a_disk_that_must_stay_intact() {
    for (may_be_damaged, flipped) in [(true, 1), (false, 0)] {
        let model = DiskModel { bitrot: Ppm::ALWAYS, ..DiskModel::default() };
        let key = Key::new(&Seed::from_number(3), "disk", 0);
        let mut disk = Disk::new(model, key, may_be_damaged);
        disk.append(File::Data, vec![0; 100]).expect("the device works");
        sync(&mut disk, File::Data);
        let ones: u32 = data(&mut disk).iter().map(|byte| byte.count_ones()).sum();
        assert_eq!(ones, flipped);
    }
}

#[test]
fn a_misdirected_write_destroys_another_and_leaves_a_hole() {
    let mut disk = disk(DiskModel::default());
    for byte in 1..=4u8 {
        disk.append(File::Data, vec![byte; 512]).expect("the device works");
    }
    sync(&mut disk, File::Data);
    disk.begin(FaultId(0), DiskFault::Misdirected(Ppm::ALWAYS));
    disk.append(File::Data, vec![9; 512]).expect("the device works");
    sync(&mut disk, File::Data);
    let left = data(&mut disk);
    assert_eq!(left.len(), 5 * 512);
    assert_eq!(left[4 * 512..], vec![0; 512]);
    assert_eq!(left.iter().filter(|byte| **byte == 9).count(), 512);
}

/// What was made durable is known although it is damaged, lost or cut off later; what a lie claimed or a
/// crash left by chance was not.
#[test]
fn what_was_synced_is_known() {
    let mut disk = disk(DiskModel::default());
    disk.append(File::Data, vec![1; 100]).expect("the device works");
    assert_eq!(disk.synced(File::Data), 0);
    sync(&mut disk, File::Data);
    assert_eq!(disk.synced(File::Data), 100);
    disk.begin(FaultId(0), DiskFault::Lie(Ppm::ALWAYS));
    disk.append(File::Data, vec![2; 100]).expect("the device works");
    sync(&mut disk, File::Data);
    disk.crash();
    assert_eq!(disk.synced(File::Data), 100);
    disk.append(File::Data, vec![3; 50]).expect("the device works");
    disk.flush();
    assert_eq!(disk.synced(File::Data), 150);
    disk.truncate(File::Data, 40);
    assert_eq!(disk.synced(File::Data), 40);
    disk.swap(File::Data, &[4; 70]);
    assert_eq!(disk.synced(File::Data), 70);
}

#[test]
fn errors_and_a_full_disk_are_told() {
    let mut disk = disk(DiskModel::default());
    disk.begin(FaultId(0), DiskFault::Full);
    assert_eq!(disk.append(File::Data, vec![1]), Err(DiskError::Full));
    disk.end(FaultId(0));
    disk.begin(FaultId(1), DiskFault::IoError(Ppm::ALWAYS, vec![DiskOp::Sync]));
    disk.append(File::Data, vec![1]).expect("writes work");
    let sync = disk.begin_sync(File::Data);
    assert_eq!(disk.finish_sync(sync), Err(DiskError::Io));
    disk.begin(FaultId(2), DiskFault::IoError(Ppm::ALWAYS, vec![DiskOp::Read]));
    assert_eq!(disk.read(File::Data), Err(DiskError::Io));
}

#[test]
fn latency_is_the_models_or_the_faults() {
    let millis = |millis| Distribution::Constant(Span::from_millis(millis));
    let mut disk = disk(DiskModel { fsync: millis(1), ..DiskModel::default() });
    assert_eq!(disk.begin_sync(File::Data).latency, 1_000_000);
    disk.begin(FaultId(0), DiskFault::Latency(millis(20)));
    assert_eq!(disk.begin_sync(File::Data).latency, 20_000_000);
}
