//! Fates are keyed, order is canonical, and each fault does what its name says, no more.

use quorate_core::{random::Seed, time::Span};

use super::{
    DELAY_FLOOR, Fate, FaultId, Landing, Loss, Machine, Network, Overlay, RECONNECT_AFTER,
};
use crate::scenario::{Distribution, LinkModel, Ppm};

const A: Machine = Machine::new(0);
const B: Machine = Machine::new(1);
const MILLI: u64 = 1_000_000;

fn network(model: LinkModel) -> Network<u32> {
    Network::new(3, model, &Seed::from_number(7))
}

fn steady() -> LinkModel {
    LinkModel { delay: Distribution::Constant(span(1)), ..LinkModel::default() }
}

fn span(millis: u64) -> Span {
    Span::from_millis(millis)
}

fn percent(percent: u32) -> Ppm {
    Ppm::new(percent * 10_000).expect("at most 100 percent")
}

/// Sends `count` messages a millisecond apart and returns their fates.
fn fates(network: &mut Network<u32>, count: u32) -> Vec<Fate> {
    (0..count).map(|body| network.send(A, B, u64::from(body) * MILLI, || 100, body)).collect()
}

fn arrivals(network: &mut Network<u32>, end: u64) -> Vec<(u64, u32)> {
    let mut found = Vec::new();
    while let Some(landing) = network.land_before(end) {
        if let Landing::Arrived(flight) = landing {
            found.push((flight.arrival, flight.body));
        }
    }
    found
}

#[test]
fn removing_one_fault_does_not_shift_what_the_others_decide() {
    let lossy = LinkModel {
        delay: Distribution::Exponential { min: span(1), mean: span(5), cap: span(100) },
        drop: percent(10),
        duplicate: percent(10),
        ..LinkModel::default()
    };
    let with = |ids: &[u32]| {
        let mut network = network(lossy.clone());
        for id in ids {
            network.begin(FaultId(*id), Overlay::Drop(percent(20)), [(A, B)], 0);
        }
        fates(&mut network, 500)
    };
    let (both, first, neither) = (with(&[1, 2]), with(&[1]), with(&[]));
    let mut spared = 0;
    for place in 0..500 {
        // Whatever survives more faults survives fewer, with the very same delays.
        if both[place] != Fate::Lost(Loss::Dropped) {
            assert_eq!(both[place], first[place], "message {place}");
        }
        if first[place] != Fate::Lost(Loss::Dropped) {
            assert_eq!(first[place], neither[place], "message {place}");
        }
        spared += u32::from(both[place] != first[place]);
    }
    assert!(spared > 20, "the second fault had an effect of its own: {spared}");
}

#[test]
fn the_order_of_arrival_does_not_depend_on_the_order_of_sending() {
    let pairs = [(A, B), (B, A), (Machine::new(2), A), (Machine::new(2), B)];
    let run = |order: &[usize]| {
        let mut network = network(steady());
        for place in order {
            let (from, to) = pairs[*place];
            network.send(from, to, 0, || 1, u32::from(from.get()));
        }
        let mut found = Vec::new();
        while let Some(Landing::Arrived(flight)) = network.land_before(u64::MAX) {
            found.push((flight.arrival, flight.from, flight.to));
        }
        found
    };
    assert_eq!(run(&[0, 1, 2, 3]), run(&[3, 1, 0, 2]));
}

#[test]
fn nothing_arrives_before_the_lookahead() {
    let mut network =
        network(LinkModel { delay: Distribution::Constant(Span::ZERO), ..LinkModel::default() });
    assert_eq!(network.lookahead(), DELAY_FLOOR);
    network.send(A, B, 10, || 1, 0);
    assert!(network.land_before(10 + DELAY_FLOOR).is_none());
    assert_eq!(arrivals(&mut network, u64::MAX), [(10 + DELAY_FLOOR, 0)]);
}

#[test]
fn the_lookahead_follows_the_least_delay_of_all_links_and_faults() {
    let mut network = network(steady());
    assert_eq!(network.lookahead(), MILLI);
    let half = Distribution::Constant(Span::from_micros(500));
    network.begin(FaultId(0), Overlay::Delay(half), [(A, B)], 0);
    assert_eq!(network.lookahead(), MILLI / 2);
    network.end(FaultId(0), 0);
    assert_eq!(network.lookahead(), MILLI);
    network.set_links(LinkModel { delay: half, ..LinkModel::default() }, [(B, A)]);
    assert_eq!(network.lookahead(), MILLI / 2);
    network.become_like(LinkModel { delay: Distribution::Constant(span(3)), ..steady() });
    assert_eq!(network.lookahead(), 3 * MILLI);
}

