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
    options::{Mode, NetworkOptions, PeerAddress, SecretKeyBytes},
    score::Offence,
};

fn peer(number: u8) -> PeerId {
    PeerId::new([number; 32])
}

/// A node, with members 1 to 9, of which 9 has no address, an address for 50 as well, and so many slots for others.
fn registry_with(own: u8, full_slots: u16) -> (Registry, InboundReceiver) {
    let listed = |number| PeerAddress { peer: peer(number), address: "10.0.9.9:1".into() };
    let (inbound, receiver) = inbound(InboundLimits::default());
    let listen = "127.0.0.1:0".parse().expect("an address");
    let key = SecretKeyBytes::new([own; 32]);
    let mut options = NetworkOptions::new(listen, key, ChainId::new(1), Digest::ZERO);
    options.committee = (1..10).map(peer).collect();
    options.peers = (1..9).chain([50]).map(listed).collect();
    options.full_slots = full_slots;
    (Registry::new(peer(own), options, inbound, Arc::new(Cells::default())), receiver)
}

fn registry(own: u8) -> (Registry, InboundReceiver) {
    registry_with(own, 2)
}

fn from(number: u8, direction: Direction, instance: u64) -> Introduced {
    from_address(number, direction, instance, "127.0.0.1:9")
}

fn from_address(number: u8, direction: Direction, instance: u64, address: &str) -> Introduced {
    let hello = Hello::new(ChainId::new(1), Digest::ZERO, Mode::Full, instance);
    let address = address.parse().expect("an address");
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
fn slots_are_for_those_that_are_not_known() {
    let (nodes, _receiver) = registry(5);
    let first = nodes.admit(from(101, Direction::Inbound, 1)).expect("a slot");
    assert_eq!(first.role, Role::Full);
    assert!(nodes.admit(from(102, Direction::Inbound, 1)).is_ok());
    let third = nodes.admit(from(103, Direction::Inbound, 1)).map(|link| link.id);
    assert_eq!(third, Err(Farewell::NoSlot));
    let member = nodes.admit(from(1, Direction::Inbound, 1)).expect("a slot of its own");
    assert_eq!(member.role, Role::Member);
    let listed = nodes.admit(from(50, Direction::Outbound, 1)).expect("it is in the list");
    assert_eq!(listed.role, Role::Full, "a list makes nobody a member");
    nodes.release(&first);
    assert!(nodes.admit(from(103, Direction::Inbound, 1)).is_ok());
    let own = nodes.admit(from(5, Direction::Inbound, 1)).map(|link| link.id);
    assert_eq!(own, Err(Farewell::Myself));
}

/// Who is a validator follows from the genesis: with or without an address, wherever it calls from.
#[test]
fn a_member_without_an_address_is_a_member() {
    let (nodes, _receiver) = registry_with(5, 0);
    assert_eq!(nodes.unlisted(), 1);
    assert!(!nodes.sites.contain([10, 7, 7, 7].into()));
    let call = from_address(9, Direction::Inbound, 1, "10.7.7.7:1");
    let member = nodes.admit(call).expect("a slot of its own");
    assert_eq!(member.role, Role::Member);
    assert!(nodes.sites.contain([10, 7, 7, 7].into()), "known from now on");
    assert!(nodes.sites.contain([10, 0, 9, 9].into()), "from the list");
    for _ in 0..3 {
        nodes.offend(peer(9), Offence::MembersOnly("Vote"));
    }
    assert_eq!(nodes.points(&peer(9)), 60);
}

/// Keys cost nothing: one address gets a quarter of the slots, and bears what all its keys do.
#[test]
fn one_address_is_one_guest() {
    let (nodes, _receiver) = registry_with(5, 8);
    let call = |number, address| from_address(number, Direction::Inbound, 1, address);
    let mut links = Vec::new();
    for number in 101..103 {
        links.push(nodes.admit(call(number, "10.0.0.1:1")).expect("a slot"));
    }
    let third = nodes.admit(call(103, "10.0.0.1:2")).map(|link| link.id);
    assert_eq!(third, Err(Farewell::NoSlot), "two of eight");
    assert!(nodes.admit(call(103, "10.0.0.2:1")).is_ok(), "another address");
    for number in 101..104 {
        if number == 103 {
            nodes.release(&links[0]);
            assert!(nodes.admit(call(104, "10.0.0.1:3")).is_ok());
            nodes.offend(peer(104), Offence::Unpackable);
        } else {
            nodes.offend(peer(number), Offence::Unpackable);
        }
    }
    let fresh = nodes.admit(call(105, "10.0.0.1:4")).map(|link| link.id);
    assert_eq!(fresh, Err(Farewell::Banned), "a fresh key from there");
    assert!(nodes.admit(call(106, "10.0.0.3:1")).is_ok(), "nobody else suffers");
    let member = nodes.admit(call(1, "10.0.0.1:5")).expect("members are not counted by address");
    assert_eq!(member.role, Role::Member);
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
