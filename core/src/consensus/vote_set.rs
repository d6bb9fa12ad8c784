//! Votes of one kind in one view, gathered until one statement weighs a quorum.
//!
//! One collector serves every kind. It never checks a signature itself and never lets a later vote
//! replace an earlier one, so a second, different vote is always noticed (I4). Implements P30-P33.

use std::collections::{BTreeMap, BTreeSet};

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    certificate::Certificate,
    committee::Committee,
    types::{Stake, ValidatorIndex},
    vote::{Statement, Vote},
};

/// How far a stored vote's signature has been looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
enum Trust {
    /// Not at all.
    Unchecked,
    /// A job is looking at it.
    Checking,
    /// It holds.
    Checked,
}

/// The first vote of one validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Held {
    vote: Vote,
    trust: Trust,
}

/// What became of a vote that was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// It is this signer's first.
    Stored,
    /// Nothing new: the same statement again, or one that can no longer matter.
    Ignored,
    /// It contradicts the first one, which stays.
    Conflict(Vote),
    /// Its signer has sent a bad signature before: to be checked alone, at most one at a time.
    Suspect,
}

/// Votes of one kind in one view.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct VoteSet {
    votes: BTreeMap<ValidatorIndex, Held>,
    /// Signers of a vote whose signature did not hold.
    suspects: BTreeSet<ValidatorIndex>,
}

impl VoteSet {
    /// Takes a vote whose signer is in the committee and whose signature is unchecked (P30).
    pub(super) fn offer(&mut self, vote: Vote) -> Offer {
        match self.votes.get(&vote.signer) {
            Some(held) if held.vote.statement == vote.statement => Offer::Ignored,
            Some(held) => Offer::Conflict(held.vote),
            None if self.suspects.contains(&vote.signer) => Offer::Suspect,
            None => {
                self.votes.insert(vote.signer, Held { vote, trust: Trust::Unchecked });
                Offer::Stored
            }
        }
    }

    /// Takes a vote whose signature is known to hold: an own one, or one checked alone.
    pub(super) fn insert_checked(&mut self, vote: Vote) {
        let held = self.votes.entry(vote.signer).or_insert(Held { vote, trust: Trust::Checked });
        if held.vote.statement == vote.statement {
            *held = Held { vote, trust: Trust::Checked };
        }
    }

    /// Votes to check now, if some statement could reach a quorum with them (P31).
    ///
    /// Nothing is returned while an earlier batch of the same statement is being checked.
    pub(super) fn take_batch(&mut self, committee: &Committee) -> Option<Vec<Vote>> {
        let due = self.tallies(committee).into_iter().find(|(_, tally)| {
            committee.is_quorum(tally.all) && !committee.is_quorum(tally.checked) && !tally.checking
        });
        let (statement, _) = due?;
        let mut batch = Vec::new();
        for held in self.votes.values_mut() {
            if held.vote.statement == statement && held.trust == Trust::Unchecked {
                held.trust = Trust::Checking;
                batch.push(held.vote);
            }
        }
        Some(batch)
    }

    /// Marks one stored vote as being checked and returns it, if nobody has looked at it yet.
    pub(super) fn take_single(&mut self, signer: ValidatorIndex) -> Option<Vote> {
        let held = self.votes.get_mut(&signer).filter(|held| held.trust == Trust::Unchecked)?;
        held.trust = Trust::Checking;
        Some(held.vote)
    }

    /// Learns what a check found. A vote that failed is removed, its slot is free again, and its
    /// signer is a suspect from now on (P32).
    pub(super) fn on_checked(&mut self, vote: &Vote, good: bool) {
        let stored = self.votes.get_mut(&vote.signer).filter(|held| held.vote == *vote);
        if good {
            if let Some(held) = stored {
                held.trust = Trust::Checked;
            }
            return;
        }
        if stored.is_some() {
            self.votes.remove(&vote.signer);
        }
        self.suspects.insert(vote.signer);
    }

    /// A certificate, if the checked votes of one statement weigh a quorum (P33).
    pub(super) fn certificate(&self, committee: &Committee) -> Option<Certificate> {
        let (statement, _) = self
            .tallies(committee)
            .into_iter()
            .find(|(_, tally)| committee.is_quorum(tally.checked))?;
        let checked =
            |held: &&Held| held.vote.statement == statement && held.trust == Trust::Checked;
        let votes = self.votes.values().filter(checked).map(|held| held.vote).collect();
        Some(Certificate::from_votes(statement, votes))
    }

    /// Drops the votes, because a certificate is held. Returns those that contradict it.
    pub(super) fn close(&mut self, certified: &Statement) -> Vec<Vote> {
        let votes = std::mem::take(&mut self.votes);
        votes
            .into_values()
            .map(|held| held.vote)
            .filter(|vote| vote.statement != *certified)
            .collect()
    }

    /// The vote held of one signer.
    pub(super) fn vote_of(&self, signer: ValidatorIndex) -> Option<&Vote> {
        self.votes.get(&signer).map(|held| &held.vote)
    }

    /// Whether one signer's vote is held and its signature known to hold.
    pub(super) fn is_checked(&self, signer: ValidatorIndex) -> bool {
        self.votes.get(&signer).is_some_and(|held| held.trust == Trust::Checked)
    }

    /// How many votes are held one by one.
    pub(super) fn count(&self) -> usize {
        self.votes.len()
    }

    /// The weight behind each statement, if all votes together weigh a quorum: else none of them does.
    fn tallies(&self, committee: &Committee) -> Vec<(Statement, Tally)> {
        let signers = self.votes.keys();
        let all = signers.map(|signer| committee.weight(*signer)).fold(Stake::ZERO, Stake::plus);
        if !committee.is_quorum(all) {
            return Vec::new();
        }
        let mut tallies: Vec<(Statement, Tally)> = Vec::with_capacity(1);
        for held in self.votes.values() {
            let weight = committee.weight(held.vote.signer);
            let known = tallies.iter_mut().find(|(statement, _)| *statement == held.vote.statement);
            let tally = match known {
                Some((_, tally)) => tally,
                None => {
                    tallies.push((held.vote.statement, Tally::default()));
                    &mut tallies.last_mut().expect("just pushed").1
                }
            };
            tally.all = tally.all.plus(weight);
            match held.trust {
                Trust::Unchecked => {}
                Trust::Checking => tally.checking = true,
                Trust::Checked => tally.checked = tally.checked.plus(weight),
            }
        }
        tallies
    }
}

/// The weight behind one statement.
#[derive(Clone, Copy, Default)]
struct Tally {
    all: Stake,
    checked: Stake,
    checking: bool,
}
