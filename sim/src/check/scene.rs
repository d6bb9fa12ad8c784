//! What a checker may know besides the observation in front of it.
//!
//! The genesis, who is honest, and three things that several checkers would otherwise each gather for
//! themselves: every vote ever signed, every block's parent, and what lies in every node's log.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
};

use quorate_core::{
    certificate::Certificate,
    committee::Committee,
    config::Genesis,
    crypto::{Ed25519, PublicKey, Signature, Verifier as _},
    message::Message,
    types::{Epoch, PeerId, ValidatorIndex, View},
    vote::{Promise, Signable, SigningContext, Statement, Vote},
};

use super::{
    ballots::{Ballots, Signatures},
    honesty::Honesty,
    lineage::Lineage,
    mirror::Mirror,
    votes,
};
use crate::{
    trace::{NodeIndex, Observation, What},
    world::keys::mock_holds,
};

/// Views whose good certificates are remembered. Each is seen many times within few views, and what
/// is forgotten is only judged again.
const SOUND_VIEWS_MAX: usize = 64;

/// One validator, under the names the world and the committee have for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Its number: `n3` is 3.
    pub number: u32,
    /// Its place in the committee, which is ordered by key.
    pub index: ValidatorIndex,
    /// Its consensus key.
    pub key: PublicKey,
    /// Its name on the network.
    pub peer: PeerId,
    /// Its weight.
    pub weight: u64,
}

/// The fixed facts of a run and the registry of honesty.
///
/// Weights are plain numbers here: checkers do their own arithmetic.
#[derive(Clone, Debug)]
pub struct Scene {
    /// What everybody shares.
    pub genesis: Genesis,
    /// What signatures are bound to.
    pub context: SigningContext,
    /// Who counts as honest. The world keeps it up to date.
    pub honesty: Honesty,
    /// Every vote ever signed.
    pub ballots: Ballots,
    /// Whether the vote just signed had been signed before.
    repeated: bool,
    /// Certificates found good. Votes are only ever added and nobody becomes honest again, so they
    /// stay good.
    sound: RefCell<BTreeMap<(Epoch, View), Vec<Certificate>>>,
    /// Every block's parent.
    pub lineage: Lineage,
    /// Nodes whose machine got an execution wrong: honest in all else.
    diverged: BTreeSet<NodeIndex>,
    mirrors: BTreeMap<NodeIndex, Mirror>,
    committee: Committee,
    by_index: Vec<Actor>,
    by_number: BTreeMap<u32, usize>,
    total: u128,
}

impl Scene {
    /// The scene of a run on this genesis, with everybody honest.
    ///
    /// # Panics
    /// If the genesis holds no valid committee: the scenario was checked before.
    #[must_use]
    pub fn new(genesis: Genesis) -> Self {
        let committee = genesis.committee().expect("the scenario's committee was checked");
        let actors = committee.members().map(|(index, member)| Actor {
            number: member.validator.get(),
            index,
            key: member.key,
            peer: member.peer,
            weight: member.weight.get(),
        });
        let by_index: Vec<Actor> = actors.collect();
        let by_number =
            by_index.iter().enumerate().map(|(place, actor)| (actor.number, place)).collect();
        let total = by_index.iter().map(|actor| u128::from(actor.weight)).sum();
        let context = SigningContext {
            chain_id: genesis.chain_id,
            genesis: genesis.digest(),
            committee: committee.digest(),
        };
        Self {
            genesis,
            context,
            honesty: Honesty::default(),
            ballots: Ballots::default(),
            repeated: false,
            sound: RefCell::default(),
            lineage: Lineage::default(),
            diverged: BTreeSet::new(),
            mirrors: BTreeMap::new(),
            committee,
            by_index,
            by_number,
            total,
        }
    }

    /// Takes in one observation, before any checker sees it.
    pub fn observe(&mut self, observation: &Observation) {
        match &observation.what {
            What::Signed(vote) => self.repeated = !self.ballots.enter(vote.as_ref()),
            What::Sent { parcel, .. } => {
                self.lineage.observe_message(parcel.message());
                if !self.honesty.is_honest_node(observation.node) {
                    self.believe(observation.node.number(), parcel.message());
                }
            }
            What::Diverged(_) => {
                self.diverged.insert(observation.node);
            }
            What::Wrote { records, .. } => {
                records.iter().for_each(|record| self.lineage.observe_record(record));
                self.mirrors.entry(observation.node).or_default().observe(&observation.what);
            }
            What::Started { .. } | What::Durable { .. } => {
                self.mirrors.entry(observation.node).or_default().observe(&observation.what);
            }
            _ => {}
        }
    }

