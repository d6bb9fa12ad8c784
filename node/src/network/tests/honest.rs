//! Nodes that keep the rules: every class and size arrives, votes overtake, connections come back.

use std::{
    io::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use quorate_core::{
    effect::{PeerEvent, PeerFault},
    message::{BlockResponse, Message},
    types::{Digest, Height},
};
use tracing_subscriber::fmt::MakeWriter;

use super::world::{
    GENESIS, Node, bulk, key, large_bulk, large_proposal, nodes, options, pair, proposal, soon,
    vote,
};
use crate::{
    exit::Exit,
    network::{Direction, NetworkLimits, PerClass, Role, inbound},
};

const MIB: usize = 1024 * 1024;
const MIB_LONG: u64 = 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_class_and_size_arrives() {
    let (first, mut second) = pair(|_| {}).await;
    let messages = [
        vote(1),
        proposal(2),
        bulk(3),
        large_proposal(20_000),
        large_proposal(64 * 1024),
        large_proposal(MIB),
        large_bulk(2_000, false),
        large_bulk(100_000, true),
        large_bulk(4 * MIB, false),
        large_bulk(6 * MIB - 4_096, true),
    ];
    for message in messages {
        first.send(2, &message);
        let (from, received) = second.message().await;
        assert!(received == message, "{} came out different", message.name());
        assert_eq!(from, key(1).peer());
    }
    let written = first.network.counters().bytes_written;
    let sent = first.network.counters().sent;
    assert_eq!((sent.votes.messages, sent.proposals.messages, sent.bulk.messages), (1, 4, 5));
    // Four MiB of it can be packed to one.
    let plain = sent.votes.bytes + sent.proposals.bytes + sent.bulk.bytes;
    assert!(written + 2 * MIB_LONG < plain, "{written} of {plain}");
    let received = second.network.counters().received;
    assert_eq!(received, sent);
}

/// Seven nodes that all dial each other at once end up with one connection for each two.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seven_nodes_talk() {
    let mut nodes = nodes(7, |_| {}).await;
    // Connections settle when every node says that it has six, from both ends.
    for node in &nodes {
        let network = &node.network;
        soon("six connections", async {
            while network.peers().iter().filter(|peer| peer.connection.is_some()).count() < 6 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
    let everyone: Vec<_> = (1..=7).map(|number| key(number).peer()).collect();
    // Lost messages are allowed while connections settle, so each round is sent until it came.
    for (place, message) in
        [vote(1), proposal(1), bulk(1), large_proposal(MIB), large_bulk(2 * MIB, true)]
            .into_iter()
            .enumerate()
    {
        let sender = place % 7;
        nodes[sender].network.send(&everyone, &message);
        for (number, node) in nodes.iter_mut().enumerate().filter(|(number, _)| *number != sender) {
            let (from, received) = node.message().await;
            assert!(received == message, "{} came to {number} different", message.name());
            assert_eq!(from, everyone[sender]);
        }
    }
    for node in &nodes {
        soon("the end", node.network.shutdown()).await;
        let counters = node.network.counters();
        assert_eq!(counters.connected, counters.lost, "every connection that came went");
    }
}

/// What people see of a peer.
#[tokio::test]
async fn peers_are_described() {
    let (first, mut second) = pair(|options| options.height = Height::new(77)).await;
    first.send(2, &vote(1));
    second.message().await;
    let peer = soon("a round trip", async {
        loop {
            let peer = second.network.peers().remove(0);
            if peer.connection.as_ref().is_some_and(|status| status.round_trip.is_some()) {
                return peer;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert_eq!((peer.peer, peer.role), (key(1).peer(), Role::Member));
    assert_eq!(peer.address, Some(first.address().to_string()));
    assert_eq!((peer.score, peer.banned_for), (0, None));
    let connection = peer.connection.expect("connected");
    assert_eq!(connection.height, Height::new(77));
    assert!(connection.build.starts_with("quorate/"), "{}", connection.build);
    assert_eq!(connection.received.votes.messages, 1);
    assert_eq!(connection.queued_bytes, PerClass::default());
}

/// The smaller key calls first, so that two nodes that start together make one connection.
#[tokio::test]
async fn one_connection_for_two() {
    let (first, second) = pair(|options| options.limits.dial_min = Duration::from_secs(2)).await;
    for (node, other) in [(&first, 2), (&second, 1)] {
        let smaller = key(1).peer() < key(2).peer();
        let dials = (other == 2) == smaller;
        let direction = if dials { Direction::Outbound } else { Direction::Inbound };
        let connection = node.network.peers().remove(0).connection.expect("connected");
        assert_eq!(connection.direction, direction, "to {other}");
    }
}

/// While megabytes wait for a slow reader, a vote goes ahead of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vote_overtakes_bulk() {
    let (first, mut second) = pair(|options| options.pack = false).await;
    let large = large_bulk(4 * MIB, true);
    for _ in 0..3 {
        first.send(2, &large);
    }
    first.send(2, &vote(9));
    let (_, received) = second.message().await;
    assert_eq!(received, vote(9), "twelve MiB were ahead of it");
    for _ in 0..3 {
        assert!(second.message().await.1 == large);
    }
}

/// Nobody reads: the queue stays within its bound, and what is dropped is counted.
#[tokio::test]
async fn overflow_is_dropped_and_counted() {
    let (first, mut second) = pair(|_| {}).await;
    // One thread and no pause between: nothing is written before all are queued.
    let room = NetworkLimits::default().outbox;
    let count = u64::try_from(room.votes.messages).expect("a small number");
    for view in 0..count + 10 {
        first.send(2, &vote(view));
    }
    for id in 0..300 {
        first.send(2, &bulk(id));
    }
    let sent = first.network.counters().sent;
    assert_eq!(sent.votes.dropped, 10);
    assert_eq!(sent.bulk.dropped, 300 - 256);
    // The oldest votes are gone and the newest are not; of bulk the newest are.
    let (mut votes, mut bulks) = (Vec::new(), Vec::new());
    while u64::try_from(votes.len()).expect("few") < count || bulks.len() < 64 {
        match second.message().await.1 {
            message @ Message::CertificateRequest(_) => votes.push(message),
            message => bulks.push(message),
        }
    }
    assert_eq!(votes.first(), Some(&vote(10)));
    assert_eq!(votes.last(), Some(&vote(count + 9)));
    assert_eq!(bulks.first(), Some(&bulk(0)));
}

/// A node that is started again is found again, whoever dials, and told as lost and connected.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_node_is_found_again() {
    let mut first = Node::start(options(1, &[])).await;
    let address = first.address();
    let mut second = Node::start(options(2, &[(1, address)])).await;
    second.until_connected(1).await;
    for _ in 0..3 {
        first.network.shutdown().await;
        assert_eq!(second.event().await, PeerEvent::Lost(key(1).peer()));
        let mut again = options(1, &[]);
        again.listen = address;
        first = Node::start(again).await;
        assert_eq!(second.event().await, PeerEvent::Connected(key(1).peer()));
        first.until_connected(2).await;
        second.send(1, &bulk(1));
        assert_eq!(first.message().await, (key(2).peer(), bulk(1)));
    }
}

/// A full node: not in the list, one of few slots, bulk and requests only.
#[tokio::test]
async fn a_full_node_has_its_place() {
    let mut validator = Node::start({
        let mut options = options(1, &[]);
        options.full_slots = 1;
        options
    })
    .await;
    let mut full = Node::start(options(2, &[(1, validator.address())])).await;
    full.until_connected(1).await;
    validator.until_connected(2).await;
    assert_eq!(validator.network.peers()[0].role, Role::Full);
    for message in [bulk(1), vote(1), large_bulk(100_000, true)] {
        full.send(1, &message);
        assert!(validator.message().await.1 == message);
    }
    // Everything goes the other way.
    for message in [vote(2), proposal(2), bulk(2)] {
        validator.send(2, &message);
        assert_eq!(full.message().await.1, message);
    }
    // There is no second slot, and the second one is told why.
    let late = Node::start(options(3, &[(1, validator.address())])).await;
    let network = &late.network;
    let why = soon("an answer", async {
        loop {
            if let Some(why) = network.peers().remove(0).last_end {
                return why;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert!(why.contains("all slots"), "{why}");
    // Proposals are for members: the first one ends it, before it is read.
    full.send(1, &proposal(3));
    validator.until_lost(2).await;
    assert_eq!(validator.network.counters().offences, 1);
    assert_eq!(validator.network.counters().received.proposals.messages, 0);
}

/// A node that follows does not send what only members may: nothing is held against it.
#[tokio::test]
async fn an_honest_full_node_gives_no_offence() {
    let mut validator = Node::start(options(1, &[])).await;
    let mut full = Node::start({
        let mut options = options(2, &[(1, validator.address())]);
        options.committee.remove(&key(2).peer());
        options
    })
    .await;
    full.until_connected(1).await;
    validator.until_connected(2).await;
    full.send(1, &proposal(1));
    full.send(1, &Message::BlockResponse(BlockResponse::default()));
    full.send(1, &bulk(1));
    assert_eq!(validator.message().await.1, bulk(1));
    assert_eq!(validator.network.counters().offences, 0);
}

/// A validator that is in nobody's list is one all the same, and is heard.
#[tokio::test]
async fn a_member_without_an_address_is_heard() {
    let mut listed = Node::start({
        let mut options = options(1, &[]);
        options.committee.insert(key(2).peer());
        options.full_slots = 0;
        options
    })
    .await;
    let mut other = Node::start(options(2, &[(1, listed.address())])).await;
    other.until_connected(1).await;
    listed.until_connected(2).await;
    for message in [vote(1), proposal(1), bulk(1)] {
        other.send(1, &message);
        assert_eq!(listed.message().await.1, message);
    }
    assert_eq!(listed.network.peers()[0].role, Role::Member);
    assert_eq!(listed.network.counters().offences, 0);
}

/// How far a peer has come is told as it goes on, to whoever is connected.
#[tokio::test]
async fn heights_are_told() {
    let (first, second) = pair(|options| options.limits.heights = Duration::from_millis(20)).await;
    for height in [5, 700] {
        first.network.set_height(Height::new(height));
        soon("the height", async {
            let told = || second.network.peers().remove(0).connection.map(|one| one.height);
            while told() != Some(Height::new(height)) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}

/// A member that the replica complains about is banned, and comes back when that is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bans_expire() {
    let (mut first, mut second) = pair(|options| {
        options.limits.ban_member = Duration::from_millis(300);
    })
    .await;
    for _ in 0..4 {
        first.network.penalize(key(2).peer(), PeerFault::BadVoteSignature);
    }
    first.until_lost(2).await;
    second.until_lost(1).await;
    first.until_connected(2).await;
    second.until_connected(1).await;
    assert_eq!(first.network.counters().banned, 1);
}

#[tokio::test]
async fn a_taken_port_is_a_clear_failure() {
    let first = Node::start(options(1, &[])).await;
    let mut same = options(2, &[]);
    same.listen = first.address();
    let (inbound, _receiver) = inbound(Default::default());
    let failure = crate::network::Network::start(same, inbound).await.expect_err("taken");
    assert_eq!(failure.exit, Exit::Busy);
    assert!(failure.what.contains(&first.address().to_string()), "{failure}");
}

/// When the last handle is dropped everything ends, and the replica is told.
#[tokio::test]
async fn dropping_ends_it() {
    let (first, mut second) = pair(|_| {}).await;
    let Node { network, mut receiver } = first;
    drop(network);
    soon("the end", async { while receiver.next(true).await.is_some() {} }).await;
    second.until_lost(1).await;
}

/// Where log lines of a test go.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Lines {
    async fn until(&self, text: &str) {
        soon(text, async {
            while !String::from_utf8_lossy(&self.0.lock().expect("no panic")).contains(text) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}

/// Nodes of different chains, or with the wrong key, never talk; both say why.
#[tokio::test]
async fn strangers_are_told_why() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(lines.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let first = Node::start(options(1, &[])).await;
    let mut other = options(2, &[(1, first.address())]);
    other.genesis = Digest::new([8; 32]);
    let second = Node::start(other).await;
    let (own, theirs) = ("quorate/1/0909090909090909", "quorate/1/0808080808080808");
    lines.until(&format!("it does not speak {theirs}")).await;
    lines.until(&format!("it speaks {theirs}, and this node {own}")).await;

    let third = Node::start(options(4, &[(3, first.address())])).await;
    lines.until("the node there has the key").await;
    lines.until("the peer refused").await;

    let mut chain = options(5, &[(1, first.address())]);
    chain.chain = quorate_core::types::ChainId::new(8);
    let fourth = Node::start(chain).await;
    lines.until("this node ended it: another chain").await;
    lines.until("the peer ended it: another chain").await;
    assert_eq!(GENESIS, Digest::new([9; 32]), "the names above are of this genesis");
    for node in [first, second, third, fourth] {
        assert_eq!(node.network.counters().connected, 0);
    }
}
