//! Everything that went into a replica, so that what came out can be made again elsewhere.
//!
//! A capture is a list of segments. Each opens with what is needed to have the replica as it was: its
//! configuration and either what it recovered from and its seed, or the replica itself. Then come its
//! inputs, each followed by a digest of the effects it had. A [`Player`] takes the same inputs again and
//! says where the effects first differ, which is non-determinism. Nothing here opens files: a driver
//! writes frames, a tool reads them. Decoding trusts nothing and never panics.

use std::io::{ErrorKind, Read, Result as IoResult};

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    codec::encode,
    config::Config,
    digest::{Domain, digest_of},
    effect::{Effect, Effects, Input},
    random::Seed,
    replica::Replica,
    store::Recovered,
    time::Now,
    types::{Digest, Height},
};

/// The first bytes of every capture; the last of them is the version of what follows.
pub const MAGIC: [u8; 8] = *b"QCAPTUR\x01";

/// Bytes of a frame before its body: what it is, the body's length, and the start of the body's digest.
pub const FRAME_HEAD_BYTES: usize = 1 + 4 + 8;

/// The sources of this core, as a word. Two cores with different words may do different things.
#[must_use]
pub const fn build_id() -> &'static str {
    env!("QUORATE_CORE_SOURCES")
}

/// What a segment begins with.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Head {
    /// The core that made it: [`build_id`].
    pub build: String,
    /// The seed of the replica's life. Drawn anew for every life, so it also tells lives apart.
    pub seed: Seed,
    /// How many inputs of this life came before the segment.
    pub inputs_before: u64,
    /// The replica's finalized height where the segment begins.
    pub height: Height,
}

/// The replica where a segment begins.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Opening {
    /// About to be made from this.
    Recovered(Box<Recovered>),
    /// As it was.
    Replica(Box<Replica>),
}

/// One piece of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A segment begins.
    Head(Head),
    /// The replica it begins with.
    Opening {
        /// What the replica was told at birth.
        config: Box<Config>,
        /// The replica.
        opening: Opening,
    },
    /// What went in, and when.
    Input {
        /// The clocks.
        now: Now,
        /// The input.
        input: Box<Input>,
    },
    /// What came out. Absent after an input that ended the process.
    Effects {
        /// The digest of the effects: [`effects_digest`].
        digest: Digest,
        /// The finalized height after the step.
        height: Height,
    },
}

/// What a frame is, as its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    Head,
    Opening,
    Input,
    Effects,
}

impl Tag {
    const fn code(self) -> u8 {
        match self {
            Self::Head => b'H',
            Self::Opening => b'O',
            Self::Input => b'I',
            Self::Effects => b'E',
        }
    }

    fn of_code(code: u8) -> Option<Self> {
        [Self::Head, Self::Opening, Self::Input, Self::Effects]
            .into_iter()
            .find(|tag| tag.code() == code)
    }
}

/// The digest of what a step had happen, in order.
#[must_use]
pub fn effects_digest(effects: &[Effect]) -> Digest {
    digest_of(Domain::Capture, effects)
}

/// Appends a segment's first frames.
pub fn write_head(bytes: &mut Vec<u8>, head: &Head, config: &Config, opening: &Opening) {
    write_frame(bytes, Tag::Head, head);
    write_frame(bytes, Tag::Opening, &(config, opening));
}

/// Appends an input.
pub fn write_input(bytes: &mut Vec<u8>, now: &Now, input: &Input) {
    write_frame(bytes, Tag::Input, &(now, input));
}

/// Appends what came of the input before.
pub fn write_effects(bytes: &mut Vec<u8>, effects: &[Effect], height: Height) {
    write_frame(bytes, Tag::Effects, &(effects_digest(effects), height));
}

/// # Panics
/// If a body exceeds 4 GiB; a replica's bounds keep it far below.
fn write_frame<T: BorshSerialize>(bytes: &mut Vec<u8>, tag: Tag, value: &T) {
    let body = encode(value);
    let length = u32::try_from(body.len()).expect("a frame is shorter than 4 GiB");
    bytes.push(tag.code());
    bytes.extend(length.to_le_bytes());
    bytes.extend(checksum(&body));
    bytes.extend(body);
}

fn checksum(body: &[u8]) -> [u8; 8] {
    let digest = digest_of(Domain::Capture, body);
    let (start, _) = digest.get().split_first_chunk::<8>().expect("a digest has 32 bytes");
    *start
}

