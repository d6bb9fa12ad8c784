//! Starting: from nothing, or from what a crash left (P55, P56).
//!
//! The sign-state is the only authority on what this key has signed. Data may be older than it; then
//! the validator is behind, but it never contradicts itself.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{
    Consensus, Head, HeldBlock, Tip, pacemaker::Pacemaker, peers::Peers, view_state::Held,
};
use crate::{
    block::root_id,
    certificate::Verified,
    config::Config,
    event::Event,
    leader::LeaderSchedule,
    notice::Out,
    planted::planted,
    random::Rng,
    signer::SignState,
    store::{Recovered, SignerRecord},
    time::{Instant, Now},
    types::{Epoch, Height, ValidatorIndex, View},
    vote::{Kind, SigningContext},
};

impl Consensus {
    /// Makes the machine of the first epoch.
    ///
    /// # Panics
    /// If the genesis validators are not a committee; `Genesis::committee` was called to check.
    pub(crate) fn new(config: &Config, recovered: Recovered, rng: Rng) -> Self {
        let genesis = &config.genesis;
        let digest = genesis.digest();
        let committee = genesis.committee().expect("the genesis was checked before");
        let context = SigningContext {
            chain_id: genesis.chain_id,
            genesis: digest,
            committee: committee.digest(),
        };
        let me = config.validator.and_then(|validator| {
            let mut members = committee.members();
            members.find(|(_, member)| member.validator == validator).map(|(index, _)| index)
        });
        let root = Head { height: Height::ZERO, block: digest, timestamp: genesis.timestamp };
        let finalized = match &recovered.finalized {
            Some(tip) => Tip {
                view: tip.candidate.view,
                id: tip.candidate.id(),
                head: Head::of(&tip.block),
                certificate: Some(Verified::vouch(tip.certificate.clone())),
            },
            None => Tip {
                view: View::ZERO,
                id: root_id(Epoch::ZERO, digest, committee.digest()),
                head: root,
                certificate: None,
            },
        };
        let head = recovered.head.as_deref().map_or(root, Head::of);
        let (sign_state, intact) = match recovered.signer {
            SignerRecord::Intact(state) => (state, true),
            SignerRecord::Lost => (SignState::default(), false),
        };
        let peers = committee.members().map(|(_, member)| (member.peer, member.weight));
        let mut machine = Self {
            parameters: genesis.parameters.clone(),
            chain_id: genesis.chain_id,
            epoch: Epoch::ZERO,
            context,
            schedule: match planted!(LeaderOffForOne) && me == Some(ValidatorIndex::new(0)) {
                true => LeaderSchedule::new(&committee, &genesis.epoch_seed().fork("off", 0)),
                false => LeaderSchedule::new(&committee, &genesis.epoch_seed()),
            },
            peers: Peers::new(peers),
            committee,
            me,
            // P56: a key whose record is lost might have signed anything, so it signs no more.
            votes: intact && me.is_some() && sign_state.safety().epoch == Epoch::ZERO,
            halted: false,
            view: finalized.view.next(),
            finalized,
            head,
            floor: sign_state.safety().floor,
            views: BTreeMap::new(),
            blocks: BTreeMap::new(),
            announcement: None,
            asks: BTreeSet::new(),
            pacemaker: Pacemaker::new(&genesis.parameters),
            rng,
            pledges: VecDeque::new(),
            deliveries: VecDeque::new(),
            delivered: head.height,
            executed: head.height,
            execution_halted: false,
            checkpoint: recovered
                .checkpoint
                .as_ref()
                .map_or(Height::ZERO, |held| held.statement.height),
            mempool_empty: true,
            repeats: Vec::new(),
            pending: BTreeMap::new(),
            offered: BTreeMap::new(),
            wants: BTreeMap::new(),
            relays: BTreeSet::new(),
            next_status: Instant::ZERO,
            evidence: BTreeMap::new(),
            unpunished: BTreeSet::new(),
            proofs: BTreeMap::new(),
            proof_gaps: BTreeMap::new(),
        };
        for block in recovered.blocks {
            machine.blocks.insert(block.digest(), HeldBlock::new(block, true));
        }
        for certificate in recovered.certificates {
            machine.restore_certificate(Verified::vouch(certificate));
        }
        for evidence in recovered.evidence {
            if let Some(offence) = evidence.offence().filter(|_| !planted!(EvidenceForgotten)) {
                machine.evidence.insert((evidence.signer(), offence), evidence);
                machine.unpunished.insert((evidence.signer(), offence));
            }
        }
        machine.proofs = recovered.proofs.into_iter().map(|proof| (proof.height, proof)).collect();
        machine.restore_promises(&sign_state);
        if planted!(RestartAtFinalized) {
            machine.view = machine.finalized.view.next();
        }
        machine
    }

