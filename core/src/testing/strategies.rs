//! Strategies for every type that travels or is kept, biased to collisions and boundaries.
//!
//! Views, signers and digests come from a handful of values most of the time, so that two generated
//! things are often about the same place; the rest of the time they are anything.

use std::sync::Arc;

use proptest::{collection::vec, option, prelude::*, sample::select};

use crate::{
    block::{Block, Candidate, Header, Payload},
    certificate::{Certificate, Signers},
    checkpoint::Checkpoint,
    codec::Bounded,
    compact::{CompactBlock, Prefilled, ShortId, sealed_id},
    crypto::{PublicKey, Signature},
    evidence::Evidence,
    execution::model::{Mix, Plain, Workload},
    message::{
        BlockRequest, BlockResponse, BlockWant, Body, CertificateRequest, Justify, Message,
        Proposal, Status, TransactionsRequest, TransactionsResponse,
    },
    proof::CommitProof,
    random::Seed,
    signer::{Pledge, SafetyState},
    store::{Finalized, Record},
    testing::cast::{self, account_key},
    time::UnixMillis,
    transaction::{
        Address, Output, Transaction, TransactionBody, TransactionKind, TransactionSignature,
    },
    types::{ChainId, Digest, Epoch, Height, ValidatorIndex, View},
    vote::{Kind, Promise, Statement, Vote},
};

/// Small numbers, the edges of `u64`, or any.
pub fn number() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0..4u64, 1 => select(vec![u64::MAX, u64::MAX - 1, 1 << 63]), 1 => any::<u64>()]
}

/// A view.
pub fn view() -> impl Strategy<Value = View> {
    number().prop_map(View::new)
}

/// An epoch.
pub fn epoch() -> impl Strategy<Value = Epoch> {
    prop_oneof![9 => Just(Epoch::ZERO), 1 => number().prop_map(Epoch::new)]
}

/// A height.
pub fn height() -> impl Strategy<Value = Height> {
    number().prop_map(Height::new)
}

/// A digest: one of three, or any.
pub fn digest() -> impl Strategy<Value = Digest> {
    prop_oneof![
        4 => (0..3u8).prop_map(|name| Digest::new([name; 32])),
        1 => any::<[u8; 32]>().prop_map(Digest::new),
    ]
}

/// A signer: one of the first four, the last possible, or outside any committee.
pub fn signer() -> impl Strategy<Value = ValidatorIndex> {
    prop_oneof![8 => 0..4u16, 1 => select(vec![1023, 1024, u16::MAX])].prop_map(ValidatorIndex::new)
}

/// Bytes in the place of a signature.
pub fn signature() -> impl Strategy<Value = Signature> {
    prop_oneof![Just([0; 64]), any::<[u8; 64]>()].prop_map(Signature::new)
}

/// Bytes in the place of a key.
pub fn public_key() -> impl Strategy<Value = PublicKey> {
    prop_oneof![
        (0..4u64).prop_map(|number| account_key(number).public()),
        any::<[u8; 32]>().prop_map(PublicKey::new),
    ]
}

/// A candidate.
pub fn candidate() -> impl Strategy<Value = Candidate> {
    (epoch(), view(), view(), digest(), digest()).prop_map(
        |(epoch, view, parent_view, parent_id, block)| Candidate {
            epoch,
            view,
            parent_view,
            parent_id,
            block,
        },
    )
}

/// A statement.
pub fn statement() -> impl Strategy<Value = Statement> {
    prop_oneof![
        candidate().prop_map(Statement::Notarize),
        (epoch(), view()).prop_map(|(epoch, view)| Statement::Nullify { epoch, view }),
        candidate().prop_map(Statement::Finalize),
    ]
}

/// A statement about one of three views and two candidates: conflicts are the rule.
pub fn contested_statement() -> impl Strategy<Value = Statement> {
    (1..4u64, 0..2u8, select(Kind::ALL.to_vec())).prop_map(|(view, name, kind)| match kind {
        Kind::Notarize => cast::notarize(view, name),
        Kind::Nullify => cast::nullify(view),
        Kind::Finalize => cast::finalize(view, name),
    })
}

