//! Frames: how messages of different urgency share one connection. `docs/wire.md` shows the bytes.
//!
//! A frame is a header of five bytes and a chunk of a message. Each class of messages is put together on its
//! own, so a vote goes between two chunks of a block. Everything here is pure: it never waits, never
//! compresses, and never allocates for a byte that did not arrive. What a header claims is checked before
//! any byte behind it is taken.

use std::borrow::Cow;

use crate::message::{MESSAGE_BYTES_MAX, Message};

/// The version of frames and messages that this build speaks.
pub const WIRE_VERSION: u16 = 1;

/// Bytes of a frame's header.
pub const HEADER_BYTES: usize = 5;

/// Bytes of the largest chunk. Every chunk but a message's last is exactly that long.
pub const CHUNK_BYTES_MAX: usize = 64 * 1024;

/// Bytes of the largest control frame: two nodes introduce themselves in less.
pub const CONTROL_BYTES_MAX: usize = 1024;

/// How much longer than its packed form a message may be. Signatures and digests do not shrink, so nothing
/// honest comes near it.
pub const RATIO_MAX: usize = 64;

/// Bytes before a packed message: how long it is unpacked.
pub const UNPACKED_BYTES: usize = 4;

const MORE: u8 = 1;
const PACKED: u8 = 2;

/// How urgent a frame is. Less is sooner; the order is the number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// About the connection itself. Not a message.
    Control,
    /// What consensus waits for: one frame each.
    Votes,
    /// Proposals, and what is needed to judge one.
    Proposals,
    /// Blocks for those behind, and transactions.
    Bulk,
}

impl Class {
    /// Every class, the most urgent first.
    pub const ALL: [Self; 4] = [Self::Control, Self::Votes, Self::Proposals, Self::Bulk];

    /// The classes of messages, the most urgent first.
    pub const MESSAGES: [Self; 3] = [Self::Votes, Self::Proposals, Self::Bulk];

    /// The class of a message that is `bytes` long.
    ///
    /// What is longer than a chunk is no vote, whatever it says: certificates of a very large committee travel
    /// as proposals do, so that no vote ever waits behind more than a chunk of anything.
    #[must_use]
    pub fn of(message: &Message, bytes: usize) -> Self {
        match message {
            Message::Vote(_)
            | Message::Votes(_)
            | Message::Certificates(_)
            | Message::Status(_)
            | Message::CertificateRequest(_)
            | Message::Evidence(_)
            | Message::CheckpointVotes(_)
            | Message::CheckpointCertificate(_) => {
                if bytes > CHUNK_BYTES_MAX {
                    Self::Proposals
                } else {
                    Self::Votes
                }
            }
            Message::Proposal(_)
            | Message::TransactionsRequest(_)
            | Message::TransactionsResponse(_) => Self::Proposals,
            Message::BlockRequest(_) | Message::BlockResponse(_) | Message::Transactions(_) => {
                Self::Bulk
            }
        }
    }

    /// Its number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Control => 0,
            Self::Votes => 1,
            Self::Proposals => 2,
            Self::Bulk => 3,
        }
    }

    /// The class of that number.
    #[must_use]
    pub fn of_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.number() == number)
    }

    /// Its name, for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Votes => "votes",
            Self::Proposals => "proposals",
            Self::Bulk => "bulk",
        }
    }

    /// Bytes of its longest message.
    #[must_use]
    pub const fn bytes_max(self) -> usize {
        match self {
            Self::Control => CONTROL_BYTES_MAX,
            Self::Votes => CHUNK_BYTES_MAX,
            Self::Proposals | Self::Bulk => MESSAGE_BYTES_MAX,
        }
    }

    /// Whether its messages may take several frames.
    const fn is_chunked(self) -> bool {
        matches!(self, Self::Proposals | Self::Bulk)
    }

    /// Whether its messages may be packed. Only what nobody waits for.
    #[must_use]
    pub const fn is_packable(self) -> bool {
        matches!(self, Self::Bulk)
    }
}

