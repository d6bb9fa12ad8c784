//! The transport over the loopback, and plain TCP beside it in the same run.
//!
//! What a block costs seven validators is the number that matters: one announcement and two rounds of votes, all
//! nodes in this process. Processor time is that of the whole process, both ends, in microseconds per message; it
//! is printed after the times, because criterion measures the clock only.
//!
//! `cargo bench --package quorate-node --bench transport`

use std::{
    fs,
    io::{Error, Write},
    net::SocketAddr,
    time::{Duration, Instant},
};

use criterion::{Criterion, Throughput};
use quorate_core::{
    codec::Bounded,
    crypto::SecretKey,
    message::{Message, TransactionsResponse},
    transaction::{Address, Asset, Output, Transaction, TransactionBody, TransactionKind},
    types::{ChainId, Digest, Height, PeerId, View},
};
use quorate_node::network::{
    Arrival, InboundLimits, InboundReceiver, Mode, Network, NetworkOptions, PeerAddress, PerClass,
    Rate, SecretKeyBytes, inbound,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};

const VOTES: u64 = 1_000;
const LARGE: u64 = 16;

/// A Notarize as it goes over the wire, from the corpus of the fuzzer.
const VOTE: &[u8] = include_bytes!("../core/fuzz/corpus/message/notarize.bin");
const ANNOUNCEMENT: &[u8] = include_bytes!("../core/fuzz/corpus/message/announcement.bin");

struct Node {
    peer: PeerId,
    network: Network,
    receiver: InboundReceiver,
}

fn key(number: u8) -> SecretKeyBytes {
    SecretKeyBytes::new([number; 32])
}

/// Nodes that are connected, each with all others.
async fn mesh(count: u8) -> Vec<Node> {
    let mut listeners = Vec::new();
    let mut members = Vec::new();
    for number in 1..=count {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound port").to_string();
        members.push(PeerAddress { peer: key(number).peer(), address });
        listeners.push((number, listener));
    }
    let mut nodes = Vec::new();
    for (number, listener) in listeners {
        let listen = listener.local_addr().expect("a bound port");
        let (chain, genesis) = (ChainId::new(1), Digest::new([1; 32]));
        let mut options = NetworkOptions::new(listen, key(number), chain, genesis);
        options.mode = Mode::Validator;
        options.committee = members.iter().map(|member| member.peer).collect();
        options.peers = members.clone();
        // What is measured is the cost, not the limits.
        let unlimited = Rate::new(100_000_000, 1_000_000_000);
        options.limits.member =
            PerClass { votes: unlimited, proposals: unlimited, bulk: unlimited };
        let (inbound, receiver) = inbound(InboundLimits::default());
        let network = Network::start_on(listener, options, inbound).expect("a network");
        nodes.push(Node { peer: key(number).peer(), network, receiver });
    }
    for node in &nodes {
        let connected = || {
            let peers = node.network.peers();
            peers.iter().filter(|peer| peer.connection.is_some()).count()
        };
        while connected() + 1 < usize::from(count) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    // Connections that lost to another one are gone as well by then.
    tokio::time::sleep(Duration::from_secs(1)).await;
    nodes
}

/// Takes so many messages.
async fn take(receiver: &mut InboundReceiver, count: u64) {
    let mut left = count;
    while left > 0 {
        match receiver.next(true).await.expect("the network runs") {
            Arrival::Received { .. } => left -= 1,
            Arrival::Peer(_) => {}
        }
    }
}

/// Five thousand transfers, a message of about a MiB of the class of proposals.
fn large() -> Message {
    let key = SecretKey::from_seed([1; 32]);
    let payer = Address::of_key(&key.public());
    let transfer = |nonce: u64| {
        let to = Address::of_key(&SecretKey::from_seed([2; 32]).public());
        let kind =
            TransactionKind::transfer(vec![Output { to, asset: Asset::Native, amount: nonce }]);
        let body = TransactionBody::new(ChainId::new(1), payer, nonce, 1, Height::new(9), kind);
        Transaction::signed(body, &key)
    };
    Message::TransactionsResponse(TransactionsResponse {
        view: View::ZERO,
        block: Digest::ZERO,
        transactions: Bounded::new((0..5_000).map(transfer).collect()),
    })
}

/// Processor time of this process so far, in steps of 10 ms.
fn processor() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_ascii_whitespace();
    // Fields 14 and 15 of proc(5), in ticks of a hundredth of a second.
    let ticks = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum::<u64>();
    Duration::from_millis(ticks * 10)
}

