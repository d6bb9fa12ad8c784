//! What signers agree to.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    digest::{Domain, digest_of},
    transaction::{Address, Authority, Fault, FeeMode, Payer, TransactionKind, VERSION},
    types::{ChainId, Digest, Height},
};

/// Everything a signer agrees to.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TransactionBody {
    /// Encoding version: [`VERSION`].
    pub version: u8,
    /// The chain it is for.
    pub chain_id: ChainId,
    /// Who pays.
    pub payer: Payer,
    /// Whose signatures speak for the payer.
    pub authority: Authority,
    /// What the fee is counted in.
    pub fee_mode: FeeMode,
    /// What is paid, whether all goes well or not.
    pub fee: u64,
    /// The last height it may be executed at.
    pub valid_until: Height,
    /// What it does.
    pub kind: TransactionKind,
}

impl TransactionBody {
    /// The plainest: an account with one key pays a native fee.
    #[must_use]
    pub fn new(
        chain_id: ChainId,
        payer: Address,
        nonce: u64,
        fee: u64,
        valid_until: Height,
        kind: TransactionKind,
    ) -> Self {
        Self {
            version: VERSION,
            chain_id,
            payer: Payer::Account { address: payer, nonce },
            authority: Authority::Key,
            fee_mode: FeeMode::Native,
            fee,
            valid_until,
            kind,
        }
    }

    /// Whether it can be carried out in some state.
    ///
    /// # Errors
    /// What is wrong with it in every state.
    pub fn check(&self) -> Result<(), Fault> {
        self.kind.check()?;
        self.native_debit().map(|_| ())
    }

    /// Whether this kind of payer may pay for this: coins pay only for being spent, without the help
    /// of an account, and only in native tokens.
    #[must_use]
    pub fn has_fit_payer(&self) -> bool {
        match self.payer {
            Payer::Account { .. } => true,
            Payer::Coins { .. } => match &self.kind {
                TransactionKind::Coins(coins) => {
                    self.fee_mode == FeeMode::Native
                        && !coins.inputs.is_empty()
                        && coins.funds.is_empty()
                }
                _ => false,
            },
        }
    }

    /// Native tokens that the payer's account must hold for all to go well: what the fee takes, and
    /// what the transaction moves out of the account. Zero if coins pay.
    ///
    /// # Errors
    /// If they do not add up to a `u64`.
    pub fn native_debit(&self) -> Result<u64, Fault> {
        match self.payer {
            Payer::Account { .. } => {
                let moved = self.kind.native_debit()?;
                moved.checked_add(self.native_fee()).ok_or(Fault::AmountOverflow)
            }
            Payer::Coins { .. } => Ok(0),
        }
    }

    /// What the fee takes in native tokens.
    #[must_use]
    pub const fn native_fee(&self) -> u64 {
        match self.fee_mode {
            FeeMode::Native => self.fee,
            FeeMode::Energy => 0,
        }
    }

    /// The id of a transaction with this body.
    #[must_use]
    pub fn id(&self) -> Digest {
        digest_of(Domain::Transaction, self)
    }

    /// What a key signs to agree.
    #[must_use]
    pub fn signing_message(&self) -> Digest {
        digest_of(Domain::TransactionSigning, self)
    }
}