#[test]
fn a_partition_drops_what_is_in_flight_or_keeps_it() {
    for (keep_in_flight, expected) in [(true, 1), (false, 0)] {
        let mut network = network(steady());
        network.send(A, B, 0, || 1, 0);
        network.begin(FaultId(0), Overlay::Block { keep_in_flight }, [(A, B)], MILLI / 2);
        assert_eq!(network.send(A, B, MILLI / 2, || 1, 1), Fate::Lost(Loss::Blocked));
        assert_eq!(arrivals(&mut network, u64::MAX).len(), expected);
        // The other direction is open.
        network.send(B, A, MILLI, || 1, 2);
        assert_eq!(arrivals(&mut network, u64::MAX).len(), 1);
        network.end(FaultId(0), 2 * MILLI);
        network.send(A, B, 2 * MILLI, || 1, 3);
        assert_eq!(arrivals(&mut network, u64::MAX), [(3 * MILLI, 3)]);
    }
}

#[test]
fn a_clog_holds_and_releases_in_order() {
    let mut network = network(steady());
    network.begin(FaultId(0), Overlay::Clog, [(A, B)], 0);
    fates(&mut network, 5);
    assert!(arrivals(&mut network, 100 * MILLI).is_empty());
    assert_eq!(network.in_flight(), 5);
    network.end(FaultId(0), 100 * MILLI);
    let bodies: Vec<u32> = arrivals(&mut network, u64::MAX).iter().map(|one| one.1).collect();
    assert_eq!(bodies, [0, 1, 2, 3, 4]);
}

#[test]
fn two_clogs_on_one_link_both_have_to_end() {
    let mut network = network(steady());
    network.begin(FaultId(0), Overlay::Clog, [(A, B)], 0);
    network.begin(FaultId(1), Overlay::Clog, [(A, B)], 0);
    fates(&mut network, 1);
    network.end(FaultId(0), 10 * MILLI);
    assert!(arrivals(&mut network, 20 * MILLI).is_empty());
    network.end(FaultId(1), 20 * MILLI);
    assert_eq!(arrivals(&mut network, u64::MAX).len(), 1);
}

#[test]
fn a_corrupt_frame_resets_the_connection_and_loses_what_is_in_flight() {
    let mut network = network(steady());
    network.begin(FaultId(0), Overlay::Corrupt(Ppm::ALWAYS), [(A, B)], 0);
    network.send(A, B, 0, || 1, 0);
    network.end(FaultId(0), 0);
    network.send(A, B, MILLI / 2, || 1, 1);
    network.send(B, A, MILLI / 2, || 1, 2);
    let again = match network.land_before(u64::MAX) {
        Some(Landing::Reset(flight, again)) => {
            assert_eq!(flight.body, 0);
            again
        }
        other => panic!("expected a reset, got {other:?}"),
    };
    assert_eq!(again, MILLI + RECONNECT_AFTER);
    assert!(arrivals(&mut network, u64::MAX).is_empty(), "what was in flight is lost both ways");
    assert_eq!(network.send(A, B, 2 * MILLI, || 1, 3), Fate::Lost(Loss::NotConnected));
    network.send(A, B, again, || 1, 4);
    assert_eq!(arrivals(&mut network, u64::MAX), [(again + MILLI, 4)]);
}

#[test]
fn a_dead_machines_last_words_arrive_and_nothing_reaches_it() {
    let mut network = network(steady());
    network.send(A, B, 0, || 1, 0);
    network.send(B, A, 0, || 1, 1);
    network.disconnect(A, 1);
    assert_eq!(arrivals(&mut network, u64::MAX), [(MILLI, 0)]);
    assert_eq!(network.send(B, A, 5, || 1, 2), Fate::Lost(Loss::NotConnected));
    network.connect(A, 10 * MILLI);
    assert_eq!(network.send(B, A, 9 * MILLI, || 1, 2), Fate::Lost(Loss::NotConnected));
    network.send(B, A, 10 * MILLI, || 1, 3);
    assert_eq!(arrivals(&mut network, u64::MAX), [(11 * MILLI, 3)]);
}

#[test]
fn bandwidth_makes_messages_wait_in_line() {
    // 100 bytes at 100,000 bytes a second take a millisecond each.
    let mut network = network(LinkModel { bandwidth: Some(100_000), ..steady() });
    for body in 0..3 {
        network.send(A, B, 0, || 100, body);
    }
    let found = arrivals(&mut network, u64::MAX);
    assert_eq!(found, [(2 * MILLI, 0), (3 * MILLI, 1), (4 * MILLI, 2)]);
}

#[test]
fn duplicates_arrive_twice_and_reordering_overtakes() {
    let mut network = network(LinkModel { duplicate: Ppm::ALWAYS, ..steady() });
    fates(&mut network, 1);
    assert_eq!(arrivals(&mut network, u64::MAX), [(MILLI, 0), (MILLI, 0)]);

    let model = LinkModel { reorder: percent(50), ..steady() };
    let mut network = self::network(model);
    for body in 0..100 {
        network.send(A, B, u64::from(body) * MILLI / 2, || 100, body);
    }
    let bodies: Vec<u32> = arrivals(&mut network, u64::MAX).iter().map(|one| one.1).collect();
    assert_eq!(bodies.len(), 100);
    assert!(!bodies.is_sorted());
}