    /// Enters what a dishonest validator claims in its own name.
    fn believe(&mut self, number: u32, message: &Message) {
        let Some(own) = self.actor(number).map(|actor| actor.index) else { return };
        let certified = votes::certificates_in(message).into_iter().flat_map(|one| one.votes());
        let certified = certified.map(|vote| vote.widened());
        let checkpoint = match message {
            Message::CheckpointCertificate(certificate) => certificate.vote_of(own),
            _ => None,
        };
        let checkpoint = checkpoint.map(|vote| vote.widened());
        for vote in votes::cast_in(message).chain(certified).chain(checkpoint) {
            if vote.signer == own {
                self.ballots.enter(&vote);
            }
        }
    }

    /// Whether what a node computes is to be believed: it is honest and its machine was right so far.
    #[must_use]
    pub fn computes(&self, node: NodeIndex) -> bool {
        self.honesty.is_honest_node(node) && !self.diverged.contains(&node)
    }

    /// The weight of everybody who is not honest or whose machine got an execution wrong.
    #[must_use]
    pub fn misleading_weight(&self) -> u128 {
        let misleads = |number: u32| !self.computes(NodeIndex::new(number));
        let misleading = self.by_index.iter().filter(|actor| misleads(actor.number));
        misleading.map(|actor| u128::from(actor.weight)).sum()
    }

    /// What lies in a node's log; nothing before it has ever started.
    #[must_use]
    pub fn mirror(&self, node: NodeIndex) -> Option<&Mirror> {
        self.mirrors.get(&node)
    }

    /// Every node that has started, ascending, with its log.
    pub fn mirrors(&self) -> impl Iterator<Item = (NodeIndex, &Mirror)> {
        self.mirrors.iter().map(|(node, mirror)| (*node, mirror))
    }

    /// Whether the signers of a statement weigh more than two thirds, by all votes ever signed.
    #[must_use]
    pub fn has_quorum(&self, statement: &Statement) -> bool {
        self.ballots.of(statement).is_some_and(|signatures| self.is_quorum(signatures))
    }

    /// Whether those who signed weigh more than two thirds.
    #[must_use]
    pub fn is_quorum(&self, signatures: &Signatures) -> bool {
        let weight = signatures.signers().map(|signer| u128::from(self.weight_at(signer))).sum();
        self.outweighs_two_thirds(weight)
    }

