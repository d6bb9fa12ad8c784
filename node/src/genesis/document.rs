//! The shape of the file: every field named, keys in hexadecimal, times with their unit.

use std::{fmt, num::NonZeroU64};

use quorate_core::{
    committee::Member,
    config::{Genesis, GenesisAccount, Parameters},
    crypto::PublicKey,
    time::{Span, UnixMillis},
    transaction::Address,
    types::{ChainId, PeerId, Stake, ValidatorId},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{config::hex32, keys::address};

/// The whole file.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    chain_id: u32,
    /// Milliseconds since 1970.
    timestamp: u64,
    validators: Vec<ValidatorEntry>,
    accounts: Vec<AccountEntry>,
    parameters: ParameterEntries,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ValidatorEntry {
    id: u32,
    consensus_key: Hex32,
    node_key: Hex32,
    weight: u64,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct AccountEntry {
    address: Hex32,
    balance: u64,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ParameterEntries {
    delay_min: Time,
    delay_max: Time,
    timeout_max: Time,
    retry_base: Time,
    status_interval: Time,
    skip_after: Time,
    idle_block_interval: Time,
    timestamp_ahead_max: Time,
    payload_bytes_max: u32,
    transactions_max: u32,
    mempool_bytes_max: u64,
    mempool_transactions_max: u64,
    checkpoint_interval: NonZeroU64,
}

impl Document {
    /// What the core knows.
    ///
    /// # Errors
    /// If values that are each right do not fit each other.
    pub(super) fn into_genesis(self) -> Result<Genesis, String> {
        let parameters = self.parameters.into_parameters()?;
        let member = |entry: ValidatorEntry| Member {
            validator: ValidatorId::new(entry.id),
            key: PublicKey::new(entry.consensus_key.0),
            peer: PeerId::new(entry.node_key.0),
            weight: Stake::new(entry.weight),
        };
        let accounts = self.accounts.into_iter().map(AccountEntry::into_account);
        Ok(Genesis {
            chain_id: ChainId::new(self.chain_id),
            timestamp: UnixMillis::new(self.timestamp),
            validators: self.validators.into_iter().map(member).collect(),
            accounts: accounts.collect(),
            parameters,
        })
    }

    /// What the file says.
    pub(super) fn of_genesis(genesis: &Genesis) -> Self {
        let validator = |member: &Member| ValidatorEntry {
            id: member.validator.get(),
            consensus_key: Hex32(*member.key.get()),
            node_key: Hex32(*member.peer.get()),
            weight: member.weight.get(),
        };
        let account = |account: &GenesisAccount| AccountEntry {
            address: Hex32(*account.address.digest().get()),
            balance: account.balance,
        };
        Self {
            chain_id: genesis.chain_id.get(),
            timestamp: genesis.timestamp.get(),
            validators: genesis.validators.iter().map(validator).collect(),
            accounts: genesis.accounts.iter().map(account).collect(),
            parameters: ParameterEntries::of(&genesis.parameters),
        }
    }
}

impl AccountEntry {
    fn into_account(self) -> GenesisAccount {
        let address: Address =
            address(&hex::encode(self.address.0)).expect("32 bytes are an address");
        GenesisAccount { address, balance: self.balance }
    }
}

impl ParameterEntries {
    fn into_parameters(self) -> Result<Parameters, String> {
        let parameters = Parameters {
            delay_min: self.delay_min.0,
            delay_max: self.delay_max.0,
            timeout_max: self.timeout_max.0,
            retry_base: self.retry_base.0,
            status_interval: self.status_interval.0,
            skip_after: self.skip_after.0,
            idle_block_interval: self.idle_block_interval.0,
            timestamp_ahead_max: self.timestamp_ahead_max.0,
            payload_bytes_max: self.payload_bytes_max,
            transactions_max: self.transactions_max,
            mempool_bytes_max: self.mempool_bytes_max,
            mempool_transactions_max: self.mempool_transactions_max,
            checkpoint_interval: self.checkpoint_interval,
        };
        let text = |span: Span| span_text(span);
        for (name, span) in [
            ("delay_min", parameters.delay_min),
            ("retry_base", parameters.retry_base),
            ("status_interval", parameters.status_interval),
        ] {
            if span == Span::ZERO {
                return Err(format!("`parameters.{name}` is zero: a timer needs some time"));
            }
        }
        for (low, low_name, high, high_name) in [
            (parameters.delay_min, "delay_min", parameters.delay_max, "delay_max"),
            (parameters.delay_max, "delay_max", parameters.timeout_max, "timeout_max"),
        ] {
            if low > high {
                return Err(format!(
                    "`parameters.{low_name}` ({}) is longer than `parameters.{high_name}` ({})",
                    text(low),
                    text(high)
                ));
            }
        }
        for (name, count) in [
            ("payload_bytes_max", u64::from(parameters.payload_bytes_max)),
            ("transactions_max", u64::from(parameters.transactions_max)),
            ("mempool_bytes_max", parameters.mempool_bytes_max),
            ("mempool_transactions_max", parameters.mempool_transactions_max),
        ] {
            if count == 0 {
                return Err(format!("`parameters.{name}` is zero: nothing would ever fit"));
            }
        }
        Ok(parameters)
    }

    fn of(parameters: &Parameters) -> Self {
        Self {
            delay_min: Time(parameters.delay_min),
            delay_max: Time(parameters.delay_max),
            timeout_max: Time(parameters.timeout_max),
            retry_base: Time(parameters.retry_base),
            status_interval: Time(parameters.status_interval),
            skip_after: Time(parameters.skip_after),
            idle_block_interval: Time(parameters.idle_block_interval),
            timestamp_ahead_max: Time(parameters.timestamp_ahead_max),
            payload_bytes_max: parameters.payload_bytes_max,
            transactions_max: parameters.transactions_max,
            mempool_bytes_max: parameters.mempool_bytes_max,
            mempool_transactions_max: parameters.mempool_transactions_max,
            checkpoint_interval: parameters.checkpoint_interval,
        }
    }
}

/// 32 bytes as 64 hexadecimal digits.
struct Hex32([u8; 32]);

impl fmt::Debug for Hex32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Hex32 {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        hex32(&text).map(Self).ok_or_else(|| D::Error::custom("expected 64 hexadecimal digits"))
    }
}

impl Serialize for Hex32 {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex::encode(self.0))
    }
}

/// A time with its unit.
#[derive(Debug)]
struct Time(Span);

/// Nanoseconds in each unit, the largest first.
const UNITS: [(&str, u64); 5] =
    [("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1)];

fn span_text(span: Span) -> String {
    crate::config::in_units(span.nanos(), &UNITS, "0s")
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let nanos = crate::config::with_unit(&text, &UNITS).ok_or_else(|| {
            D::Error::custom("expected a time such as \"250ms\", in ns, us, ms, s or m")
        })?;
        Ok(Self(Span::from_nanos(nanos)))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&span_text(self.0))
    }
}
