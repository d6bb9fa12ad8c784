//! Bytes from outside: what is refused, how early, and that what is sent comes back the same.

use std::io::{Read, Result as IoResult};

use borsh::{BorshDeserialize, BorshSerialize};
use proptest::prelude::*;

use super::{Bounded, DecodeError, decode, encode};
use crate::{
    message::{MESSAGE_BYTES_MAX, Message},
    testing::{corpus, strategies},
};

/// An item that must never be decoded.
#[derive(Debug, BorshSerialize)]
struct Untouchable(u8);

impl BorshDeserialize for Untouchable {
    fn deserialize_reader<R: Read>(_: &mut R) -> IoResult<Self> {
        panic!("an item was decoded before the count was checked");
    }
}

/// A type with many encodings of its one value.
#[derive(Debug, PartialEq, Eq, BorshSerialize)]
struct Loose(u8);

impl BorshDeserialize for Loose {
    fn deserialize_reader<R: Read>(reader: &mut R) -> IoResult<Self> {
        u8::deserialize_reader(reader).map(|_| Self(0))
    }
}

#[test]
fn a_count_is_checked_before_any_item() {
    let refused = |bytes: &[u8]| decode::<Bounded<Untouchable, 3>>(bytes, 64).map(|_| ());
    assert_eq!(refused(&[4, 0, 0, 0]), Err(DecodeError::Malformed));
    assert_eq!(refused(&[255, 255, 255, 255]), Err(DecodeError::Malformed));
    assert_eq!(refused(&[0, 0, 0, 0]), Ok(()));
}

#[test]
fn a_count_at_the_bound_is_taken_and_one_beyond_is_not() {
    type Three = Bounded<u8, 3>;
    let taken = decode::<Three>(&[3, 0, 0, 0, 7, 8, 9], 64).expect("three of three");
    assert_eq!(&*taken, &[7, 8, 9]);
    assert_eq!(decode::<Three>(&[4, 0, 0, 0, 7, 8, 9, 10], 64), Err(DecodeError::Malformed));
    assert_eq!(decode::<Three>(&[3, 0, 0, 0, 7, 8], 64), Err(DecodeError::Malformed));
    assert_eq!(taken.into_inner(), vec![7, 8, 9]);
}

#[test]
#[should_panic(expected = "4 items exceed the bound 3")]
fn our_own_vectors_must_fit_their_bound() {
    let _ = Bounded::<u8, 3>::new(vec![0; 4]);
}

#[test]
fn too_many_bytes_are_refused_unread() {
    let refused = decode::<Untouchable>(&[0; 9], 8).map(|_| ());
    assert_eq!(refused, Err(DecodeError::TooLong { length: 9, limit: 8 }));
    let long = vec![0; MESSAGE_BYTES_MAX + 1];
    let limit = MESSAGE_BYTES_MAX;
    assert_eq!(Message::decode(&long), Err(DecodeError::TooLong { length: limit + 1, limit }));
}

#[test]
fn a_value_has_one_encoding() {
    assert_eq!(decode::<Loose>(&[0], 8), Ok(Loose(0)));
    assert_eq!(decode::<Loose>(&[1], 8), Err(DecodeError::NotCanonical));
}

/// Every kind of message, cut at every byte and with a byte too many.
#[test]
fn nothing_may_be_missing_and_nothing_left_over() {
    for (name, message) in corpus::messages() {
        let bytes = message.encode();
        assert_eq!(Message::decode(&bytes).as_ref(), Ok(&message), "{name}");
        for length in 0..bytes.len() {
            let cut = Message::decode(&bytes[..length]);
            assert_eq!(cut, Err(DecodeError::Malformed), "{name} cut to {length}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(Message::decode(&longer), Err(DecodeError::Malformed), "{name}");
    }
}

/// The samples cover every kind, so that "every kind" above and in `docs/wire.md` means it.
#[test]
fn samples_cover_every_kind_of_message() {
    for (name, message) in corpus::messages() {
        assert_eq!(name, message.name());
    }
    let tags: Vec<u8> = corpus::messages().iter().map(|(_, message)| message.encode()[0]).collect();
    for tag in 0..=13 {
        assert!(tags.contains(&tag), "no sample of the message with tag {tag}");
    }
    assert_eq!(Message::decode(&[14]), Err(DecodeError::Malformed), "tag 14 is no message");
}

proptest! {
    #[test]
    fn any_message_comes_back(message in strategies::message()) {
        prop_assert_eq!(Message::decode(&message.encode()), Ok(message));
    }

    #[test]
    fn any_record_comes_back(record in strategies::record()) {
        prop_assert_eq!(decode(&encode(&record), usize::MAX), Ok(record));
    }

    #[test]
    fn any_bytes_are_a_message_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        if let Ok(message) = Message::decode(&bytes) {
            prop_assert_eq!(message.encode(), bytes);
        }
    }
}
