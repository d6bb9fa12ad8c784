//! What a network is told at birth, and every limit it keeps. `docs/network.md` explains the numbers.

use std::{collections::BTreeSet, fmt, net::SocketAddr, time::Duration};

use borsh::{BorshDeserialize, BorshSerialize};
use ed25519_consensus::SigningKey;
use quorate_core::{
    frame::Class,
    types::{ChainId, Digest, Height, PeerId},
};

/// Where a node can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerAddress {
    /// Who must answer there: its node key.
    pub peer: PeerId,
    /// Host and port.
    pub address: String,
}

/// The seed of a node key. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKeyBytes([u8; 32]);

impl SecretKeyBytes {
    /// Wraps raw bytes.
    #[must_use]
    pub const fn new(raw: [u8; 32]) -> Self {
        Self(raw)
    }

    /// The raw bytes.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The node's name: the public key of this seed.
    #[must_use]
    pub fn peer(&self) -> PeerId {
        PeerId::new(SigningKey::from(self.0).verification_key().to_bytes())
    }
}

impl fmt::Debug for SecretKeyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

/// What a node does for the chain, as it says itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Mode {
    /// It votes.
    Validator,
    /// It follows.
    Full,
}

/// What a network is told at birth.
#[derive(Clone, Debug)]
pub struct NetworkOptions {
    /// Where to listen. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Seed of the node key.
    pub key: SecretKeyBytes,
    /// The chain.
    pub chain: ChainId,
    /// Its genesis.
    pub genesis: Digest,
    /// What this node does.
    pub mode: Mode,
    /// The finalized height at the start; [`super::Network::set_height`] moves it.
    pub height: Height,
    /// The node keys of the chain's validators: they may send every class, wherever they call from. What is in the
    /// list of peers makes nobody one of them, or less.
    pub committee: BTreeSet<PeerId>,
    /// The nodes to keep a connection to. Itself among them is left out.
    pub peers: Vec<PeerAddress>,
    /// How many that are neither validators nor in the list may be connected at a time.
    pub full_slots: u16,
    /// Whether to pack bulk messages where that saves.
    pub pack: bool,
    /// The limits.
    pub limits: NetworkLimits,
}

impl NetworkOptions {
    /// With no committee and no peers yet, 32 slots for others, and the limits of production.
    #[must_use]
    pub fn new(listen: SocketAddr, key: SecretKeyBytes, chain: ChainId, genesis: Digest) -> Self {
        Self {
            listen,
            key,
            chain,
            genesis,
            mode: Mode::Full,
            height: Height::ZERO,
            committee: BTreeSet::new(),
            peers: Vec::new(),
            full_slots: 32,
            pack: true,
            limits: NetworkLimits::default(),
        }
    }
}

/// Every limit of a network. The defaults are for production; tests shorten the times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkLimits {
    /// From accepting or dialing to the other's introduction.
    pub introduction: Duration,
    /// Introductions under way at a time from addresses of known nodes, and as many from all others.
    pub introductions: u16,
    /// Introductions under way at a time from one address of a known node.
    pub introductions_per_address: u16,
    /// Introductions under way at a time from any other address.
    pub introductions_per_stranger: u16,
    /// Connections one address may begin per second, in the long run.
    pub accepts_per_second: u32,
    /// And at once.
    pub accepts_burst: u32,
    /// Pause between pings, give or take a tenth.
    pub ping: Duration,
    /// Pause between two times that a peer is told how far this node has come.
    pub heights: Duration,
    /// A peer that has said nothing for this long is gone.
    pub silence: Duration,
    /// Bytes sent and not acknowledged for this long end a connection.
    pub acknowledged: Duration,
    /// First pause before dialing again.
    pub dial_min: Duration,
    /// Longest pause before dialing again.
    pub dial_max: Duration,
    /// What a member may send per second.
    pub member: Rates,
    /// What any other node may send per second.
    pub full: Rates,
    /// What may wait to be sent to one member.
    pub outbox: Room,
    /// What may wait to be sent to any other node.
    pub outbox_full: Room,
    /// First ban of a member; each further one is twice as long, up to 32 times.
    pub ban_member: Duration,
    /// First ban of any other node; each further one is twice as long, up to 32 times.
    pub ban_full: Duration,
}

