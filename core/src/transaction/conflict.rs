//! What a transaction uses up, so that no other one can use it as well.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::transaction::{Address, CoinId, ObjectId, Payer, TransactionBody, TransactionKind};

/// Something that only one transaction can ever use. Of two transactions that share one, at most one
/// is applied: whoever holds transactions need keep only one of them.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum ConflictKey {
    /// An account's nonce.
    Nonce(Address, u64) = 0,
    /// A coin.
    Coin(CoinId) = 1,
    /// A version of an object that somebody owns.
    Object(ObjectId, u64) = 2,
}

impl TransactionBody {
    /// Everything it uses up if it is applied. A transaction that fails uses its nonce only.
    #[must_use]
    pub fn conflict_keys(&self) -> Vec<ConflictKey> {
        let mut keys = Vec::with_capacity(1);
        if let Payer::Account { address, nonce } = self.payer {
            keys.push(ConflictKey::Nonce(address, nonce));
        }
        match &self.kind {
            TransactionKind::Coins(coins) => {
                keys.extend(coins.inputs.iter().map(|id| ConflictKey::Coin(*id)));
            }
            TransactionKind::Objects(objects) => {
                let owned = objects.owned.iter();
                keys.extend(owned.map(|input| ConflictKey::Object(input.id, input.version)));
            }
            _ => {}
        }
        keys
    }
}
