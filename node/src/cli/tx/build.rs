//! From what was typed to what a transaction does.

use std::{fs, path::Path};

use quorate_core::{
    codec::{self, Bounded},
    crypto::PublicKey,
    transaction::{
        Address, Amount, Asset, AssetId, Burn, CoinId, CoinOutput, Coins, EnergyAction, Issue,
        Mint, MultiSigAction, ObjectAction, ObjectData, ObjectId, Objects, Output, OwnedInput,
        SharedInput, Signers, Transaction, TransactionKind, Transfer,
    },
    types::Digest,
};

use super::arguments::{
    CoinsOptions, ObjectOptions, SendOptions, SetSignersOptions, TransferOptions, TxCommand,
};
use crate::{
    cli::Console,
    config::hex32,
    exit::{Exit, Failure},
    home,
    keys::address,
};

/// Who sends, and what.
pub(super) fn kind(command: &TxCommand) -> Result<(&SendOptions, TransactionKind), Failure> {
    let (send, kind) = match command {
        TxCommand::Transfer(options) => (&options.send, transfer(options)?),
        TxCommand::CreateAsset(options) => {
            let (decimals, cap, amount) = (options.decimals, options.cap, options.amount);
            (&options.send, TransactionKind::Issue(Issue::Create { decimals, cap, amount }))
        }
        TxCommand::Mint(options) => {
            let asset = AssetId::of_transaction(digest(&options.asset, "an asset")?);
            let mints = all(&options.to, |text| {
                let (to, amount) = credit(text)?;
                Ok(Mint { to, amount })
            })?;
            (
                &options.send,
                TransactionKind::Issue(Issue::Mint { asset, mints: bounded(mints, "--to")? }),
            )
        }
        TxCommand::Burn(options) => {
            let burned = Amount { asset: asset(&options.asset)?, amount: options.amount };
            (&options.send, TransactionKind::Burn(Burn { burned }))
        }
        TxCommand::Freeze(options) => {
            let action = EnergyAction::Freeze { amount: options.amount };
            (&options.send, TransactionKind::Energy(action))
        }
        TxCommand::Unfreeze(options) => {
            let action = EnergyAction::Unfreeze { amount: options.amount };
            (&options.send, TransactionKind::Energy(action))
        }
        TxCommand::Withdraw(options) => {
            (&options.send, TransactionKind::Energy(EnergyAction::Withdraw))
        }
        TxCommand::SetSigners(options) => (&options.send, set_signers(options)?),
        TxCommand::ClearSigners(options) => {
            (&options.send, TransactionKind::MultiSig(MultiSigAction::Clear))
        }
        TxCommand::Coins(options) => (&options.send, coins(options)?),
        TxCommand::Object(options) => (&options.send, objects(options)?),
        TxCommand::Submit(_) | TxCommand::Status(_) => unreachable!("these build nothing"),
    };
    kind.check()
        .map_err(|fault| Failure::new(Exit::Usage, format!("this can never work: {fault}")))?;
    Ok((send, kind))
}

fn transfer(options: &TransferOptions) -> Result<TransactionKind, Failure> {
    let asset = asset(&options.asset)?;
    let outputs = all(&options.to, |text| {
        let (to, amount) = credit(text)?;
        Ok(Output { to, asset, amount })
    })?;
    Ok(TransactionKind::Transfer(Transfer {
        outputs: bounded(outputs, "--to")?,
        memo: bounded(options.memo.clone().into_bytes(), "--memo")?,
    }))
}

fn set_signers(options: &SetSignersOptions) -> Result<TransactionKind, Failure> {
    let mut keys =
        all(&options.signer, |text| Ok(PublicKey::new(*digest(text, "a public key")?.get())))?;
    keys.sort_unstable();
    let signers = Signers { threshold: options.threshold, keys: bounded(keys, "--signer")? };
    Ok(TransactionKind::MultiSig(MultiSigAction::Set(signers)))
}

fn coins(options: &CoinsOptions) -> Result<TransactionKind, Failure> {
    let mut inputs = all(&options.input, |text| {
        let (transaction, index) = item(text)?;
        Ok(CoinId { transaction, index })
    })?;
    inputs.sort_unstable();
    let mut funds = all(&options.fund, amount)?;
    funds.sort_unstable_by_key(|fund| fund.asset);
    let owned = |text: &str| {
        let (owner, rest) = pair(text, "ADDRESS=ASSET=AMOUNT")?;
        Ok::<_, Failure>((to_address(owner)?, amount(rest)?))
    };
    let outputs = all(&options.output, |text| {
        let (owner, amount) = owned(text)?;
        Ok(CoinOutput { owner, amount })
    })?;
    let credits = all(&options.credit, |text| {
        let (to, Amount { asset, amount }) = owned(text)?;
        Ok(Output { to, asset, amount })
    })?;
    Ok(TransactionKind::Coins(Coins {
        inputs: bounded(inputs, "--input")?,
        funds: bounded(funds, "--fund")?,
        outputs: bounded(outputs, "--output")?,
        credits: bounded(credits, "--credit")?,
    }))
}