/// Measures a batch with criterion, then what one costs in processor time.
fn measure(
    criterion: &mut Criterion,
    lines: &mut Vec<String>,
    name: &str,
    (throughput, messages): (Throughput, u64),
    mut batch: impl FnMut(),
) {
    let mut group = criterion.benchmark_group("transport");
    group.throughput(throughput).sample_size(20).measurement_time(Duration::from_secs(4));
    group.bench_function(name, |bencher| bencher.iter(&mut batch));
    group.finish();
    let (start, before) = (Instant::now(), processor());
    let mut batches = 0;
    while start.elapsed() < Duration::from_secs(3) {
        batches += 1;
        batch();
    }
    let micros = (processor() - before).as_micros();
    let messages = u128::from(messages * batches);
    let elapsed = start.elapsed().as_micros();
    lines.push(format!(
        "{name}: {} messages/s, {}.{:02} processor-us per message",
        messages * 1_000_000 / elapsed,
        micros / messages,
        micros * 100 / messages % 100,
    ));
}

/// A connection of plain TCP whose other end answers a byte for every batch.
async fn plain(batch: usize) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address: SocketAddr = listener.local_addr().expect("a bound port");
    tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await?;
        let mut bytes = vec![0; 64 * 1024];
        let mut read = 0;
        loop {
            let count = tcp.read(&mut bytes).await?;
            read += count;
            if count == 0 {
                return Ok::<(), Error>(());
            }
            while read >= batch {
                read -= batch;
                tcp.write_all(&[1]).await?;
            }
        }
    });
    let tcp = TcpStream::connect(address).await.expect("it listens");
    tcp.set_nodelay(true).expect("an option of TCP");
    tcp
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let runtime = Runtime::new().expect("a runtime");
    let mut lines = Vec::new();
    let vote = Message::decode(VOTE).expect("a vote");
    let announcement = Message::decode(ANNOUNCEMENT).expect("an announcement");
    let large = large();
    let bytes = |message: &Message| u64::try_from(message.encode().len()).expect("small");

    let votes = (Throughput::Elements(VOTES), VOTES);
    let megabytes = (Throughput::Bytes(LARGE * bytes(&large)), LARGE);
    let mut pair = runtime.block_on(mesh(2));
    let mut second = pair.pop().expect("two");
    let first = pair.pop().expect("two");
    measure(&mut criterion, &mut lines, "votes over TLS", votes.clone(), || {
        for _ in 0..VOTES {
            first.network.send(&[second.peer], &vote);
        }
        runtime.block_on(take(&mut second.receiver, VOTES));
    });
    measure(
        &mut criterion,
        &mut lines,
        "one vote at a time over TLS",
        (Throughput::Elements(1), 1),
        || {
            first.network.send(&[second.peer], &vote);
            runtime.block_on(take(&mut second.receiver, 1));
        },
    );
    measure(&mut criterion, &mut lines, "megabytes over TLS", megabytes.clone(), || {
        for _ in 0..LARGE {
            first.network.send(&[second.peer], &large);
            runtime.block_on(take(&mut second.receiver, 1));
        }
    });

    for (name, message, work) in
        [("votes over plain TCP", &vote, votes), ("megabytes over plain TCP", &large, megabytes)]
    {
        let one = [vec![0; 5], message.encode()].concat();
        let count = usize::try_from(work.1).expect("small");
        let mut tcp = runtime.block_on(plain(one.len() * count));
        measure(&mut criterion, &mut lines, name, work, || {
            runtime.block_on(async {
                for _ in 0..count {
                    tcp.write_all(&one).await.expect("the other end reads");
                }
                tcp.read_exact(&mut [0]).await.expect("the other end answers");
            });
        });
    }

    // A block: the leader announces, everybody votes, everybody votes again.
    let mut nodes = runtime.block_on(mesh(7));
    let peers: Vec<PeerId> = nodes.iter().map(|node| node.peer).collect();
    let messages = 6 + 2 * 42;
    measure(
        &mut criterion,
        &mut lines,
        "a block of seven validators",
        (Throughput::Elements(1), messages),
        || {
            runtime.block_on(async {
                nodes[0].network.send(&peers, &announcement);
                for node in &mut nodes[1..] {
                    take(&mut node.receiver, 1).await;
                }
                for _ in 0..2 {
                    for node in &nodes {
                        node.network.send(&peers, &vote);
                    }
                    for node in &mut nodes {
                        take(&mut node.receiver, 6).await;
                    }
                }
            });
        },
    );
    criterion.final_summary();
    let mut out = std::io::stdout().lock();
    for line in lines {
        writeln!(out, "{line}").expect("a terminal");
    }
}