    /// Puts a stored certificate back and lets it count as an entry proof.
    fn restore_certificate(&mut self, certificate: Verified<crate::certificate::Certificate>) {
        let view = certificate.view();
        if view <= self.finalized.view {
            return;
        }
        let kind = certificate.kind();
        let state = self.view_state(view);
        match kind {
            Kind::Notarize => state.notarization = Some(certificate),
            Kind::Nullify => state.nullification = Held::Here(certificate),
            Kind::Finalize => state.finalization = Some(certificate),
        }
        self.view = self.view.max(view.next());
    }

    /// Takes over what the key has promised. The view never resumes below a promise, or two
    /// validators that restart apart might wait for each other in views that no quorum reaches.
    fn restore_promises(&mut self, sign_state: &SignState) {
        if !self.votes {
            return;
        }
        self.view = self.view.max(self.floor.next());
        for (view, promises) in sign_state.promises() {
            if *view <= self.floor || *view <= self.finalized.view {
                continue;
            }
            self.view = self.view.max(*view);
            for statement in promises.iter() {
                let forgotten = match statement.kind() {
                    Kind::Notarize => planted!(RestartForgetsNotarize),
                    Kind::Nullify => planted!(RestartForgetsNullify),
                    // Forgotten or not, it is voted again, unchanged: its Notarization is on disk.
                    Kind::Finalize => false,
                };
                if forgotten {
                    continue;
                }
                self.view_state(*view).mine.note(statement);
                self.repeats.push(*statement);
            }
        }
    }

    /// P55: the first thing that happens. Pledges again, unchanged, whatever the signer has on
    /// record; signing is deterministic, so others see the very same votes. Then goes on.
    pub(crate) fn on_start(&mut self, now: Now, out: &mut Out<'_>) {
        self.hear_all(now);
        let repeats = std::mem::take(&mut self.repeats);
        out.fx.report(Event::Started {
            view: self.view,
            height: self.head.height,
            repeated: u32::try_from(repeats.len()).expect("at most three per open view"),
            votes: self.votes,
        });
        let floor = self.safety_floor();
        for statement in repeats {
            if statement.view() > floor {
                self.pledge(statement, out);
            }
        }
        for (view, kind) in self.unfinished_proofs() {
            self.want_later(now, view, Some(kind));
        }
        self.start_view(now);
        self.resume(now, out);
        self.act_in_view(now, out);
        self.on_status_due(now, out);
    }

    /// Whatever the stored certificates already call for.
    fn resume(&mut self, now: Now, out: &mut Out<'_>) {
        let views: Vec<View> = self.views.keys().copied().collect();
        for view in views {
            self.try_finalize(view, out);
        }
        self.want_missing(now, out);
        // Nobody may be left who remembers the votes of this view: say what I have from the start.
        self.pacemaker.arm_retry(now.mono, &mut self.rng);
    }

    /// Asks for every notarized block that is not held, and for what the highest Finalization lacks.
    pub(super) fn want_missing(&mut self, now: Now, out: &mut Out<'_>) {
        let notarized = self.views.values().filter_map(|state| Some(state.notarized()?.block));
        for block in notarized.collect::<Vec<_>>() {
            self.want_block(block, None, out);
        }
        self.try_advance_finality(now, out);
    }

    fn unfinished_proofs(&self) -> Vec<(View, Kind)> {
        self.proofs.values().flat_map(|proof| proof.missing().take(8).collect::<Vec<_>>()).collect()
    }
}
