//! Announcing a block by short ids (P26 to P29).
//!
//! Validators have most of a block's transactions before it is proposed. An announcement names each by
//! six bytes, keyed by the block, and carries whole only those that others are unlikely to have. A short
//! id proves nothing: what is put together must hash to what the header commits to. The idea is BIP 152,
//! "Compact Block Relay".

use std::{
    collections::BTreeSet,
    io::{Read, Result as IoResult, Write},
    sync::Arc,
};

use borsh::{BorshDeserialize, BorshSerialize};
use siphasher::sip::SipHasher24;

use crate::{
    block::{Block, EVIDENCE_MAX, Header, Payload, TRANSACTIONS_MAX},
    codec::Bounded,
    digest::{Domain, Hasher, digest_of},
    evidence::Evidence,
    planted::planted,
    transaction::{Transaction, TransactionSignature},
    types::Digest,
};

/// Names a transaction together with its signatures, which its id leaves out. Two transactions with one
/// such name are the same bytes.
#[must_use]
pub fn sealed_id(id: &Digest, signatures: &[TransactionSignature]) -> Digest {
    Hasher::new(Domain::SealedTransaction).value(id).value(signatures).finish()
}

/// Names a transaction within one announcement.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct ShortId([u8; 6]);

impl ShortId {
    /// Wraps raw bytes.
    #[must_use]
    pub const fn new(raw: [u8; 6]) -> Self {
        Self(raw)
    }
}

/// Makes the short ids of one block. Nobody can look for transactions whose short ids meet before
/// the block is made.
#[derive(Clone, Copy, Debug)]
pub struct ShortIds(SipHasher24);

impl ShortIds {
    /// Those of the block with this digest.
    #[must_use]
    pub fn of(block: &Digest) -> Self {
        let key = digest_of(Domain::ShortIds, block);
        let (key, _) = key.get().split_first_chunk().expect("a digest has 32 bytes");
        Self(SipHasher24::new_with_key(key))
    }

    /// The short id of a transaction, by its sealed id.
    #[must_use]
    pub fn short(&self, sealed: &Digest) -> ShortId {
        let [a, b, c, d, e, f, ..] = self.0.hash(sealed.get()).to_le_bytes();
        ShortId([a, b, c, d, e, f])
    }
}

/// A transaction that an announcement carries whole.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Prefilled {
    /// Its place in the block.
    pub place: u16,
    /// The transaction.
    pub transaction: Transaction,
}

/// A block without most of its transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompactBlock {
    header: Header,
    evidence: Bounded<Evidence, EVIDENCE_MAX>,
    prefilled: Bounded<Prefilled, TRANSACTIONS_MAX>,
    short_ids: Bounded<ShortId, TRANSACTIONS_MAX>,
    digest: Digest,
}

impl CompactBlock {
    /// Announces a block. `sealed` are its transactions' sealed ids, `whole` the places, ascending, of
    /// those to carry whole. `None` if two short ids are the same.
    ///
    /// # Panics
    /// If there are not as many sealed ids as transactions.
    #[must_use]
    pub fn of(block: &Block, sealed: &[Digest], whole: &[u16]) -> Option<Self> {
        let transactions = &block.payload().transactions;
        assert_eq!(sealed.len(), transactions.len(), "sealed ids of {:?}", block.digest());
        let names = ShortIds::of(&block.digest());
        let (mut prefilled, mut short_ids) = (Vec::new(), Vec::new());
        for ((place, sealed), transaction) in (0..).zip(sealed).zip(transactions) {
            if whole.binary_search(&place).is_ok() {
                prefilled.push(Prefilled { place, transaction: transaction.clone() });
            } else {
                short_ids.push(names.short(sealed));
            }
        }
        let compact = Self {
            header: block.header().clone(),
            evidence: block.payload().evidence.clone(),
            prefilled: Bounded::new(prefilled),
            short_ids: Bounded::new(short_ids),
            digest: block.digest(),
        };
        compact.is_well_formed().then_some(compact)
    }

    /// One with any content, for tests and for whoever plays a liar.
    #[must_use]
    pub fn new(
        header: Header,
        evidence: Bounded<Evidence, EVIDENCE_MAX>,
        prefilled: Bounded<Prefilled, TRANSACTIONS_MAX>,
        short_ids: Bounded<ShortId, TRANSACTIONS_MAX>,
    ) -> Self {
        let digest = digest_of(Domain::Header, &header);
        Self { header, evidence, prefilled, short_ids, digest }
    }

    /// The block's header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The block's digest.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The block's evidence.
    #[must_use]
    pub fn evidence(&self) -> &Bounded<Evidence, EVIDENCE_MAX> {
        &self.evidence
    }

    /// The transactions carried whole.
    #[must_use]
    pub fn prefilled(&self) -> &[Prefilled] {
        &self.prefilled
    }

    /// The others' short ids, in the order of the block.
    #[must_use]
    pub fn short_ids(&self) -> &[ShortId] {
        &self.short_ids
    }

    /// How many transactions the block has.
    #[must_use]
    pub fn transactions(&self) -> usize {
        self.prefilled.len() + self.short_ids.len()
    }

    /// Bytes of the encoding.
    ///
    /// # Panics
    /// Never: the bounds keep it far below a `u32`.
    #[must_use]
    pub fn encoded_len(&self) -> u32 {
        let length = borsh::object_length(self).expect("measuring does not fail");
        u32::try_from(length).expect("bounded by a message")
    }