fn objects(options: &ObjectOptions) -> Result<TransactionKind, Failure> {
    let id = |text: &str| {
        let (transaction, index) = item(text)?;
        Ok::<_, Failure>(ObjectId { transaction, index })
    };
    let mut owned = all(&options.owned, |text| {
        let (name, version) =
            text.rsplit_once('@').ok_or_else(|| wrong(text, "TRANSACTION:INDEX@VERSION"))?;
        Ok(OwnedInput { id: id(name)?, version: number(version)? })
    })?;
    let mut shared =
        all(&options.shared, |text| Ok(SharedInput { id: id(text)?, is_written: true }))?;
    shared.extend(all(&options.read, |text| Ok(SharedInput { id: id(text)?, is_written: false }))?);
    owned.sort_unstable();
    shared.sort_unstable();
    Ok(TransactionKind::Objects(Objects {
        owned: bounded(owned, "--owned")?,
        shared: bounded(shared, "--shared and --read")?,
        actions: bounded(actions(options)?, "what is done")?,
    }))
}

fn actions(options: &ObjectOptions) -> Result<Vec<ObjectAction>, Failure> {
    let mut actions = all(&options.create, |text| {
        let (owner, content) = pair(text, "ADDRESS=TEXT")?;
        let owner = to_address(owner)?;
        Ok(ObjectAction::Create { owner, held: options.held, data: data(content)? })
    })?;
    actions.extend(all(&options.set, |text| {
        let (input, content) = pair(text, "INPUT=TEXT")?;
        Ok(ObjectAction::Mutate { input: input_number(input)?, data: data(content)? })
    })?);
    actions.extend(all(&options.give, |text| {
        let (input, to) = pair(text, "INPUT=ADDRESS")?;
        Ok(ObjectAction::Transfer { input: input_number(input)?, to: to_address(to)? })
    })?);
    actions.extend(options.share.iter().map(|input| ObjectAction::Share { input: *input }));
    actions.extend(options.freeze.iter().map(|input| ObjectAction::Freeze { input: *input }));
    actions.extend(options.delete.iter().map(|input| ObjectAction::Delete { input: *input }));
    Ok(actions)
}

/// Writes a signed transaction for `tx submit`.
pub(super) fn write(
    path: &Path,
    transaction: &Transaction,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let text = format!("{}\n", hex::encode(codec::encode(transaction)));
    home::create_new(path, text.as_bytes(), 0o644)?;
    console.line(format_args!("{}", transaction.id()))
}

/// Reads what [`write`] wrote.
pub(super) fn read(path: &Path) -> Result<Transaction, Failure> {
    let shown = path.display();
    let fail = |what: String| Failure::new(Exit::Usage, what);
    let text =
        fs::read_to_string(path).map_err(|error| fail(format!("cannot read {shown}: {error}")))?;
    let bytes = hex::decode(text.trim())
        .map_err(|error| fail(format!("{shown} is no transaction in hexadecimal: {error}")))?;
    Transaction::decode(&bytes).map_err(|error| fail(format!("{shown} is no transaction: {error}")))
}

fn wrong(text: &str, expected: &str) -> Failure {
    Failure::new(Exit::Usage, format!("`{text}` is not understood: expected {expected}"))
}

fn all<T>(texts: &[String], read: impl Fn(&str) -> Result<T, Failure>) -> Result<Vec<T>, Failure> {
    texts.iter().map(|text| read(text)).collect()
}

fn bounded<T, const MAX: usize>(items: Vec<T>, what: &str) -> Result<Bounded<T, MAX>, Failure> {
    if items.len() > MAX {
        let what = format!("{what} holds {}, and at most {MAX} fit", items.len());
        return Err(Failure::new(Exit::Usage, what));
    }
    Ok(Bounded::new(items))
}

fn pair<'a>(text: &'a str, expected: &str) -> Result<(&'a str, &'a str), Failure> {
    text.split_once('=').ok_or_else(|| wrong(text, expected))
}

fn credit(text: &str) -> Result<(Address, u64), Failure> {
    let (to, amount) = pair(text, "ADDRESS=AMOUNT")?;
    Ok((to_address(to)?, number(amount)?))
}

fn amount(text: &str) -> Result<Amount, Failure> {
    let (name, amount) = pair(text, "ASSET=AMOUNT")?;
    Ok(Amount { asset: asset(name)?, amount: number(amount)? })
}

fn item(text: &str) -> Result<(Digest, u32), Failure> {
    let expected = "TRANSACTION:INDEX";
    let (transaction, index) = text.split_once(':').ok_or_else(|| wrong(text, expected))?;
    let index = index.parse().map_err(|_| wrong(text, expected))?;
    Ok((digest(transaction, "a transaction")?, index))
}

fn asset(text: &str) -> Result<Asset, Failure> {
    match text {
        "native" => Ok(Asset::Native),
        id => Ok(Asset::Issued(AssetId::of_transaction(digest(id, "an asset")?))),
    }
}

/// 64 hexadecimal digits.
pub(super) fn digest(text: &str, what: &str) -> Result<Digest, Failure> {
    let raw = hex32(text).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("`{text}` is not {what}: expected 64 hexadecimal digits"))
    });
    raw.map(Digest::new)
}

/// 64 hexadecimal digits that name an account.
pub(super) fn to_address(text: &str) -> Result<Address, Failure> {
    address(text).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("`{text}` is no address: expected 64 hexadecimal digits"))
    })
}

fn number(text: &str) -> Result<u64, Failure> {
    text.replace('_', "").parse().map_err(|_| wrong(text, "a whole number"))
}

fn input_number(text: &str) -> Result<u8, Failure> {
    text.parse().map_err(|_| wrong(text, "the number of an input, from 0"))
}

fn data(text: &str) -> Result<ObjectData, Failure> {
    bounded(text.as_bytes().to_vec(), "the text of an object")
}
