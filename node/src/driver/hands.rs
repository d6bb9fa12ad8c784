//! What the replica wants done, and who does it: one arm per effect.
//!
//! Nothing here waits and nothing here decides. Once the node's fate is sealed nothing is done any more:
//! above all, nothing is sent.

use std::sync::Arc;

use quorate_core::{
    config::Config,
    effect::{Effect, PeerCommand, Recipients},
    event::Event,
    types::{Height, PeerId},
};

use super::{
    fate::Fate,
    jobs::Jobs,
    ports::Outlet,
    storage::{Entry, LogQueue},
};

/// Everything that effects go to, but for people.
pub(crate) struct Hands {
    /// The other members of the committee.
    committee: Vec<PeerId>,
    outlet: Arc<dyn Outlet>,
    log: LogQueue,
    jobs: Jobs,
    fate: Fate,
}

impl Hands {
    /// # Panics
    /// If the genesis validators are not a committee.
    pub(crate) fn new(
        config: &Config,
        outlet: Arc<dyn Outlet>,
        log: LogQueue,
        jobs: Jobs,
        fate: Fate,
    ) -> Self {
        let committee = config.genesis.committee().expect("the genesis was checked");
        let peers = committee.members().map(|(_, member)| member.peer);
        let committee = peers.filter(|peer| *peer != config.peer).collect();
        Self { committee, outlet, log, jobs, fate }
    }

    /// Sees to one effect. What is for people is handed back.
    pub(crate) fn perform(&self, effect: Effect) -> Option<Event> {
        if self.fate.is_sealed() {
            return None;
        }
        match effect {
            Effect::Send { to, message } => match to {
                Recipients::Committee => self.outlet.send(&self.committee, &message),
                Recipients::One(peer) => self.outlet.send(&[peer], &message),
                Recipients::Some(peers) => self.outlet.send(&peers, &message),
            },
            Effect::Write { seq, batch } => self.log.push(Entry::Write(seq, batch)),
            Effect::Pledge { pledge, .. } => self.log.push(Entry::Pledge(pledge)),
            Effect::Run(job) => self.jobs.run(job),
            Effect::Peer(PeerCommand::Penalize(peer, fault)) => self.outlet.penalize(peer, fault),
            Effect::Report(event) => return Some(event),
        }
        None
    }

    /// Whether so much is asked for and not done that nothing should be taken in from outside.
    pub(crate) fn are_full(&self) -> bool {
        self.log.is_full() || self.jobs.is_full()
    }

    /// Log entries and jobs not answered yet.
    pub(crate) fn waiting(&self) -> (u64, u64) {
        (self.log.len(), self.jobs.len())
    }

    /// Notes the finalized height.
    pub(crate) fn reached(&self, height: Height) {
        self.outlet.reached(height);
    }

    /// How the node comes to its end.
    pub(crate) fn fate(&self) -> &Fate {
        &self.fate
    }
}
