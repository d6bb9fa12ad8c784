//! Where everything lies: the keys of all columns, written and read.
//!
//! Numbers are big-endian, so that keys are in the order of what they count. Nothing else in the store
//! knows a key's bytes. `docs/storage.md` has the table.

use quorate_core::{
    execution::cell::CellPath,
    types::{Digest, Height, View},
    vote::Kind,
};

use super::columns::Column;

/// A column and a key in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) column: Column,
    pub(super) bytes: Vec<u8>,
}

/// First bytes of the keys of `consensus`.
pub(super) const CERTIFICATES: u8 = b'c';
pub(super) const EVIDENCE: u8 = b'e';
pub(super) const INCOMPLETE: u8 = b'i';
pub(super) const CHECKPOINTS: u8 = b'k';
pub(super) const VIEWS: u8 = b'v';

/// First bytes of the keys of `txidx`.
const BLOCKS: u8 = b'b';
const TRANSACTIONS: u8 = b't';

/// Last bytes of the keys of `headers` and `receipts`: two rows a height.
const FIRST: u8 = 0;
const SECOND: u8 = 1;

impl Key {
    fn new(column: Column, parts: &[&[u8]]) -> Self {
        Self { column, bytes: parts.concat() }
    }

    fn numbered(column: Column, prefix: u8, number: u64) -> Self {
        Self::new(column, &[&[prefix], &number.to_be_bytes()])
    }

    /// The schema's number: the one row that is read before anything is known of the rest.
    pub(super) fn schema() -> Self {
        Self::new(Column::Meta, &[b"schema"])
    }

    /// The genesis digest.
    pub(super) fn genesis() -> Self {
        Self::new(Column::Meta, &[b"genesis"])
    }

    /// The last height executed and its state.
    pub(super) fn committed() -> Self {
        Self::new(Column::Meta, &[b"committed"])
    }

    /// The last advance of finality that reached its tip.
    pub(super) fn tip() -> Self {
        Self::new(Column::Meta, &[b"tip"])
    }

    /// A certificate above the finalized view.
    pub(super) fn certificate(view: View, kind: Kind) -> Self {
        let kind = match kind {
            Kind::Notarize => 0,
            Kind::Nullify => 1,
            Kind::Finalize => 2,
        };
        Self::new(Column::Consensus, &[&[CERTIFICATES], &view.get().to_be_bytes(), &[kind]])
    }

    /// A piece of evidence, by the order in which it was recorded.
    pub(super) fn evidence(number: u64) -> Self {
        Self::numbered(Column::Consensus, EVIDENCE, number)
    }

    /// That the proof of a height still lacks something.
    pub(super) fn incomplete(height: Height) -> Self {
        Self::numbered(Column::Consensus, INCOMPLETE, height.get())
    }

    /// A certified checkpoint.
    pub(super) fn checkpoint(height: Height) -> Self {
        Self::numbered(Column::Consensus, CHECKPOINTS, height.get())
    }

    /// The height that was decided in a view.
    pub(super) fn view(view: View) -> Self {
        Self::numbered(Column::Consensus, VIEWS, view.get())
    }

    /// A final header.
    pub(super) fn header(height: Height) -> Self {
        Self::new(Column::Headers, &[&height.get().to_be_bytes(), &[FIRST]])
    }

    /// Why a height is final.
    pub(super) fn proof(height: Height) -> Self {
        Self::new(Column::Headers, &[&height.get().to_be_bytes(), &[SECOND]])
    }

    /// A block, final or not.
    pub(super) fn body(height: Height, digest: &Digest) -> Self {
        Self::new(Column::Bodies, &[&height.get().to_be_bytes(), digest.get()])
    }

    /// What an executed height came to.
    pub(super) fn roots(height: Height) -> Self {
        Self::new(Column::Receipts, &[&height.get().to_be_bytes(), &[FIRST]])
    }

    /// What became of a height's transactions.
    pub(super) fn outcomes(height: Height) -> Self {
        Self::new(Column::Receipts, &[&height.get().to_be_bytes(), &[SECOND]])
    }

    /// The height of a block.
    pub(super) fn block(digest: &Digest) -> Self {
        Self::new(Column::Index, &[&[BLOCKS], digest.get()])
    }

