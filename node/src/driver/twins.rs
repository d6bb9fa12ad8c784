//! Whether somebody else signs with this validator's key.
//!
//! Everything the key has promised goes through the driver, and what it promised in earlier lives is in its
//! sign-state. A vote under the key above the sign-state's floor that is neither is proof: another process uses
//! the key, or the sign-state is an old copy. Either would end in votes that contradict each other, so the node
//! ends first. What is at or below the floor proves nothing, because what was promised there is forgotten.
//!
//! Looks at what the store holds when it starts, at what comes in before the replica does, since the replica does not keep what says nothing new to it,
//! and at what the replica has checked and wants to keep. Changes neither.

use quorate_core::{
    certificate::Certificate,
    committee::Committee,
    config::Config,
    crypto::{Ed25519, Verifier as _},
    effect::{Effect, Input},
    message::Message,
    signer::{SafetyState, SignState},
    store::{Record, Recovered, SignerRecord},
    time::{Instant, Span},
    types::{ValidatorId, ValidatorIndex},
    vote::{Promise, Signable, SigningContext, Statement, Vote},
};

use crate::exit::{Exit, Failure};

/// Signatures that are checked in a second: anybody can claim to have seen a vote of ours.
const CHECKS_PER_SECOND: u32 = 32;

/// Watches for votes under this validator's key that it has not promised.
#[derive(Debug)]
pub(super) struct Twins {
    own: ValidatorIndex,
    validator: ValidatorId,
    committee: Committee,
    context: SigningContext,
    /// As the signer's own will be when it has seen to all pledges.
    book: SignState,
    /// When the ration began, and what is left of it.
    ration: (Instant, u32),
}

impl Twins {
    /// For a validator; a node that follows has no key.
    ///
    /// # Panics
    /// If the genesis validators are not a committee.
    pub(super) fn of(config: &Config, recovered: &Recovered) -> Option<Self> {
        let validator = config.validator?;
        let SignerRecord::Intact(book) = &recovered.signer else { return None };
        let committee = config.genesis.committee().expect("the genesis was checked");
        let own = committee.members().find(|(_, member)| member.validator == validator);
        let (own, _) = own?;
        let context = SigningContext {
            chain_id: config.genesis.chain_id,
            genesis: config.genesis.digest(),
            committee: committee.digest(),
        };
        let ration = (Instant::ZERO, CHECKS_PER_SECOND);
        Some(Self { own, validator, committee, context, book: book.clone(), ration })
    }

    /// Looks at what the store holds: it may know better than a sign-state that was put back.
    pub(super) fn on_start(&self, recovered: &Recovered) -> Option<Failure> {
        let finalized = recovered.finalized.iter().map(|tip| &tip.certificate);
        let proofs = recovered.proofs.iter().flat_map(|proof| proof.certificates());
        let certificates = finalized.chain(&recovered.certificates).chain(proofs);
        let votes = recovered.evidence.iter().flat_map(|evidence| evidence.votes());
        let strange = self
            .strange_among(certificates)
            .or_else(|| recovered.checkpoint.as_ref().and_then(|one| self.strange_signed(one)))
            .or_else(|| votes.into_iter().find_map(|vote| self.strange(vote)))?;
        self.prove(strange)
    }

    /// Looks at what comes in, before anybody has checked it. Why the node has to end, if it has.
    pub(super) fn on_input(&mut self, now: Instant, input: &Input) -> Option<Failure> {
        let Input::Received { message, .. } = input else { return None };
        let strange = self.strange_in(message)?;
        if now.since(self.ration.0) >= Span::from_millis(1_000) {
            self.ration = (now, CHECKS_PER_SECOND);
        }
        // What is made up must not take the replica's time; what is true comes again.
        self.ration.1 = self.ration.1.checked_sub(1)?;
        self.prove(strange)
    }

    /// Looks at what the replica wants done: notes what is promised, and judges what it has checked.
    pub(super) fn on_effect(&mut self, effect: &Effect) -> Option<Failure> {
        match effect {
            Effect::Pledge { pledge, .. } => {
                // What cannot be recorded the signer refuses as well, and that is the end.
                let _ = self.book.record(pledge);
                None
            }
            Effect::Write { batch, .. } => {
                let strange = batch.iter().find_map(|record| self.strange_record(record))?;
                self.prove(strange)
            }
            Effect::Send { .. } | Effect::Run(_) | Effect::Peer(_) | Effect::Report(_) => None,
        }
    }

