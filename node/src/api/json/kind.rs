//! What transactions do, kind by kind, both ways.

use quorate_core::transaction::{
    Address, Amount, AssetId, Burn, CoinId, CoinOutput, Coins, EnergyAction, Issue, Mint,
    MultiSigAction, ObjectAction, ObjectId, Objects, Output, OwnedInput, SharedInput, Signers,
    TransactionKind, Transfer,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    text::{AssetText, Decimal, Hex32, HexBytes},
    transaction::{NotATransaction, bounded},
};

/// What a transaction does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum KindJson {
    /// Moves tokens from the payer's account to others.
    Transfer {
        /// The credits, in order.
        #[schema(max_items = 256)]
        outputs: Vec<OutputJson>,
        /// At most 64 bytes for the receivers; empty if there is no memo.
        memo: HexBytes,
    },
    /// Creates an asset, named after this transaction.
    CreateAsset {
        /// How people write amounts of it.
        decimals: u8,
        /// The most that is ever issued.
        cap: Decimal,
        /// Issued to the payer at once.
        amount: Decimal,
    },
    /// Issues more of the payer's asset.
    Mint {
        /// The asset.
        asset: Hex32,
        /// To whom.
        #[schema(max_items = 64)]
        mints: Vec<MintJson>,
    },
    /// Destroys some of what the payer's account holds.
    Burn {
        /// Of what.
        asset: AssetText,
        /// How much.
        amount: Decimal,
    },
    /// Freezes tokens of the payer's account for energy.
    Freeze {
        /// How many.
        amount: Decimal,
    },
    /// Begins to unfreeze.
    Unfreeze {
        /// How many.
        amount: Decimal,
    },
    /// Puts all that can be withdrawn back into the payer's account.
    Withdraw {},
    /// From the next transaction on the account takes these signers' signatures.
    SetMultiSig {
        /// The signers.
        signers: SignersJson,
    },
    /// From the next transaction on the account takes its own key's signature again.
    ClearMultiSig {},
    /// Spends coins and makes new ones.
    Coins {
        /// The coins to spend, strictly ascending.
        #[schema(max_items = 64)]
        inputs: Vec<ItemIdJson>,
        /// What the payer's account adds, strictly ascending by asset.
        #[schema(max_items = 16)]
        funds: Vec<AmountJson>,
        /// The coins to make.
        #[schema(max_items = 64)]
        outputs: Vec<OutputJson>,
        /// What becomes of accounts' balances again.
        #[schema(max_items = 64)]
        credits: Vec<OutputJson>,
    },
    /// Makes and changes objects.
    Objects {
        /// The payer's own objects, strictly ascending by id.
        #[schema(max_items = 16)]
        owned: Vec<OwnedInputJson>,
        /// Shared and frozen objects, strictly ascending by id.
        #[schema(max_items = 16)]
        shared: Vec<SharedInputJson>,
        /// What to do, in order.
        #[schema(max_items = 8)]
        actions: Vec<ActionJson>,
    },
}

/// So much of something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AmountJson {
    /// Of what.
    pub asset: AssetText,
    /// How much, in its smallest unit.
    pub amount: Decimal,
}

/// So much of something for somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutputJson {
    /// Who receives.
    pub to: Hex32,
    /// Of what.
    pub asset: AssetText,
    /// How much, in its smallest unit.
    pub amount: Decimal,
}

/// New tokens of an asset for an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MintJson {
    /// Who receives.
    pub to: Hex32,
    /// How much, in the asset's smallest unit.
    pub amount: Decimal,
}

/// Some keys, and how many of them must sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignersJson {
    /// How many sign: exactly as many.
    pub threshold: u8,
    /// The keys, strictly ascending.
    #[schema(max_items = 16)]
    pub keys: Vec<Hex32>,
}

/// A coin's or an object's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemIdJson {
    /// The transaction that made it.
    pub transaction: Hex32,
    /// Its place among what that transaction made, from zero.
    pub index: u32,
}

/// An object of the payer, as the payer knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnedInputJson {
    /// The object.
    pub id: ItemIdJson,
    /// The version it must still have.
    pub version: Decimal,
}

/// A shared or frozen object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SharedInputJson {
    /// The object.
    pub id: ItemIdJson,
    /// Whether it may be changed.
    pub is_written: bool,
}

/// One step with objects. Inputs are counted from zero, the owned ones first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ActionJson {
    /// Makes an object.
    Create {
        /// Who gets it.
        owner: Hex32,
        /// Native tokens of the payer's to put into it.
        held: Decimal,
        /// At most 4096 bytes.
        data: HexBytes,
    },
    /// Replaces an input's data.
    Mutate {
        /// Which input.
        input: u8,
        /// At most 4096 bytes.
        data: HexBytes,
    },
    /// Gives an input to somebody.
    Transfer {
        /// Which input.
        input: u8,
        /// Who gets it.
        to: Hex32,
    },
    /// Shares an input with everybody.
    Share {
        /// Which input.
        input: u8,
    },
    /// Makes an input unchangeable.
    Freeze {
        /// Which input.
        input: u8,
    },
    /// Deletes an input.
    Delete {
        /// Which input.
        input: u8,
    },
}

