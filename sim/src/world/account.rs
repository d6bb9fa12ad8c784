//! The account of a run for people: what was finalized when, which views were given up and why, what
//! went down and came back.
//!
//! Reads observations and judges nothing. Only what honest validators say counts.

use std::collections::{BTreeMap, BTreeSet};

use quorate_core::{
    event::{Event, TimeoutReason},
    time::Span,
    types::{Digest, Height, ValidatorId, View},
    vote::Kind,
};

use super::common::Common;
use crate::{
    check::Honesty,
    report::{Counters, Happening, Moment},
    scenario::NodeName,
    trace::{NodeIndex, Observation, What, describe::offence_words},
};

/// One finalized height so far.
#[derive(Debug)]
struct Final {
    place: usize,
    by: BTreeSet<u32>,
    last: u64,
}

/// The account so far.
#[derive(Debug, Default)]
pub struct Account {
    moments: Vec<Moment>,
    /// Blocks that were proposed: when, and with how many transactions.
    proposed: BTreeMap<Digest, (u64, u32)>,
    notarized: BTreeMap<View, u64>,
    finals: BTreeMap<Height, Final>,
    given_up: BTreeMap<View, usize>,
    reasons: BTreeMap<View, BTreeMap<u32, TimeoutReason>>,
    entered: BTreeSet<View>,
    lives: BTreeMap<NodeIndex, u32>,
    heights: BTreeMap<u32, Height>,
    /// Sums of what is seen here.
    pub counters: Counters,
}

impl Account {
    /// Takes in the next observation.
    pub fn observe(&mut self, common: &Common, honesty: &Honesty, observation: &Observation) {
        let Observation { at, node, what, .. } = observation;
        match what {
            What::Sent { to, .. } => {
                self.counters.messages_sent += u64::try_from(to.len()).unwrap_or(u64::MAX);
            }
            What::Delivered { .. } => self.counters.messages_delivered += 1,
            What::Dropped { .. } => self.counters.messages_dropped += 1,
            What::Killed => self.down(*at, *node, "killed".into()),
            What::Stopped => self.down(*at, *node, "stopped".into()),
            What::WentDown(reason) => self.down(*at, *node, reason.words().into()),
            What::Started { life, .. } => {
                self.lives.insert(*node, *life);
            }
            What::Reported(event) => self.on_event(common, honesty, *at, *node, event),
            _ => {}
        }
    }

    /// Puts in something the world did.
    pub fn push(&mut self, at: u64, what: Happening) {
        self.moments.push(Moment { at: Span::from_nanos(at), what });
    }

    /// How many views a quorum has given up, as far as honest validators know.
    #[must_use]
    pub fn view_changes(&self) -> u64 {
        u64::try_from(self.given_up.len()).unwrap_or(u64::MAX)
    }

    /// The finalized heights of honest validators, lowest and highest.
    #[must_use]
    pub fn finalized(&self, honest: impl Iterator<Item = u32>) -> (Height, Height) {
        let heights: Vec<Height> =
            honest.map(|number| self.heights.get(&number).copied().unwrap_or_default()).collect();
        let lowest = heights.iter().min().copied().unwrap_or_default();
        (lowest, heights.iter().max().copied().unwrap_or_default())
    }

    /// The account, ascending by time. `up` are the honest validators that are up in the end.
    #[must_use]
    pub fn finish(mut self, up: &BTreeSet<u32>) -> (Vec<Moment>, Counters) {
        for reached in self.finals.values() {
            if let Happening::Finalized { everywhere, .. } = &mut self.moments[reached.place].what
                && up.is_subset(&reached.by)
            {
                *everywhere = Some(Span::from_nanos(reached.last));
            }
        }
        for (view, place) in &self.given_up {
            if let Happening::ViewChange { reasons, .. } = &mut self.moments[*place].what {
                for reason in self.reasons.get(view).into_iter().flat_map(BTreeMap::values) {
                    *reasons.entry(*reason).or_default() += 1;
                }
            }
        }
        self.counters.views = u64::try_from(self.entered.len()).unwrap_or(u64::MAX);
        self.counters.view_changes = self.view_changes();
        self.moments.sort_by_key(|moment| moment.at);
        (self.moments, self.counters)
    }

