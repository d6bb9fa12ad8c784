//! Order of classes, shares of peers, and connections told in pairs.

use std::time::Duration;

use quorate_core::{
    codec::Bounded,
    effect::PeerEvent,
    frame::Class,
    message::{BlockRequest, BlockWant, CertificateRequest, Message, TransactionsRequest},
    types::{Digest, Epoch, Height, PeerId, View},
};

use super::{Arrival, Delivery, Inbound, InboundLimits, InboundReceiver, inbound};
use crate::network::options::{Bound, PerClass};

fn peer(number: u8) -> PeerId {
    PeerId::new([number; 32])
}

fn vote(view: u64) -> Message {
    let (epoch, view) = (Epoch::ZERO, View::new(view));
    Message::CertificateRequest(CertificateRequest { epoch, view, kind: None })
}

fn proposal() -> Message {
    let (view, block, places) = (View::ZERO, Digest::ZERO, Bounded::default());
    Message::TransactionsRequest(TransactionsRequest { view, block, places })
}

fn bulk(id: u64) -> Message {
    Message::BlockRequest(BlockRequest { id, want: BlockWant::From(Height::ZERO) })
}

fn small() -> (Inbound, InboundReceiver) {
    let bound = Bound { messages: 2, bytes: 100 };
    let peer = PerClass { votes: bound, proposals: bound, bulk: bound };
    inbound(InboundLimits { peer, peer_full: peer, full: Bound { messages: 3, bytes: 100 } })
}

async fn put(inbound: &Inbound, from: u8, message: Message, bytes: usize) -> Delivery {
    let class = Class::of(&message, bytes);
    inbound.deliver(peer(from), true, class, message, bytes).await
}

fn received(from: u8, message: Message) -> Option<Arrival> {
    Some(Arrival::Received { from: peer(from), message })
}

#[tokio::test]
async fn votes_before_proposals_before_bulk() {
    let (inbound, mut receiver) = small();
    for message in [bulk(1), proposal(), vote(1)] {
        assert_eq!(put(&inbound, 1, message, 10).await, Delivery::Queued);
    }
    inbound.connected(peer(2));
    assert_eq!(receiver.waiting(), PerClass { votes: 1, proposals: 1, bulk: 1 });
    let connected = Some(Arrival::Peer(PeerEvent::Connected(peer(2))));
    assert_eq!(receiver.next(false).await, connected);
    assert_eq!(receiver.next(false).await, received(1, vote(1)));
    assert_eq!(receiver.next(false).await, received(1, proposal()));
    assert_eq!(receiver.try_next(false), None);
    assert_eq!(receiver.try_next(true), received(1, bulk(1)));
    assert_eq!(receiver.try_next(true), None);
}

/// A peer that sends too much waits for room; the others do not.
#[tokio::test]
async fn a_full_share_holds_up_its_owner_only() {
    let (inbound, mut receiver) = small();
    for view in 1..=2 {
        assert_eq!(put(&inbound, 1, vote(view), 10).await, Delivery::Queued);
    }
    let waits = tokio::spawn({
        let inbound = inbound.clone();
        async move { put(&inbound, 1, vote(3), 10).await }
    });
    assert_eq!(put(&inbound, 2, vote(9), 10).await, Delivery::Queued);
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert!(!waits.is_finished(), "two of two messages wait");
    assert_eq!(receiver.next(false).await, received(1, vote(1)));
    assert_eq!(waits.await.expect("no panic"), Delivery::Queued);
    assert_eq!(receiver.next(false).await, received(1, vote(2)));
    assert_eq!(receiver.next(false).await, received(2, vote(9)));
    assert_eq!(receiver.next(false).await, received(1, vote(3)));
}

