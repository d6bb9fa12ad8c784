//! A bucket gives what is in it, fills evenly, and never overflows.

use super::*;

fn peer(name: u16) -> PeerId {
    let mut raw = [0; 32];
    raw[..2].copy_from_slice(&name.to_le_bytes());
    PeerId::new(raw)
}

fn at(millis: u64) -> Instant {
    Instant::ZERO.plus(Span::from_millis(millis))
}

#[test]
fn burst_then_the_rate() {
    let mut ration = Ration::new(1_000, 300);
    assert!(ration.take(at(0), peer(1), 300));
    assert!(!ration.take(at(0), peer(1), 1));
    assert!(ration.take(at(0), peer(2), 300), "everybody has a bucket");
    assert!(!ration.take(at(99), peer(1), 100), "ninety-nine bytes have come");
    assert!(ration.take(at(100), peer(1), 100), "a refusal costs nothing");
    assert!(!ration.take(at(100_000), peer(1), 301), "no more than a burst is saved up");
    assert!(ration.take(at(100_000), peer(1), 300));
}

/// The rate is a byte in two milliseconds here. Little by little gives no more and no less.
#[test]
fn small_sips_lose_at_most_one_byte_each() {
    let mut ration = Ration::new(500, 10);
    assert!(ration.take(at(0), peer(1), 10));
    let taken = (1..=40).filter(|time| ration.take(at(*time), peer(1), 1)).count();
    assert_eq!(taken, 20);
}

#[test]
fn strangers_cannot_fill_the_memory() {
    let mut ration = Ration::new(1_000, 1_000);
    let max = u16::try_from(BUCKETS_MAX).unwrap();
    assert!((0..max).all(|name| ration.take(at(0), peer(name), 100)));
    assert!(!ration.take(at(99), peer(max), 100), "nobody's is full again");
    assert!(ration.take(at(99), peer(0), 100), "whoever has one keeps it");
    assert!(ration.take(at(100), peer(max), 100));
    assert_eq!(ration.by_peer.len(), 2, "what is full is not remembered");
}