    fn down(&mut self, at: u64, node: NodeIndex, why: String) {
        self.push(at, Happening::Down { node: name_of(node), why });
    }

    fn on_event(
        &mut self,
        common: &Common,
        honesty: &Honesty,
        at: u64,
        node: NodeIndex,
        event: &Event,
    ) {
        if let Event::Proposed { candidate, transactions, .. } = event {
            self.proposed.entry(candidate.block).or_insert((at, *transactions));
        }
        if !honesty.is_honest_node(node) {
            return;
        }
        match event {
            Event::Started { height, repeated, .. }
                if self.lives.get(&node).is_some_and(|life| *life > 0) =>
            {
                let (node, height, recovered_votes) = (name_of(node), *height, *repeated);
                self.push(at, Happening::Up { node, height, recovered_votes });
            }
            Event::Announced { bytes, body_bytes, .. } => {
                let others =
                    u64::try_from(common.committee.members().count()).map_or(0, |all| all - 1);
                self.counters.blocks_announced += 1;
                self.counters.announced_bytes += u64::from(*bytes) * others;
                self.counters.announced_body_bytes += u64::from(*body_bytes) * others;
            }
            Event::TransactionsGiven { count, bytes, .. } => {
                self.counters.transactions_given += u64::from(*count);
                self.counters.announced_bytes += u64::from(*bytes);
            }
            Event::Entered { view, .. } => {
                self.entered.insert(*view);
            }
            Event::TimedOut { view, reason, .. } => {
                self.reasons.entry(*view).or_default().insert(node.number(), *reason);
            }
            Event::Certified { kind: Kind::Notarize, view, .. } => {
                self.notarized.entry(*view).or_insert(at);
            }
            Event::Certified { kind: Kind::Nullify, view, .. }
                if !self.given_up.contains_key(view) =>
            {
                self.given_up.insert(*view, self.moments.len());
                let leader = NodeName::new(common.leader(*view));
                let reasons = BTreeMap::new();
                self.push(at, Happening::ViewChange { view: *view, leader, reasons });
            }
            Event::Finalized { height, view, block } => {
                self.on_finalized(common, at, node, *height, *view, *block);
            }
            Event::Evidence(evidence) => {
                let member = common.committee.member(evidence.signer());
                let culprit = member.map_or(ValidatorId::new(u32::MAX), |member| member.validator);
                let offence = evidence.offence().map_or("no offence", offence_words).to_owned();
                let node = name_of(node);
                self.push(at, Happening::EvidenceAgainst { node, culprit, offence });
            }
            _ => {}
        }
    }

    fn on_finalized(
        &mut self,
        common: &Common,
        at: u64,
        node: NodeIndex,
        height: Height,
        view: View,
        block: Digest,
    ) {
        let reached = self.heights.entry(node.number()).or_default();
        *reached = (*reached).max(height);
        if let Some(known) = self.finals.get_mut(&height) {
            known.by.insert(node.number());
            known.last = at;
            return;
        }
        let place = self.moments.len();
        let by = BTreeSet::from([node.number()]);
        self.finals.insert(height, Final { place, by, last: at });
        let proposal = self.proposed.get(&block);
        let notarized = self.notarized.get(&view).map(|at| Span::from_nanos(*at));
        let what = Happening::Finalized {
            height,
            view,
            leader: NodeName::new(common.leader(view)),
            transactions: proposal.map_or(0, |(_, transactions)| *transactions),
            proposed: proposal.map(|(at, _)| Span::from_nanos(*at)),
            notarized,
            everywhere: None,
        };
        self.push(at, what);
    }
}

/// A node's name as scenarios have it.
#[must_use]
pub fn name_of(node: NodeIndex) -> NodeName {
    NodeName { validator: ValidatorId::new(node.number()), twin: node.is_twin() }
}
