//! Puts a transaction that cannot pay into every block that is proposed whole.
//!
//! It is signed well, by the validator's own key, whose account has never held anything, so that the
//! block is as good as any: that execution skips the transaction is known only when it is too late.

use std::sync::Arc;

use quorate_core::{
    block::{Block, Candidate, Header, Payload, TRANSACTIONS_MAX},
    codec::Bounded,
    message::{Body, Message, Proposal},
    transaction::{
        Address, Output, Transaction, TransactionBody, TransactionKind, TransactionSignature,
    },
    vote::Statement,
};

use super::{Behaviour, Context, Outgoing};

/// Adds one transaction to each proposal; to the same proposal always the same one.
pub struct Unpayable;

impl Behaviour for Unpayable {
    fn name(&self) -> &'static str {
        "unpayable"
    }

    fn edit(&mut self, context: &mut Context<'_>, outgoing: Outgoing, out: &mut Vec<Outgoing>) {
        let Message::Proposal(proposal) = outgoing.message.as_ref() else {
            out.push(outgoing);
            return;
        };
        let Body::Full(block) = &proposal.body else {
            out.push(outgoing);
            return;
        };
        let header = block.header();
        let view = proposal.notarize.statement.view().get();
        let more = unpayable(context, header, view);
        match with_one_more(context, proposal, block, more) {
            Some(fuller) => {
                let fuller = Message::Proposal(Arc::new(fuller));
                out.push(outgoing.instead(outgoing.to.clone(), fuller));
            }
            None => out.push(outgoing),
        }
    }
}

/// The same proposal of a block with one transaction more; none if that is one too many.
pub(super) fn with_one_more(
    context: &Context<'_>,
    proposal: &Proposal,
    block: &Block,
    more: Transaction,
) -> Option<Proposal> {
    let candidate = *proposal.notarize.statement.candidate()?;
    let held = block.payload();
    let mut transactions = held.transactions.to_vec();
    if transactions.len() >= TRANSACTIONS_MAX {
        return None;
    }
    transactions.push(more);
    let evidence = held.evidence.clone();
    let payload = Payload { transactions: Bounded::new(transactions), evidence };
    let header = Header {
        payload_root: payload.root(),
        payload_len: payload.encoded_len(),
        evidence_root: payload.evidence_root(),
        ..block.header().clone()
    };
    let block = Arc::new(Block::new(header, payload));
    let candidate = Candidate { block: block.digest(), ..candidate };
    let notarize = context.sign(Statement::Notarize(candidate));
    Some(Proposal { notarize, body: Body::Full(block), justify: proposal.justify.clone() })
}

/// A transfer from the account of the validator's consensus key to itself; `salt` tells them apart.
fn unpayable(context: &Context<'_>, header: &Header, salt: u64) -> Transaction {
    let member = context.committee.member(context.index).expect("whoever misbehaves is a member");
    let payer = Address::of_key(&member.key);
    let body = TransactionBody::new(
        header.chain_id,
        payer,
        0,
        1 + salt,
        header.height.plus(1_000),
        TransactionKind::transfer(vec![Output::native(payer, 1)]),
    );
    let signature = (context.key)(&body.signing_message());
    let signatures = vec![TransactionSignature { key: member.key, signature }];
    Transaction { body, signatures: Bounded::new(signatures) }
}

#[cfg(test)]
mod tests;
