//! Puts a transaction into its blocks that spends from somebody else's account.
//!
//! The victim is whoever pays for the last transaction of the block: it is made to pay one token to the
//! account of the validator's consensus key, with the nonce that comes next. Only that key signs, and
//! its signature holds; so the block is as good as any, and that the key has no say over the
//! account is for execution to find out. Only blocks proposed whole, with a payer that has a nonce.

use std::sync::Arc;

use quorate_core::{
    block::Block,
    codec::Bounded,
    message::{Body, Message},
    transaction::{
        Address, Output, Transaction, TransactionBody, TransactionKind, TransactionSignature,
    },
};

use super::{Behaviour, Context, Outgoing, unpayable::with_one_more};

/// Adds one transaction to each proposal that has any; to the same proposal always the same one.
pub struct Steal;

impl Behaviour for Steal {
    fn name(&self) -> &'static str {
        "steal"
    }

    fn edit(&mut self, context: &mut Context<'_>, outgoing: Outgoing, out: &mut Vec<Outgoing>) {
        let richer = match outgoing.message.as_ref() {
            Message::Proposal(proposal) => match &proposal.body {
                Body::Full(block) => theft(context, block)
                    .and_then(|theft| with_one_more(context, proposal, block, theft)),
                Body::Compact(_) => None,
            },
            _ => None,
        };
        match richer {
            Some(richer) => {
                let richer = Message::Proposal(Arc::new(richer));
                out.push(outgoing.instead(outgoing.to.clone(), richer));
            }
            None => out.push(outgoing),
        }
    }
}

fn theft(context: &Context<'_>, block: &Block) -> Option<Transaction> {
    let transactions = &block.payload().transactions;
    let payers = || transactions.iter().map(|one| one.body.payer);
    let victim = payers().rev().find(|payer| payer.nonce().is_some())?.address();
    let used = payers().filter(|payer| payer.address() == victim);
    let nonce = used.filter_map(|payer| payer.nonce()).max()?.checked_add(1)?;
    let member = context.committee.member(context.index).expect("whoever misbehaves is a member");
    let thief = Address::of_key(&member.key);
    let header = block.header();
    let body = TransactionBody::new(
        header.chain_id,
        victim,
        nonce,
        1,
        header.height.plus(1_000),
        TransactionKind::transfer(vec![Output::native(thief, 1)]),
    );
    let signature = (context.key)(&body.signing_message());
    let signatures = vec![TransactionSignature { key: member.key, signature }];
    Some(Transaction { body, signatures: Bounded::new(signatures) })
}

#[cfg(test)]
mod tests;
