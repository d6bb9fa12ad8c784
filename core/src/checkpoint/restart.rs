//! Starting: from nothing, or from what a crash left (P89).
//!
//! The state is computed again from final blocks before the start, and with it every checkpoint of
//! those heights. Each is then treated like one that was just computed, so a promise of an earlier
//! life is repeated only if it still holds.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Checkpoints, Peer};
use crate::{
    certificate::Verified,
    config::Config,
    notice::Out,
    random::Rng,
    signer::SignState,
    store::{Recovered, SignerRecord},
    types::{Epoch, Height},
    vote::SigningContext,
};

impl Checkpoints {
    /// Makes the machine of the first epoch.
    ///
    /// # Panics
    /// If the genesis validators are not a committee; `Genesis::committee` was called to check.
    pub(crate) fn new(config: &Config, recovered: &Recovered, rng: Rng) -> Self {
        let genesis = &config.genesis;
        let committee = genesis.committee().expect("the genesis was checked before");
        let context = SigningContext {
            chain_id: genesis.chain_id,
            genesis: genesis.digest(),
            committee: committee.digest(),
        };
        let me = config.validator.and_then(|validator| {
            let mut members = committee.members();
            members.find(|(_, member)| member.validator == validator).map(|(index, _)| index)
        });
        let (sign_state, intact) = match &recovered.signer {
            SignerRecord::Intact(state) => (state.clone(), true),
            SignerRecord::Lost => (SignState::default(), false),
        };
        let others = committee.members().map(|(_, member)| member.peer);
        let peers = others.filter(|peer| *peer != config.peer).map(|peer| (peer, Peer::default()));
        let head = recovered.head.as_ref().map_or(Height::ZERO, |block| block.header().height);
        Self {
            interval: genesis.parameters.checkpoint_interval.get(),
            epoch: Epoch::ZERO,
            context,
            peers: peers.collect(),
            committee,
            me,
            // P56: a key whose record is lost might have signed anything, so it signs no more.
            votes: intact && me.is_some(),
            pause: genesis.parameters.retry_base,
            rng,
            certified: recovered.checkpoint.clone().map(Verified::vouch),
            floor: sign_state.certified(),
            promised: sign_state.checkpoints().clone(),
            computed: BTreeMap::new(),
            open: BTreeMap::new(),
            upcoming: BTreeMap::new(),
            pledges: VecDeque::new(),
            finalized: head,
            pending: BTreeMap::new(),
            offered: VecDeque::new(),
            dissenters: BTreeSet::new(),
            resend: None,
            resend_pause: genesis.parameters.retry_base,
            halted: None,
            overdue: false,
            unjudged: recovered.computed.clone(),
        }
    }

    /// P89: judges what was computed before the start; repeats, or makes, the promises it calls for.
    pub(crate) fn on_start(&mut self, out: &mut Out<'_>) {
        for checkpoint in std::mem::take(&mut self.unjudged) {
            self.on_computed(checkpoint, out);
        }
        // A certificate of a height that is not executed yet is compared when it is.
        let newest = self.certified.as_ref().map(|held| held.statement);
        if let Some(theirs) = newest.filter(|newest| newest.height > self.finalized) {
            self.expect(theirs);
        }
        self.check_alarm(out);
    }
}
