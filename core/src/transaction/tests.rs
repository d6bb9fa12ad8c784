//! Ids, signatures, sizes and encodings of transactions.

use expect_test::expect;
use proptest::prelude::*;

use super::*;
use crate::{
    crypto::{Ed25519, Verifier},
    execution::fixtures::{address, body, transfer},
    types::{ChainId, Height},
};

fn secret(number: u8) -> SecretKey {
    SecretKey::from_seed([number; 32])
}

#[test]
fn id_is_pinned() {
    let transaction = transfer(1, 2, 3, &[(4, 5)]);
    expect!["3736443823c184fea218424f31581b0dc667aa05e9e5f1e5078aac45ba1eaa44"]
        .assert_eq(&transaction.id().to_string());
}

/// Whoever holds a transaction can change its signatures, but not make a second one of it.
#[test]
fn id_leaves_the_signatures_out() {
    let body = body(0, 0, 1, &[(1, 1)]);
    let (one, other) =
        (Transaction::signed(body.clone(), &secret(1)), Transaction::signed(body, &secret(2)));
    assert_ne!(one, other);
    assert_eq!(one.id(), other.id());
}

#[test]
fn every_field_changes_the_id() {
    let base = body(0, 0, 1, &[(1, 1)]);
    let changes: [fn(&mut TransactionBody); 11] = [
        |body| body.version = 2,
        |body| body.chain_id = ChainId::new(8),
        |body| body.payer = Payer::Account { address: address(9), nonce: 0 },
        |body| body.payer = Payer::Account { address: address(0), nonce: 1 },
        |body| body.payer = Payer::Coins { owner: address(0) },
        |body| body.authority = Authority::MultiSig,
        |body| body.fee_mode = FeeMode::Energy,
        |body| body.fee = 2,
        |body| body.valid_until = Height::new(1),
        |body| body.kind = TransactionKind::transfer(vec![Output::native(address(1), 2)]),
        |body| {
            let mut transfer = Transfer::new(vec![Output::native(address(1), 1)]);
            transfer.memo = Bounded::new(vec![1]);
            body.kind = TransactionKind::Transfer(transfer);
        },
    ];
    let mut ids = vec![base.id()];
    for change in changes {
        let mut changed = base.clone();
        change(&mut changed);
        ids.push(changed.id());
        assert_ne!(changed.signing_message(), base.signing_message());
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 12);
}

#[test]
fn signature_holds_for_its_own_body_only() {
    let mut transaction = Transaction::signed(body(0, 0, 1, &[(1, 1)]), &secret(1));
    assert_eq!(Ed25519.verify(&transaction.checks()), [true]);
    transaction.body.chain_id = ChainId::new(8);
    assert_eq!(Ed25519.verify(&transaction.checks()), [false]);
}

#[test]
fn payer_alone_signs() {
    let key = secret(1);
    let mut owned = body(0, 0, 1, &[(1, 1)]);
    assert!(!Transaction::signed(owned.clone(), &key).is_signed_by_payer(), "not its address");
    owned.payer = Payer::Account { address: Address::of_key(&key.public()), nonce: 0 };
    let mut transaction = Transaction::signed(owned, &key);
    assert!(transaction.is_signed_by_payer());
    let one = transaction.signatures[0];
    transaction.signatures = Bounded::new(vec![one, one]);
    assert!(!transaction.is_signed_by_payer(), "a second signature is not ignored");
    transaction.signatures = Bounded::default();
    assert!(!transaction.is_signed_by_payer());
}

#[test]
fn several_signers_are_strictly_ascending() {
    let mut several = body(0, 0, 1, &[(1, 1)]);
    several.authority = Authority::MultiSig;
    let (a, b) = (secret(1), secret(2));
    let transaction = Transaction::signed_by_all(several, &[&a, &b]);
    assert!(transaction.has_plausible_signers());
    assert_eq!(Ed25519.verify(&transaction.checks()), [true, true]);
    let with = |signatures: Vec<TransactionSignature>| Transaction {
        signatures: Bounded::new(signatures),
        ..transaction.clone()
    };
    let [first, second] = [transaction.signatures[0], transaction.signatures[1]];
    assert!(with(vec![first]).has_plausible_signers(), "only the state tells the threshold");
    assert!(!with(vec![second, first]).has_plausible_signers(), "out of order");
    assert!(!with(vec![first, first]).has_plausible_signers(), "one key twice");
    assert!(!with(vec![]).has_plausible_signers());
}

