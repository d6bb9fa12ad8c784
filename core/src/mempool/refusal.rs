//! Why a transaction is not, or no longer, waiting for a block.

use borsh::{BorshDeserialize, BorshSerialize};

/// Why a transaction was turned away or dropped. The numbers are stable: clients see them.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Refusal {
    /// Held, being checked, or executed already.
    Duplicate = 1,
    /// An encoding version this chain does not know.
    UnknownVersion = 2,
    /// Signed for another chain.
    WrongChain = 3,
    /// Not signed by exactly the payer's key; or, if several must sign, by nobody or by keys that are not
    /// strictly ascending.
    WrongKeys = 4,
    /// It would fail whatever the balances: no outputs, an empty one, or a sum beyond a `u64`.
    Malformed = 5,
    /// It does not fit any block.
    TooLarge = 6,
    /// Its signature does not hold.
    BadSignature = 7,
    /// No block can take it any more.
    Expired = 8,
    /// The payer's nonce has moved past this one.
    NonceUsed = 9,
    /// Too far ahead of the payer's nonce, or of the first one that is missing.
    NonceTooFar = 10,
    /// The payer has as many waiting as one payer may.
    PayerFull = 11,
    /// Replacing those with this nonce, or that spend these coins, takes a tenth more fee, in all and for
    /// each byte, and at least one token.
    Underpriced = 12,
    /// What it would replace has replaced others as often as is allowed.
    ReplacedTooOften = 13,
    /// Everything held pays better.
    Full = 14,
    /// Too many are waiting to be checked.
    Busy = 15,
    /// It was held, but better paying ones came.
    Evicted = 16,
    /// It was held, but the payer replaced it.
    Replaced = 17,
    /// It was held, but the payer cannot pay it besides those before it.
    CannotPay = 18,
    /// The payer does not own enough for it besides what it has waiting.
    Overdrawn = 19,
    /// It was held for too long, and no block took it.
    TooOld = 20,
    // 21 is not used.
    /// The payer takes the signatures of its signers only, and the body does not say so.
    NeedsMultiSig = 22,
    /// The body says that the payer has signers, but it has none.
    NotMultiSig = 23,
    /// Several keys sign, but not exactly as many of the payer's signers as there must.
    WrongSigners = 24,
    /// It was held, but the payer does not have the energy that the fee takes.
    NoEnergy = 25,
    /// It would replace more than one transaction may: too many spend coins that it spends.
    ReplacesTooMany = 26,
    /// It was held, but a coin that it spends was spent, or is not there.
    MissingCoin = 27,
    /// It was held, and coins pay for it; a block skipped it, because it would have failed.
    WouldFail = 28,
}

impl Refusal {
    /// A stable name, for people and programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::UnknownVersion => "unknown-version",
            Self::WrongChain => "wrong-chain",
            Self::WrongKeys => "wrong-keys",
            Self::Malformed => "malformed",
            Self::TooLarge => "too-large",
            Self::BadSignature => "bad-signature",
            Self::Expired => "expired",
            Self::NonceUsed => "nonce-used",
            Self::NonceTooFar => "nonce-too-far",
            Self::PayerFull => "payer-full",
            Self::Underpriced => "underpriced",
            Self::ReplacedTooOften => "replaced-too-often",
            Self::Full => "full",
            Self::Busy => "busy",
            Self::Evicted => "evicted",
            Self::Replaced => "replaced",
            Self::CannotPay => "cannot-pay",
            Self::Overdrawn => "overdrawn",
            Self::TooOld => "too-old",
            Self::NeedsMultiSig => "needs-multisig",
            Self::NotMultiSig => "not-multisig",
            Self::WrongSigners => "wrong-signers",
            Self::NoEnergy => "no-energy",
            Self::ReplacesTooMany => "replaces-too-many",
            Self::MissingCoin => "missing-coin",
            Self::WouldFail => "would-fail",
        }
    }

    /// Whether an honest node, which checks before it passes on, never sends a transaction that is
    /// refused for this. What depends on the state never is: nodes are at different heights.
    #[must_use]
    pub const fn is_senders_fault(self) -> bool {
        matches!(
            self,
            Self::UnknownVersion
                | Self::WrongChain
                | Self::WrongKeys
                | Self::Malformed
                | Self::TooLarge
                | Self::BadSignature
        )
    }
}
