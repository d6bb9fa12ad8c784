//! Both ways and back: what is served is what may be sent.

use proptest::prelude::*;
use quorate_core::{
    codec::Bounded,
    crypto::{PublicKey, SecretKey},
    mempool::Refusal,
    transaction::{
        Address, Amount, Asset, AssetId, Authority, Burn, CoinId, CoinOutput, Coins, EnergyAction,
        FeeMode, Issue, Mint, MultiSigAction, ObjectAction, ObjectId, Objects, Output, OwnedInput,
        Payer, SharedInput, Signers, Transaction, TransactionBody, TransactionKind, Transfer,
    },
    types::{ChainId, Digest, Height},
};

use super::{Decimal, Hex32, HexBytes, RefusalJson, TransactionJson};

fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest::new)
}

fn address() -> impl Strategy<Value = Address> {
    digest().prop_map(Address::from_digest)
}

fn asset() -> impl Strategy<Value = Asset> {
    prop_oneof![
        Just(Asset::Native),
        digest().prop_map(|id| Asset::Issued(AssetId::of_transaction(id))),
    ]
}

fn amount() -> impl Strategy<Value = Amount> {
    (asset(), any::<u64>()).prop_map(|(asset, amount)| Amount { asset, amount })
}

fn output() -> impl Strategy<Value = Output> {
    (address(), amount()).prop_map(|(to, one)| Output { to, asset: one.asset, amount: one.amount })
}

fn list<T: std::fmt::Debug, const MAX: usize>(
    item: impl Strategy<Value = T>,
) -> impl Strategy<Value = Bounded<T, MAX>> {
    proptest::collection::vec(item, 0..4).prop_map(Bounded::new)
}

fn item() -> impl Strategy<Value = (Digest, u32)> {
    (digest(), any::<u32>())
}

fn action() -> impl Strategy<Value = ObjectAction> {
    let input = any::<u8>();
    prop_oneof![
        (address(), any::<u64>(), list(any::<u8>()))
            .prop_map(|(owner, held, data)| ObjectAction::Create { owner, held, data }),
        (input, list(any::<u8>())).prop_map(|(input, data)| ObjectAction::Mutate { input, data }),
        (input, address()).prop_map(|(input, to)| ObjectAction::Transfer { input, to }),
        input.prop_map(|input| ObjectAction::Share { input }),
        input.prop_map(|input| ObjectAction::Freeze { input }),
        input.prop_map(|input| ObjectAction::Delete { input }),
    ]
}

fn objects() -> impl Strategy<Value = Objects> {
    let owned = (item(), any::<u64>()).prop_map(|((transaction, index), version)| OwnedInput {
        id: ObjectId { transaction, index },
        version,
    });
    let shared = (item(), any::<bool>()).prop_map(|((transaction, index), is_written)| {
        SharedInput { id: ObjectId { transaction, index }, is_written }
    });
    (list(owned), list(shared), list(action())).prop_map(|(owned, shared, actions)| Objects {
        owned,
        shared,
        actions,
    })
}

fn coins() -> impl Strategy<Value = Coins> {
    let input = item().prop_map(|(transaction, index)| CoinId { transaction, index });
    let made = (address(), amount()).prop_map(|(owner, amount)| CoinOutput { owner, amount });
    (list(input), list(amount()), list(made), list(output()))
        .prop_map(|(inputs, funds, outputs, credits)| Coins { inputs, funds, outputs, credits })
}

