//! Votes of one kind about one view or height, gathered until one statement weighs a quorum.
//!
//! One collector serves every kind. It never checks a signature itself and never lets a later vote
//! replace an earlier one, so a second, different vote is always noticed (I4). Implements P30-P33 and P82-P84.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
};

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    certificate::Certificate,
    committee::Committee,
    types::{Stake, ValidatorIndex},
    vote::{Signable, Statement, Vote},
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
struct Held<S> {
    vote: Vote<S>,
    trust: Trust,
}

/// What became of a vote that was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer<S = Statement> {
    /// It is this signer's first.
    Stored,
    /// Nothing new: the same statement again, or one that can no longer matter.
    Ignored,
    /// It contradicts the first one, which stays.
    Conflict(Vote<S>),
    /// Its signer has sent a bad signature before: to be checked alone, at most one at a time.
    Suspect,
}

/// Votes of one kind about one view or height.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct VoteSet<S = Statement> {
    votes: BTreeMap<ValidatorIndex, Held<S>>,
    /// Signers of a vote whose signature did not hold.
    suspects: BTreeSet<ValidatorIndex>,
}

impl<S> Default for VoteSet<S> {
    fn default() -> Self {
        Self { votes: BTreeMap::new(), suspects: BTreeSet::new() }
    }
}

impl<S: Copy + Eq + Debug + Signable> VoteSet<S> {
    /// Takes a vote whose signer is in the committee and whose signature is unchecked (P30).
    pub(crate) fn offer(&mut self, vote: Vote<S>) -> Offer<S> {
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
    pub(crate) fn insert_checked(&mut self, vote: Vote<S>) {
        let held = self.votes.entry(vote.signer).or_insert(Held { vote, trust: Trust::Checked });
        if held.vote.statement == vote.statement {
            *held = Held { vote, trust: Trust::Checked };
        }
    }

    /// Votes to check now, if some statement could reach a quorum with them (P31).
    ///
    /// Nothing is returned while an earlier batch of the same statement is being checked.
    pub(crate) fn take_batch(&mut self, committee: &Committee) -> Option<Vec<Vote<S>>> {
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
    pub(crate) fn take_single(&mut self, signer: ValidatorIndex) -> Option<Vote<S>> {
        let held = self.votes.get_mut(&signer).filter(|held| held.trust == Trust::Unchecked)?;
        held.trust = Trust::Checking;
        Some(held.vote)
    }

    /// Learns what a check found. A vote that failed is removed, its slot is free again, and its
    /// signer is a suspect from now on (P32).
    pub(crate) fn on_checked(&mut self, vote: &Vote<S>, good: bool) {
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
    pub(crate) fn certificate(&self, committee: &Committee) -> Option<Certificate<S>> {
        let (statement, _) = self
            .tallies(committee)
            .into_iter()
            .find(|(_, tally)| committee.is_quorum(tally.checked))?;
        let checked =
            |held: &&Held<S>| held.vote.statement == statement && held.trust == Trust::Checked;
        let votes = self.votes.values().filter(checked).map(|held| held.vote).collect();
        Some(Certificate::from_votes(statement, votes))
    }

    /// Votes to check now because all that contradict `ours` weigh a third, which is more than could
    /// be Byzantine (P83). Nothing while one of them is being checked.
    pub(crate) fn take_dissent(&mut self, ours: &S, committee: &Committee) -> Option<Vec<Vote<S>>> {
        let against: Vec<&mut Held<S>> =
            self.votes.values_mut().filter(|held| held.vote.statement != *ours).collect();
        let weights = against.iter().map(|held| committee.weight(held.vote.signer));
        let busy = against.iter().any(|held| held.trust == Trust::Checking);
        if busy || committee.is_tolerable(weights.fold(Stake::ZERO, Stake::plus)) {
            return None;
        }
        let mut batch = Vec::new();
        for held in against.into_iter().filter(|held| held.trust == Trust::Unchecked) {
            held.trust = Trust::Checking;
            batch.push(held.vote);
        }
        (!batch.is_empty()).then_some(batch)
    }

    /// The weight of checked votes that contradict `ours`, and what the heaviest of them say (P84).
    pub(crate) fn dissent(&self, ours: &S, committee: &Committee) -> (Stake, Option<S>) {
        let mut all = Stake::ZERO;
        let mut shares: Vec<(S, Stake)> = Vec::new();
        for held in self.votes.values() {
            if held.trust != Trust::Checked || held.vote.statement == *ours {
                continue;
            }
            let weight = committee.weight(held.vote.signer);
            all = all.plus(weight);
            match shares.iter_mut().find(|(statement, _)| *statement == held.vote.statement) {
                Some((_, share)) => *share = share.plus(weight),
                None => shares.push((held.vote.statement, weight)),
            }
        }
        (all, shares.into_iter().max_by_key(|(_, share)| *share).map(|(statement, _)| statement))
    }

    /// Drops the votes, because a certificate is held. Returns those that contradict it.
    pub(crate) fn close(&mut self, certified: &S) -> Vec<Vote<S>> {
        let votes = std::mem::take(&mut self.votes);
        votes
            .into_values()
            .map(|held| held.vote)
            .filter(|vote| vote.statement != *certified)
            .collect()
    }

    /// The vote held of one signer.
    pub(crate) fn vote_of(&self, signer: ValidatorIndex) -> Option<&Vote<S>> {
        self.votes.get(&signer).map(|held| &held.vote)
    }

    /// Whether one signer's vote is held and its signature known to hold.
    pub(crate) fn is_checked(&self, signer: ValidatorIndex) -> bool {
        self.votes.get(&signer).is_some_and(|held| held.trust == Trust::Checked)
    }

    /// How many votes are held one by one.
    pub(crate) fn count(&self) -> usize {
        self.votes.len()
    }

    /// The weight behind each statement, if all votes together weigh a quorum: else none of them does.
    fn tallies(&self, committee: &Committee) -> Vec<(S, Tally)> {
        let signers = self.votes.keys();
        let all = signers.map(|signer| committee.weight(*signer)).fold(Stake::ZERO, Stake::plus);
        if !committee.is_quorum(all) {
            return Vec::new();
        }
        let mut tallies: Vec<(S, Tally)> = Vec::with_capacity(1);
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
