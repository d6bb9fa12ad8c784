//! The state's smallest parts: typed values under 32-byte paths.
//!
//! A path is `kind byte || last 31 bytes of blake2b-256(kind, raw key)`, so cells of one kind lie
//! together and nobody can choose where a cell lies. Nothing here knows how cells are stored. The
//! numbers of the kinds are part of the state's definition and never change; 9 is kept for what waits
//! for other chains, 10 for what was claimed from them, 12 and 13 for programs.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    digest::{Domain, Hasher},
    evidence::Offence,
    execution::energy::Energy,
    transaction::{
        Address, Amount, Asset, AssetId, Authority, CoinId, ObjectData, ObjectId, ObjectOwner,
        Signers,
    },
    types::{Digest, Epoch, Height, ValidatorId, hex},
};

/// What a cell is about.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum CellKind {
    /// An account: nonce, native balance and whose signatures it takes.
    Account = 1,
    /// What an account holds of an issued asset.
    Balance = 2,
    /// Whose signatures an account takes.
    MultiSig = 3,
    /// An account's frozen tokens and their energy.
    Energy = 4,
    /// A coin.
    Coin = 5,
    /// An object.
    Object = 6,
    /// An issued asset.
    Asset = 7,
    /// Something the chain keeps for itself.
    System = 8,
}

impl CellKind {
    /// The first byte of the paths of this kind.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Account => 1,
            Self::Balance => 2,
            Self::MultiSig => 3,
            Self::Energy => 4,
            Self::Coin => 5,
            Self::Object => 6,
            Self::Asset => 7,
            Self::System => 8,
        }
    }
}

/// Where a cell lies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct CellPath([u8; 32]);

impl CellPath {
    /// The path of an account.
    #[must_use]
    pub fn account(address: &Address) -> Self {
        Self::of(CellKind::Account, address)
    }

    /// The path of what an account holds of an asset: of the account itself for native tokens, which
    /// lie there.
    #[must_use]
    pub fn balance(address: &Address, asset: &Asset) -> Self {
        match asset {
            Asset::Native => Self::account(address),
            Asset::Issued(id) => Self::of(CellKind::Balance, &(address, id)),
        }
    }

    /// The path of the signers of an account.
    #[must_use]
    pub fn multisig(address: &Address) -> Self {
        Self::of(CellKind::MultiSig, address)
    }

    /// The path of the frozen tokens of an account.
    #[must_use]
    pub fn energy(address: &Address) -> Self {
        Self::of(CellKind::Energy, address)
    }

    /// The path of a coin.
    #[must_use]
    pub fn coin(id: &CoinId) -> Self {
        Self::of(CellKind::Coin, id)
    }

    /// The path of an object.
    #[must_use]
    pub fn object(id: &ObjectId) -> Self {
        Self::of(CellKind::Object, id)
    }

    /// The path of an issued asset.
    #[must_use]
    pub fn asset(id: &AssetId) -> Self {
        Self::of(CellKind::Asset, id)
    }

    /// The path of a system cell.
    #[must_use]
    pub fn system(key: &SystemKey) -> Self {
        Self::of(CellKind::System, key)
    }

    /// The raw bytes.
    #[must_use]
    pub const fn get(&self) -> &[u8; 32] {
        &self.0
    }

    /// A path that was made here before.
    pub(super) const fn from_raw(raw: [u8; 32]) -> Self {
        Self(raw)
    }

    /// The code of the kind of cells that lie here.
    #[must_use]
    pub const fn kind_code(&self) -> u8 {
        self.0[0]
    }

    fn of<K: BorshSerialize>(kind: CellKind, key: &K) -> Self {
        let digest = Hasher::new(Domain::CellPath).value(&kind).value(key).finish();
        let mut raw = *digest.get();
        raw[0] = kind.code();
        Self(raw)
    }
}

impl fmt::Debug for CellPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0[..5], f)
    }
}

/// An account that exists: it was paid, or has paid, at least once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Account {
    /// The nonce its next transaction must carry: how many it has executed.
    pub nonce: u64,
    /// Native tokens, in the smallest unit.
    pub balance: u64,
    /// Whose signatures it takes.
    pub authority: Authority,
}

impl Account {
    /// An account that was paid but has not paid yet.
    #[must_use]
    pub const fn with_balance(balance: u64) -> Self {
        Self { nonce: 0, balance, authority: Authority::Key }
    }
}

/// What an account holds of an issued asset. Never zero: such a cell is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Balance {
    /// The asset.
    pub asset: AssetId,
    /// How much, in the asset's smallest unit.
    pub amount: u64,
}

/// A coin that was not spent yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Coin {
    /// Its name, which its path does not tell.
    pub id: CoinId,
    /// Who may spend it.
    pub owner: Address,
    /// How much of what.
    pub amount: Amount,
    /// The block that made it.
    pub height: Height,
}

/// An object as it is now.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Object {
    /// Its name, which its path does not tell.
    pub id: ObjectId,
    /// Grows whenever a transaction uses it for more than reading.
    pub version: u64,
    /// Who may do what with it.
    pub owner: ObjectOwner,
    /// Native tokens in it.
    pub held: u64,
    /// What is in it.
    pub data: ObjectData,
}

