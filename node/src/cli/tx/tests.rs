//! What is typed becomes the transaction that is meant, or is refused before anybody is asked.

use clap::Parser as _;
use quorate_core::{
    codec::Bounded,
    crypto::PublicKey,
    transaction::{
        Amount, Asset, AssetId, Burn, CoinId, CoinOutput, Coins, EnergyAction, Issue, Mint,
        MultiSigAction, ObjectAction, ObjectId, Objects, Output, OwnedInput, SharedInput, Signers,
        TransactionKind, Transfer,
    },
    types::Digest,
};

use super::{arguments::TxCommand, build};
use crate::{
    cli::arguments::{Arguments, Command},
    exit::{Exit, Failure},
    keys::address,
};

fn kind(words: &[&str]) -> Result<TransactionKind, Failure> {
    let line = ["quorate", "tx"].iter().chain(words).chain(&["--key", "k"]);
    let arguments = Arguments::try_parse_from(line).unwrap_or_else(|error| panic!("{error}"));
    let Command::Tx(command) = arguments.command else { panic!("not a transaction") };
    assert!(!matches!(command, TxCommand::Status(_)));
    build::kind(&command).map(|(_, kind)| kind)
}

fn built(words: &[&str]) -> TransactionKind {
    kind(words).unwrap_or_else(|failure| panic!("{words:?}: {failure}"))
}

fn refused(words: &[&str], why: &str) {
    let failure = kind(words).expect_err("it makes no sense");
    assert_eq!(failure.exit, Exit::Usage);
    assert!(failure.what.contains(why), "{failure}");
}

/// 64 digits that name something.
fn name(n: u8) -> String {
    hex::encode([n; 32])
}

fn asset(n: u8) -> Asset {
    Asset::Issued(AssetId::of_transaction(Digest::new([n; 32])))
}

fn credit(n: u8, asset: Asset, amount: u64) -> Output {
    Output { to: address(&name(n)).expect("an address"), asset, amount }
}

#[test]
fn transfers_of_tokens_and_of_assets() {
    let (a, b) = (format!("{}=5", name(1)), format!("{}=1_000", name(2)));
    let outputs = vec![credit(1, Asset::Native, 5), credit(2, Asset::Native, 1_000)];
    assert_eq!(built(&["transfer", "--to", &a, "--to", &b]), TransactionKind::transfer(outputs));
    let memo = Bounded::new(b"rent".to_vec());
    let outputs = Bounded::new(vec![credit(1, asset(9), 5)]);
    assert_eq!(
        built(&["transfer", "--to", &a, "--asset", &name(9), "--memo", "rent"]),
        TransactionKind::Transfer(Transfer { outputs, memo }),
    );
    refused(&["transfer", "--to", "nobody=5"], "`nobody` is no address");
    refused(&["transfer", "--to", &name(1)], "expected ADDRESS=AMOUNT");
    refused(&["transfer", "--to", &format!("{}=0", name(1))], "an amount is zero");
    refused(&["transfer", "--to", &a, "--memo", &"m".repeat(65)], "at most 64 fit");
}

#[test]
fn assets_are_made_and_burned() {
    assert_eq!(
        built(&["create-asset", "--decimals", "2", "--cap", "10", "--amount", "3"]),
        TransactionKind::Issue(Issue::Create { decimals: 2, cap: 10, amount: 3 }),
    );
    refused(&["create-asset", "--cap", "1", "--amount", "3"], "more is issued");
    let to = address(&name(1)).expect("an address");
    assert_eq!(
        built(&["mint", "--asset", &name(9), "--to", &format!("{}=4", name(1))]),
        TransactionKind::Issue(Issue::Mint {
            asset: AssetId::of_transaction(Digest::new([9; 32])),
            mints: Bounded::new(vec![Mint { to, amount: 4 }]),
        }),
    );
    assert_eq!(
        built(&["burn", "--amount", "7"]),
        TransactionKind::Burn(Burn { burned: Amount { asset: Asset::Native, amount: 7 } }),
    );
}

#[test]
fn energy_and_signers() {
    let energy = |action| TransactionKind::Energy(action);
    assert_eq!(built(&["freeze", "--amount", "7"]), energy(EnergyAction::Freeze { amount: 7 }));
    assert_eq!(built(&["unfreeze", "--amount", "7"]), energy(EnergyAction::Unfreeze { amount: 7 }));
    assert_eq!(built(&["withdraw"]), energy(EnergyAction::Withdraw));
    let keys = Bounded::new(vec![PublicKey::new([1; 32]), PublicKey::new([2; 32])]);
    assert_eq!(
        built(&["set-signers", "--threshold", "2", "--signer", &name(2), "--signer", &name(1)]),
        TransactionKind::MultiSig(MultiSigAction::Set(Signers { threshold: 2, keys })),
    );
    refused(&["set-signers", "--threshold", "2", "--signer", &name(2)], "threshold");
    assert_eq!(built(&["clear-signers"]), TransactionKind::MultiSig(MultiSigAction::Clear));
}

#[test]
fn coins_are_spent_and_made() {
    let owner = address(&name(1)).expect("an address");
    let native = |amount| Amount { asset: Asset::Native, amount };
    assert_eq!(
        built(&[
            "coins",
            "--input",
            &format!("{}:3", name(9)),
            "--input",
            &format!("{}:1", name(8)),
            "--fund",
            "native=5",
            "--output",
            &format!("{}=native=4", name(1)),
            "--credit",
            &format!("{}={}=6", name(2), name(7)),
        ]),
        TransactionKind::Coins(Coins {
            inputs: Bounded::new(vec![
                CoinId { transaction: Digest::new([8; 32]), index: 1 },
                CoinId { transaction: Digest::new([9; 32]), index: 3 },
            ]),
            funds: Bounded::new(vec![native(5)]),
            outputs: Bounded::new(vec![CoinOutput { owner, amount: native(4) }]),
            credits: Bounded::new(vec![credit(2, asset(7), 6)]),
        }),
    );
    refused(&["coins", "--input", &name(9)], "expected TRANSACTION:INDEX");
    refused(&["coins", "--fund", "native=5"], "there is nothing to do");
}

#[test]
fn objects_are_made_and_changed() {
    let to = address(&name(1)).expect("an address");
    let data = |text: &str| Bounded::new(text.as_bytes().to_vec());
    let id = |n, index| ObjectId { transaction: Digest::new([n; 32]), index };
    assert_eq!(
        built(&[
            "object",
            "--create",
            &format!("{}=hello", name(1)),
            "--owned",
            &format!("{}:0@2", name(9)),
            "--shared",
            &format!("{}:1", name(8)),
            "--set",
            "0=world",
            "--give",
            &format!("0={}", name(1)),
            "--freeze",
            "1",
        ]),
        TransactionKind::Objects(Objects {
            owned: Bounded::new(vec![OwnedInput { id: id(9, 0), version: 2 }]),
            shared: Bounded::new(vec![SharedInput { id: id(8, 1), is_written: true }]),
            actions: Bounded::new(vec![
                ObjectAction::Create { owner: to, held: 0, data: data("hello") },
                ObjectAction::Mutate { input: 0, data: data("world") },
                ObjectAction::Transfer { input: 0, to },
                ObjectAction::Freeze { input: 1 },
            ]),
        }),
    );
    refused(&["object", "--set", "0=x"], "an input that is not there");
    let read = format!("{}:1", name(8));
    refused(&["object", "--read", &read, "--set", "0=x"], "only read");
}