/// A kind of vote.
pub fn kind() -> impl Strategy<Value = Kind> {
    select(Kind::ALL.to_vec())
}

/// A vote whose signature is anything.
pub fn vote() -> impl Strategy<Value = Vote> {
    (statement(), signer(), signature()).prop_map(|(statement, signer, signature)| Vote {
        statement,
        signer,
        signature,
    })
}

/// A pledge.
pub fn pledge() -> impl Strategy<Value = Pledge> {
    prop_oneof![
        (epoch(), view(), statement()).prop_map(|(epoch, floor, statement)| Pledge::View {
            safety: SafetyState { epoch, floor },
            statement,
        }),
        (height(), checkpoint())
            .prop_map(|(certified, checkpoint)| Pledge::Checkpoint { certified, checkpoint }),
    ]
}

/// A checkpoint.
pub fn checkpoint() -> impl Strategy<Value = Checkpoint> {
    let roots = (digest(), digest(), digest(), digest());
    (epoch(), height(), roots, digest(), option::of(digest())).prop_map(
        |(epoch, height, roots, committee, next_committee)| {
            let (block, state_root, receipts_root, outbox_root) = roots;
            Checkpoint {
                epoch,
                height,
                block,
                state_root,
                receipts_root,
                outbox_root,
                committee,
                next_committee,
            }
        },
    )
}

/// A signed checkpoint whose signature is anything.
pub fn checkpoint_vote() -> impl Strategy<Value = Vote<Checkpoint>> {
    (checkpoint(), signer(), signature()).prop_map(|(statement, signer, signature)| Vote {
        statement,
        signer,
        signature,
    })
}

/// A checkpoint's certificate, of the right shape.
pub fn checkpoint_certificate() -> impl Strategy<Value = Certificate<Checkpoint>> {
    (checkpoint(), signers()).prop_map(|(statement, signers)| {
        let signatures = vec![Signature::new([1; 64]); signers.count()];
        Certificate { statement, signers, signatures: Bounded::new(signatures) }
    })
}

/// A set of signers below 1024.
pub fn signers() -> impl Strategy<Value = Signers> {
    vec(prop_oneof![8 => 0..7u16, 1 => 0..1024u16], 0..8)
        .prop_map(|members| Signers::new(members.into_iter().map(ValidatorIndex::new)))
}

/// A certificate, mostly of the right shape.
pub fn certificate() -> impl Strategy<Value = Certificate> {
    (statement(), signers(), vec(signature(), 0..8), any::<bool>()).prop_map(
        |(statement, signers, mut signatures, shaped)| {
            if shaped {
                signatures.resize(signers.count(), Signature::new([1; 64]));
            }
            Certificate { statement, signers, signatures: Bounded::new(signatures) }
        },
    )
}

/// A transaction: a transfer, mostly with a signature that holds, or one of any kind.
pub fn transaction() -> impl Strategy<Value = Transaction> {
    prop_oneof![transfer(), transaction_of_any_kind()]
}

/// A transaction that makes sense after a few others, of any kind.
pub fn transaction_of_any_kind() -> impl Strategy<Value = Transaction> {
    (any::<u64>(), select(Mix::ALL.to_vec()), 0..30u8).prop_map(|(seed, mix, before)| {
        let mut workload = Workload::unsigned(Seed::from_number(seed), mix, 4);
        let mut plain = Plain::new(&workload.genesis(10_000));
        for _ in 0..before {
            plain.transact(&workload.transaction(&plain));
        }
        workload.transaction(&plain)
    })
}

/// A transfer, mostly with a signature that holds.
pub fn transfer() -> impl Strategy<Value = Transaction> {
    let output = (public_key(), number())
        .prop_map(|(key, amount)| Output::native(Address::of_key(&key), amount));
    let signed = (public_key(), signature())
        .prop_map(|(key, signature)| TransactionSignature { key, signature });
    (0..4u64, number(), number(), height(), vec(output, 0..4), vec(signed, 0..3), any::<bool>())
        .prop_map(|(payer, nonce, fee, valid_until, outputs, signatures, honest)| {
            let key = account_key(payer);
            let body = TransactionBody::new(
                ChainId::new(7),
                Address::of_key(&key.public()),
                nonce,
                fee,
                valid_until,
                TransactionKind::transfer(outputs),
            );
            if honest {
                return Transaction::signed(body, &key);
            }
            Transaction { body, signatures: Bounded::new(signatures) }
        })
}

