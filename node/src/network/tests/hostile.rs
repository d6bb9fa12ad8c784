//! Nodes that keep no rules: each is cut off, costs bounded memory, and the others go on.

use std::time::Duration;

use quorate_core::{
    effect::PeerEvent,
    frame::{CHUNK_BYTES_MAX, Class, HEADER_BYTES, frames},
    types::{ChainId, Digest},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    talk::{Voice, hello},
    world::{Node, bulk, key, options, pair, proposal, soon, vote},
};
use crate::network::control::{Control, Farewell};

/// A validator with one honest member, and one more member, number 3, that is not.
async fn world(change: impl Fn(&mut crate::network::NetworkOptions)) -> (Node, Node) {
    let nowhere = "127.0.0.1:1".parse().expect("an address");
    let mut own = options(1, &[(2, nowhere), (3, nowhere)]);
    change(&mut own);
    let mut node = Node::start(own).await;
    let mut honest = Node::start(options(2, &[(1, node.address())])).await;
    honest.until_connected(1).await;
    node.until_connected(2).await;
    (node, honest)
}

/// The honest member is heard as before.
async fn goes_on(node: &mut Node, honest: &Node) {
    for message in [vote(77), proposal(77), bulk(77)] {
        honest.send(1, &message);
        loop {
            let (from, received) = node.message().await;
            if from == key(2).peer() {
                assert_eq!(received, message);
                break;
            }
        }
    }
}

/// Garbage instead of a handshake, half a handshake, nothing at all: the connection ends.
#[tokio::test]
async fn plain_garbage_ends() {
    let (mut node, honest) = world(|options| {
        options.limits.introduction = Duration::from_millis(300);
    })
    .await;
    let garbage: [&[u8]; 4] =
        [b"GET / HTTP/1.1\r\n\r\n", &[0xff; 4_096], &[0x16, 3, 1, 0x40, 0], b""];
    for bytes in garbage {
        let mut tcp = TcpStream::connect(node.address()).await.expect("it listens");
        tcp.write_all(bytes).await.expect("room for a few bytes");
        let mut rest = Vec::new();
        // Reset or closed, it ends; the answer is at most an alert.
        let _end = soon("the end", tcp.read_to_end(&mut rest)).await;
        assert!(rest.len() < 64, "{} bytes for garbage", rest.len());
    }
    node.until("four failures", |counters| counters.handshakes_failed >= 4).await;
    goes_on(&mut node, &honest).await;
}

/// Many that only connect: no more than the limit at a time, and their places come back.
#[tokio::test]
async fn slow_handshakes_are_few() {
    let (mut node, honest) = world(|options| {
        options.limits.introduction = Duration::from_millis(500);
        options.limits.introductions_per_address = 4;
    })
    .await;
    let mut calls = Vec::new();
    for _ in 0..20 {
        calls.push(TcpStream::connect(node.address()).await.expect("it listens"));
    }
    node.until("sixteen turned away", |counters| counters.turned_away >= 16).await;
    goes_on(&mut node, &honest).await;
    node.until("four cut off", |counters| counters.handshakes_failed >= 4).await;
    let _voice = Voice::introduced(3, 1, node.address()).await;
}

#[tokio::test]
async fn other_genesis_cannot_finish_the_handshake() {
    let (mut node, honest) = world(|_| {}).await;
    let other = Digest::new([8; 32]);
    let refused = Voice::try_dial(3, 1, node.address(), other).await.map(|_| ());
    let refused = refused.expect_err("another chain");
    assert!(refused.to_string().contains("NoApplicationProtocol"), "{refused}");
    goes_on(&mut node, &honest).await;
}