    /// Whether the places carried whole ascend within the block, the block is not too long, and no
    /// short id is there twice.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        let total = self.transactions();
        let highest = self.prefilled.last().map(|one| usize::from(one.place));
        let ascending = self.prefilled.is_sorted_by(|one, next| one.place < next.place);
        let mut sorted = self.short_ids.to_vec();
        sorted.sort_unstable();
        total <= TRANSACTIONS_MAX
            && ascending
            && highest.is_none_or(|highest| highest < total)
            && sorted.is_sorted_by(|one, next| one < next)
    }

    /// The places of the short ids, in their order.
    fn named_places(&self) -> impl Iterator<Item = u16> {
        let total = u16::try_from(self.transactions()).expect("at most ten thousand");
        let is_whole =
            |place: &u16| self.prefilled.binary_search_by_key(place, |one| one.place).is_ok();
        (0..total).filter(move |place| !is_whole(place))
    }

    /// The short id that stands at a place.
    #[must_use]
    pub fn short_at(&self, place: u16) -> Option<ShortId> {
        let before = self.prefilled.partition_point(|one| one.place < place);
        let whole = self.prefilled.get(before).is_some_and(|one| one.place == place);
        let at = usize::from(place).checked_sub(before).filter(|_| !whole)?;
        self.short_ids.get(at).copied()
    }
}

impl BorshSerialize for CompactBlock {
    fn serialize<W: Write>(&self, writer: &mut W) -> IoResult<()> {
        self.header.serialize(writer)?;
        self.evidence.serialize(writer)?;
        self.prefilled.serialize(writer)?;
        self.short_ids.serialize(writer)
    }
}

impl BorshDeserialize for CompactBlock {
    fn deserialize_reader<R: Read>(reader: &mut R) -> IoResult<Self> {
        let header = Header::deserialize_reader(reader)?;
        let evidence = Bounded::deserialize_reader(reader)?;
        let prefilled = Bounded::deserialize_reader(reader)?;
        Ok(Self::new(header, evidence, prefilled, Bounded::deserialize_reader(reader)?))
    }
}

/// Finds the place of a transaction in an announcement.
///
/// Most of a mempool is in no given block, so a filter of one bit per low half of a short id answers
/// first: it says "perhaps" for a sixth of the mempool at most, whatever a leader announces.
#[derive(Debug)]
pub struct Wanted {
    names: ShortIds,
    filter: Vec<bool>,
    /// Ascending.
    places: Vec<(ShortId, u16)>,
}

impl Wanted {
    /// What a well-formed announcement names.
    #[must_use]
    pub fn of(compact: &CompactBlock) -> Self {
        let mut filter = vec![false; 1 << 16];
        let mut places: Vec<(ShortId, u16)> =
            compact.short_ids.iter().copied().zip(compact.named_places()).collect();
        for (short, _) in &places {
            filter[filter_place(*short)] = true;
        }
        places.sort_unstable();
        Self { names: ShortIds::of(&compact.digest), filter, places }
    }

    /// The place of the transaction with this sealed id, if one with its short id is announced.
    #[must_use]
    pub fn place(&self, sealed: &Digest) -> Option<u16> {
        let short = self.names.short(sealed);
        if !self.filter[filter_place(short)] {
            return None;
        }
        let at = self.places.binary_search_by_key(&short, |(short, _)| *short).ok()?;
        Some(self.places[at].1)
    }
}

fn filter_place(short: ShortId) -> usize {
    usize::from(u16::from_le_bytes([short.0[0], short.0[1]]))
}

/// The transactions of an announced block, as far as they are at hand.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Parts {
    places: Vec<Option<Transaction>>,
    /// Places of transactions at hand whose signatures were not checked.
    unchecked: BTreeSet<u16>,
}

impl Parts {
    /// What an announcement carries itself; `is_checked` tells of which the signatures were checked.
    ///
    /// # Panics
    /// If the announcement is not well formed.
    #[must_use]
    pub fn of(compact: &CompactBlock, is_checked: impl Fn(&Transaction) -> bool) -> Self {
        let places = vec![None; compact.transactions()];
        let mut parts = Self { places, unchecked: BTreeSet::new() };
        for one in &compact.prefilled {
            parts.put(one.place, one.transaction.clone(), is_checked(&one.transaction));
        }
        parts
    }

    /// Puts a transaction in its place.
    ///
    /// # Panics
    /// If the block has no such place, or it is taken.
    pub fn put(&mut self, place: u16, transaction: Transaction, checked: bool) {
        let before = self.places[usize::from(place)].replace(transaction);
        assert!(before.is_none(), "place {place} is taken");
        if !checked {
            self.unchecked.insert(place);
        }
    }

    /// The places where nothing is, ascending.
    #[must_use]
    pub fn missing(&self) -> Vec<u16> {
        let places = (0..).zip(&self.places);
        places.filter(|(_, one)| one.is_none()).map(|(place, _)| place).collect()
    }

    /// Puts the block together. Returns it with the places of the transactions to check. Whether it is
    /// the block announced shows when it is checked against its header.
    ///
    /// # Panics
    /// If something is missing.
    #[must_use]
    pub fn join(self, compact: &CompactBlock) -> (Arc<Block>, Vec<u16>) {
        let transactions: Option<Vec<Transaction>> = self.places.into_iter().collect();
        let mut transactions = transactions.expect("joined when nothing is missing");
        if planted!(CompactUnchecked) {
            transactions.reverse();
        }
        let transactions = Bounded::new(transactions);
        let payload = Payload { transactions, evidence: compact.evidence.clone() };
        let block = Arc::new(Block::new(compact.header.clone(), payload));
        (block, self.unchecked.into_iter().collect())
    }
}

#[cfg(test)]
mod tests;
