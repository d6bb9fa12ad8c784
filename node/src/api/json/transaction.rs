//! Transactions, both ways: what is served is what may be sent.

use quorate_core::{
    codec::Bounded,
    transaction::{
        Authority, FeeMode, Payer, SIGNATURES_MAX, Transaction, TransactionBody,
        TransactionSignature,
    },
    types::{ChainId, Height},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    kind::KindJson,
    text::{Decimal, Hex32, Hex64},
};

/// What of a well-formed document is not a transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotATransaction {
    /// A list is longer than its bound.
    #[error("{field} has {count} entries, and at most {max} are allowed")]
    TooMany {
        /// Which list.
        field: &'static str,
        /// How many it has.
        count: usize,
        /// How many it may have.
        max: usize,
    },
    /// The id that was given is that of another body.
    #[error("the id {given} is not that of this body, which is {found}; leave it out or mend it")]
    OtherId {
        /// In the document.
        given: Hex32,
        /// Of the body.
        found: Hex32,
    },
}

/// A list within its bound.
pub(super) fn bounded<T, const MAX: usize>(
    field: &'static str,
    items: Vec<T>,
) -> Result<Bounded<T, MAX>, NotATransaction> {
    match items.len() {
        count if count > MAX => Err(NotATransaction::TooMany { field, count, max: MAX }),
        _ => Ok(Bounded::new(items)),
    }
}

/// A signed transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransactionJson {
    /// The id, which covers the body and not the signatures. May be left out when sending; if it is there
    /// it must be right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Hex32>,
    /// What is agreed to.
    pub body: BodyJson,
    /// Exactly the keys that are needed, strictly ascending.
    #[schema(max_items = 16)]
    pub signatures: Vec<SignatureJson>,
}

/// One key's consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignatureJson {
    /// The key.
    pub key: Hex32,
    /// Its signature of the body.
    pub signature: Hex64,
}

/// Everything a signer agrees to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BodyJson {
    /// Encoding version: 1.
    pub version: u8,
    /// The chain it is for.
    pub chain_id: u32,
    /// Who pays.
    pub payer: PayerJson,
    /// Whose signatures speak for the payer.
    pub authority: AuthorityJson,
    /// What the fee is counted in.
    pub fee_mode: FeeModeJson,
    /// What is paid, whether all goes well or not.
    pub fee: Decimal,
    /// The last height it may be executed at.
    pub valid_until: Decimal,
    /// What it does.
    pub kind: KindJson,
}

/// Who pays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum PayerJson {
    /// An account.
    Account {
        /// The account.
        address: Hex32,
        /// The account's next nonce.
        nonce: Decimal,
    },
    /// The coins that the transaction spends.
    Coins {
        /// Who owns all of them.
        owner: Hex32,
    },
}

/// Whose signatures speak for the payer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthorityJson {
    /// The one key that the address names.
    Key,
    /// As many of the address's signers as its threshold says.
    MultiSig,
}

/// What a fee is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeeModeJson {
    /// Native tokens, in the smallest unit.
    Native,
    /// Energy, which frozen tokens give.
    Energy,
}

impl From<Authority> for AuthorityJson {
    fn from(authority: Authority) -> Self {
        match authority {
            Authority::Key => Self::Key,
            Authority::MultiSig => Self::MultiSig,
        }
    }
}

impl From<AuthorityJson> for Authority {
    fn from(authority: AuthorityJson) -> Self {
        match authority {
            AuthorityJson::Key => Self::Key,
            AuthorityJson::MultiSig => Self::MultiSig,
        }
    }
}

impl From<&Transaction> for TransactionJson {
    fn from(transaction: &Transaction) -> Self {
        let sign = |one: &TransactionSignature| SignatureJson {
            key: one.key.into(),
            signature: one.signature.into(),
        };
        Self {
            id: Some(transaction.id().into()),
            body: (&transaction.body).into(),
            signatures: transaction.signatures.iter().map(sign).collect(),
        }
    }
}

impl From<&TransactionBody> for BodyJson {
    fn from(body: &TransactionBody) -> Self {
        let payer = match body.payer {
            Payer::Account { address, nonce } => {
                PayerJson::Account { address: address.into(), nonce: Decimal(nonce) }
            }
            Payer::Coins { owner } => PayerJson::Coins { owner: owner.into() },
        };
        let fee_mode = match body.fee_mode {
            FeeMode::Native => FeeModeJson::Native,
            FeeMode::Energy => FeeModeJson::Energy,
        };
        Self {
            version: body.version,
            chain_id: body.chain_id.get(),
            payer,
            authority: body.authority.into(),
            fee_mode,
            fee: Decimal(body.fee),
            valid_until: Decimal(body.valid_until.get()),
            kind: (&body.kind).into(),
        }
    }
}

impl TryFrom<BodyJson> for TransactionBody {
    type Error = NotATransaction;

    fn try_from(body: BodyJson) -> Result<Self, NotATransaction> {
        let payer = match body.payer {
            PayerJson::Account { address, nonce } => {
                Payer::Account { address: address.address(), nonce: nonce.0 }
            }
            PayerJson::Coins { owner } => Payer::Coins { owner: owner.address() },
        };
        let fee_mode = match body.fee_mode {
            FeeModeJson::Native => FeeMode::Native,
            FeeModeJson::Energy => FeeMode::Energy,
        };
        Ok(Self {
            version: body.version,
            chain_id: ChainId::new(body.chain_id),
            payer,
            authority: body.authority.into(),
            fee_mode,
            fee: body.fee.0,
            valid_until: Height::new(body.valid_until.0),
            kind: body.kind.try_into()?,
        })
    }
}

impl TryFrom<TransactionJson> for Transaction {
    type Error = NotATransaction;

    fn try_from(json: TransactionJson) -> Result<Self, NotATransaction> {
        let sign = |one: SignatureJson| TransactionSignature {
            key: one.key.public_key(),
            signature: one.signature.signature(),
        };
        let signatures: Vec<_> = json.signatures.into_iter().map(sign).collect();
        let transaction = Self {
            body: json.body.try_into()?,
            signatures: bounded::<_, SIGNATURES_MAX>("signatures", signatures)?,
        };
        let found = Hex32::from(transaction.id());
        match json.id {
            Some(given) if given != found => Err(NotATransaction::OtherId { given, found }),
            _ => Ok(transaction),
        }
    }
}