/// Why bytes are not a capture.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// They cannot be read.
    #[error("the capture cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// They begin with something else.
    #[error("this is no capture, or one of another format version")]
    NotACapture,
    /// The last frame is cut short: everything before it is sound.
    #[error("the capture ends in the middle of frame {0}; everything before it is sound")]
    Torn(u64),
    /// A frame is not what was written.
    #[error("frame {0} of the capture is damaged")]
    Damaged(u64),
    /// A frame stands where it makes no sense.
    #[error("frame {0} of the capture is out of place")]
    OutOfPlace(u64),
}

/// Reads frames.
#[derive(Debug)]
pub struct Reader<R> {
    source: R,
    frames: u64,
}

/// A frame as it lies in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawFrame {
    tag: Tag,
    body: Vec<u8>,
    number: u64,
}

impl<R: Read> Reader<R> {
    /// Looks at the first bytes.
    ///
    /// # Errors
    /// If they are not those of a capture.
    pub fn new(mut source: R) -> Result<Self, CaptureError> {
        let mut magic = Vec::new();
        source.by_ref().take(8).read_to_end(&mut magic)?;
        if magic != MAGIC {
            return Err(CaptureError::NotACapture);
        }
        Ok(Self { source, frames: 0 })
    }

    /// The next frame; `None` at the end.
    ///
    /// # Errors
    /// If it is cut short or damaged.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, CaptureError> {
        self.next_raw()?.map(|raw| raw.decode()).transpose()
    }

    /// The next frame, not decoded; `None` at the end.
    ///
    /// # Errors
    /// As [`Self::next_frame`].
    pub fn next_raw(&mut self) -> Result<Option<RawFrame>, CaptureError> {
        let number = self.frames;
        let mut head = Vec::new();
        let head_bytes = u64::try_from(FRAME_HEAD_BYTES).expect("a small number");
        self.source.by_ref().take(head_bytes).read_to_end(&mut head)?;
        if head.is_empty() {
            return Ok(None);
        }
        let Ok(head) = <[u8; FRAME_HEAD_BYTES]>::try_from(head) else {
            return Err(CaptureError::Torn(number));
        };
        let [code, a, b, c, d, sum @ ..] = head;
        let tag = Tag::of_code(code).ok_or(CaptureError::Damaged(number))?;
        let length = u32::from_le_bytes([a, b, c, d]);
        // Grows with what is there, not with what is claimed.
        let mut body = Vec::new();
        self.source.by_ref().take(u64::from(length)).read_to_end(&mut body)?;
        if u64::try_from(body.len()).expect("it was counted") < u64::from(length) {
            return Err(CaptureError::Torn(number));
        }
        if checksum(&body) != sum {
            return Err(CaptureError::Damaged(number));
        }
        self.frames += 1;
        Ok(Some(RawFrame { tag, body, number }))
    }
}

impl RawFrame {
    /// What it says.
    ///
    /// # Errors
    /// If it says nothing this build understands.
    pub fn decode(&self) -> Result<Frame, CaptureError> {
        let body = &self.body;
        let decoded = match self.tag {
            Tag::Head => Head::try_from_slice(body).map(Frame::Head),
            Tag::Opening => whole::<(Box<Config>, Opening)>(body)
                .map(|(config, opening)| Frame::Opening { config, opening }),
            Tag::Input => {
                whole::<(Now, Box<Input>)>(body).map(|(now, input)| Frame::Input { now, input })
            }
            Tag::Effects => whole::<(Digest, Height)>(body)
                .map(|(digest, height)| Frame::Effects { digest, height }),
        };
        decoded.map_err(|_| CaptureError::Damaged(self.number))
    }

    /// The finalized height after the step it ends, if that is what it says.
    #[must_use]
    pub fn height_after(&self) -> Option<Height> {
        match (self.tag, self.decode()) {
            (Tag::Effects, Ok(Frame::Effects { height, .. })) => Some(height),
            _ => None,
        }
    }

    /// Whether it is an input.
    #[must_use]
    pub fn is_input(&self) -> bool {
        self.tag == Tag::Input
    }

    /// Appends it as it was.
    ///
    /// # Panics
    /// Never: it was as long when it was read.
    pub fn write(&self, bytes: &mut Vec<u8>) {
        let length = u32::try_from(self.body.len()).expect("it was as long when it was read");
        bytes.push(self.tag.code());
        bytes.extend(length.to_le_bytes());
        bytes.extend(checksum(&self.body));
        bytes.extend(&self.body);
    }
}

fn whole<T: BorshDeserialize>(bytes: &[u8]) -> IoResult<T> {
    let mut rest = bytes;
    let value = T::deserialize(&mut rest)?;
    if rest.is_empty() { Ok(value) } else { Err(ErrorKind::InvalidData.into()) }
}