/// Introductions that do not fit are answered with the reason.
#[tokio::test]
async fn wrong_introductions_are_answered() {
    let (mut node, honest) = world(|_| {}).await;
    let mut version = hello(1);
    (version.wire_min, version.wire_max) = (2, 3);
    let mut chain = hello(1);
    chain.chain = ChainId::new(99);
    let mut genesis = hello(1);
    genesis.genesis = Digest::ZERO;
    for (wrong, why) in [
        (version, Farewell::OtherVersion),
        (chain, Farewell::OtherChain),
        (genesis, Farewell::OtherGenesis),
    ] {
        let mut voice = Voice::dial(3, 1, node.address()).await;
        voice.say(&Control::Hello(wrong)).await;
        assert_eq!(voice.farewell().await, Some(why));
    }
    // With the node's own key nobody gets in.
    let mut voice = Voice::dial(1, 1, node.address()).await;
    voice.say(&Control::Hello(hello(1))).await;
    assert_eq!(voice.farewell().await, Some(Farewell::Myself));
    // No introduction, or far too much of one: the connection just ends.
    for bytes in [frames(Class::Votes, false, &vote(1).encode()), vec![0xff; 100_000]] {
        let mut voice = Voice::dial(3, 1, node.address()).await;
        voice.write(&bytes).await;
        assert_eq!(voice.farewell().await, None);
    }
    goes_on(&mut node, &honest).await;
}

