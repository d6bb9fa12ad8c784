//! The votes and certificates inside messages and records.

use std::slice;

use quorate_core::{
    certificate::Certificate,
    checkpoint::Checkpoint,
    message::Message,
    store::Record,
    vote::{Promise, Vote},
};

/// Votes that a message casts: not those within certificates.
pub fn cast_in(message: &Message) -> impl Iterator<Item = Vote<Promise>> + '_ {
    let about_views: &[Vote] = match message {
        Message::Proposal(proposal) => slice::from_ref(&proposal.notarize),
        Message::Vote(vote) => slice::from_ref(vote),
        Message::Votes(votes) => votes,
        Message::Certificates(_)
        | Message::Status(_)
        | Message::CertificateRequest(_)
        | Message::BlockRequest(_)
        | Message::BlockResponse(_)
        | Message::Transactions(_)
        | Message::Evidence(_)
        | Message::TransactionsRequest(_)
        | Message::TransactionsResponse(_)
        | Message::CheckpointVotes(_)
        | Message::CheckpointCertificate(_) => &[],
    };
    let checkpoints: &[Vote<Checkpoint>] = match message {
        Message::CheckpointVotes(votes) => votes,
        _ => &[],
    };
    about_views.iter().map(Vote::widened).chain(checkpoints.iter().map(Vote::widened))
}

/// Certificates that a message carries.
#[must_use]
pub fn certificates_in(message: &Message) -> Vec<&Certificate> {
    match message {
        Message::Proposal(proposal) => {
            proposal.justify.parent.iter().chain(&proposal.justify.skips).collect()
        }
        Message::Certificates(certificates) => certificates.iter().collect(),
        Message::BlockResponse(response) => {
            let proofs = response.proofs.iter().flat_map(|proof| proof.certificates());
            response.finalization.iter().chain(proofs).collect()
        }
        Message::Vote(_)
        | Message::Votes(_)
        | Message::Status(_)
        | Message::CertificateRequest(_)
        | Message::BlockRequest(_)
        | Message::Transactions(_)
        | Message::Evidence(_)
        | Message::TransactionsRequest(_)
        | Message::TransactionsResponse(_)
        | Message::CheckpointVotes(_)
        | Message::CheckpointCertificate(_) => Vec::new(),
    }
}

/// Certificates that a record keeps.
#[must_use]
pub fn certificates_of(record: &Record) -> Vec<&Certificate> {
    match record {
        Record::Certificate(certificate) => vec![certificate],
        Record::Finalized(advance) => vec![&advance.certificate],
        Record::Proof(proof) => proof.certificates().collect(),
        Record::Block(_) | Record::Evidence(_) | Record::Checkpoint(_) => Vec::new(),
    }
}