fn kind() -> impl Strategy<Value = TransactionKind> {
    let mint = (address(), any::<u64>()).prop_map(|(to, amount)| Mint { to, amount });
    let key = any::<[u8; 32]>().prop_map(PublicKey::new);
    let signers =
        (any::<u8>(), list(key)).prop_map(|(threshold, keys)| Signers { threshold, keys });
    prop_oneof![
        (list(output()), list(any::<u8>()))
            .prop_map(|(outputs, memo)| TransactionKind::Transfer(Transfer { outputs, memo })),
        (any::<u8>(), any::<u64>(), any::<u64>()).prop_map(|(decimals, cap, amount)| {
            TransactionKind::Issue(Issue::Create { decimals, cap, amount })
        }),
        (digest(), list(mint)).prop_map(|(id, mints)| {
            TransactionKind::Issue(Issue::Mint { asset: AssetId::of_transaction(id), mints })
        }),
        amount().prop_map(|burned| TransactionKind::Burn(Burn { burned })),
        any::<u64>().prop_map(|amount| TransactionKind::Energy(EnergyAction::Freeze { amount })),
        any::<u64>().prop_map(|amount| TransactionKind::Energy(EnergyAction::Unfreeze { amount })),
        Just(TransactionKind::Energy(EnergyAction::Withdraw)),
        signers.prop_map(|signers| TransactionKind::MultiSig(MultiSigAction::Set(signers))),
        Just(TransactionKind::MultiSig(MultiSigAction::Clear)),
        coins().prop_map(TransactionKind::Coins),
        objects().prop_map(TransactionKind::Objects),
    ]
}

fn transaction() -> impl Strategy<Value = Transaction> {
    let payer = prop_oneof![
        (address(), any::<u64>()).prop_map(|(address, nonce)| Payer::Account { address, nonce }),
        address().prop_map(|owner| Payer::Coins { owner }),
    ];
    let authority = prop_oneof![Just(Authority::Key), Just(Authority::MultiSig)];
    let fee_mode = prop_oneof![Just(FeeMode::Native), Just(FeeMode::Energy)];
    let numbers = (any::<u8>(), any::<u32>(), any::<u64>(), any::<u64>());
    (payer, authority, fee_mode, numbers, kind()).prop_map(
        |(payer, authority, fee_mode, (version, chain, fee, until), kind)| {
            let body = TransactionBody {
                version,
                chain_id: ChainId::new(chain),
                payer,
                authority,
                fee_mode,
                fee,
                valid_until: Height::new(until),
                kind,
            };
            Transaction::signed(body, &SecretKey::from_seed([7; 32]))
        },
    )
}

proptest! {
    /// A transaction survives JSON, whatever it does.
    #[test]
    fn transactions_survive(transaction in transaction()) {
        let text = serde_json::to_string(&TransactionJson::from(&transaction)).expect("plain data");
        let json: TransactionJson = serde_json::from_str(&text).expect("what is written is read");
        prop_assert_eq!(Transaction::try_from(json), Ok(transaction));
    }

    /// Reading never panics, whatever is read.
    #[test]
    fn anything_is_read_or_refused(text in ".{0,200}") {
        let _ = serde_json::from_str::<TransactionJson>(&text);
    }
}

/// Every value has one text.
#[test]
fn texts_are_canonical() {
    let reads = |text: &str| serde_json::from_str::<Decimal>(&format!("{text:?}")).is_ok();
    assert!(reads("0") && reads("18446744073709551615"));
    for bad in ["", "00", "01", "+1", "-1", " 1", "1.0", "18446744073709551616", "0x1"] {
        assert!(!reads(bad), "{bad:?}");
    }
    assert!(serde_json::from_str::<Decimal>("1").is_err(), "a number is not a string");
    assert!(Hex32::parse(&"ab".repeat(32)).is_some());
    assert!(Hex32::parse(&"AB".repeat(32)).is_none());
    assert!(Hex32::parse(&"ab".repeat(31)).is_none());
    for bad in ["\"a\"", "\"AA\"", "\"zz\""] {
        assert!(serde_json::from_str::<HexBytes>(bad).is_err(), "{bad}");
    }
}

/// A refusal is told by the number that stands for it wherever it is stored or sent.
#[test]
fn refusals_have_their_numbers() {
    let told = RefusalJson::from(Refusal::WouldFail);
    assert_eq!((told.code, told.reason.as_str()), (28, "would-fail"));
    assert_eq!(RefusalJson::from(Refusal::Duplicate).code, 1);
}
