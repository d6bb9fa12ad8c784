//! Ids, signatures, sizes and encodings of transactions.

use expect_test::expect;
use proptest::prelude::*;

use super::*;
use crate::{
    crypto::{Ed25519, Verifier},
    execution::fixtures::{address, body, transfer},
};

fn secret(number: u8) -> SecretKey {
    SecretKey::from_seed([number; 32])
}

#[test]
fn id_is_pinned() {
    let transaction = transfer(1, 2, 3, &[(4, 5)]);
    expect!["251afd4dde8b9934fe3150e26092ad88a34583bf00af97d337492b2dfca1df63"]
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
    let changes: [fn(&mut TransactionBody); 7] = [
        |body| body.version = 2,
        |body| body.chain_id = ChainId::new(8),
        |body| body.payer = address(9),
        |body| body.nonce = 1,
        |body| body.fee = 2,
        |body| body.valid_until = Height::new(1),
        |body| {
            let output = Output { to: address(1), amount: 2 };
            body.kind = TransactionKind::Transfer { outputs: Bounded::new(vec![output]) };
        },
    ];
    let id = |body: &TransactionBody| digest_of(Domain::Transaction, body);
    let mut ids = vec![id(&base)];
    for change in changes {
        let mut changed = base.clone();
        change(&mut changed);
        ids.push(id(&changed));
        assert_ne!(signing_message(&changed), signing_message(&base));
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 8);
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
    owned.payer = Address::of_key(&key.public());
    let mut transaction = Transaction::signed(owned, &key);
    assert!(transaction.is_signed_by_payer());
    let one = transaction.signatures[0];
    transaction.signatures = Bounded::new(vec![one, one]);
    assert!(!transaction.is_signed_by_payer(), "a second signature is not ignored");
    transaction.signatures = Bounded::default();
    assert!(!transaction.is_signed_by_payer());
}

#[test]
fn amounts_are_summed_without_overflow() {
    let amount = |fee, outputs: &[(u8, u64)]| body(0, 0, fee, outputs).amount();
    assert_eq!(amount(0, &[]), Err(TransferFault::NoOutputs));
    assert_eq!(amount(0, &[(1, 1), (1, 0)]), Err(TransferFault::ZeroAmount));
    assert_eq!(amount(1, &[(1, u64::MAX - 1)]), Ok(u64::MAX - 1));
    assert_eq!(amount(1, &[(1, u64::MAX)]), Err(TransferFault::Overflow));
    assert_eq!(amount(0, &[(1, u64::MAX), (2, 1)]), Err(TransferFault::Overflow));
}

#[test]
fn limits_are_the_encodings_own() {
    let shortest = transfer(0, 0, 0, &[(1, 1)]);
    assert_eq!(shortest.encoded_len(), TRANSACTION_BYTES_MIN);
    let mut longest = transfer(0, 0, 0, &[(1, 1); OUTPUTS_MAX]);
    let one = longest.signatures[0];
    longest.signatures = Bounded::new(vec![one; SIGNATURES_MAX]);
    let bytes = codec::encode(&longest);
    assert_eq!(bytes.len(), TRANSACTION_BYTES_MAX);
    assert_eq!(Transaction::decode(&bytes), Ok(longest));
}

#[test]
fn count_beyond_the_limit_does_not_decode() {
    let mut bytes = codec::encode(&transfer(0, 0, 0, &[(1, 1); OUTPUTS_MAX]));
    let count = 1 + 4 + 32 + 8 + 8 + 8 + 1;
    assert_eq!(bytes[count..count + 4], 256u32.to_le_bytes());
    bytes[count..count + 4].copy_from_slice(&257u32.to_le_bytes());
    assert_eq!(Transaction::decode(&bytes), Err(DecodeError::Malformed));
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
        flips in proptest::collection::vec((0usize..206, any::<u8>()), 0..6),
        cut in 0usize..=206,
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
