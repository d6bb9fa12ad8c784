//! Frames of every size and interleaving come out as the messages that went in, and nothing else comes out.

use expect_test::expect;
use proptest::prelude::*;

use super::{
    Assembler, CHUNK_BYTES_MAX, CONTROL_BYTES_MAX, Class, FrameError, HEADER_BYTES, Header,
    RATIO_MAX, Whole, append_frame, frames, packed_body,
};
use crate::{
    message::{MESSAGE_BYTES_MAX, Message},
    testing::corpus,
};

/// What a [`Whole`] is, owned.
type Owned = (Class, Option<usize>, Vec<u8>);

/// Everything that comes out of a stream of frames, or the first error.
fn read(mut stream: &[u8]) -> Result<Vec<Owned>, FrameError> {
    let mut assembler = Assembler::new();
    let mut out = Vec::new();
    while let Some((header, rest)) = stream.split_first_chunk::<HEADER_BYTES>() {
        let header = Header::decode(*header)?;
        assembler.check(&header)?;
        let (chunk, rest) = rest.split_at(header.length());
        if let Some(Whole { class, unpacked, bytes }) = assembler.accept(&header, chunk)? {
            out.push((class, unpacked, bytes.into_owned()));
        }
        stream = rest;
    }
    assert!(assembler.held() == 0, "{} bytes of no whole message", assembler.held());
    Ok(out)
}