impl From<&TransactionKind> for KindJson {
    fn from(kind: &TransactionKind) -> Self {
        match kind {
            TransactionKind::Transfer(transfer) => Self::Transfer {
                outputs: transfer.outputs.iter().map(OutputJson::from).collect(),
                memo: HexBytes(transfer.memo.to_vec()),
            },
            TransactionKind::Issue(Issue::Create { decimals, cap, amount }) => Self::CreateAsset {
                decimals: *decimals,
                cap: Decimal(*cap),
                amount: Decimal(*amount),
            },
            TransactionKind::Issue(Issue::Mint { asset, mints }) => {
                let mint = |one: &Mint| MintJson { to: one.to.into(), amount: Decimal(one.amount) };
                Self::Mint { asset: (*asset).into(), mints: mints.iter().map(mint).collect() }
            }
            TransactionKind::Burn(burn) => Self::Burn {
                asset: AssetText(burn.burned.asset),
                amount: Decimal(burn.burned.amount),
            },
            TransactionKind::Energy(EnergyAction::Freeze { amount }) => {
                Self::Freeze { amount: Decimal(*amount) }
            }
            TransactionKind::Energy(EnergyAction::Unfreeze { amount }) => {
                Self::Unfreeze { amount: Decimal(*amount) }
            }
            TransactionKind::Energy(EnergyAction::Withdraw) => Self::Withdraw {},
            TransactionKind::MultiSig(MultiSigAction::Set(signers)) => {
                Self::SetMultiSig { signers: signers.into() }
            }
            TransactionKind::MultiSig(MultiSigAction::Clear) => Self::ClearMultiSig {},
            TransactionKind::Coins(coins) => Self::Coins {
                inputs: coins.inputs.iter().map(ItemIdJson::from).collect(),
                funds: coins.funds.iter().map(AmountJson::from).collect(),
                outputs: coins
                    .outputs
                    .iter()
                    .map(|one| OutputJson {
                        to: one.owner.into(),
                        asset: AssetText(one.amount.asset),
                        amount: Decimal(one.amount.amount),
                    })
                    .collect(),
                credits: coins.credits.iter().map(OutputJson::from).collect(),
            },
            TransactionKind::Objects(objects) => Self::Objects {
                owned: objects
                    .owned
                    .iter()
                    .map(|one| OwnedInputJson {
                        id: (&one.id).into(),
                        version: Decimal(one.version),
                    })
                    .collect(),
                shared: objects
                    .shared
                    .iter()
                    .map(|one| SharedInputJson { id: (&one.id).into(), is_written: one.is_written })
                    .collect(),
                actions: objects.actions.iter().map(ActionJson::from).collect(),
            },
        }
    }
}

impl TryFrom<KindJson> for TransactionKind {
    type Error = NotATransaction;

    fn try_from(kind: KindJson) -> Result<Self, NotATransaction> {
        Ok(match kind {
            KindJson::Transfer { outputs, memo } => Self::Transfer(Transfer {
                outputs: bounded("outputs", outputs.into_iter().map(Output::from).collect())?,
                memo: bounded("memo", memo.0)?,
            }),
            KindJson::CreateAsset { decimals, cap, amount } => {
                Self::Issue(Issue::Create { decimals, cap: cap.0, amount: amount.0 })
            }
            KindJson::Mint { asset, mints } => {
                let mint = |one: MintJson| Mint { to: one.to.address(), amount: one.amount.0 };
                Self::Issue(Issue::Mint {
                    asset: AssetId::of_transaction(asset.digest()),
                    mints: bounded("mints", mints.into_iter().map(mint).collect())?,
                })
            }
            KindJson::Burn { asset, amount } => {
                Self::Burn(Burn { burned: Amount { asset: asset.0, amount: amount.0 } })
            }
            KindJson::Freeze { amount } => Self::Energy(EnergyAction::Freeze { amount: amount.0 }),
            KindJson::Unfreeze { amount } => {
                Self::Energy(EnergyAction::Unfreeze { amount: amount.0 })
            }
            KindJson::Withdraw {} => Self::Energy(EnergyAction::Withdraw),
            KindJson::SetMultiSig { signers } => {
                Self::MultiSig(MultiSigAction::Set(signers.try_into()?))
            }
            KindJson::ClearMultiSig {} => Self::MultiSig(MultiSigAction::Clear),
            KindJson::Coins { inputs, funds, outputs, credits } => {
                let coin = |one: OutputJson| CoinOutput {
                    owner: one.to.address(),
                    amount: Amount { asset: one.asset.0, amount: one.amount.0 },
                };
                let fund = |one: AmountJson| Amount { asset: one.asset.0, amount: one.amount.0 };
                Self::Coins(Coins {
                    inputs: bounded("inputs", inputs.into_iter().map(CoinId::from).collect())?,
                    funds: bounded("funds", funds.into_iter().map(fund).collect())?,
                    outputs: bounded("outputs", outputs.into_iter().map(coin).collect())?,
                    credits: bounded("credits", credits.into_iter().map(Output::from).collect())?,
                })
            }
            KindJson::Objects { owned, shared, actions } => {
                let own =
                    |one: OwnedInputJson| OwnedInput { id: one.id.into(), version: one.version.0 };
                let share = |one: SharedInputJson| SharedInput {
                    id: one.id.into(),
                    is_written: one.is_written,
                };
                let actions: Result<Vec<_>, _> =
                    actions.into_iter().map(ObjectAction::try_from).collect();
                Self::Objects(Objects {
                    owned: bounded("owned", owned.into_iter().map(own).collect())?,
                    shared: bounded("shared", shared.into_iter().map(share).collect())?,
                    actions: bounded("actions", actions?)?,
                })
            }
        })
    }
}

