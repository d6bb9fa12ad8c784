//! Nodes for tests: keys, listeners whose ports are known beforehand, messages of every class and size.

use std::{future::Future, net::SocketAddr, time::Duration};

use quorate_core::{
    codec::Bounded,
    crypto::SecretKey,
    effect::PeerEvent,
    message::{
        BlockRequest, BlockWant, CertificateRequest, Message, TransactionsRequest,
        TransactionsResponse,
    },
    transaction::{Address, ObjectAction, Objects, Transaction, TransactionBody, TransactionKind},
    types::{ChainId, Digest, Epoch, Height, PeerId, View},
};
use tokio::{net::TcpListener, time::timeout};

use crate::network::{
    Arrival, InboundLimits, InboundReceiver, Mode, Network, NetworkLimits, NetworkOptions,
    PeerAddress, SecretKeyBytes, inbound,
};

pub(crate) const CHAIN: ChainId = ChainId::new(7);
pub(crate) const GENESIS: Digest = Digest::new([9; 32]);

/// Longer than anything here takes on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Fails if it takes too long.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited in vain for: {what}"))
}

pub(crate) fn key(number: u8) -> SecretKeyBytes {
    SecretKeyBytes::new([number; 32])
}

/// One of a committee with the others. Without the limit on how often one address may call: all of them are the same.
pub(crate) fn options(number: u8, members: &[(u8, SocketAddr)]) -> NetworkOptions {
    let listen = "127.0.0.1:0".parse().expect("an address");
    let mut options = NetworkOptions::new(listen, key(number), CHAIN, GENESIS);
    options.mode = Mode::Validator;
    options.limits = NetworkLimits {
        accepts_per_second: 10_000,
        accepts_burst: 10_000,
        dial_max: Duration::from_millis(200),
        ..NetworkLimits::default()
    };
    let member = |(number, address): &(u8, SocketAddr)| PeerAddress {
        peer: key(*number).peer(),
        address: address.to_string(),
    };
    options.peers = members.iter().map(member).collect();
    options.committee = options.peers.iter().map(|peer| peer.peer).collect();
    options.committee.insert(options.key.peer());
    options
}

/// A running network and where its messages come out.
pub(crate) struct Node {
    pub(crate) network: Network,
    pub(crate) receiver: InboundReceiver,
}

impl Node {
    pub(crate) async fn start(options: NetworkOptions) -> Self {
        let (inbound, receiver) = inbound(InboundLimits::default());
        let network = Network::start(options, inbound).await.expect("a free port");
        Self { network, receiver }
    }

    fn start_on(listener: TcpListener, options: NetworkOptions) -> Self {
        let (inbound, receiver) = inbound(InboundLimits::default());
        let network = Network::start_on(listener, options, inbound).expect("a network");
        Self { network, receiver }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.network.local_addr()
    }

    /// The next connection that comes or goes; messages before it are thrown away.
    pub(crate) async fn event(&mut self) -> PeerEvent {
        loop {
            match soon("a connection to come or go", self.receiver.next(true)).await {
                Some(Arrival::Peer(event)) => return event,
                Some(Arrival::Received { .. }) => {}
                None => panic!("the network ended"),
            }
        }
    }

    /// The next message; connections before it are not looked at.
    pub(crate) async fn message(&mut self) -> (PeerId, Message) {
        loop {
            match soon("a message", self.receiver.next(true)).await {
                Some(Arrival::Received { from, message }) => return (from, message),
                Some(Arrival::Peer(_)) => {}
                None => panic!("the network ended"),
            }
        }
    }

    /// Waits until it is connected to that one.
    pub(crate) async fn until_connected(&mut self, number: u8) {
        let wanted = PeerEvent::Connected(key(number).peer());
        while self.event().await != wanted {}
    }

    /// Waits until it has lost that one.
    pub(crate) async fn until_lost(&mut self, number: u8) {
        let wanted = PeerEvent::Lost(key(number).peer());
        while self.event().await != wanted {}
    }

