//! Any bytes, in any pieces: frames come out or the reader ends, within bounded memory.

use proptest::prelude::*;
use quorate_core::{
    frame::{CHUNK_BYTES_MAX, Class, frames},
    message::MESSAGE_BYTES_MAX,
};
use tokio::io::AsyncWriteExt;

use super::{FrameReader, Incoming, READ_BYTES};
use crate::network::{end::End, link::Role, score::Offence};

/// What the buffer may take: a frame, and a read beyond it, doubled by growth.
const BUFFER_MAX: usize = 2 * (CHUNK_BYTES_MAX + READ_BYTES) + 64;

/// Reads all of a stream that arrives in pieces; returns what came whole, and why it ended.
async fn read(stream: Vec<u8>, piece: usize) -> (Vec<Incoming>, End) {
    let (mut near, far) = tokio::io::duplex(64 * 1024);
    let writes = tokio::spawn(async move {
        for piece in stream.chunks(piece.max(1)) {
            // The reader may hang up at the first bad frame.
            if near.write_all(piece).await.is_err() {
                return;
            }
        }
    });
    let mut reader = FrameReader::new(far, Role::Member);
    let mut whole = Vec::new();
    let end = loop {
        let (header, chunk) = match reader.frame().await {
            Ok(frame) => frame,
            Err(end) => break end,
        };
        match reader.accept(&header, &chunk) {
            Ok(incoming) => whole.extend(incoming),
            Err(offence) => break offence.into(),
        }
        drop(chunk);
        let held = reader.held();
        assert!(held <= BUFFER_MAX + 2 * MESSAGE_BYTES_MAX, "{held} bytes held");
    };
    drop(reader);
    writes.await.expect("no panic");
    (whole, end)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Random bytes end the connection with an offence or by running out.
    #[test]
    fn random_bytes_end_it(
        bytes in prop::collection::vec(any::<u8>(), 0..4_096),
        piece in 1..4_096_usize,
    ) {
        let (_, end) = block_on(read(bytes, piece));
        prop_assert!(matches!(end, End::Offence(Offence::Frame(_)) | End::HungUp), "{end}");
    }

    /// So do real frames with a few bytes changed, and what comes whole before is what was sent.
    #[test]
    fn changed_frames_end_it(
        lengths in prop::collection::vec(1..2_000_usize, 1..6),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        piece in 1..4_096_usize,
    ) {
        let mut stream = Vec::new();
        for (number, length) in lengths.iter().enumerate() {
            let class = Class::MESSAGES[number % 3];
            stream.extend(frames(class, false, &vec![7; *length]));
        }
        for (place, byte) in changes {
            let place = place.index(stream.len());
            stream[place] = byte;
        }
        let (_, end) = block_on(read(stream, piece));
        prop_assert!(matches!(end, End::Offence(Offence::Frame(_)) | End::HungUp), "{end}");
    }

    /// Pieces of any size put together again.
    #[test]
    fn pieces_do_not_matter(
        length in 1..(3 * CHUNK_BYTES_MAX),
        piece in prop_oneof![1_000..9_000_usize, 60_000..70_000_usize],
    ) {
        let body: Vec<u8> = (0..=250).cycle().take(length).collect();
        let mut stream = frames(Class::Bulk, false, &body);
        stream.extend(frames(Class::Votes, false, b"a vote"));
        let (whole, end) = block_on(read(stream, piece));
        prop_assert!(matches!(end, End::HungUp), "{end}");
        prop_assert_eq!(whole.len(), 2);
        prop_assert!(whole[0].bytes == body);
        prop_assert_eq!(&whole[1].bytes, b"a vote");
    }
}

/// A claim of a frame too long is refused at once: nothing is waited for or allocated.
#[test]
fn a_claim_too_long_is_refused_at_once() {
    block_on(async {
        let (mut near, far) = tokio::io::duplex(1_024);
        near.write_all(&[0xff, 0xff, 0xff, 3, 0]).await.expect("room");
        let mut reader = FrameReader::new(far, Role::Member);
        let end = reader.frame().await.expect_err("refused while the other side is still there");
        assert!(matches!(end, End::Offence(Offence::Frame(_))), "{end}");
        assert!(reader.held() <= BUFFER_MAX, "{} bytes held", reader.held());
    });
}