impl From<&Output> for OutputJson {
    fn from(output: &Output) -> Self {
        Self {
            to: output.to.into(),
            asset: AssetText(output.asset),
            amount: Decimal(output.amount),
        }
    }
}

impl From<OutputJson> for Output {
    fn from(output: OutputJson) -> Self {
        let to: Address = output.to.address();
        Self { to, asset: output.asset.0, amount: output.amount.0 }
    }
}

impl From<&Amount> for AmountJson {
    fn from(amount: &Amount) -> Self {
        Self { asset: AssetText(amount.asset), amount: Decimal(amount.amount) }
    }
}

impl From<&Signers> for SignersJson {
    fn from(signers: &Signers) -> Self {
        let keys = signers.keys.iter().map(|key| Hex32::from(*key)).collect();
        Self { threshold: signers.threshold, keys }
    }
}

impl TryFrom<SignersJson> for Signers {
    type Error = NotATransaction;

    fn try_from(signers: SignersJson) -> Result<Self, NotATransaction> {
        let keys = signers.keys.into_iter().map(Hex32::public_key).collect();
        Ok(Self { threshold: signers.threshold, keys: bounded("keys", keys)? })
    }
}

impl From<&CoinId> for ItemIdJson {
    fn from(id: &CoinId) -> Self {
        Self { transaction: id.transaction.into(), index: id.index }
    }
}

impl From<&ObjectId> for ItemIdJson {
    fn from(id: &ObjectId) -> Self {
        Self { transaction: id.transaction.into(), index: id.index }
    }
}

impl From<ItemIdJson> for CoinId {
    fn from(id: ItemIdJson) -> Self {
        Self { transaction: id.transaction.digest(), index: id.index }
    }
}

impl From<ItemIdJson> for ObjectId {
    fn from(id: ItemIdJson) -> Self {
        Self { transaction: id.transaction.digest(), index: id.index }
    }
}

impl From<&ObjectAction> for ActionJson {
    fn from(action: &ObjectAction) -> Self {
        match action {
            ObjectAction::Create { owner, held, data } => Self::Create {
                owner: (*owner).into(),
                held: Decimal(*held),
                data: HexBytes(data.to_vec()),
            },
            ObjectAction::Mutate { input, data } => {
                Self::Mutate { input: *input, data: HexBytes(data.to_vec()) }
            }
            ObjectAction::Transfer { input, to } => {
                Self::Transfer { input: *input, to: (*to).into() }
            }
            ObjectAction::Share { input } => Self::Share { input: *input },
            ObjectAction::Freeze { input } => Self::Freeze { input: *input },
            ObjectAction::Delete { input } => Self::Delete { input: *input },
        }
    }
}

impl TryFrom<ActionJson> for ObjectAction {
    type Error = NotATransaction;

    fn try_from(action: ActionJson) -> Result<Self, NotATransaction> {
        Ok(match action {
            ActionJson::Create { owner, held, data } => Self::Create {
                owner: owner.address(),
                held: held.0,
                data: bounded("data", data.0)?,
            },
            ActionJson::Mutate { input, data } => {
                Self::Mutate { input, data: bounded("data", data.0)? }
            }
            ActionJson::Transfer { input, to } => Self::Transfer { input, to: to.address() },
            ActionJson::Share { input } => Self::Share { input },
            ActionJson::Freeze { input } => Self::Freeze { input },
            ActionJson::Delete { input } => Self::Delete { input },
        })
    }
}
