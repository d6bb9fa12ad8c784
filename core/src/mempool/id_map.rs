//! Things found by a digest, in a time that does not grow with how many there are.
//!
//! The one hashed structure of the core (docs/decisions/0007). It cannot be iterated, so the order in
//! which it holds things decides nothing. The hash is keyed by the replica's own seed, so nobody who
//! picks digests can make them meet; equal seeds hash equally, so runs repeat. Its encoding is sorted.

use std::{
    fmt,
    io::{Error, ErrorKind, Read, Result as IoResult, Write},
};

use borsh::{BorshDeserialize, BorshSerialize};
use hashbrown::{HashTable, hash_table::Entry};
use siphasher::sip::SipHasher13;

use crate::{random::Seed, types::Digest};

/// What hashes depend on besides the digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct MapKey(u64, u64);

impl MapKey {
    /// A key that others cannot know.
    pub(super) fn of(seed: &Seed) -> Self {
        let mut rng = seed.rng();
        Self(rng.next(), rng.next())
    }

    fn hash(self, id: &Digest) -> u64 {
        SipHasher13::new_with_keys(self.0, self.1).hash(id.get())
    }
}

/// Values by digest.
#[derive(Clone)]
pub(super) struct IdMap<V> {
    key: MapKey,
    table: HashTable<(Digest, V)>,
}

impl<V: Copy> IdMap<V> {
    /// Nothing yet.
    pub(super) fn new(key: MapKey) -> Self {
        Self { key, table: HashTable::new() }
    }

    /// What its hashes depend on.
    pub(super) fn key(&self) -> MapKey {
        self.key
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// The value under `id`.
    pub(super) fn find(&self, id: &Digest) -> Option<V> {
        self.table.find(self.key.hash(id), |(held, _)| held == id).map(|(_, value)| *value)
    }

    /// Whether there is one.
    pub(super) fn contains(&self, id: &Digest) -> bool {
        self.find(id).is_some()
    }

    /// Puts a value under `id`. Returns the one it replaces.
    pub(super) fn insert(&mut self, id: Digest, value: V) -> Option<V> {
        let key = self.key;
        let rehash = |(held, _): &(Digest, V)| key.hash(held);
        match self.table.entry(key.hash(&id), |(held, _)| *held == id, rehash) {
            Entry::Occupied(mut held) => Some(std::mem::replace(&mut held.get_mut().1, value)),
            Entry::Vacant(place) => {
                place.insert((id, value));
                None
            }
        }
    }

    /// Takes out what is under `id`.
    pub(super) fn remove(&mut self, id: &Digest) -> Option<V> {
        let found = self.table.find_entry(self.key.hash(id), |(held, _)| held == id);
        found.ok().map(|held| held.remove().0.1)
    }
}

impl<V: Copy + PartialEq> PartialEq for IdMap<V> {
    fn eq(&self, other: &Self) -> bool {
        let same = |(id, value): &(Digest, V)| other.find(id).as_ref() == Some(value);
        self.key == other.key && self.len() == other.len() && self.table.iter().all(same)
    }
}

impl<V: Copy + Eq> Eq for IdMap<V> {}

impl<V> fmt::Debug for IdMap<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ids", self.table.len())
    }
}

impl<V: BorshSerialize + Copy> BorshSerialize for IdMap<V> {
    fn serialize<W: Write>(&self, writer: &mut W) -> IoResult<()> {
        let mut all: Vec<&(Digest, V)> = self.table.iter().collect();
        all.sort_unstable_by_key(|(id, _)| *id);
        self.key.serialize(writer)?;
        let count = u32::try_from(all.len()).map_err(|_| Error::from(ErrorKind::InvalidData))?;
        count.serialize(writer)?;
        all.into_iter().try_for_each(|one| one.serialize(writer))
    }
}

impl<V: BorshDeserialize + Copy> BorshDeserialize for IdMap<V> {
    fn deserialize_reader<R: Read>(reader: &mut R) -> IoResult<Self> {
        let mut map = Self::new(MapKey::deserialize_reader(reader)?);
        let mut last = None;
        for _ in 0..u32::deserialize_reader(reader)? {
            let (id, value) = <(Digest, V)>::deserialize_reader(reader)?;
            if last.is_some_and(|last| last >= id) {
                return Err(ErrorKind::InvalidData.into());
            }
            last = Some(id);
            map.insert(id, value);
        }
        Ok(map)
    }
}

#[cfg(test)]
mod tests;