/// Where a replay went another way than the capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// A step had other effects.
    Effects {
        /// The input's number in the replica's life, from zero.
        number: u64,
        /// The clocks.
        now: Now,
        /// The input.
        input: Box<Input>,
        /// The digest of what it did then.
        recorded: Digest,
        /// What it does now.
        effects: Vec<Effect>,
    },
    /// The finalized height is another after a step whose effects are the same.
    Height {
        /// The input's number in the replica's life, from zero.
        number: u64,
        /// Then.
        recorded: Height,
        /// Now.
        replayed: Height,
    },
    /// A replica is another where a segment continues the one before, though all effects were the same.
    Replica {
        /// How many inputs of its life came before.
        inputs_before: u64,
    },
}

/// What a replay has seen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Played {
    /// Segments.
    pub segments: u64,
    /// Of those, the ones that continue the one before and begin with the very replica it ended with.
    pub joined: u64,
    /// Inputs whose effects were compared.
    pub inputs: u64,
    /// Effects of them.
    pub effects: u64,
    /// The finalized height where it began.
    pub first: Option<Height>,
    /// The finalized height where it is now.
    pub last: Height,
}

/// Takes captured inputs again.
#[derive(Debug, Default)]
pub struct Player {
    head: Option<Head>,
    replica: Option<Box<Replica>>,
    /// Inputs of the life of `head` so far.
    inputs: u64,
    /// The step whose recorded effects come next.
    open: Option<(Now, Box<Input>)>,
    effects: Effects,
    played: Played,
}

impl Player {
    /// One that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What it has seen.
    #[must_use]
    pub fn played(&self) -> Played {
        self.played
    }

    /// The input whose effects were never recorded because the process ended there, if the last frame was
    /// one.
    #[must_use]
    pub fn unfinished(&self) -> Option<&Input> {
        self.open.as_ref().map(|(_, input)| &**input)
    }

    /// Takes the next frame. `Some` if something is another than it was; the rest means nothing then.
    ///
    /// # Errors
    /// If the frame makes no sense where it stands.
    ///
    /// # Panics
    /// As [`Replica::step`], if the captured replica did.
    pub fn play(&mut self, frame: Frame) -> Result<Option<Difference>, CaptureError> {
        let number = self.played.inputs;
        match frame {
            Frame::Head(head) => {
                let continues = self.head.as_ref().is_some_and(|before| {
                    before.seed == head.seed && head.inputs_before == self.inputs
                });
                if !continues {
                    self.replica = None;
                }
                self.inputs = head.inputs_before;
                self.open = None;
                self.head = Some(head);
                Ok(None)
            }
            Frame::Opening { config, opening } => {
                self.open_segment(*config, opening).ok_or(CaptureError::OutOfPlace(number))
            }
            Frame::Input { now, input } => {
                let Some(replica) = &mut self.replica else {
                    return Err(CaptureError::OutOfPlace(number));
                };
                drop(self.effects.drain());
                replica.step(now, (*input).clone(), &mut self.effects);
                self.open = Some((now, input));
                Ok(None)
            }
            Frame::Effects { digest, height } => {
                let (Some((now, input)), Some(replica)) = (self.open.take(), &self.replica) else {
                    return Err(CaptureError::OutOfPlace(number));
                };
                let number = self.inputs;
                self.inputs += 1;
                if effects_digest(self.effects.as_slice()) != digest {
                    let effects = self.effects.drain().collect();
                    let difference =
                        Difference::Effects { number, now, input, recorded: digest, effects };
                    return Ok(Some(difference));
                }
                let replayed = replica.finalized_height();
                if replayed != height {
                    return Ok(Some(Difference::Height { number, recorded: height, replayed }));
                }
                self.played.inputs += 1;
                let count = u64::try_from(self.effects.as_slice().len()).expect("few effects");
                self.played.effects += count;
                self.played.last = height;
                Ok(None)
            }
        }
    }

    /// `None` if no head came before.
    fn open_segment(&mut self, config: Config, opening: Opening) -> Option<Option<Difference>> {
        let head = self.head.as_ref()?;
        self.played.segments += 1;
        self.played.first.get_or_insert(head.height);
        self.played.last = head.height;
        let replica = match opening {
            Opening::Recovered(recovered) => Box::new(Replica::new(config, *recovered, head.seed)),
            Opening::Replica(replica) => replica,
        };
        if let Some(before) = self.replica.replace(replica) {
            if Some(&before) != self.replica.as_ref() {
                return Some(Some(Difference::Replica { inputs_before: head.inputs_before }));
            }
            self.played.joined += 1;
        }
        Some(None)
    }
}

#[cfg(test)]
mod tests;
