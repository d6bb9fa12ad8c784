//! Every kind of transaction, made by the command line and executed by a real node.

use std::path::PathBuf;

use serde_json::Value;

use crate::cluster::{Cluster, complaint, json, quorate, run};

/// A network of one, and what a client of it has.
struct Bank(Cluster);

impl Bank {
    fn new() -> Self {
        let mut cluster = Cluster::new(1, 0);
        cluster.start_all();
        Self(cluster)
    }

    fn key(&self) -> PathBuf {
        self.0.root().join("accounts.key")
    }

    /// Runs `quorate tx` and gives its exit code and what it printed.
    fn tx(&self, words: &[&str]) -> (Option<i32>, Value) {
        let output =
            run(quorate().arg("tx").args(words).args(["--json", "--api", &self.0.api("n0")]));
        assert!(!output.stdout.is_empty(), "{words:?}: {}", complaint(&output));
        (output.status.code(), json(&output))
    }

    /// One of the funded accounts does something, which is applied. Gives the id.
    fn does(&self, index: u32, words: &[&str]) -> String {
        let (key, index) = (self.key(), index.to_string());
        let key = key.to_str().expect("our own path");
        let (code, done) = self.tx(&[words, &["--key", key, "--index", &index]].concat());
        assert_eq!(
            (code, &done["outcome"]),
            (Some(0), &Value::from("applied")),
            "{words:?}: {done}"
        );
        done["id"].as_str().expect("an id").to_owned()
    }

    /// The address of a funded account.
    fn address(&self, index: u32) -> String {
        let index = index.to_string();
        let shown =
            run(quorate().args(["key", "show", "--json", "--index", &index]).arg(self.key()));
        json(&shown)["address"].as_str().expect("an address").to_owned()
    }

    /// What the node says of an account.
    fn account(&self, index: u32) -> Value {
        let path = format!("/v1/accounts/{}", self.address(index));
        self.0.ask("n0", &path).expect("the account is there")
    }

    /// A new key in a file of its own: its path and its public half.
    fn fresh_key(&self, name: &str) -> (String, String) {
        let path = self.0.root().join(name);
        let made = run(quorate().args(["key", "gen", "--json", "--out"]).arg(&path));
        assert!(made.status.success(), "{}", complaint(&made));
        let shown = json(&run(quorate().args(["key", "show", "--json"]).arg(&path)));
        let public = shown["public_key"].as_str().expect("a key").to_owned();
        (path.to_str().expect("our own path").to_owned(), public)
    }
}

#[test]
fn assets_are_made_moved_and_burnt() {
    let bank = Bank::new();
    let (payer, other) = (bank.address(0), bank.address(1));
    let asset =
        bank.does(0, &["create-asset", "--decimals", "2", "--cap", "1000", "--amount", "100"]);
    bank.does(0, &["mint", "--asset", &asset, "--to", &format!("{other}=50")]);
    bank.does(1, &["transfer", "--asset", &asset, "--to", &format!("{payer}=20")]);
    bank.does(1, &["burn", "--asset", &asset, "--amount", "5"]);
    let held = |index| {
        let account = bank.account(index);
        let assets = account["assets"].as_array().expect("assets").clone();
        let own = assets.iter().find(|one| one["asset"] == asset.as_str());
        own.map_or(Value::Null, |one| one["amount"].clone())
    };
    assert_eq!((held(0), held(1)), ("120".into(), "25".into()));
    // More than the cap allows fails, and says so with its own exit code.
    let key = bank.key();
    let minted = run(quorate()
        .args(["tx", "mint", "--asset", &asset, "--to", &format!("{other}=5000"), "--index", "0"])
        .args(["--api", &bank.0.api("n0"), "--key"])
        .arg(&key));
    assert_eq!(minted.status.code(), Some(21), "{}", complaint(&minted));
}

#[test]
fn frozen_tokens_pay_fees() {
    let bank = Bank::new();
    let other = format!("{}=3", bank.address(1));
    bank.does(0, &["freeze", "--amount", "100000000"]);
    let before = bank.account(0)["balance"].clone();
    bank.does(0, &["transfer", "--energy", "--to", &other]);
    let spent = |value: &Value| value.as_str().expect("text").parse::<u64>().expect("a number");
    let after = bank.account(0)["balance"].clone();
    assert_eq!(spent(&before) - spent(&after), 3, "energy paid the fee");
    bank.does(0, &["unfreeze", "--amount", "1000"]);
}

#[test]
fn several_keys_sign_for_an_account() {
    let bank = Bank::new();
    let (first, first_public) = bank.fresh_key("first.key");
    let (second, second_public) = bank.fresh_key("second.key");
    let signers = ["--signer", &first_public, "--signer", &second_public];
    bank.does(3, &[&["set-signers", "--threshold", "2"], &signers[..]].concat());
    let (account, to) = (bank.address(3), format!("{}=7", bank.address(0)));
    let transfer = ["transfer", "--from", &account, "--to", &to];
    let both = ["--key", first.as_str(), "--key", second.as_str()];
    let (code, done) = bank.tx(&[&transfer[..], &both].concat());
    assert_eq!((code, &done["outcome"]), (Some(0), &Value::from("applied")), "{done}");
    // One of two is not enough, and neither is the account's own key any more.
    let api = bank.0.api("n0");
    let alone = run(quorate().arg("tx").args(transfer).args(["--key", &first, "--api", &api]));
    assert!(!alone.status.success(), "{}", String::from_utf8_lossy(&alone.stdout));
    let own = run(quorate()
        .args(["tx", "transfer", "--to", &to, "--index", "3", "--api", &api])
        .arg("--key")
        .arg(bank.key()));
    assert!(!own.status.success(), "{}", String::from_utf8_lossy(&own.stdout));
    let clear = ["clear-signers", "--from", &account];
    let (code, done) = bank.tx(&[&clear[..], &both].concat());
    assert_eq!((code, &done["outcome"]), (Some(0), &Value::from("applied")), "{done}");
    bank.does(3, &["transfer", "--to", &to]);
}

#[test]
fn coins_are_made_and_spent() {
    let bank = Bank::new();
    let (owner, last) = (bank.address(5), bank.address(6));
    let made = bank
        .does(4, &["coins", "--fund", "native=5000", "--output", &format!("{owner}=native=5000")]);
    let coin = format!("{made}:0");
    bank.does(
        5,
        &[
            "coins",
            "--input",
            &coin,
            "--output",
            &format!("{last}=native=3000"),
            "--credit",
            &format!("{owner}=native=1000"),
            "--fee",
            "1000",
            "--pay-with-coins",
        ],
    );
    let coins = |address: &str| {
        let listed = bank.0.ask("n0", &format!("/v1/coins?owner={address}")).expect("a list");
        listed["coins"].as_array().expect("coins").len()
    };
    assert_eq!((coins(&owner), coins(&last)), (0, 1));
}

#[test]
fn objects_are_made_shared_and_changed() {
    let bank = Bank::new();
    let (owner, other) = (bank.address(7), bank.address(8));
    let made = bank.does(7, &["object", "--create", &format!("{owner}=hello")]);
    let own = format!("{made}:0@0");
    bank.does(
        7,
        &["object", "--owned", &own, "--set", "0=changed", "--give", &format!("0={other}")],
    );
    let given = format!("{made}:0@1");
    bank.does(8, &["object", "--owned", &given, "--share", "0"]);
    // Shared now, so that anybody can change it.
    bank.does(9, &["object", "--shared", &format!("{made}:0"), "--set", "0=by another"]);
}