#[test]
fn amounts_are_summed_without_overflow() {
    let debit = |fee, outputs: &[(u8, u64)]| body(0, 0, fee, outputs).native_debit();
    let check = |fee, outputs: &[(u8, u64)]| body(0, 0, fee, outputs).check();
    assert_eq!(check(0, &[]), Err(Fault::NoOutputs));
    assert_eq!(check(0, &[(1, 1), (1, 0)]), Err(Fault::ZeroAmount));
    assert_eq!(debit(1, &[(1, u64::MAX - 1)]), Ok(u64::MAX));
    assert_eq!(debit(1, &[(1, u64::MAX)]), Err(Fault::AmountOverflow));
    assert_eq!(check(1, &[(1, u64::MAX)]), Err(Fault::AmountOverflow));
    assert_eq!(debit(0, &[(1, u64::MAX), (2, 1)]), Err(Fault::AmountOverflow));
    let mut with_energy = body(0, 0, 5, &[(1, 7)]);
    with_energy.fee_mode = FeeMode::Energy;
    assert_eq!(with_energy.native_debit(), Ok(7));
}

#[test]
fn limits_are_the_encodings_own() {
    let mut shortest = transfer(0, 0, 0, &[(1, 1)]);
    shortest.body.kind = TransactionKind::Energy(EnergyAction::Withdraw);
    assert_eq!(shortest.encoded_len(), TRANSACTION_BYTES_MIN);
    let id = |index| ObjectId { transaction: Digest::ZERO, index };
    let create = ObjectAction::Create {
        owner: address(1),
        held: 1,
        data: Bounded::new(vec![7; OBJECT_DATA_MAX]),
    };
    let owned = (0..16).map(|index| OwnedInput { id: id(index), version: 1 }).collect();
    let shared = (16..32).map(|index| SharedInput { id: id(index), is_written: true }).collect();
    let mut longest = shortest.clone();
    longest.body.kind = TransactionKind::Objects(Objects {
        owned: Bounded::new(owned),
        shared: Bounded::new(shared),
        actions: Bounded::new(vec![create; ACTIONS_MAX]),
    });
    longest.signatures = Bounded::new(vec![shortest.signatures[0]; SIGNATURES_MAX]);
    let bytes = codec::encode(&longest);
    assert_eq!(bytes.len(), TRANSACTION_BYTES_MAX);
    assert_eq!(Transaction::decode(&bytes), Ok(longest.clone()));
    let output = Output { to: address(1), asset: Asset::Issued(asset()), amount: 1 };
    let mut widest = Transfer::new(vec![output; OUTPUTS_MAX]);
    widest.memo = Bounded::new(vec![7; MEMO_MAX]);
    longest.body.kind = TransactionKind::Transfer(widest);
    assert!(codec::encode(&longest).len() < TRANSACTION_BYTES_MAX);
}

fn asset() -> AssetId {
    AssetId::of_transaction(Digest::new([5; 32]))
}

