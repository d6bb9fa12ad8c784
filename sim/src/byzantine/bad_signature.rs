//! Spoils signatures: one bit of each signature on a vote of its own, of the first in a certificate.

use std::sync::Arc;

use quorate_core::{
    certificate::Certificate,
    codec::Bounded,
    crypto::Signature,
    message::{Message, Proposal},
    vote::Vote,
};

use super::{Behaviour, Context, Outgoing};

/// Spoils every message that carries a signature by it or gathered by it.
pub struct BadSignature;

impl Behaviour for BadSignature {
    fn name(&self) -> &'static str {
        "bad_signature"
    }

    fn edit(&mut self, _context: &mut Context<'_>, outgoing: Outgoing, out: &mut Vec<Outgoing>) {
        let spoilt = match outgoing.message.as_ref() {
            Message::Vote(vote) => Message::Vote(spoil_vote(vote)),
            Message::Votes(votes) => {
                Message::Votes(Bounded::new(votes.iter().map(spoil_vote).collect()))
            }
            Message::Proposal(proposal) => Message::Proposal(Arc::new(Proposal {
                notarize: spoil_vote(&proposal.notarize),
                ..proposal.as_ref().clone()
            })),
            Message::Certificates(certificates) => Message::Certificates(Bounded::new(
                certificates.iter().map(spoil_certificate).collect(),
            )),
            Message::CheckpointVotes(votes) => {
                Message::CheckpointVotes(Bounded::new(votes.iter().map(spoil_vote).collect()))
            }
            Message::CheckpointCertificate(certificate) => {
                Message::CheckpointCertificate(Box::new(spoil_certificate(certificate)))
            }
            Message::Status(_)
            | Message::CertificateRequest(_)
            | Message::BlockRequest(_)
            | Message::BlockResponse(_)
            | Message::Transactions(_)
            | Message::Evidence(_)
            | Message::TransactionsRequest(_)
            | Message::TransactionsResponse(_) => {
                out.push(outgoing);
                return;
            }
        };
        out.push(outgoing.instead(outgoing.to.clone(), spoilt));
    }
}

fn spoil(signature: &Signature) -> Signature {
    let mut raw = *signature.get();
    raw[0] ^= 1;
    Signature::new(raw)
}

fn spoil_vote<S: Copy>(vote: &Vote<S>) -> Vote<S> {
    Vote { signature: spoil(&vote.signature), ..*vote }
}

pub(super) fn spoil_certificate<S: Clone>(certificate: &Certificate<S>) -> Certificate<S> {
    let mut signatures = certificate.signatures.to_vec();
    if let Some(first) = signatures.first_mut() {
        *first = spoil(first);
    }
    Certificate { signatures: Bounded::new(signatures), ..certificate.clone() }
}

#[cfg(test)]
mod tests;
