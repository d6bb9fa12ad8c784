//! Accounts, coins, and the proofs of accounts that anybody can check against the genesis alone.

use quorate_core::{
    certificate::Certificate,
    checkpoint::Checkpoint,
    codec::Bounded,
    execution::{
        Account, CellProof,
        cell::{Cell, Coin},
        energy::Energy,
    },
    tree::{PathProof, Terminal},
    types::{Digest, Height},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    consensus::CheckpointCertificateJson,
    kind::{ItemIdJson, SignersJson},
    text::{AssetText, Decimal, Hex32},
    transaction::AuthorityJson,
};

/// An account. One that does not exist is one with nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountJson {
    /// Whose.
    pub address: Hex32,
    /// Whether there is anything under this address.
    pub exists: bool,
    /// The height of the state this was read from.
    pub height: u64,
    /// The nonce its next transaction must carry.
    pub nonce: Decimal,
    /// Native tokens, in the smallest unit.
    pub balance: Decimal,
    /// Whose signatures it takes.
    pub authority: AuthorityJson,
    /// The signers, if it takes several.
    pub signers: Option<SignersJson>,
    /// Frozen tokens and the energy they give, if there are any.
    pub energy: Option<EnergyJson>,
    /// With `prove=1`: the proof of nonce, balance and authority.
    pub proof: Option<AccountProofJson>,
}

/// Frozen tokens and their energy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnergyJson {
    /// Tokens that give energy.
    pub frozen: Decimal,
    /// Energy that can be used now.
    pub available: Decimal,
    /// Tokens that wait to be withdrawn.
    pub unfreezing: Vec<UnfreezingJson>,
}

/// Tokens that wait to be withdrawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnfreezingJson {
    /// How many.
    pub amount: Decimal,
    /// The first height they can be withdrawn at.
    pub ready: Decimal,
}

/// What an account is after a certified height, with everything needed to check it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountProofJson {
    /// Whose.
    pub address: Hex32,
    /// The account after the height of the checkpoint; absent if there is none under this address.
    pub account: Option<ProvenAccountJson>,
    /// The way from the leaf to the state root.
    pub way: PathProofJson,
    /// What a quorum signed.
    pub certificate: CheckpointCertificateJson,
}

/// An account's cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProvenAccountJson {
    /// The nonce its next transaction must carry.
    pub nonce: Decimal,
    /// Native tokens, in the smallest unit.
    pub balance: Decimal,
    /// Whose signatures it takes.
    pub authority: AuthorityJson,
}

/// A path through the state's tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PathProofJson {
    /// The other child of every node on the way from the root; null if it is empty.
    #[schema(max_items = 256)]
    pub siblings: Vec<Option<Hex32>>,
    /// Where the way ends.
    pub terminal: TerminalJson,
}

/// Where a path through the state's tree ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum TerminalJson {
    /// At an empty subtree: there is nothing.
    Empty {},
    /// At the leaf that was asked about.
    Own {},
    /// At another leaf, alone where the one asked about would have to be: there is nothing.
    Other {
        /// The leaf's path.
        path: Hex32,
        /// The digest of its value.
        value: Hex32,
    },
}

/// A coin that was not spent yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CoinJson {
    /// Its name.
    pub id: ItemIdJson,
    /// Who may spend it.
    pub owner: Hex32,
    /// Of what.
    pub asset: AssetText,
    /// How much, in the smallest unit.
    pub amount: Decimal,
    /// The block that made it.
    pub height: u64,
}

impl EnergyJson {
    /// Frozen tokens, and what energy there is at a height.
    #[must_use]
    pub fn new(energy: &Energy, height: Height) -> Self {
        let waiting = energy.unfreezing.iter().map(|one| UnfreezingJson {
            amount: Decimal(one.amount),
            ready: Decimal(one.ready.get()),
        });
        Self {
            frozen: Decimal(energy.frozen),
            available: Decimal(energy.available_at(height)),
            unfreezing: waiting.collect(),
        }
    }
}

impl AccountProofJson {
    /// What a proof says of an account.
    ///
    /// # Panics
    /// If the proof shows something else than an account, which a path of accounts rules out.
    #[must_use]
    pub fn new(address: Hex32, proof: &CellProof, certificate: &Certificate<Checkpoint>) -> Self {
        let account = proof.cell.as_ref().map(|cell| match cell {
            Cell::Account(account) => account.into(),
            other => panic!("a {:?} at the path of an account", other.kind()),
        });
        Self { address, account, way: (&proof.way).into(), certificate: certificate.into() }
    }
}

impl From<&Account> for ProvenAccountJson {
    fn from(account: &Account) -> Self {
        Self {
            nonce: Decimal(account.nonce),
            balance: Decimal(account.balance),
            authority: account.authority.into(),
        }
    }
}

impl From<&ProvenAccountJson> for Account {
    fn from(json: &ProvenAccountJson) -> Self {
        Self { nonce: json.nonce.0, balance: json.balance.0, authority: json.authority.into() }
    }
}

impl From<&PathProof> for PathProofJson {
    fn from(proof: &PathProof) -> Self {
        let terminal = match proof.terminal {
            Terminal::Empty => TerminalJson::Empty {},
            Terminal::Own => TerminalJson::Own {},
            Terminal::Other { path, value } => {
                TerminalJson::Other { path: Hex32::new(path), value: value.into() }
            }
        };
        let siblings = proof.siblings.iter().map(|one: &Option<Digest>| one.map(Hex32::from));
        Self { siblings: siblings.collect(), terminal }
    }
}

/// A way that is longer than any tree is deep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the way has more than 256 siblings")]
pub struct WayTooLong;

impl TryFrom<&AccountProofJson> for CellProof {
    type Error = WayTooLong;

    fn try_from(json: &AccountProofJson) -> Result<Self, WayTooLong> {
        let siblings = &json.way.siblings;
        if siblings.len() > 256 {
            return Err(WayTooLong);
        }
        let terminal = match json.way.terminal {
            TerminalJson::Empty {} => Terminal::Empty,
            TerminalJson::Own {} => Terminal::Own,
            TerminalJson::Other { path, value } => {
                Terminal::Other { path: *path.digest().get(), value: value.digest() }
            }
        };
        let siblings = siblings.iter().map(|one| one.map(Hex32::digest)).collect();
        Ok(Self {
            cell: json.account.as_ref().map(|account| Cell::Account(account.into())),
            way: PathProof { siblings: Bounded::new(siblings), terminal },
        })
    }
}

impl From<&Coin> for CoinJson {
    fn from(coin: &Coin) -> Self {
        Self {
            id: (&coin.id).into(),
            owner: coin.owner.into(),
            asset: AssetText(coin.amount.asset),
            amount: Decimal(coin.amount.amount),
            height: coin.height.get(),
        }
    }
}