    /// Whether the vote of the `Signed` just observed had been signed before: a restart says again
    /// what was said.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        self.repeated
    }

    /// Whether a vote was really signed by its signer.
    ///
    /// Signing is deterministic, so an honest signer's signature is compared byte by byte.
    #[must_use]
    pub fn was_signed<S: Copy + Into<Promise>>(&self, vote: &Vote<S>) -> bool {
        let recorded = self.ballots.signature(&vote.statement.into(), vote.signer);
        self.is_as_recorded(vote.signer, &vote.signature, recorded)
    }

    fn is_as_recorded(
        &self,
        signer: ValidatorIndex,
        shown: &Signature,
        recorded: Option<&Signature>,
    ) -> bool {
        recorded.is_some_and(|recorded| recorded == shown || !self.is_honest_at(signer))
    }

    /// Whether a signature proves that its signer signed. A liar may show another one than it made first;
    /// then that one is checked, as a mock or a real one.
    fn holds<S: Copy + Signable>(
        &self,
        statement: S,
        signer: ValidatorIndex,
        signature: &Signature,
        recorded: Option<&Signature>,
    ) -> bool {
        let vote = Vote { statement, signer, signature: *signature };
        recorded == Some(signature)
            || self.context.check(&self.committee, &vote).is_some_and(|check| {
                mock_holds(&check) || Ed25519.verify(std::slice::from_ref(&check)) == [true]
            })
    }

    /// What is wrong with a certificate, judged by all votes ever signed.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn judge(&self, certificate: &Certificate) -> Result<(), String> {
        let place = (certificate.statement.epoch(), certificate.view());
        let mut sound = self.sound.borrow_mut();
        if sound.get(&place).is_some_and(|known| known.contains(certificate)) {
            return Ok(());
        }
        self.examine(certificate)?;
        sound.entry(place).or_default().push(certificate.clone());
        if sound.len() > SOUND_VIEWS_MAX {
            sound.pop_first();
        }
        Ok(())
    }

    /// The same, of any certificate, without remembering it.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn examine<S>(&self, certificate: &Certificate<S>) -> Result<(), String>
    where
        S: Copy + Eq + Debug + Signable + Into<Promise>,
    {
        let signers: Vec<ValidatorIndex> = certificate.signers.iter().collect();
        if signers.len() != certificate.signatures.len() {
            let (bits, signatures) = (signers.len(), certificate.signatures.len());
            return Err(format!("{bits} signers but {signatures} signatures"));
        }
        if let Some(unknown) = signers.iter().find(|signer| self.actor_at(**signer).is_none()) {
            return Err(format!("signer {unknown} is not in the committee"));
        }
        let signed = self.ballots.of_promise(&certificate.statement.into());
        let is_forged = |(signer, signature): &(&ValidatorIndex, &Signature)| {
            let recorded = signed.and_then(|signatures| signatures.of(**signer));
            !self.is_as_recorded(**signer, signature, recorded)
                || !self.holds(certificate.statement, **signer, signature, recorded)
        };
        if let Some((forged, _)) = signers.iter().zip(&certificate.signatures).find(is_forged) {
            return Err(format!("{} never signed it", self.name_at(*forged)));
        }
        let weight = signers.iter().map(|signer| u128::from(self.weight_at(*signer))).sum();
        if !self.outweighs_two_thirds(weight) {
            return Err(format!("its signers weigh {weight} of {}", self.total));
        }
        Ok(())
    }

    /// The name of the validator at a place in the committee.
    #[must_use]
    pub fn name_at(&self, index: ValidatorIndex) -> String {
        match self.actor_at(index) {
            Some(actor) => format!("n{}", actor.number),
            None => format!("nobody (index {index})"),
        }
    }

    /// The committee, for building and checking signatures; its thresholds are not for checkers.
    #[must_use]
    pub fn committee(&self) -> &Committee {
        &self.committee
    }

    /// All validators in the order of the committee.
    #[must_use]
    pub fn actors(&self) -> &[Actor] {
        &self.by_index
    }

    /// The validator `nN`.
    #[must_use]
    pub fn actor(&self, number: u32) -> Option<&Actor> {
        self.by_number.get(&number).map(|place| &self.by_index[*place])
    }

    /// The validator at a place in the committee, which may be invented.
    #[must_use]
    pub fn actor_at(&self, index: ValidatorIndex) -> Option<&Actor> {
        self.by_index.get(usize::from(index.get()))
    }

    /// The weight at a place in the committee; none outside it.
    #[must_use]
    pub fn weight_at(&self, index: ValidatorIndex) -> u64 {
        self.actor_at(index).map_or(0, |actor| actor.weight)
    }

    /// The weight of everybody.
    #[must_use]
    pub fn total(&self) -> u128 {
        self.total
    }

    /// Whether this much weight is more than two thirds of everybody's.
    #[must_use]
    pub fn outweighs_two_thirds(&self, weight: u128) -> bool {
        weight * 3 > self.total * 2
    }

    /// Whether this much weight is at least a third of everybody's.
    #[must_use]
    pub fn reaches_one_third(&self, weight: u128) -> bool {
        weight * 3 >= self.total
    }

    /// Whether the validator at a place in the committee counts as honest. Invented places do not.
    #[must_use]
    pub fn is_honest_at(&self, index: ValidatorIndex) -> bool {
        self.actor_at(index).is_some_and(|actor| self.honesty.is_honest(actor.number))
    }

    /// The weight of everybody who does not count as honest.
    #[must_use]
    pub fn dishonest_weight(&self) -> u128 {
        let dishonest = self.by_index.iter().filter(|actor| !self.honesty.is_honest(actor.number));
        dishonest.map(|actor| u128::from(actor.weight)).sum()
    }
}