impl Default for NetworkLimits {
    fn default() -> Self {
        Self {
            introduction: Duration::from_secs(5),
            introductions: 64,
            introductions_per_address: 32,
            introductions_per_stranger: 8,
            accepts_per_second: 8,
            accepts_burst: 64,
            ping: Duration::from_secs(30),
            heights: Duration::from_secs(1),
            silence: Duration::from_secs(60),
            acknowledged: Duration::from_secs(20),
            dial_min: Duration::from_millis(100),
            dial_max: Duration::from_secs(10),
            member: Rates {
                votes: Rate::new(20_000, 16 * MIB),
                proposals: Rate::new(4_000, 64 * MIB),
                bulk: Rate::new(4_000, 64 * MIB),
            },
            full: Rates {
                votes: Rate::new(20, 64 * 1024),
                proposals: Rate::new(1, 64 * 1024),
                bulk: Rate::new(200, 8 * MIB),
            },
            outbox: Room {
                votes: Bound { messages: 4_096, bytes: 4 * MIB_LONG },
                proposals: Bound { messages: 256, bytes: 16 * MIB_LONG },
                bulk: Bound { messages: 256, bytes: 16 * MIB_LONG },
            },
            outbox_full: Room {
                votes: Bound { messages: 256, bytes: MIB_LONG / 2 },
                proposals: Bound { messages: 4, bytes: MIB_LONG / 2 },
                // One answer with blocks and its proofs: it is asked for the next one when it has this.
                bulk: Bound { messages: 16, bytes: 5 * MIB_LONG },
            },
            ban_member: Duration::from_secs(10),
            ban_full: Duration::from_secs(120),
        }
    }
}

const MIB: u32 = 1024 * 1024;
const MIB_LONG: usize = 1024 * 1024;

/// One value for each class of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerClass<T> {
    /// Votes.
    pub votes: T,
    /// Proposals.
    pub proposals: T,
    /// Bulk.
    pub bulk: T,
}

impl<T> PerClass<T> {
    /// That of a class.
    ///
    /// # Panics
    /// For control frames, which are no messages.
    #[must_use]
    pub fn of(&self, class: Class) -> &T {
        match class {
            Class::Control => panic!("control frames are no messages"),
            Class::Votes => &self.votes,
            Class::Proposals => &self.proposals,
            Class::Bulk => &self.bulk,
        }
    }

    /// That of a class, to change it.
    ///
    /// # Panics
    /// For control frames, which are no messages.
    pub fn of_mut(&mut self, class: Class) -> &mut T {
        match class {
            Class::Control => panic!("control frames are no messages"),
            Class::Votes => &mut self.votes,
            Class::Proposals => &mut self.proposals,
            Class::Bulk => &mut self.bulk,
        }
    }

    /// One value per class.
    #[must_use]
    pub fn from_fn(mut f: impl FnMut(Class) -> T) -> Self {
        Self { votes: f(Class::Votes), proposals: f(Class::Proposals), bulk: f(Class::Bulk) }
    }
}

/// How fast a peer may send, by class.
pub type Rates = PerClass<Rate>;

/// How much may wait, by class.
pub type Room = PerClass<Bound>;

/// How fast. Twice as much may come at once, and always one message of the largest size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Messages per second.
    pub messages: u32,
    /// Bytes per second, unpacked.
    pub bytes: u32,
}

impl Rate {
    /// So many messages and bytes per second.
    #[must_use]
    pub const fn new(messages: u32, bytes: u32) -> Self {
        Self { messages, bytes }
    }
}

/// How much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Messages.
    pub messages: usize,
    /// Bytes of them.
    pub bytes: usize,
}

impl Bound {
    /// Whether one more of `length` bytes has room beside what is there. One message always has.
    #[must_use]
    pub(crate) const fn has_room(self, messages: usize, bytes: usize, length: usize) -> bool {
        messages == 0 || (messages < self.messages && bytes.saturating_add(length) <= self.bytes)
    }
}
