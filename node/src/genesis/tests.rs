//! A genesis reads back as itself, and one that is wrong is refused at the place where it is wrong.

use std::num::NonZeroU64;

use expect_test::{Expect, expect};
use quorate_core::{
    committee::Member,
    config::{Genesis, GenesisAccount, Parameters},
    crypto::PublicKey,
    time::{Span, UnixMillis},
    types::{ChainId, PeerId, Stake, ValidatorId},
};

use super::{load, parse, to_json};
use crate::{exit::Exit, keys::address};

fn genesis() -> Genesis {
    let member = |n: u8| Member {
        validator: ValidatorId::new(u32::from(n)),
        key: PublicKey::new([n; 32]),
        peer: PeerId::new([n + 100; 32]),
        weight: Stake::new(u64::from(n) + 1),
    };
    let account = |n: u8| GenesisAccount {
        address: address(&hex::encode([n; 32])).expect("32 bytes"),
        balance: 1_000,
    };
    Genesis {
        chain_id: ChainId::new(7),
        timestamp: UnixMillis::new(1_750_000_000_000),
        validators: (0..4).map(member).collect(),
        accounts: (0..2).map(account).collect(),
        parameters: Parameters {
            delay_min: Span::from_micros(1_500),
            checkpoint_interval: NonZeroU64::new(5).expect("not zero"),
            ..Parameters::default()
        },
    }
}

fn refused(text: &str, expected: &Expect) {
    let failure = parse("genesis.json", text).expect_err("it is refused");
    assert_eq!(failure.exit, Exit::Genesis);
    expected.assert_eq(&failure.what);
}

#[test]
fn it_reads_back() {
    let genesis = genesis();
    let again = parse("genesis.json", &to_json(&genesis)).expect("what we wrote");
    assert_eq!(again, genesis);
    assert_eq!(again.digest(), genesis.digest());
}

#[test]
fn the_digest_is_of_the_meaning() {
    let spaced = to_json(&genesis()).replace(',', " ,\n\n").replace(": 7", ":\t7");
    assert_eq!(parse("genesis.json", &spaced).expect("the same").digest(), genesis().digest());
    let other = to_json(&genesis()).replace("\"chain_id\": 7", "\"chain_id\": 8");
    assert_ne!(parse("genesis.json", &other).expect("another").digest(), genesis().digest());
}

#[test]
fn a_misspelt_field_is_underlined() {
    refused(
        &to_json(&genesis()).replace("\"timestamp\"", "\"timestmap\""),
        &expect![[r#"
            not a genesis: unknown field `timestmap`, expected one of `chain_id`, `timestamp`, `validators`, `accounts`, `parameters`
             --> genesis.json:3:3
              |
            3 |   "timestmap": 1750000000000,
              |   ^^^^^^^^^^^"#]],
    );
}

#[test]
fn a_bad_key_is_underlined() {
    let key = hex::encode([2; 32]);
    refused(
        &to_json(&genesis()).replace(&key, "0202zz"),
        &expect![[r#"
            not a genesis: expected 64 hexadecimal digits
              --> genesis.json:19:24
               |
            19 |       "consensus_key": "0202zz",
               |                        ^^^^^^^^"#]],
    );
}

#[test]
fn a_missing_field_is_named() {
    refused(
        &to_json(&genesis()).replace("  \"retry_base\": \"1s\",\n", ""),
        &expect![[r#"
            not a genesis: missing field `retry_base`
              --> genesis.json:52:28
               |
            52 |     "checkpoint_interval": 5
               |                            ^"#]],
    );
}

#[test]
fn values_that_do_not_fit_each_other_are_named() {
    refused(
        &to_json(&genesis()).replace("\"weight\": 1", "\"weight\": 0"),
        &expect![[r#"
            the genesis validators are no committee: validator n0 has weight 0; give it at least 1 or leave it out
              --> genesis.json"#]],
    );
    refused(
        &to_json(&genesis()).replace("\"1500us\"", "\"2s\""),
        &expect![[r#"
            `parameters.delay_min` (2s) is longer than `parameters.delay_max` (500ms)
              --> genesis.json"#]],
    );
    let (one, other) = (hex::encode([0; 32]), hex::encode([1; 32]));
    let text = to_json(&genesis());
    let (head, accounts) = text.split_once("\"accounts\"").expect("there are accounts");
    let twice = format!("{head}\"accounts\"{}", accounts.replace(&one, &other));
    refused(
        &twice,
        &expect![[r#"
            account 0101010101010101010101010101010101010101010101010101010101010101 has two opening balances; give it one
              --> genesis.json"#]],
    );
}

/// Every bad file is refused with words and never with a panic, wherever it is cut.
#[test]
fn no_prefix_panics() {
    let text = to_json(&genesis());
    for end in 0..text.trim_end().len() {
        let failure = parse("genesis.json", &text[..end]).expect_err("it is not whole");
        assert!(failure.what.contains("genesis.json"), "{failure}");
    }
}

#[test]
fn the_digest_can_be_insisted_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("genesis.json");
    std::fs::write(&path, to_json(&genesis())).expect("written");
    let digest = genesis().digest();
    assert_eq!(load(&path, Some(digest)).expect("the right one"), genesis());
    let other = quorate_core::types::Digest::ZERO;
    let failure = load(&path, Some(other)).expect_err("another");
    assert_eq!(failure.exit, Exit::Genesis);
    assert!(failure.what.contains(&digest.to_string()), "{failure}");
    assert_eq!(load(&path.with_extension("no"), None).expect_err("none").exit, Exit::Genesis);
}

/// Numbers and times alike, by the names of the file; what is no parameter, or no value of one, is refused.
#[test]
fn parameters_can_be_given() {
    let given = |one: &str| super::with_parameters(&genesis(), &[one.to_owned()]);
    let fast = given("idle_block_interval=0ms").expect("it can be zero");
    assert_eq!(fast.parameters.idle_block_interval, Span::ZERO);
    let small = given("transactions_max=7").expect("a number");
    assert_eq!(small.parameters.transactions_max, 7);
    for (wrong, exit) in [
        ("idle_block_interval", Exit::Usage),
        ("idle=1s", Exit::Usage),
        ("idle_block_interval=5", Exit::Genesis),
        ("delay_min=1h", Exit::Genesis),
        ("transactions_max=0", Exit::Genesis),
    ] {
        assert_eq!(given(wrong).expect_err(wrong).exit, exit, "{wrong}");
    }
}
