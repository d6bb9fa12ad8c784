//! What is known about payers' next nonces.
//!
//! The mempool sees no state, only the results of blocks. It remembers the payers it saw last, up to
//! a bound. As long as it has seen every block since the genesis and forgotten nobody, a payer it
//! never saw is known to have nonce zero; otherwise such a payer's nonce is unknown.

use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::transaction::Address;

/// A bounded memory of next nonces.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Nonces {
    known: BTreeMap<Address, Known>,
    /// The same payers by when they were last seen.
    by_stamp: BTreeMap<u64, Address>,
    stamp: u64,
    /// Whether nobody was ever forgotten.
    complete: bool,
    max: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Known {
    next: u64,
    stamp: u64,
}

/// Whose next nonce is not known any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forgotten {
    Nobody,
    Payer(Address),
    /// This one, and with it every payer never seen.
    AllUnseen,
}

impl Nonces {
    /// Knows nobody, or everybody if `since_genesis`.
    pub(super) fn new(max: u64, since_genesis: bool) -> Self {
        assert!(max > 0, "a memory of nobody cannot learn");
        let (known, by_stamp) = (BTreeMap::new(), BTreeMap::new());
        Self { known, by_stamp, stamp: 0, complete: since_genesis, max }
    }

    /// The payer's next nonce; `None` if unknown.
    pub(super) fn next(&self, payer: &Address) -> Option<u64> {
        match self.known.get(payer) {
            Some(known) => Some(known.next),
            None => self.complete.then_some(0),
        }
    }

    /// Learns a payer's next nonce, and forgets the one seen longest ago if there are too many.
    pub(super) fn learn(&mut self, payer: Address, next: u64) -> Forgotten {
        let stamp = self.stamp;
        self.stamp = stamp.checked_add(1).expect("2^64 results outlast any process");
        if let Some(old) = self.known.insert(payer, Known { next, stamp }) {
            assert!(old.next <= next, "nonce of {payer:?} went back from {} to {next}", old.next);
            self.by_stamp.remove(&old.stamp);
        }
        self.by_stamp.insert(stamp, payer);
        if self.by_stamp.len() <= usize::try_from(self.max).unwrap_or(usize::MAX) {
            return Forgotten::Nobody;
        }
        let (_, oldest) = self.by_stamp.pop_first().expect("more than the maximum are known");
        self.known.remove(&oldest);
        if std::mem::replace(&mut self.complete, false) {
            return Forgotten::AllUnseen;
        }
        Forgotten::Payer(oldest)
    }
}