/// Why a frame was refused. After any of these the rest of the stream means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// No such class.
    #[error("{0} is no class")]
    UnknownClass(u8),
    /// Flags that mean nothing, or nothing in this class.
    #[error("flags {flags:#04x} mean nothing in class {class:?}")]
    UnknownFlags {
        /// The flags.
        flags: u8,
        /// The class.
        class: Class,
    },
    /// No bytes: no message is empty.
    #[error("an empty frame")]
    Empty,
    /// Longer than a frame of its class may be.
    #[error("{length} bytes exceed a frame's {limit}")]
    TooLong {
        /// Bytes claimed.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// More is to come, and yet the chunk is not full.
    #[error("a chunk of {0} bytes that is not the last")]
    ShortChunk(usize),
    /// A message longer than its class allows.
    #[error("a message of over {limit} bytes in class {class:?}")]
    MessageTooLong {
        /// The class.
        class: Class,
        /// Bytes allowed.
        limit: usize,
    },
    /// Some chunks of a message claim to be packed, and some do not.
    #[error("a message packed only in part")]
    PackedInPart,
    /// A packed message that claims to be empty, no longer than packed, far longer, or longer than its class allows.
    #[error("{packed} packed bytes claim to be {unpacked}")]
    Unpacked {
        /// Bytes there are.
        packed: usize,
        /// Bytes claimed.
        unpacked: usize,
    },
}

/// What a frame says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    class: Class,
    more: bool,
    packed: bool,
    length: usize,
}

impl Header {
    /// Reads a header and checks all that can be known of a frame without the ones before.
    ///
    /// # Errors
    /// If no honest node sends it.
    pub fn decode(bytes: [u8; HEADER_BYTES]) -> Result<Self, FrameError> {
        let [low, middle, high, class, flags] = bytes;
        let class = Class::of_number(class).ok_or(FrameError::UnknownClass(class))?;
        let (more, packed) = (flags & MORE != 0, flags & PACKED != 0);
        let unknown = flags & !(MORE | PACKED) != 0;
        if unknown || (more && !class.is_chunked()) || (packed && !class.is_packable()) {
            return Err(FrameError::UnknownFlags { flags, class });
        }
        let length = usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16;
        let limit = class.bytes_max().min(CHUNK_BYTES_MAX);
        if length == 0 {
            return Err(FrameError::Empty);
        }
        if length > limit {
            return Err(FrameError::TooLong { length, limit });
        }
        if more && length != CHUNK_BYTES_MAX {
            return Err(FrameError::ShortChunk(length));
        }
        Ok(Self { class, more, packed, length })
    }

    /// The bytes of it.
    #[must_use]
    pub fn encode(self) -> [u8; HEADER_BYTES] {
        let [low, middle, high, ..] = self.length.to_le_bytes();
        let flags = if self.more { MORE } else { 0 } | if self.packed { PACKED } else { 0 };
        [low, middle, high, self.class.number(), flags]
    }

    /// The class.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.class
    }

    /// Bytes of the chunk.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.length
    }
}

/// Appends the frame of `body` that begins at `offset`; returns where the next one begins, or the body's length.
///
/// A packed body begins with its length unpacked, as [`packed_body`] makes it.
///
/// # Panics
/// If the body is empty, too long for its class, at its end, or packed in a class that is not: what we send is ours.
pub fn append_frame(
    out: &mut Vec<u8>,
    class: Class,
    packed: bool,
    body: &[u8],
    offset: usize,
) -> usize {
    let limit = class.bytes_max();
    assert!(body.len() <= limit, "{} bytes exceed the {limit} of {class:?}", body.len());
    assert!(offset < body.len(), "nothing left at {offset} of {}", body.len());
    assert!(!packed || class.is_packable(), "{class:?} is never packed");
    let end = body.len().min(offset + CHUNK_BYTES_MAX);
    let header = Header { class, more: end < body.len(), packed, length: end - offset };
    out.extend_from_slice(&header.encode());
    out.extend_from_slice(&body[offset..end]);
    end
}

/// All frames of one body.
///
/// # Panics
/// As [`append_frame`].
#[must_use]
pub fn frames(class: Class, packed: bool, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + HEADER_BYTES);
    let mut offset = 0;
    while offset < body.len() || offset == 0 {
        offset = append_frame(&mut out, class, packed, body, offset);
    }
    out
}

/// The body of a packed message, if a receiver would take it: shorter than the message, and not absurdly so.
#[must_use]
pub fn packed_body(unpacked: usize, packed: &[u8]) -> Option<Vec<u8>> {
    check_unpacked(packed.len(), unpacked).ok()?;
    let length = u32::try_from(unpacked).ok()?;
    let mut body = Vec::with_capacity(UNPACKED_BYTES + packed.len());
    body.extend_from_slice(&length.to_le_bytes());
    body.extend_from_slice(packed);
    (body.len() < unpacked).then_some(body)
}

fn check_unpacked(packed: usize, unpacked: usize) -> Result<(), FrameError> {
    let saves = packed + UNPACKED_BYTES < unpacked;
    if !saves || unpacked > MESSAGE_BYTES_MAX || unpacked > packed.saturating_mul(RATIO_MAX) {
        return Err(FrameError::Unpacked { packed, unpacked });
    }
    Ok(())
}