    pub(crate) fn send(&self, to: u8, message: &Message) {
        self.network.send(&[key(to).peer()], message);
    }

    /// Waits until its counters say so.
    pub(crate) async fn until(
        &self,
        what: &str,
        is: impl Fn(&crate::network::NetworkCounters) -> bool,
    ) {
        let network = &self.network;
        soon(what, async {
            while !is(&network.counters()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}

/// So many nodes that know each other's addresses, started together, before any connection.
pub(crate) async fn nodes(count: u8, change: impl Fn(&mut NetworkOptions)) -> Vec<Node> {
    let mut listeners = Vec::new();
    for number in 1..=count {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        listeners.push((number, listener));
    }
    let place = |(number, listener): &(u8, TcpListener)| {
        (*number, listener.local_addr().expect("a bound port"))
    };
    let members: Vec<(u8, SocketAddr)> = listeners.iter().map(place).collect();
    let start = |(number, listener)| {
        let mut options = options(number, &members);
        change(&mut options);
        Node::start_on(listener, options)
    };
    listeners.into_iter().map(start).collect()
}

/// Two nodes with a connection between them.
pub(crate) async fn pair(change: impl Fn(&mut NetworkOptions)) -> (Node, Node) {
    let mut nodes = nodes(2, change).await;
    let (mut second, mut first) = (nodes.pop().expect("two"), nodes.pop().expect("two"));
    first.until_connected(2).await;
    second.until_connected(1).await;
    (first, second)
}

/// A message of the votes class that anybody may send.
pub(crate) fn vote(view: u64) -> Message {
    let (epoch, view) = (Epoch::ZERO, View::new(view));
    Message::CertificateRequest(CertificateRequest { epoch, view, kind: None })
}

/// A small message of the proposals class.
pub(crate) fn proposal(view: u64) -> Message {
    let (view, block, places) = (View::new(view), Digest::ZERO, Bounded::default());
    Message::TransactionsRequest(TransactionsRequest { view, block, places })
}

/// A small message of the bulk class.
pub(crate) fn bulk(id: u64) -> Message {
    Message::BlockRequest(BlockRequest { id, want: BlockWant::From(Height::ZERO) })
}

/// About that many bytes of transactions: random, or such that packing saves.
fn transactions(bytes: usize, random: bool) -> Vec<Transaction> {
    let mut transactions = Vec::new();
    let mut left = bytes;
    let mut nonce = 0;
    while left > 512 {
        let length = (left - 512).min(32 * 1024);
        let mut data = vec![0; length];
        getrandom::fill(&mut data).expect("randomness");
        if !random {
            // A byte in eight that says something.
            data.iter_mut()
                .enumerate()
                .filter(|(place, _)| place % 8 > 0)
                .for_each(|(_, b)| *b = 7);
        }
        let owner = Address::of_key(&SecretKey::from_seed([1; 32]).public());
        let actions = data.chunks(4_096).map(|data| {
            let data = Bounded::new(data.to_vec());
            ObjectAction::Create { owner, held: 1, data }
        });
        let kind = TransactionKind::Objects(Objects {
            owned: Bounded::default(),
            shared: Bounded::default(),
            actions: Bounded::new(actions.collect()),
        });
        let body = TransactionBody::new(CHAIN, owner, nonce, 1, Height::new(9), kind);
        transactions.push(Transaction { body, signatures: Bounded::default() });
        left -= length + 512;
        nonce += 1;
    }
    transactions
}

/// A message of the proposals class, about that long.
pub(crate) fn large_proposal(bytes: usize) -> Message {
    Message::TransactionsResponse(TransactionsResponse {
        view: View::ZERO,
        block: Digest::ZERO,
        transactions: Bounded::new(transactions(bytes, true)),
    })
}

/// A message of the bulk class, about that long.
pub(crate) fn large_bulk(bytes: usize, random: bool) -> Message {
    Message::Transactions(Bounded::new(transactions(bytes, random)))
}