/// The bytes of every kind, so that none changes unnoticed.
#[test]
fn encodings_of_kinds_are_pinned() {
    let amount = Amount { asset: Asset::Issued(asset()), amount: 7 };
    let coin = CoinId { transaction: Digest::new([1; 32]), index: 2 };
    let object = ObjectId { transaction: Digest::new([3; 32]), index: 4 };
    let to = address(1);
    let keys = Bounded::new(vec![PublicKey::new([1; 32]), PublicKey::new([2; 32])]);
    let data = Bounded::new(vec![0xAB]);
    let mints = Bounded::new(vec![Mint { to, amount: 7 }]);
    let actions = vec![
        ObjectAction::Create { owner: to, held: 1, data: data.clone() },
        ObjectAction::Mutate { input: 1, data },
        ObjectAction::Transfer { input: 2, to },
        ObjectAction::Share { input: 3 },
        ObjectAction::Freeze { input: 4 },
        ObjectAction::Delete { input: 5 },
    ];
    let kinds = [
        TransactionKind::transfer(vec![Output { to, asset: amount.asset, amount: 7 }]),
        TransactionKind::Issue(Issue::Create { decimals: 2, cap: 9, amount: 7 }),
        TransactionKind::Issue(Issue::Mint { asset: asset(), mints }),
        TransactionKind::Burn(Burn { burned: amount }),
        TransactionKind::Energy(EnergyAction::Freeze { amount: 7 }),
        TransactionKind::Energy(EnergyAction::Unfreeze { amount: 7 }),
        TransactionKind::Energy(EnergyAction::Withdraw),
        TransactionKind::MultiSig(MultiSigAction::Set(Signers { threshold: 2, keys })),
        TransactionKind::MultiSig(MultiSigAction::Clear),
        TransactionKind::Coins(Coins {
            inputs: Bounded::new(vec![coin]),
            funds: Bounded::new(vec![amount]),
            outputs: Bounded::new(vec![CoinOutput { owner: to, amount }]),
            credits: Bounded::new(vec![Output::native(to, 7)]),
        }),
        TransactionKind::Objects(Objects {
            owned: Bounded::new(vec![OwnedInput { id: object, version: 6 }]),
            shared: Bounded::new(vec![SharedInput { id: object, is_written: true }]),
            actions: Bounded::new(actions),
        }),
    ];
    let mut shown = String::new();
    for kind in kinds {
        let bytes = codec::encode(&kind);
        assert_eq!(codec::decode(&bytes, 1_000), Ok(kind));
        bytes.iter().for_each(|byte| shown.push_str(&format!("{byte:02x}")));
        shown.push('\n');
    }
    expect![[r#"
        0001000000bb706ec09a2c0f8c546d2b381feecb9d26f4641b2c95297c83109b359dd11cec010505050505050505050505050505050505050505050505050505050505050505070000000000000000000000
        01000209000000000000000700000000000000
        0101050505050505050505050505050505050505050505050505050505050505050501000000bb706ec09a2c0f8c546d2b381feecb9d26f4641b2c95297c83109b359dd11cec0700000000000000
        020105050505050505050505050505050505050505050505050505050505050505050700000000000000
        03000700000000000000
        03010700000000000000
        0302
        0400020200000001010101010101010101010101010101010101010101010101010101010101010202020202020202020202020202020202020202020202020202020202020202
        0401
        050100000001010101010101010101010101010101010101010101010101010101010101010200000001000000010505050505050505050505050505050505050505050505050505050505050505070000000000000001000000bb706ec09a2c0f8c546d2b381feecb9d26f4641b2c95297c83109b359dd11cec010505050505050505050505050505050505050505050505050505050505050505070000000000000001000000bb706ec09a2c0f8c546d2b381feecb9d26f4641b2c95297c83109b359dd11cec000700000000000000
        0601000000030303030303030303030303030303030303030303030303030303030303030304000000060000000000000001000000030303030303030303030303030303030303030303030303030303030303030304000000010600000000bb706ec09a2c0f8c546d2b381feecb9d26f4641b2c95297c83109b359dd11cec010000000000000001000000ab010101000000ab0202bb706ec09a2c0f8c546d2b381feecb9d26f4641b2c95297c83109b359dd11cec030304040505
    "#]].assert_eq(&shown);
}

/// What a transaction uses up, for whoever keeps transactions apart that cannot both be applied.
#[test]
fn conflict_keys_name_nonces_coins_and_object_versions() {
    let mut body = body(0, 3, 1, &[(1, 1)]);
    assert_eq!(body.conflict_keys(), [ConflictKey::Nonce(address(0), 3)]);
    let coin = CoinId { transaction: Digest::ZERO, index: 1 };
    body.kind = TransactionKind::Coins(Coins {
        inputs: Bounded::new(vec![coin]),
        funds: Bounded::default(),
        outputs: Bounded::default(),
        credits: Bounded::default(),
    });
    body.payer = Payer::Coins { owner: address(0) };
    assert_eq!(body.conflict_keys(), [ConflictKey::Coin(coin)]);
    assert_eq!(body.native_debit(), Ok(0), "no account pays");
}

#[test]
fn count_beyond_the_limit_does_not_decode() {
    let mut bytes = codec::encode(&transfer(0, 0, 0, &[(1, 1); OUTPUTS_MAX]));
    let count = 1 + 4 + 41 + 1 + 1 + 8 + 8 + 1;
    assert_eq!(bytes[count..count + 4], 256u32.to_le_bytes());
    bytes[count..count + 4].copy_from_slice(&257u32.to_le_bytes());
    assert_eq!(Transaction::decode(&bytes), Err(DecodeError::Malformed));
}

/// What later versions may mean by these numbers is nothing today.
#[test]
fn reserved_kinds_do_not_decode() {
    let bytes = codec::encode(&transfer(0, 0, 0, &[(1, 1)]));
    let kind = 1 + 4 + 41 + 1 + 1 + 8 + 8;
    for reserved in [7, 8, 9, 10, 0x7F, 0x80, 0xFF] {
        let mut bytes = bytes.clone();
        bytes[kind] = reserved;
        assert_eq!(Transaction::decode(&bytes), Err(DecodeError::Malformed), "{reserved}");
    }
}

proptest! {
    #[test]
    fn decodes_to_itself_and_never_with_bytes_after(
        payer in 0u8..4,
        nonce in any::<u64>(),
        fee in any::<u64>(),
        outputs in proptest::collection::vec((0u8..4, any::<u64>()), 0..5),
        extra in any::<u8>(),
    ) {
        let transaction = transfer(payer, nonce, fee, &outputs);
        let mut bytes = codec::encode(&transaction);
        prop_assert_eq!(u32::try_from(bytes.len()), Ok(transaction.encoded_len()));
        prop_assert_eq!(Transaction::decode(&bytes), Ok(transaction));
        bytes.push(extra);
        prop_assert_eq!(Transaction::decode(&bytes), Err(DecodeError::Malformed));
    }

    /// No bytes make the decoder panic, and whatever decodes encodes back to the same bytes.
    #[test]
    fn decodes_anything_without_panic(
        flips in proptest::collection::vec((0usize..214, any::<u8>()), 0..6),
        cut in 0usize..=214,
    ) {
        let mut bytes = codec::encode(&transfer(0, 0, 0, &[(1, 1)]));
        for (place, value) in flips {
            bytes[place] = value;
        }
        bytes.truncate(cut);
        if let Ok(transaction) = Transaction::decode(&bytes) {
            prop_assert_eq!(codec::encode(&transaction), bytes);
        }
    }
}