/// An asset that was issued. Never removed, so that its name never means another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AssetRecord {
    /// Its name, which its path does not tell.
    pub id: AssetId,
    /// Who may issue more.
    pub issuer: Address,
    /// How people write amounts of it.
    pub decimals: u8,
    /// The most that is ever issued.
    pub cap: u64,
    /// Issued so far, what was burned since included.
    pub issued: u64,
    /// Destroyed so far.
    pub burned: u64,
}

/// The raw key of a system cell.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum SystemKey {
    /// All fees ever taken.
    Fees = 1,
    /// All tokens ever destroyed.
    Burned = 2,
    /// What a validator has at stake.
    Stake(ValidatorId) = 3,
    /// A validator's offence, once per epoch and kind.
    Offence(ValidatorId, Epoch, Offence) = 4,
}

/// A system cell's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum System {
    /// All fees ever taken.
    Fees(u64) = 1,
    /// All tokens ever destroyed.
    Burned(u64) = 2,
    /// What a validator has at stake; zero once slashed.
    Stake(u64) = 3,
    /// An offence that was proven on chain.
    Offence(OffenceRecord) = 4,
}

/// A proven offence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct OffenceRecord {
    /// Who.
    pub validator: ValidatorId,
    /// When it happened.
    pub epoch: Epoch,
    /// What it was.
    pub offence: Offence,
    /// The block that brought the evidence.
    pub height: Height,
    /// The stake destroyed for it: all there was, so zero for every offence but the first.
    pub slashed: u64,
}

/// One cell's value. Its encoding begins with the code of its kind.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Cell {
    /// An account.
    Account(Account) = 1,
    /// What an account holds of an issued asset.
    Balance(Balance) = 2,
    /// Whose signatures an account takes.
    MultiSig(Signers) = 3,
    /// An account's frozen tokens and their energy.
    Energy(Energy) = 4,
    /// A coin.
    Coin(Coin) = 5,
    /// An object.
    Object(Object) = 6,
    /// An issued asset.
    Asset(AssetRecord) = 7,
    /// A system cell.
    System(System) = 8,
}

impl Cell {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> CellKind {
        match self {
            Self::Account(_) => CellKind::Account,
            Self::Balance(_) => CellKind::Balance,
            Self::MultiSig(_) => CellKind::MultiSig,
            Self::Energy(_) => CellKind::Energy,
            Self::Coin(_) => CellKind::Coin,
            Self::Object(_) => CellKind::Object,
            Self::Asset(_) => CellKind::Asset,
            Self::System(_) => CellKind::System,
        }
    }

    /// What it holds for somebody; `None` if it holds nothing that belongs to anyone.
    #[must_use]
    pub fn holding(&self) -> Option<Amount> {
        let native = |amount| Some(Amount { asset: Asset::Native, amount });
        match self {
            Self::Account(account) => native(account.balance),
            Self::Balance(balance) => {
                Some(Amount { asset: Asset::Issued(balance.asset), amount: balance.amount })
            }
            Self::Energy(energy) => native(energy.tokens()),
            Self::Coin(coin) => Some(coin.amount),
            Self::Object(object) => native(object.held),
            Self::MultiSig(_) | Self::Asset(_) | Self::System(_) => None,
        }
    }

    /// The cell after an amount was added to it; an account or balance that does not exist is created.
    /// What is added to an asset counts as destroyed.
    ///
    /// # Panics
    /// If cells at `path` hold no such amount, or the sum exceeds a `u64`: access sets and capped
    /// supplies rule both out.
    #[must_use]
    pub fn credited(cell: Option<Self>, path: &CellPath, added: &Amount) -> Self {
        let plus = |held: u64| {
            held.checked_add(added.amount).unwrap_or_else(|| {
                panic!("{held} + {} at {path:?} exceeds a u64, but no supply does", added.amount)
            })
        };
        match (path.kind_code(), added.asset, cell) {
            (1, Asset::Native, None) => Self::Account(Account::with_balance(added.amount)),
            (1, Asset::Native, Some(Self::Account(account))) => {
                Self::Account(Account { balance: plus(account.balance), ..account })
            }
            (2, Asset::Issued(asset), None) => {
                Self::Balance(Balance { asset, amount: added.amount })
            }
            (2, Asset::Issued(asset), Some(Self::Balance(held))) => {
                assert_eq!(held.asset, asset, "the balance at {path:?} is of another asset");
                Self::Balance(Balance { asset, amount: plus(held.amount) })
            }
            (7, Asset::Issued(id), Some(Self::Asset(asset))) => {
                assert_eq!(asset.id, id, "{path:?} is another asset");
                Self::Asset(AssetRecord { burned: plus(asset.burned), ..asset })
            }
            (_, _, cell) => panic!("{added:?} cannot be added to {cell:?} at {path:?}"),
        }
    }
}

/// Stands for one cell at one path wherever the state is committed to.
#[must_use]
pub fn element(path: &CellPath, cell: &Cell) -> Digest {
    Hasher::new(Domain::CellValue).value(path).value(cell).finish()
}
