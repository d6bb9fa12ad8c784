//! When to pass on the transactions of this node's own clients.
//!
//! New ones wait a moment so that many share a message. Messages get lost and nodes restart, so
//! whatever is still held after a while is passed on again, ever more rarely.

use std::collections::{BTreeMap, BTreeSet};

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    time::{Instant, Span},
    types::Digest,
};

/// How long a new transaction waits for company.
const GATHER: Span = Span::from_millis(5);

/// The first pause before a transaction is passed on again; doubles every time.
const AGAIN_BASE: Span = Span::from_millis(2_000);

/// The longest pause.
const AGAIN_MAX: Span = Span::from_millis(60_000);

/// Transactions to pass on, by when.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Outbox {
    /// Never passed on yet, in the order they came.
    fresh: Vec<Digest>,
    /// When the fresh ones are due.
    fresh_due: Option<Instant>,
    /// Passed on before.
    again: BTreeSet<(Instant, Digest)>,
    /// The same by id, with the pause after the next time.
    pauses: BTreeMap<Digest, (Instant, Span)>,
}

impl Outbox {
    /// Adds a new transaction.
    pub(super) fn add(&mut self, now: Instant, id: Digest) {
        self.fresh_due.get_or_insert(now.plus(GATHER));
        self.fresh.push(id);
    }

    /// What was never passed on yet.
    pub(super) fn fresh(&self) -> impl Iterator<Item = &Digest> {
        self.fresh.iter()
    }

    /// When [`Self::take_due`] has something to give.
    pub(super) fn due(&self) -> Option<Instant> {
        self.fresh_due.into_iter().chain(self.again.first().map(|(due, _)| *due)).min()
    }

    /// Takes what is due. All fresh ones are as soon as one is.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<Digest> {
        let mut due = Vec::new();
        if self.fresh_due.is_some_and(|at| at <= now) {
            self.fresh_due = None;
            due.append(&mut self.fresh);
        }
        while let Some((_, id)) = self.again.first().copied().filter(|(at, _)| *at <= now) {
            self.again.pop_first();
            due.push(id);
        }
        due
    }

    /// Has a transaction that was just passed on passed on again later.
    pub(super) fn again(&mut self, now: Instant, id: Digest) {
        let pause = self.pauses.get(&id).map_or(AGAIN_BASE, |(_, pause)| *pause);
        self.forget(&id);
        let due = now.plus(pause);
        self.again.insert((due, id));
        self.pauses.insert(id, (due, pause.times(2).min(AGAIN_MAX)));
    }

    /// Forgets a transaction that is not held any more. A fresh one is left out when it is due.
    pub(super) fn forget(&mut self, id: &Digest) {
        if let Some((due, _)) = self.pauses.remove(id) {
            self.again.remove(&(due, *id));
        }
    }
}