    fn strange_in(&self, message: &Message) -> Option<Vote<Promise>> {
        match message {
            Message::Vote(vote) => self.strange(vote),
            Message::Votes(votes) => votes.iter().find_map(|vote| self.strange(vote)),
            Message::Certificates(certificates) => self.strange_among(certificates),
            Message::Proposal(proposal) => {
                let justify = &proposal.justify;
                self.strange_among(justify.parent.iter().chain(&justify.skips))
            }
            Message::BlockResponse(response) => {
                let proofs = response.proofs.iter().flat_map(|proof| proof.certificates());
                self.strange_among(response.finalization.iter().chain(proofs))
            }
            Message::Evidence(evidence) => {
                evidence.votes().into_iter().find_map(|vote| self.strange(vote))
            }
            Message::CheckpointVotes(votes) => votes.iter().find_map(|vote| self.strange(vote)),
            Message::CheckpointCertificate(certificate) => self.strange_signed(certificate),
            Message::Status(_)
            | Message::CertificateRequest(_)
            | Message::BlockRequest(_)
            | Message::Transactions(_)
            | Message::TransactionsRequest(_)
            | Message::TransactionsResponse(_) => None,
        }
    }

    fn strange_record(&self, record: &Record) -> Option<Vote<Promise>> {
        match record {
            Record::Certificate(certificate) => self.strange_signed(certificate),
            Record::Finalized(advance) => self.strange_signed(&advance.certificate),
            Record::Proof(proof) => self.strange_among(proof.certificates()),
            Record::Evidence(evidence) => {
                evidence.votes().into_iter().find_map(|vote| self.strange(vote))
            }
            Record::Checkpoint(certificate) => self.strange_signed(certificate),
            Record::Block(_) => None,
        }
    }

    fn strange_among<'a>(
        &self,
        certificates: impl IntoIterator<Item = &'a Certificate<Statement>>,
    ) -> Option<Vote<Promise>> {
        certificates.into_iter().find_map(|certificate| self.strange_signed(certificate))
    }

    fn strange_signed<S>(&self, certificate: &Certificate<S>) -> Option<Vote<Promise>>
    where
        S: Copy + Eq + std::fmt::Debug + Signable + Into<Promise>,
    {
        if !certificate.signers.contains(self.own) || self.may_know(certificate.statement.into()) {
            return None;
        }
        certificate.vote_of(self.own).map(|vote| vote.widened())
    }

    fn strange<S: Copy + Into<Promise>>(&self, vote: &Vote<S>) -> Option<Vote<Promise>> {
        let is_strange = vote.signer == self.own && !self.may_know(vote.statement.into());
        is_strange.then(|| vote.widened())
    }

    /// Whether the key has promised this, or may have and forgotten it.
    fn may_know(&self, promise: Promise) -> bool {
        match promise {
            Promise::View(statement) => {
                let place = SafetyState { epoch: statement.epoch(), floor: statement.view() };
                let held = self.book.promises().get(&statement.view());
                place <= self.book.safety()
                    || held.is_some_and(|held| held.iter().any(|one| *one == statement))
            }
            Promise::Checkpoint(checkpoint) => {
                let held = self.book.checkpoints().get(&checkpoint.height);
                checkpoint.height <= self.book.certified() || held == Some(&checkpoint)
            }
        }
    }

    /// Whether the key has really signed that.
    fn prove(&self, vote: Vote<Promise>) -> Option<Failure> {
        let check = self.context.check(&self.committee, &vote)?;
        if Ed25519.verify(&[check]) != [true] {
            return None;
        }
        let what = match vote.statement {
            Promise::View(statement) => {
                format!("a {:?} of view {}", statement.kind(), statement.view())
            }
            Promise::Checkpoint(checkpoint) => {
                format!("a checkpoint of height {}", checkpoint.height)
            }
        };
        Some(Failure::new(
            Exit::Key,
            format!(
                "the consensus key of validator {} has signed {what}, and this node never promised that: \
                 another process uses the key, or the sign-state is an old copy. Find the other process \
                 and stop it for good; a key whose sign-state may be old must not be used again",
                self.validator,
            ),
        ))
    }
}

#[cfg(test)]
mod tests;