/// Frames that no honest node sends end the connection and are a ban.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_frames_end_it() {
    let (mut node, honest) = world(|options| {
        options.limits.ban_member = Duration::from_millis(1);
    })
    .await;
    let bomb = {
        let zeros = zstd::bulk::compress(&vec![0; 64 * 1024 * 1024], 19).expect("zeros");
        let mut body = u32::try_from(zeros.len() * 60).expect("small").to_le_bytes().to_vec();
        body.extend(zeros);
        frames(Class::Bulk, true, &body)
    };
    let absurd = {
        let mut body = u32::MAX.to_le_bytes().to_vec();
        body.extend([0; 100]);
        frames(Class::Bulk, true, &body)
    };
    let second_hello = {
        let mut bytes = Vec::new();
        Control::Hello(hello(3)).append(&mut bytes);
        bytes
    };
    let mut endless = Vec::new();
    for _ in 0..=6 * 1024 * 1024 / CHUNK_BYTES_MAX {
        endless.extend([0, 0, 1, 3, 1]);
        endless.resize(endless.len() + CHUNK_BYTES_MAX, 0);
    }
    let attacks: [(&str, Vec<u8>); 9] = [
        ("a length too long", vec![0xff, 0xff, 0xff, 3, 0]),
        ("an unknown class", vec![1, 0, 0, 9, 0, 0]),
        ("an unknown flag", vec![1, 0, 0, 3, 0x80, 0]),
        ("an empty frame", vec![0, 0, 0, 1, 0]),
        ("a message that is none", frames(Class::Votes, false, &[0xff; 100])),
        ("a bomb", bomb),
        ("an absurd claim", absurd),
        ("a second introduction", second_hello),
        ("a message without end", endless),
    ];
    for (number, (what, bytes)) in (1..).zip(attacks) {
        let mut voice = Voice::introduced(3, 1, node.address()).await;
        assert_eq!(node.event().await, PeerEvent::Connected(key(3).peer()), "{what}");
        voice.write(&bytes).await;
        let why = voice.farewell().await;
        let expected = [Some(Farewell::Offence), Some(Farewell::Banned), None];
        assert!(expected.contains(&why), "{what}: {why:?}");
        assert_eq!(node.event().await, PeerEvent::Lost(key(3).peer()), "{what}");
        node.until(what, |counters| counters.banned == number).await;
        // The ban of a moment is over when the next one comes.
        let network = &node.network;
        soon("the end of the ban", async {
            while network.peers().iter().any(|peer| peer.banned_for.is_some()) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    }
    goes_on(&mut node, &honest).await;
}

/// A message in the class of another is an offence, and is not passed on.
#[tokio::test]
async fn wrong_class_is_an_offence() {
    let (mut node, honest) = world(|_| {}).await;
    let mut voice = Voice::introduced(3, 1, node.address()).await;
    voice.write(&frames(Class::Votes, false, &bulk(1).encode())).await;
    node.until("an offence", |counters| counters.offences == 1).await;
    assert_eq!(node.network.counters().received.votes.messages, 0);
    voice.write(&frames(Class::Votes, false, &bulk(2).encode())).await;
    assert_eq!(voice.farewell().await, Some(Farewell::Banned));
    goes_on(&mut node, &honest).await;
}

/// Whoever is no member may send little at once: more is refused at its header, before it is kept.
#[tokio::test]
async fn strangers_send_little_at_once() {
    let (mut node, honest) = world(|options| {
        options.limits.ban_full = Duration::from_millis(1);
    })
    .await;
    let mut endless = Vec::new();
    for _ in 0..=1024 * 1024 / CHUNK_BYTES_MAX {
        endless.extend([0, 0, 1, 3, 1]);
        endless.resize(endless.len() + CHUNK_BYTES_MAX, 0);
    }
    let claim = {
        let packed = vec![7; 40_000];
        let mut body = (1024_u32 * 1024 + 1).to_le_bytes().to_vec();
        body.extend(packed);
        frames(Class::Bulk, true, &body)
    };
    // A header is enough: nobody waits for what it announces.
    let proposal = frames(Class::Proposals, false, &[1; 1_000])[..HEADER_BYTES].to_vec();
    for (number, bytes) in (10..).zip([endless, claim, proposal]) {
        let mut voice = Voice::introduced(number, 1, node.address()).await;
        voice.write(&bytes).await;
        let why = voice.farewell().await;
        assert!([Some(Farewell::Offence), Some(Farewell::Banned), None].contains(&why), "{why:?}");
    }
    node.until("three offences", |counters| counters.offences == 3).await;
    goes_on(&mut node, &honest).await;
}

/// Half a frame and then silence, or a hang-up: noticed, told, and nothing of it comes out.
#[tokio::test]
async fn half_a_frame_is_nothing() {
    let (mut node, honest) = world(|options| {
        options.limits.ping = Duration::from_millis(100);
        options.limits.silence = Duration::from_millis(600);
    })
    .await;
    let half = frames(Class::Bulk, false, &bulk(1).encode());
    let half = &half[..half.len() - 1];
    let mut voice = Voice::introduced(3, 1, node.address()).await;
    assert_eq!(node.event().await, PeerEvent::Connected(key(3).peer()));
    voice.write(half).await;
    assert_eq!(voice.farewell().await, Some(Farewell::Silence));
    assert_eq!(node.event().await, PeerEvent::Lost(key(3).peer()));

    let mut voice = Voice::introduced(3, 1, node.address()).await;
    assert_eq!(node.event().await, PeerEvent::Connected(key(3).peer()));
    voice.write(&half[..HEADER_BYTES - 2]).await;
    voice.hang_up().await;
    assert_eq!(node.event().await, PeerEvent::Lost(key(3).peer()));
    goes_on(&mut node, &honest).await;
}

/// A peer that answers nothing is gone after a while; one that only answers pings stays.
#[tokio::test]
async fn a_dead_peer_is_noticed() {
    let (mut node, honest) = world(|options| {
        options.limits.ping = Duration::from_millis(50);
        options.limits.silence = Duration::from_millis(500);
    })
    .await;
    let mut alive = Voice::introduced(3, 1, node.address()).await;
    assert_eq!(node.event().await, PeerEvent::Connected(key(3).peer()));
    // Twenty pings are twice as long as a silent peer lasts.
    for _ in 0..20 {
        match alive.hear().await {
            Some(Control::Ping(number)) => alive.say(&Control::Pong(number)).await,
            other => panic!("{other:?} to one that answers"),
        }
    }
    assert_eq!(node.event().await, PeerEvent::Lost(key(3).peer()));
    goes_on(&mut node, &honest).await;
}

/// Faster than allowed is slowed down, and no offence.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_fast_is_slowed_down() {
    let (mut node, honest) = world(|_| {}).await;
    let mut voice = Voice::introduced(9, 1, node.address()).await;
    let flood = frames(Class::Votes, false, &vote(1).encode()).repeat(60);
    voice.write(&flood).await;
    node.until("a wait", |counters| counters.throttled > 0).await;
    assert_eq!(node.network.counters().offences, 0);
    goes_on(&mut node, &honest).await;
    assert!(
        node.network.counters().received.votes.messages < 61,
        "forty at once, then twenty a second"
    );
}

/// Pings without end are not answered without end: a newer one takes an older one's place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_of_pings_are_slowed_down() {
    let (first, second) = pair(|_| {}).await;
    drop(second);
    let mut voice = Voice::introduced(3, 1, first.address()).await;
    let mut flood = Vec::new();
    for number in 0..1_000 {
        Control::Ping(number).append(&mut flood);
    }
    voice.write(&flood).await;
    first.until("a wait", |counters| counters.throttled > 0).await;
}
