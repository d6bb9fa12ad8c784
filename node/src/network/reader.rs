//! Frames from a stream of bytes, one at a time.
//!
//! Keeps at most two chunks, whatever the stream claims: a header is judged before its chunk is waited for.

use std::io;

use bytes::{Bytes, BytesMut};
use quorate_core::frame::{Assembler, Class, HEADER_BYTES, Header};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::{end::End, link::Role, score::Offence};

/// Bytes asked for at a time; a TLS record holds at most that much.
const READ_BYTES: usize = 16 * 1024;

/// Bytes of the longest message that a node may send that is no member: twice what a batch of transactions holds.
pub(crate) const FULL_BYTES_MAX: usize = 1024 * 1024;

/// A message put together, not unpacked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Incoming {
    pub(crate) class: Class,
    pub(crate) unpacked: Option<usize>,
    pub(crate) bytes: Vec<u8>,
}

impl Incoming {
    /// Bytes of it unpacked, by its own word.
    pub(crate) fn length(&self) -> usize {
        self.unpacked.unwrap_or(self.bytes.len())
    }
}

/// Reads the frames of one connection.
#[derive(Debug)]
pub(crate) struct FrameReader<R> {
    pub(crate) io: R,
    role: Role,
    buffer: BytesMut,
    assembler: Assembler,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    pub(crate) fn new(io: R, role: Role) -> Self {
        Self { io, role, buffer: BytesMut::new(), assembler: Assembler::new() }
    }

    /// The next frame. Nothing is lost when the future is dropped.
    pub(crate) async fn frame(&mut self) -> Result<(Header, Bytes), End> {
        let mut header = None;
        loop {
            let known = match header {
                Some(known) => Some(known),
                None => self.header()?,
            };
            let wanted = known.map_or(HEADER_BYTES, |known| HEADER_BYTES + known.length());
            if let Some(known) = known.filter(|_| self.buffer.len() >= wanted) {
                let frame = self.buffer.split_to(wanted).freeze();
                return Ok((known, frame.slice(HEADER_BYTES..)));
            }
            header = known;
            self.buffer.reserve(READ_BYTES.max(wanted - self.buffer.len()));
            if self.io.read_buf(&mut self.buffer).await.map_err(End::of_io)? == 0 {
                return Err(End::of_io(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }

    /// The header at the front, if its bytes are there, judged.
    fn header(&self) -> Result<Option<Header>, Offence> {
        let Some((bytes, _)) = self.buffer.split_first_chunk::<HEADER_BYTES>() else {
            return Ok(None);
        };
        let header = Header::decode(*bytes)?;
        self.assembler.check(&header)?;
        if self.role == Role::Full {
            check_full(&header, self.assembler.held())?;
        }
        Ok(Some(header))
    }

    /// Takes a frame; returns the message if this was the last of it.
    pub(crate) fn accept(
        &mut self,
        header: &Header,
        chunk: &[u8],
    ) -> Result<Option<Incoming>, Offence> {
        let whole = self.assembler.accept(header, chunk)?;
        let Some(whole) = whole else { return Ok(None) };
        let unpacked = whole.unpacked.unwrap_or_default();
        if self.role == Role::Full && unpacked > FULL_BYTES_MAX {
            return Err(Offence::TooLong(unpacked));
        }
        Ok(Some(Incoming {
            class: whole.class,
            unpacked: whole.unpacked,
            bytes: whole.bytes.into_owned(),
        }))
    }

    /// Bytes kept: read and not taken, or of messages that are not whole.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.buffer.capacity() + self.assembler.held()
    }
}

/// Whether a node may send a frame that is no member, with so much of a message kept already.
fn check_full(header: &Header, held: usize) -> Result<(), Offence> {
    let length = held + header.length();
    match header.class() {
        class @ Class::Proposals => Err(Offence::ClassOfMembers(class)),
        Class::Bulk if length > FULL_BYTES_MAX => Err(Offence::TooLong(length)),
        Class::Control | Class::Votes | Class::Bulk => Ok(()),
    }
}

#[cfg(test)]
mod tests;