/// While one connection of a peer takes the place of another both may wait: neither is forgotten.
#[tokio::test]
async fn two_connections_of_one_peer_both_go_on() {
    let (inbound, mut receiver) = small();
    for view in 1..=2 {
        assert_eq!(put(&inbound, 1, vote(view), 10).await, Delivery::Queued);
    }
    let waits = |view| {
        let inbound = inbound.clone();
        tokio::spawn(async move { put(&inbound, 1, vote(view), 10).await })
    };
    let both = [waits(3), waits(4)];
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    for view in 1..=4 {
        let taken = tokio::time::timeout(Duration::from_secs(60), receiver.next(false)).await;
        let taken = taken.unwrap_or_else(|_| panic!("vote {view} never comes"));
        assert!(matches!(taken, Some(Arrival::Received { .. })), "{taken:?}");
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }
    for wait in both {
        assert_eq!(wait.await.expect("no panic"), Delivery::Queued);
    }
}

/// Bulk never waits, bytes count as well as messages, and one message always fits.
#[tokio::test]
async fn bulk_over_the_share_is_dropped() {
    let (inbound, mut receiver) = small();
    assert_eq!(put(&inbound, 1, bulk(1), 1_000).await, Delivery::Queued);
    assert_eq!(put(&inbound, 1, bulk(2), 1).await, Delivery::Dropped);
    assert_eq!(receiver.try_next(true), received(1, bulk(1)));
    assert_eq!(put(&inbound, 1, bulk(3), 1).await, Delivery::Queued);
}

/// Those that are no members share one bound.
#[tokio::test]
async fn strangers_share_one_bound() {
    let (inbound, mut receiver) = small();
    for from in 1..=4 {
        let expected = if from < 4 { Delivery::Queued } else { Delivery::Dropped };
        let delivery = inbound.deliver(peer(from), false, Class::Bulk, bulk(1), 10).await;
        assert_eq!(delivery, expected, "the message of peer {from}");
    }
    assert_eq!(put(&inbound, 9, bulk(1), 10).await, Delivery::Queued);
    assert_eq!(receiver.try_next(true), received(1, bulk(1)));
    let delivery = inbound.deliver(peer(4), false, Class::Bulk, bulk(1), 10).await;
    assert_eq!(delivery, Delivery::Queued);
}

/// Whatever a connection does unseen, what is told alternates and ends in the truth.
#[tokio::test]
async fn connections_are_told_in_pairs() {
    let (inbound, mut receiver) = small();
    let events = |receiver: &mut InboundReceiver| {
        let mut events = Vec::new();
        while let Some(Arrival::Peer(event)) = receiver.try_next(true) {
            events.push(event);
        }
        events
    };
    let (connected, lost) = (PeerEvent::Connected(peer(1)), PeerEvent::Lost(peer(1)));
    for _ in 0..1_000 {
        inbound.connected(peer(1));
        inbound.lost(peer(1));
    }
    assert_eq!(events(&mut receiver), []);
    inbound.connected(peer(1));
    assert_eq!(events(&mut receiver), [connected]);
    for _ in 0..1_000 {
        inbound.lost(peer(1));
        inbound.connected(peer(1));
    }
    assert_eq!(events(&mut receiver), [lost, connected]);
    inbound.lost(peer(1));
    inbound.connected(peer(1));
    inbound.lost(peer(1));
    assert_eq!(events(&mut receiver), [lost]);
}

#[tokio::test]
async fn ends_when_either_side_is_gone() {
    let (inbound, mut receiver) = small();
    assert_eq!(put(&inbound, 1, vote(1), 10).await, Delivery::Queued);
    drop(inbound);
    assert_eq!(receiver.next(true).await, received(1, vote(1)));
    assert_eq!(receiver.next(true).await, None);
    let (inbound, receiver) = small();
    for view in 1..=2 {
        assert_eq!(put(&inbound, 1, vote(view), 10).await, Delivery::Queued);
    }
    let waits = tokio::spawn({
        let inbound = inbound.clone();
        async move { put(&inbound, 1, vote(3), 10).await }
    });
    tokio::task::yield_now().await;
    drop(receiver);
    assert_eq!(waits.await.expect("no panic"), Delivery::Closed);
}