fn header(length: usize, class: u8, flags: u8) -> Result<Header, FrameError> {
    let [low, middle, high, ..] = length.to_le_bytes();
    Header::decode([low, middle, high, class, flags])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of frames, as `docs/wire.md` shows them.
#[test]
fn golden_bytes() {
    let packed = packed_body(300, &[7; 20]).expect("it saves");
    let mut lines = String::new();
    for (name, bytes) in [
        ("control", frames(Class::Control, false, &[9, 8])),
        ("vote", frames(Class::Votes, false, &[1, 2, 3])),
        ("proposal", frames(Class::Proposals, false, &[4])),
        ("bulk", frames(Class::Bulk, false, &[5, 6])),
        ("packed", frames(Class::Bulk, true, &packed)),
    ] {
        lines.push_str(&format!("{name} {}\n", hex(&bytes)));
    }
    let two = frames(Class::Bulk, false, &vec![0; CHUNK_BYTES_MAX + 1]);
    lines.push_str(&format!("first {}\n", hex(&two[..HEADER_BYTES])));
    lines.push_str(&format!("last {}\n", hex(&two[HEADER_BYTES + CHUNK_BYTES_MAX..])));
    expect![[r#"
        control 02000000000908
        vote 0300000100010203
        proposal 010000020004
        bulk 02000003000506
        packed 18000003022c0100000707070707070707070707070707070707070707
        first 0000010301
        last 010000030000
    "#]]
    .assert_eq(&lines);
    let document = include_str!("../../../docs/wire.md");
    for line in lines.lines() {
        let (_, bytes) = line.split_once(' ').expect("a name and bytes");
        assert!(document.contains(&format!("`{bytes}`")), "docs/wire.md does not show {line}");
    }
}

#[test]
fn headers_that_no_honest_node_sends() {
    let unknown = |flags, class| Err(FrameError::UnknownFlags { flags, class });
    assert_eq!(header(1, 4, 0), Err(FrameError::UnknownClass(4)));
    assert_eq!(header(1, 3, 4), unknown(4, Class::Bulk));
    assert_eq!(header(CHUNK_BYTES_MAX, 1, 1), unknown(1, Class::Votes));
    assert_eq!(header(1, 0, 1), unknown(1, Class::Control));
    assert_eq!(header(9, 2, 2), unknown(2, Class::Proposals));
    assert_eq!(header(0, 1, 0), Err(FrameError::Empty));
    let too_long = |length, limit| Err(FrameError::TooLong { length, limit });
    assert_eq!(header(CONTROL_BYTES_MAX + 1, 0, 0), too_long(1025, 1024));
    assert_eq!(header(CHUNK_BYTES_MAX + 1, 3, 0), too_long(65_537, 65_536));
    assert_eq!(header(0xff_ffff, 3, 1), too_long(0xff_ffff, 65_536));
    assert_eq!(header(CHUNK_BYTES_MAX - 1, 3, 1), Err(FrameError::ShortChunk(65_535)));
}

/// Chunks without end are refused at the limit, and what is kept never exceeds it.
#[test]
fn endless_message_is_cut_off() {
    for class in [Class::Proposals, Class::Bulk] {
        let header = header(CHUNK_BYTES_MAX, class.number(), 1).expect("a full chunk");
        let mut assembler = Assembler::new();
        let chunk = vec![0; CHUNK_BYTES_MAX];
        let mut taken = 0;
        let refused = loop {
            match assembler.accept(&header, &chunk) {
                Ok(whole) => assert_eq!(whole, None, "nothing is whole"),
                Err(error) => break error,
            }
            taken += CHUNK_BYTES_MAX;
            assert!(assembler.held() <= MESSAGE_BYTES_MAX, "{} held", assembler.held());
        };
        assert_eq!(taken, MESSAGE_BYTES_MAX);
        assert_eq!(refused, FrameError::MessageTooLong { class, limit: MESSAGE_BYTES_MAX });
        assert!(assembler.bulk.bytes.capacity() <= MESSAGE_BYTES_MAX);
        assert!(assembler.proposals.bytes.capacity() <= MESSAGE_BYTES_MAX);
    }
}

/// What a packed message claims is judged with its first chunk.
#[test]
fn claims_of_packed_messages() {
    let claim = |unpacked: u32, packed: usize| {
        let mut body = unpacked.to_le_bytes().to_vec();
        body.resize(4 + packed, 0);
        read(&frames(Class::Bulk, true, &body))
    };
    let refused = |packed, unpacked| Err(FrameError::Unpacked { packed, unpacked });
    assert!(claim(1_000, 500).is_ok());
    assert!(claim(500 * 64, 500).is_ok());
    assert_eq!(claim(500 * 64 + 1, 500), refused(500, 500 * RATIO_MAX + 1));
    assert_eq!(claim(504, 500), refused(500, 504));
    assert_eq!(claim(0, 500), refused(500, 0));
    assert_eq!(claim(u32::MAX, 500), refused(504, 0xffff_ffff));
    assert_eq!(read(&frames(Class::Bulk, true, &[1, 2, 3])), refused(3, 0));
    // The first of many chunks is enough to refuse it.
    let mut assembler = Assembler::new();
    let header = header(CHUNK_BYTES_MAX, 3, 3).expect("a full chunk");
    let chunk = vec![0xff; CHUNK_BYTES_MAX];
    assert!(assembler.accept(&header, &chunk).is_err());
    assert_eq!(assembler.held(), 0);
    // What we pack ourselves is held to the same.
    assert_eq!(packed_body(504, &[0; 500]), None);
    assert_eq!(packed_body(500 * 64 + 1, &[0; 500]), None);
}

#[test]
fn message_packed_in_part_is_refused() {
    let mut stream = frames(Class::Bulk, false, &vec![1; CHUNK_BYTES_MAX + 9]);
    let flags = HEADER_BYTES + CHUNK_BYTES_MAX + HEADER_BYTES - 1;
    stream[flags] |= 2;
    assert_eq!(read(&stream), Err(FrameError::PackedInPart));
}

/// Every message has the class that the documents say, and none of a vote's class takes two frames.
#[test]
fn classes_of_messages() {
    let mut lines = String::new();
    for (name, message) in corpus::messages() {
        let class = Class::of(&message, message.encode().len());
        lines.push_str(&format!("{name} {}\n", class.name()));
        let large = Class::of(&message, CHUNK_BYTES_MAX + 1);
        assert_eq!(large, class.max(Class::Proposals), "{name}");
    }
    expect![[r#"
        proposal proposals
        notarize votes
        nullify votes
        finalize votes
        votes votes
        certificates votes
        status votes
        certificate-request votes
        block-request bulk
        block-response bulk
        transactions bulk
        evidence votes
        checkpoint-votes votes
        checkpoint-certificate votes
        announcement proposals
        transactions-request proposals
        transactions-response proposals
    "#]]
    .assert_eq(&lines);
}

fn body() -> impl Strategy<Value = (Class, Vec<u8>)> {
    let length = prop_oneof![
        4 => 1..300_usize,
        2 => (CHUNK_BYTES_MAX - 2)..(CHUNK_BYTES_MAX + 3),
        1 => (2 * CHUNK_BYTES_MAX - 2)..(3 * CHUNK_BYTES_MAX),
    ];
    let class = prop::sample::select(Class::ALL.to_vec());
    (class, length, any::<u8>()).prop_map(|(class, length, first)| {
        let bytes = (0..length.min(class.bytes_max()))
            .map(|place| u8::try_from(place % 251).expect("below 256").wrapping_add(first))
            .collect();
        (class, bytes)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Frames of messages of all classes, taken in turns, come out whole and in order within a class.
    #[test]
    fn interleaved_frames_come_out_whole(
        bodies in prop::collection::vec(body(), 1..8),
        turns in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let mut queues: Vec<(Class, Vec<&Vec<u8>>, usize)> = Vec::new();
        for class in Class::ALL {
            let own = bodies.iter().filter(|(other, _)| *other == class);
            queues.push((class, own.map(|(_, bytes)| bytes).rev().collect(), 0));
        }
        let mut stream = Vec::new();
        let mut turns = turns.into_iter();
        loop {
            queues.retain(|(_, left, _)| !left.is_empty());
            if queues.is_empty() {
                break;
            }
            let turn = turns.next().map_or(0, |index| index.index(queues.len()));
            let (class, left, offset) = &mut queues[turn];
            let bytes = left.last().expect("kept while not empty");
            *offset = append_frame(&mut stream, *class, false, bytes, *offset);
            if *offset == bytes.len() {
                left.pop();
                *offset = 0;
            }
        }
        let out = read(&stream).expect("honest frames");
        for class in Class::ALL {
            let sent = bodies.iter().filter(|(other, _)| *other == class).map(|(_, bytes)| bytes);
            let came = out.iter().filter(|(other, ..)| *other == class).map(|(_, _, bytes)| bytes);
            prop_assert!(sent.eq(came));
        }
    }

    /// A header is refused, or is the one encoding of itself.
    #[test]
    fn headers_encode_back(bytes in any::<[u8; HEADER_BYTES]>()) {
        if let Ok(header) = Header::decode(bytes) {
            prop_assert_eq!(header.encode(), bytes);
        }
    }
}

/// A message of the corpus survives its frames.
#[test]
fn messages_survive() {
    for (name, message) in corpus::messages() {
        let bytes = message.encode();
        let class = Class::of(&message, bytes.len());
        let out = read(&frames(class, false, &bytes)).expect("honest frames");
        assert_eq!(out, [(class, None, bytes)], "{name}");
        assert_eq!(Message::decode(&out[0].2).as_ref(), Ok(&message), "{name}");
    }
}
