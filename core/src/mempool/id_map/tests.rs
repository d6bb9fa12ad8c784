//! The map does what an ordered one does, and has one encoding whatever its history.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::codec;

fn id(name: u8) -> Digest {
    Digest::new([name; 32])
}

proptest! {
    #[test]
    fn agrees_with_an_ordered_map(
        seed in 0..3u64,
        steps in proptest::collection::vec((0..8u8, any::<Option<u32>>()), 0..60),
    ) {
        let key = MapKey::of(&Seed::from_number(seed));
        let (mut map, mut plain) = (IdMap::new(key), BTreeMap::new());
        for (name, value) in steps {
            let (got, expected) = match value {
                Some(value) => (map.insert(id(name), value), plain.insert(id(name), value)),
                None => (map.remove(&id(name)), plain.remove(&id(name))),
            };
            prop_assert_eq!(got, expected);
            prop_assert_eq!(map.len(), plain.len());
            for name in 0..8 {
                prop_assert_eq!(map.find(&id(name)), plain.get(&id(name)).copied());
            }
        }
        let mut rebuilt = IdMap::new(key);
        for (id, value) in plain.into_iter().rev() {
            rebuilt.insert(id, value);
        }
        prop_assert_eq!(&rebuilt, &map);
        let bytes = codec::encode(&map);
        prop_assert_eq!(&codec::encode(&rebuilt), &bytes, "history shows in the encoding");
        prop_assert_eq!(codec::decode::<IdMap<u32>>(&bytes, 1 << 12).unwrap(), map);
    }
}

#[test]
fn unequal_maps_differ() {
    let key = MapKey::of(&Seed::from_number(1));
    let mut map = IdMap::new(key);
    map.insert(id(1), 1u32);
    for (name, value) in [(1, 2), (2, 1)] {
        let mut other = IdMap::new(key);
        other.insert(id(name), value);
        assert_ne!(map, other);
    }
}

#[test]
fn unsorted_encoding_is_refused() {
    let mut map = IdMap::new(MapKey(1, 2));
    map.insert(id(1), 1u8);
    map.insert(id(2), 2u8);
    let mut bytes = codec::encode(&map);
    let at = 16 + 4;
    let (first, second) = bytes[at..].split_at_mut(33);
    first.swap_with_slice(second);
    assert!(codec::decode::<IdMap<u8>>(&bytes, 1 << 12).is_err());
}