/// Evidence of a real conflict between two votes with any signatures.
pub fn evidence() -> impl Strategy<Value = Evidence> {
    (1..4u64, signer(), signature(), signature(), 0..4u8).prop_map(|(view, signer, a, b, which)| {
        let (first, second): (Promise, Promise) = match which {
            0 => (cast::notarize(view, 0).into(), cast::notarize(view, 1).into()),
            1 => (cast::finalize(view, 0).into(), cast::finalize(view, 1).into()),
            2 => (cast::nullify(view).into(), cast::finalize(view, 0).into()),
            _ => (cast::checkpoint(view, 0).into(), cast::checkpoint(view, 1).into()),
        };
        let vote = |statement, signature| Vote { statement, signer, signature };
        Evidence::of(&vote(first, a), &vote(second, b)).expect("the two conflict")
    })
}

/// A payload of a few things.
pub fn payload() -> impl Strategy<Value = Payload> {
    (vec(transaction(), 0..3), vec(evidence(), 0..2)).prop_map(|(transactions, evidence)| Payload {
        transactions: Bounded::new(transactions),
        evidence: Bounded::new(evidence),
    })
}

/// A header that commits to nothing in particular.
pub fn header() -> impl Strategy<Value = Header> {
    let places = (epoch(), height(), view(), signer());
    let digests = (digest(), digest(), digest(), option::of(digest()));
    (places, digests, any::<u32>(), number()).prop_map(
        |((epoch, height, origin_view, proposer), digests, payload_len, timestamp)| {
            let (parent, payload_root, evidence_root, next_committee) = digests;
            Header {
                chain_id: ChainId::new(7),
                epoch,
                height,
                parent,
                origin_view,
                proposer,
                payload_root,
                payload_len,
                timestamp: UnixMillis::new(timestamp),
                evidence_root,
                next_committee,
            }
        },
    )
}

/// A block, mostly with a header that commits to its payload.
pub fn block() -> impl Strategy<Value = Arc<Block>> {
    (header(), payload(), any::<bool>()).prop_map(|(mut header, payload, honest)| {
        if honest {
            header.payload_root = payload.root();
            header.payload_len = payload.encoded_len();
            header.evidence_root = payload.evidence_root();
        }
        Arc::new(Block::new(header, payload))
    })
}

/// A commit proof of any completeness.
pub fn commit_proof() -> impl Strategy<Value = CommitProof> {
    (
        height(),
        candidate(),
        option::of(certificate()),
        option::of(certificate()),
        vec(certificate(), 0..3),
    )
        .prop_map(|(height, candidate, notarization, finalization, skips)| CommitProof {
            height,
            candidate,
            notarization,
            finalization,
            nullifications: Bounded::new(skips),
        })
}

/// A short id, mostly one of three.
pub fn short_id() -> impl Strategy<Value = ShortId> {
    prop_oneof![4 => (0..3u8).prop_map(|name| [name; 6]), 1 => any::<[u8; 6]>()]
        .prop_map(ShortId::new)
}

/// An announcement of a block: half of them as an honest leader makes it, half of anything.
pub fn compact_block() -> impl Strategy<Value = CompactBlock> {
    let anything = (header(), vec((0..4u16, transaction()), 0..3), vec(short_id(), 0..4)).prop_map(
        |(header, prefilled, short_ids)| {
            let whole = |(place, transaction)| Prefilled { place, transaction };
            let prefilled = Bounded::new(prefilled.into_iter().map(whole).collect());
            CompactBlock::new(header, Bounded::default(), prefilled, Bounded::new(short_ids))
        },
    );
    let honest = (block(), any::<bool>()).prop_filter_map("equal short ids", |(block, whole)| {
        let sealed = |one: &Transaction| sealed_id(&one.id(), &one.signatures);
        let sealed: Vec<Digest> = block.payload().transactions.iter().map(sealed).collect();
        CompactBlock::of(&block, &sealed, if whole { &[0] } else { &[] })
    });
    prop_oneof![anything, honest]
}

