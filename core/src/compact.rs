//! Transactions by name, signatures included.

use crate::{
    digest::{Domain, Hasher},
    transaction::TransactionSignature,
    types::Digest,
};

/// Names a transaction together with its signatures, which its id leaves out. Two transactions with one
/// such name are the same bytes.
#[must_use]
pub fn sealed_id(id: &Digest, signatures: &[TransactionSignature]) -> Digest {
    Hasher::new(Domain::SealedTransaction).value(id).value(signatures).finish()
}