    /// Where a transaction is.
    pub(super) fn transaction(id: &Digest) -> Self {
        Self::new(Column::Index, &[&[TRANSACTIONS], id.get()])
    }

    /// A cell.
    pub(super) fn cell(path: &CellPath) -> Self {
        Self::new(Column::Cells, &[path.get()])
    }

    /// What a height replaced.
    pub(super) fn undo(height: Height) -> Self {
        Self::new(Column::Undo, &[&height.get().to_be_bytes()])
    }

    /// A checkpoint computed here.
    pub(super) fn snapshot(height: Height) -> Self {
        Self::new(Column::Snapshots, &[&height.get().to_be_bytes()])
    }
}

/// Where the keys of a height begin, in every column that is ordered by height.
pub(super) fn from_height(height: Height) -> [u8; 8] {
    height.get().to_be_bytes()
}

/// The number that a key begins with.
pub(super) fn leading_number(key: &[u8]) -> Option<u64> {
    let (number, _) = key.split_first_chunk::<8>()?;
    Some(u64::from_be_bytes(*number))
}

/// The number behind a key's prefix byte.
pub(super) fn number_after_prefix(key: &[u8]) -> Option<u64> {
    leading_number(key.get(1..)?)
}

/// Where a row of `headers` is of, and whether it is the header.
pub(super) fn header_row(key: &[u8]) -> Option<(Height, bool)> {
    let height = Height::new(leading_number(key)?);
    match key.get(8..)? {
        [FIRST] => Some((height, true)),
        [SECOND] => Some((height, false)),
        _ => None,
    }
}

/// What a row of `txidx` is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IndexRow {
    /// A block, by its digest.
    Block(Digest),
    /// A transaction, by its id.
    Transaction(Digest),
}

/// What a row of `txidx` is about.
pub(super) fn index_row(key: &[u8]) -> Option<IndexRow> {
    let (kind, rest) = key.split_first()?;
    let digest = Digest::new(rest.try_into().ok()?);
    match *kind {
        BLOCKS => Some(IndexRow::Block(digest)),
        TRANSACTIONS => Some(IndexRow::Transaction(digest)),
        _ => None,
    }
}

/// The height and digest of a row of `bodies`.
pub(super) fn body_row(key: &[u8]) -> Option<(Height, Digest)> {
    let digest: [u8; 32] = key.get(8..)?.try_into().ok()?;
    Some((Height::new(leading_number(key)?), Digest::new(digest)))
}

/// The view and kind of a certificate's row.
pub(super) fn certificate_row(key: &[u8]) -> Option<(View, Kind)> {
    let view = View::new(number_after_prefix(key)?);
    let kind = match key.get(9..)? {
        [0] => Kind::Notarize,
        [1] => Kind::Nullify,
        [2] => Kind::Finalize,
        _ => return None,
    };
    Some((view, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys sort like what they count, and are read back as what they were made from.
    #[test]
    fn keys_are_in_order_and_read_back() {
        let heights = [0, 1, 255, 256, u64::MAX].map(Height::new);
        let bytes = |key: fn(Height) -> Key| heights.map(|height| key(height).bytes);
        for key in [Key::header, Key::proof, Key::roots, Key::undo, Key::checkpoint] {
            assert!(bytes(key).is_sorted());
        }
        for height in heights {
            assert_eq!(header_row(&Key::header(height).bytes), Some((height, true)));
            assert_eq!(header_row(&Key::proof(height).bytes), Some((height, false)));
            let digest = Digest::new([7; 32]);
            assert_eq!(body_row(&Key::body(height, &digest).bytes), Some((height, digest)));
            assert_eq!(number_after_prefix(&Key::incomplete(height).bytes), Some(height.get()));
            for kind in Kind::ALL {
                let view = View::new(height.get());
                assert_eq!(
                    certificate_row(&Key::certificate(view, kind).bytes),
                    Some((view, kind))
                );
            }
        }
        assert_eq!(
            (body_row(b"short"), certificate_row(b"c"), header_row(&[0; 10])),
            (None, None, None)
        );
    }
}
