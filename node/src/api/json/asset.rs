//! Assets and objects as the newest state has them.

use quorate_core::{
    execution::cell::{AssetRecord, Object},
    transaction::ObjectOwner,
    types::Height,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    kind::ItemIdJson,
    text::{AssetText, Decimal, Hex32, HexBytes},
};

/// An asset that was issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssetJson {
    /// Its id: that of the transaction that created it.
    pub asset: Hex32,
    /// The height of the state.
    pub height: u64,
    /// Who may issue more.
    pub issuer: Hex32,
    /// Digits after the point, for people.
    pub decimals: u8,
    /// The most that is ever issued.
    pub cap: Decimal,
    /// Issued so far, what was destroyed since included.
    pub issued: Decimal,
    /// Destroyed so far.
    pub burned: Decimal,
}

/// What an account holds of an asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BalanceJson {
    /// The account.
    pub address: Hex32,
    /// The asset.
    pub asset: AssetText,
    /// The height of the state.
    pub height: u64,
    /// How much, in the smallest unit.
    pub amount: Decimal,
}

/// An object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectJson {
    /// Its name.
    pub id: ItemIdJson,
    /// The height of the state.
    pub height: u64,
    /// Its version, which a transaction that uses it as its own names.
    pub version: Decimal,
    /// Who may do what with it.
    pub owner: ObjectOwnerJson,
    /// Native tokens in it.
    pub held: Decimal,
    /// What is in it.
    pub data: HexBytes,
}

/// Who may do what with an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ObjectOwnerJson {
    /// Only this account may use it.
    Account {
        /// The account.
        address: Hex32,
    },
    /// Anybody may change its data.
    Shared {
        /// Who shared it, and alone may freeze or delete it.
        by: Hex32,
    },
    /// Anybody may read it, and nobody ever changes it.
    Frozen {},
}

impl AssetJson {
    /// An asset in the state of a height.
    #[must_use]
    pub fn new(record: &AssetRecord, height: Height) -> Self {
        Self {
            asset: (*record.id.digest()).into(),
            height: height.get(),
            issuer: record.issuer.into(),
            decimals: record.decimals,
            cap: Decimal(record.cap),
            issued: Decimal(record.issued),
            burned: Decimal(record.burned),
        }
    }
}

impl ObjectJson {
    /// An object in the state of a height.
    #[must_use]
    pub fn new(object: &Object, height: Height) -> Self {
        Self {
            id: (&object.id).into(),
            height: height.get(),
            version: Decimal(object.version),
            owner: match object.owner {
                ObjectOwner::Account(address) => {
                    ObjectOwnerJson::Account { address: address.into() }
                }
                ObjectOwner::Shared { by } => ObjectOwnerJson::Shared { by: by.into() },
                ObjectOwner::Frozen => ObjectOwnerJson::Frozen {},
            },
            held: Decimal(object.held),
            data: HexBytes(object.data.to_vec()),
        }
    }
}
