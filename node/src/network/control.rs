//! What two nodes say about their connection: who they are, that they are there, and why they leave.
//!
//! Control frames, borsh in at most 1 KiB. `docs/network.md` shows the fields.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use quorate_core::{
    codec::{self, Bounded, DecodeError},
    frame::{self, CONTROL_BYTES_MAX, Class, WIRE_VERSION},
    types::{ChainId, Digest, Height},
};

use super::options::Mode;

/// Bytes of a build's name.
const BUILD_BYTES_MAX: usize = 64;

/// How a node introduces itself.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Hello {
    /// The oldest version it speaks.
    pub(crate) wire_min: u16,
    /// The newest.
    pub(crate) wire_max: u16,
    pub(crate) chain: ChainId,
    pub(crate) genesis: Digest,
    pub(crate) mode: Mode,
    /// A hint.
    pub(crate) height: Height,
    /// Drawn when the process starts: another one means that connections to the old one are dead.
    pub(crate) instance: u64,
    /// Name and version of the build, for people.
    pub(crate) build: Bounded<u8, BUILD_BYTES_MAX>,
}

impl Hello {
    /// This build's, for a chain.
    pub(crate) fn new(chain: ChainId, genesis: Digest, mode: Mode, instance: u64) -> Self {
        let build = concat!("quorate/", env!("CARGO_PKG_VERSION")).as_bytes().to_vec();
        Self {
            wire_min: WIRE_VERSION,
            wire_max: WIRE_VERSION,
            chain,
            genesis,
            mode,
            height: Height::ZERO,
            instance,
            build: Bounded::new(build),
        }
    }

    /// Whether this node can talk to one that says `other`.
    pub(crate) fn check(&self, other: &Self) -> Result<(), Farewell> {
        if other.wire_min > self.wire_max || other.wire_max < self.wire_min {
            return Err(Farewell::OtherVersion);
        }
        if other.chain != self.chain {
            return Err(Farewell::OtherChain);
        }
        if other.genesis != self.genesis {
            return Err(Farewell::OtherGenesis);
        }
        Ok(())
    }

    /// The build's name, with anything but printable letters replaced: it is a stranger's and goes to logs.
    pub(crate) fn build(&self) -> String {
        let printable = |byte: &u8| if byte.is_ascii_graphic() { char::from(*byte) } else { '?' };
        self.build.iter().map(printable).collect()
    }
}

/// Why a node ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) enum Farewell {
    /// It stops.
    Stopping,
    /// There is another connection between the two, and that one stays.
    Duplicate,
    /// All slots for nodes it does not know are taken.
    NoSlot,
    /// Too many offences.
    Banned,
    /// No version in common.
    OtherVersion,
    /// Another chain.
    OtherChain,
    /// Another genesis.
    OtherGenesis,
    /// It is the same node.
    Myself,
    /// What came made no sense.
    Offence,
    /// Nothing was heard for too long.
    Silence,
}

impl fmt::Display for Farewell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stopping => "stopping",
            Self::Duplicate => "there is another connection between the two",
            Self::NoSlot => {
                "all slots for nodes that are neither validators nor in the list of peers are taken"
            }
            Self::Banned => "banned for a while, after offences",
            Self::OtherVersion => "no version of the wire in common",
            Self::OtherChain => "another chain",
            Self::OtherGenesis => "another genesis",
            Self::Myself => "this is the node itself",
            Self::Offence => "a frame that makes no sense",
            Self::Silence => "nothing was heard for too long",
        })
    }
}

/// A control frame.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) enum Control {
    /// The first frame of either side, and only that.
    Hello(Hello),
    /// Asks for the same number back.
    Ping(u64),
    /// Gives it back.
    Pong(u64),
    /// The last frame.
    Bye(Farewell),
    /// How far the sender has come. A hint.
    Height(Height),
}

impl Control {
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        codec::decode(bytes, CONTROL_BYTES_MAX)
    }

    /// Appends its frame.
    pub(crate) fn append(&self, out: &mut Vec<u8>) {
        let body = codec::encode(self);
        let end = frame::append_frame(out, Class::Control, false, &body, 0);
        debug_assert_eq!(end, body.len(), "a control frame is one frame");
    }
}

#[cfg(test)]
mod tests;
