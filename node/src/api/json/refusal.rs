//! Why the mempool turns transactions away, in words.

use quorate_core::{codec::encode, mempool::Refusal};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why a transaction was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefusalJson {
    /// A stable number.
    pub code: u8,
    /// A stable name.
    pub reason: String,
    /// What is wrong, and what mends it.
    pub detail: String,
}

impl From<Refusal> for RefusalJson {
    fn from(refusal: Refusal) -> Self {
        // The stable number is the encoding: one byte.
        let code = encode(&refusal)[0];
        Self { code, reason: refusal.name().to_owned(), detail: words(refusal).to_owned() }
    }
}

/// What is wrong, and what mends it.
const fn words(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Duplicate => {
            "it is waiting, being checked, or executed already: look it up by its id"
        }
        Refusal::UnknownVersion => "this chain knows version 1 of the encoding only",
        Refusal::WrongChain => {
            "it is signed for another chain: take chain_id from /v1/status and sign again"
        }
        Refusal::WrongKeys => {
            "it is not signed by exactly the payer's key, or its keys are not strictly ascending"
        }
        Refusal::Malformed => {
            "it would fail in every state: nothing to do, an amount of zero, a list out of order, or a sum beyond 2^64 - 1"
        }
        Refusal::TooLarge => "it fits no block: split it",
        Refusal::BadSignature => {
            "a signature does not hold: sign the body's signing message with the key that is named"
        }
        Refusal::Expired => "valid_until is below the next height: sign again with a higher one",
        Refusal::NonceUsed => {
            "the nonce is used: take the account's nonce from /v1/accounts and sign again"
        }
        Refusal::NonceTooFar => {
            "the nonce is too far ahead: send the payer's earlier transactions first"
        }
        Refusal::PayerFull => {
            "the payer has as many waiting as one payer may: wait for some to be final"
        }
        Refusal::Underpriced => {
            "something waits in its place: replacing takes a tenth more fee, in all and per byte"
        }
        Refusal::ReplacedTooOften => {
            "what waits in its place was replaced as often as is allowed: wait for it to be final"
        }
        Refusal::Full => {
            "the mempool is full and everything in it pays better: raise the fee or wait"
        }
        Refusal::Busy => "too many wait for their signatures to be checked: send it again later",
        Refusal::Evicted => "better paying ones came: raise the fee and send it again",
        Refusal::Replaced => "the payer replaced it",
        Refusal::CannotPay => "the payer cannot pay it besides those before it",
        Refusal::Overdrawn => "the payer does not own enough for it besides what it has waiting",
        Refusal::TooOld => "no block took it for too long: send it again with a higher fee",
        Refusal::NeedsMultiSig => {
            "the account takes its signers' signatures only: set authority to multi_sig"
        }
        Refusal::NotMultiSig => "the account has no signers: set authority to key",
        Refusal::WrongSigners => {
            "it takes exactly as many of the account's signers as the threshold says"
        }
        Refusal::NoEnergy => {
            "the payer does not have the energy that the fee takes: wait, freeze more, or pay in native tokens"
        }
        Refusal::ReplacesTooMany => "too many waiting transactions spend coins that it spends",
        Refusal::MissingCoin => "a coin that it spends is spent, or is not there",
        Refusal::WouldFail => "coins pay for it and it would fail, so no block takes it",
    }
}
