//! Who is let in, and which of two connections stays.

use std::sync::Arc;

use quorate_core::{
    effect::{PeerEvent, PeerFault},
    types::{ChainId, Digest, PeerId},
};

use super::{Introduced, Registry};
use crate::network::{
    control::{Farewell, Hello},
    counters::Cells,
    inbound::{Arrival, InboundLimits, InboundReceiver, inbound},
    link::{Direction, Role},
    options::{Mode, NetworkLimits, PeerAddress},
    score::Offence,
};

fn peer(number: u8) -> PeerId {
    PeerId::new([number; 32])
}

/// Node 5, with members 1 to 9 and two slots for others.
fn registry(own: u8) -> (Registry, InboundReceiver) {
    let member = |number| PeerAddress { peer: peer(number), address: "nowhere:1".into() };
    let (inbound, receiver) = inbound(InboundLimits::default());
    let members = (1..10).map(member).collect();
    let (limits, cells) = (NetworkLimits::default(), Arc::new(Cells::default()));
    (Registry::new(peer(own), members, 2, limits, inbound, cells), receiver)
}

fn from(number: u8, direction: Direction, instance: u64) -> Introduced {
    let hello = Hello::new(ChainId::new(1), Digest::ZERO, Mode::Full, instance);
    let address = "127.0.0.1:9".parse().expect("an address");
    Introduced { peer: peer(number), direction, address, hello }
}

fn events(receiver: &mut InboundReceiver) -> Vec<PeerEvent> {
    let mut events = Vec::new();
    while let Some(Arrival::Peer(event)) = receiver.try_next(true) {
        events.push(event);
    }
    events
}

/// Two nodes that dial each other at once keep the same connection, whichever each sees first.
#[test]
fn both_sides_keep_the_same_of_two() {
    use Direction::{Inbound, Outbound};
    // At node 3 and node 7, the one dialed by 3 is outbound and inbound.
    for (own, other, stays, goes) in [(3, 7, Outbound, Inbound), (7, 3, Inbound, Outbound)] {
        let (nodes, _receiver) = registry(own);
        assert!(nodes.admit(from(other, stays, 1)).is_ok());
        let refused = nodes.admit(from(other, goes, 1)).map(|link| link.direction);
        assert_eq!(refused, Err(Farewell::Duplicate), "at node {own}");

        let (nodes, mut receiver) = registry(own);
        let first = nodes.admit(from(other, goes, 1)).expect("the first");
        assert_eq!(events(&mut receiver), [PeerEvent::Connected(peer(other))]);
        let second = nodes.admit(from(other, stays, 1)).expect("the one that stays");
        let (lost, connected) = (PeerEvent::Lost(peer(other)), PeerEvent::Connected(peer(other)));
        assert_eq!(events(&mut receiver), [lost, connected]);
        nodes.release(&first);
        assert_eq!(events(&mut receiver), [], "the first is gone already");
        nodes.release(&second);
        assert_eq!(events(&mut receiver), [lost]);
    }
}

/// A peer that was started again is believed, whoever dials.
#[test]
fn a_new_process_takes_the_place_of_the_old() {
    for direction in [Direction::Inbound, Direction::Outbound] {
        let (nodes, _receiver) = registry(5);
        for instance in 1..5 {
            let other = if direction == Direction::Inbound { 7 } else { 3 };
            let link = nodes.admit(from(other, direction, instance)).expect("a new process");
            assert_eq!(nodes.live().get(&peer(other)).map(|live| live.id), Some(link.id));
        }
    }
}

#[test]
fn slots_are_for_those_not_in_the_list() {
    let (nodes, _receiver) = registry(5);
    let first = nodes.admit(from(101, Direction::Inbound, 1)).expect("a slot");
    assert_eq!(first.role, Role::Full);
    assert!(nodes.admit(from(102, Direction::Inbound, 1)).is_ok());
    let third = nodes.admit(from(103, Direction::Inbound, 1)).map(|link| link.id);
    assert_eq!(third, Err(Farewell::NoSlot));
    let member = nodes.admit(from(1, Direction::Inbound, 1)).expect("a slot of its own");
    assert_eq!(member.role, Role::Member);
    nodes.release(&first);
    assert!(nodes.admit(from(103, Direction::Inbound, 1)).is_ok());
    let own = nodes.admit(from(5, Direction::Inbound, 1)).map(|link| link.id);
    assert_eq!(own, Err(Farewell::Myself));
}

#[test]
fn the_banned_are_kept_out() {
    let (nodes, _receiver) = registry(5);
    assert!(nodes.admit(from(1, Direction::Inbound, 1)).is_ok());
    for _ in 0..4 {
        assert_eq!(nodes.banned_for(&peer(1)), None);
        nodes.offend(peer(1), Offence::Core(PeerFault::BadCertificate));
    }
    assert!(nodes.banned_for(&peer(1)).is_some());
    let again = nodes.admit(from(1, Direction::Inbound, 2)).map(|link| link.id);
    assert_eq!(again, Err(Farewell::Banned));
}

#[test]
fn nobody_is_let_in_after_the_end() {
    let (nodes, _receiver) = registry(5);
    nodes.stop();
    let late = nodes.admit(from(1, Direction::Inbound, 1)).map(|link| link.id);
    assert_eq!(late, Err(Farewell::Stopping));
}