/// A message put together, not decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole<'a> {
    /// The class it came in.
    pub class: Class,
    /// If it is packed, the bytes it claims to have unpacked: within the limits.
    pub unpacked: Option<usize>,
    /// The message, or its packed form.
    pub bytes: Cow<'a, [u8]>,
}

/// Puts the chunks of one connection together, a message of each class at a time.
#[derive(Clone, Debug, Default)]
pub struct Assembler {
    proposals: Partial,
    bulk: Partial,
}

/// A message of which some chunks have come.
#[derive(Clone, Debug, Default)]
struct Partial {
    bytes: Vec<u8>,
    packed: bool,
}

impl Assembler {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes of messages that are not whole. At most the longest message of each of two classes.
    #[must_use]
    pub fn held(&self) -> usize {
        self.proposals.bytes.len() + self.bulk.bytes.len()
    }

    /// Whether the frame may follow those before. To be asked before its chunk is waited for.
    ///
    /// # Errors
    /// If no honest node sends it now.
    pub fn check(&self, header: &Header) -> Result<(), FrameError> {
        let (class, limit) = (header.class, header.class.bytes_max());
        let partial = match class {
            Class::Control | Class::Votes => return Ok(()),
            Class::Proposals => &self.proposals,
            Class::Bulk => &self.bulk,
        };
        if !partial.bytes.is_empty() && partial.packed != header.packed {
            return Err(FrameError::PackedInPart);
        }
        if partial.bytes.len() + header.length > limit {
            return Err(FrameError::MessageTooLong { class, limit });
        }
        Ok(())
    }

    /// Takes a frame; returns the message if this was the last of it.
    ///
    /// # Errors
    /// If no honest node sends it now.
    ///
    /// # Panics
    /// If the chunk is not as long as the header says: the caller reads it.
    pub fn accept<'a>(
        &'a mut self,
        header: &Header,
        chunk: &'a [u8],
    ) -> Result<Option<Whole<'a>>, FrameError> {
        assert!(chunk.len() == header.length, "{} of {} bytes", chunk.len(), header.length);
        self.check(header)?;
        let class = header.class;
        let partial = match class {
            Class::Control | Class::Votes => return whole(header, chunk.into()).map(Some),
            Class::Proposals => &mut self.proposals,
            Class::Bulk => &mut self.bulk,
        };
        if partial.bytes.is_empty() {
            // The claim stands in the first bytes: it is judged before anything is kept.
            if header.packed {
                claimed(chunk)?;
            }
            if !header.more {
                return whole(header, chunk.into()).map(Some);
            }
            partial.packed = header.packed;
        }
        partial.extend(chunk, class.bytes_max());
        if header.more {
            return Ok(None);
        }
        whole(header, std::mem::take(&mut partial.bytes).into()).map(Some)
    }
}

impl Partial {
    /// Appends, at most doubling what is allocated, and never beyond the limit.
    fn extend(&mut self, chunk: &[u8], limit: usize) {
        let room = self.bytes.capacity() - self.bytes.len();
        if room < chunk.len() {
            let length = self.bytes.len();
            self.bytes.reserve_exact(chunk.len().max(length.min(limit - length)));
        }
        self.bytes.extend_from_slice(chunk);
    }
}

/// The length unpacked that a packed body claims.
fn claimed(body: &[u8]) -> Result<usize, FrameError> {
    let refused = FrameError::Unpacked { packed: body.len(), unpacked: 0 };
    let (length, _) = body.split_first_chunk::<UNPACKED_BYTES>().ok_or(refused)?;
    let unpacked = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| refused)?;
    if unpacked > MESSAGE_BYTES_MAX {
        return Err(FrameError::Unpacked { packed: body.len(), unpacked });
    }
    Ok(unpacked)
}

fn whole<'a>(header: &Header, body: Cow<'a, [u8]>) -> Result<Whole<'a>, FrameError> {
    let class = header.class;
    if !header.packed {
        return Ok(Whole { class, unpacked: None, bytes: body });
    }
    let unpacked = claimed(&body)?;
    check_unpacked(body.len() - UNPACKED_BYTES, unpacked)?;
    let bytes = match body {
        Cow::Borrowed(body) => Cow::Borrowed(&body[UNPACKED_BYTES..]),
        Cow::Owned(mut body) => {
            body.drain(..UNPACKED_BYTES);
            Cow::Owned(body)
        }
    };
    Ok(Whole { class, unpacked: Some(unpacked), bytes })
}

#[cfg(test)]
mod tests;