/// A proposed block, whole or announced.
pub fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        block().prop_map(Body::Full),
        compact_block().prop_map(|compact| Body::Compact(Arc::new(compact))),
    ]
}

/// A proposal.
pub fn proposal() -> impl Strategy<Value = Proposal> {
    (vote(), body(), option::of(certificate()), vec(certificate(), 0..3)).prop_map(
        |(notarize, body, parent, skips)| Proposal {
            notarize,
            body,
            justify: Justify { parent, skips: Bounded::new(skips) },
        },
    )
}

/// A heartbeat.
pub fn status() -> impl Strategy<Value = Status> {
    (epoch(), view(), view(), height(), digest(), height()).prop_map(
        |(epoch, view, finalized_view, finalized_height, finalized_id, checkpoint)| Status {
            epoch,
            view,
            finalized_view,
            finalized_height,
            finalized_id,
            checkpoint,
        },
    )
}

/// A want.
pub fn block_want() -> impl Strategy<Value = BlockWant> {
    prop_oneof![digest().prop_map(BlockWant::Digest), height().prop_map(BlockWant::From)]
}

/// An answer with blocks.
pub fn block_response() -> impl Strategy<Value = BlockResponse> {
    (
        number(),
        vec(block(), 0..3),
        vec(header(), 0..3),
        option::of(certificate()),
        vec(commit_proof(), 0..2),
    )
        .prop_map(|(id, blocks, links, finalization, proofs)| BlockResponse {
            id,
            blocks: Bounded::new(blocks),
            links: Bounded::new(links),
            finalization,
            proofs: Bounded::new(proofs),
        })
}

/// Any message.
pub fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        proposal().prop_map(|proposal| Message::Proposal(Arc::new(proposal))),
        vote().prop_map(Message::Vote),
        vec(vote(), 0..4).prop_map(|votes| Message::Votes(Bounded::new(votes))),
        vec(certificate(), 0..4).prop_map(|all| Message::Certificates(Bounded::new(all))),
        status().prop_map(Message::Status),
        (epoch(), view(), option::of(kind())).prop_map(|(epoch, view, kind)| {
            Message::CertificateRequest(CertificateRequest { epoch, view, kind })
        }),
        (number(), block_want())
            .prop_map(|(id, want)| Message::BlockRequest(BlockRequest { id, want })),
        block_response().prop_map(Message::BlockResponse),
        vec(transaction(), 0..4).prop_map(|all| Message::Transactions(Bounded::new(all))),
        evidence().prop_map(|one| Message::Evidence(Box::new(one))),
        vec(checkpoint_vote(), 0..4).prop_map(|all| Message::CheckpointVotes(Bounded::new(all))),
        checkpoint_certificate().prop_map(|one| Message::CheckpointCertificate(Box::new(one))),
        (view(), digest(), vec(any::<u16>(), 0..4)).prop_map(|(view, block, places)| {
            let places = Bounded::new(places);
            Message::TransactionsRequest(TransactionsRequest { view, block, places })
        }),
        (view(), digest(), vec(transaction(), 0..3)).prop_map(|(view, block, transactions)| {
            let transactions = Bounded::new(transactions);
            Message::TransactionsResponse(TransactionsResponse { view, block, transactions })
        }),
    ]
}

/// Any record, in no order a log would have.
pub fn record() -> impl Strategy<Value = Record> {
    prop_oneof![
        block().prop_map(Record::Block),
        certificate().prop_map(Record::Certificate),
        (candidate(), certificate(), vec((height(), digest()), 1..4)).prop_map(
            |(tip, certificate, blocks)| Record::Finalized(Finalized { tip, certificate, blocks })
        ),
        commit_proof().prop_map(Record::Proof),
        evidence().prop_map(Record::Evidence),
        checkpoint_certificate().prop_map(Record::Checkpoint),
    ]
}
