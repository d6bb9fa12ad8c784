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
    let held = |address: &str| {
        let path = format!("/v1/accounts/{address}/balances/{asset}");
        bank.0.ask("n0", &path).expect("it answers")["amount"].clone()
    };
    assert_eq!((held(&payer), held(&other)), ("120".into(), "25".into()));
    // More than the cap allows fails, and says so with its own exit code.
    let key = bank.key();
    let too_much = format!("{other}=5000");
    let mint = ["mint", "--asset", &asset, "--to", &too_much, "--index", "0"];
    let (code, done) = bank.tx(&[&mint[..], &["--key", key.to_str().expect("ours")]].concat());
    assert_eq!((code, &done["outcome"]), (Some(17), &Value::from("failed")), "{done}");
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
    let output = format!("{owner}=native=5000");
    let made = bank.does(4, &["coins", "--fund", "native=5000", "--output", &output]);
    let coin = format!("{made}:0");
    let (output, credit) = (format!("{last}=native=3000"), format!("{owner}=native=1000"));
    let spend = ["coins", "--input", &coin, "--output", &output, "--credit", &credit];
    let spent = bank.does(5, &[&spend[..], &["--fee", "1000", "--pay-with-coins"]].concat());
    // The second coin is there, and the first cannot be spent again.
    let key = bank.key();
    let again = ["coins", "--input", &coin, "--credit", &format!("{owner}=native=5000"), "--index"];
    let by = ["5", "--key", key.to_str().expect("ours")];
    let (code, done) = bank.tx(&[&again[..], &by].concat());
    assert_eq!((code, &done["outcome"]), (Some(17), &Value::from("failed")), "{done}");
    assert_ne!(spent, made);
    bank.does(
        6,
        &["coins", "--input", &format!("{spent}:0"), "--credit", &format!("{last}=native=3000")],
    );
}

#[test]
fn objects_are_made_shared_and_changed() {
    let bank = Bank::new();
    let (owner, other) = (bank.address(7), bank.address(8));
    let made = bank.does(7, &["object", "--create", &format!("{owner}=hello")]);
    let object = || bank.0.ask("n0", &format!("/v1/objects/{made}:0")).expect("it is there");
    let named = || format!("{made}:0@{}", object()["version"].as_str().expect("a version"));
    let give = format!("0={other}");
    bank.does(7, &["object", "--owned", &named(), "--set", "0=changed", "--give", &give]);
    bank.does(8, &["object", "--owned", &named(), "--share", "0"]);
    // Shared now, so that anybody can change it.
    bank.does(9, &["object", "--shared", &format!("{made}:0"), "--set", "0=by another"]);
    assert_eq!(object()["owner"]["by"], other.as_str(), "{}", object());
}
