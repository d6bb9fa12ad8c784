//! Who pays for a transaction, with what, and by whose authority.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    crypto::PublicKey,
    digest::{Domain, digest_of},
    types::Digest,
};

/// An account's name: the digest of the key that controls it at first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Address(Digest);

impl Address {
    /// Below every other address; nobody knows its key.
    pub(crate) const LOWEST: Self = Self(Digest::ZERO);

    /// The address of a key.
    #[must_use]
    pub fn of_key(key: &PublicKey) -> Self {
        Self(digest_of(Domain::Address, key))
    }

    /// The address with these raw bytes, whoever knows its key.
    #[must_use]
    pub const fn from_digest(digest: Digest) -> Self {
        Self(digest)
    }

    /// The raw digest.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.0
    }
}

/// Whose transaction it is: who signs it and where its fee comes from.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Payer {
    /// An account. Its nonce orders its transactions and keeps each from running twice.
    Account {
        /// The account.
        address: Address,
        /// The account's next nonce.
        nonce: u64,
    } = 0,
    /// The coins that the transaction spends. Spending them keeps it from running twice.
    Coins {
        /// Who owns all of them.
        owner: Address,
    } = 1,
}

impl Payer {
    /// The account, or the owner of the coins: whose authority is needed.
    #[must_use]
    pub const fn address(&self) -> Address {
        match self {
            Self::Account { address, .. } => *address,
            Self::Coins { owner } => *owner,
        }
    }

    /// The account's nonce; `None` if coins pay.
    #[must_use]
    pub const fn nonce(&self) -> Option<u64> {
        match self {
            Self::Account { nonce, .. } => Some(*nonce),
            Self::Coins { .. } => None,
        }
    }
}

/// Whose signatures speak for the payer. Part of the body, so that what a transaction reads follows
/// from its bytes.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Authority {
    /// The one key that the address names.
    #[default]
    Key = 0,
    /// As many of the address's signers as its threshold says.
    MultiSig = 1,
}

/// What the fee is counted in.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum FeeMode {
    /// Native tokens, in the smallest unit.
    #[default]
    Native = 0,
    /// Energy, which frozen tokens give; it costs no tokens.
    Energy = 1,
}
