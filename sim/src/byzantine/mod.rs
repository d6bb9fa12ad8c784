//! Byzantine behaviours: edits of what an honest replica sends.
//!
//! The replica itself stays honest and knows nothing of it. Each message it sends passes through the
//! node's behaviours in the order of the scenario; each may drop, change, redirect, delay or add
//! messages, and sign anything, because the driver holds the key. The edits never touch the disk.
//! What each verb means exactly is in `docs/faults.md`.

pub mod amnesia;
pub mod bad_signature;
pub mod conflicting_certificate;
pub mod delay_proposal;
pub mod equivocate_proposal;
pub mod equivocate_vote;
pub mod flood;
pub mod forge;
pub mod garbage;
pub mod invalid_block;
pub mod lie_in_sync;
pub mod mutate;
pub mod replay_stale;
pub mod silent_to;
pub mod skip_parent;
pub mod split;
pub mod steal;
pub mod unpayable;
pub mod withhold;
pub mod wrong_state_root;

#[cfg(test)]
mod stage;

use std::sync::Arc;

use quorate_core::{
    block::{Block, Header},
    codec::Bounded,
    committee::Committee,
    compact::CompactBlock,
    crypto::Signature,
    message::{Body, Message},
    random::Rng,
    time::Span,
    types::{Digest, Epoch, Height, ValidatorIndex, View},
    vote::{Signable, SigningContext, Vote},
};

use crate::scenario::{self, ByzantineSpec, Selector, When};

/// The same body under another header. Of an announced block only the header and the short ids are at
/// hand, and under another header those name nothing.
fn with_header(body: &Body, header: Header) -> Body {
    match body {
        Body::Full(block) => Body::Full(Arc::new(Block::new(header, block.payload().clone()))),
        Body::Compact(compact) => Body::Compact(Arc::new(CompactBlock::new(
            header,
            compact.evidence().clone(),
            Bounded::new(compact.prefilled().to_vec()),
            Bounded::new(compact.short_ids().to_vec()),
        ))),
    }
}

/// A message about to leave, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The validators it goes to, by number (`n3` is 3), ascending.
    pub to: Vec<u32>,
    /// What is sent.
    pub message: Arc<Message>,
    /// How long it is held back first, in nanoseconds.
    pub delay: u64,
    /// The bytes that leave in place of the message's encoding, if it is not to be the true one. The
    /// receiver gets what they decode to, if anything.
    pub frame: Option<Arc<[u8]>>,
}

impl Outgoing {
    /// A message that leaves at once.
    #[must_use]
    pub fn new(to: Vec<u32>, message: Message) -> Self {
        Self { to, message: Arc::new(message), delay: 0, frame: None }
    }

    /// Another message to others, held back as long as this one.
    #[must_use]
    pub fn instead(&self, to: Vec<u32>, message: Message) -> Self {
        Self { to, message: Arc::new(message), delay: self.delay, frame: None }
    }
}

/// What a behaviour knows and can do.
pub struct Context<'a> {
    /// World time in nanoseconds.
    pub now: u64,
    /// The view the replica is in.
    pub view: View,
    /// The replica's finalized height.
    pub height: Height,
    /// The epoch.
    pub epoch: Epoch,
    /// The node's own number.
    pub own: u32,
    /// Its place in the committee.
    pub index: ValidatorIndex,
    /// The committee.
    pub committee: &'a Committee,
    /// What statements are signed in.
    pub signing: &'a SigningContext,
    /// The node's key: signs any digest.
    pub key: &'a dyn Fn(&Digest) -> Signature,
    /// The numbers of all other validators, ascending.
    pub peers: &'a [u32],
    /// The node's own stream of random numbers for misbehaving.
    pub rng: &'a mut Rng,
}

impl Context<'_> {
    /// Signs a statement as this validator.
    #[must_use]
    pub fn sign<S: Signable>(&self, statement: S) -> Vote<S> {
        let signature = (self.key)(&self.signing.message(&statement));
        Vote { statement, signer: self.index, signature }
    }
}

/// One way to misbehave.
pub trait Behaviour: Send {
    /// Its name in scenarios.
    fn name(&self) -> &'static str;

    /// Replaces one outgoing message by what is appended to `out`: nothing, itself, or others.
    fn edit(&mut self, context: &mut Context<'_>, outgoing: Outgoing, out: &mut Vec<Outgoing>);

    /// Whether a restart begins as if nothing had been promised. Most remember.
    fn forgets(&self) -> bool {
        false
    }

    /// Takes note of a message that reached the node. Most behaviours do not care.
    fn overhear(&mut self, _context: &mut Context<'_>, _from: u32, _message: &Arc<Message>) {}
}

/// A behaviour and when it acts.
struct Slot {
    when: When,
    after: Span,
    behaviour: Box<dyn Behaviour>,
}

impl Slot {
    fn applies(&self, context: &mut Context<'_>) -> bool {
        if context.now < self.after.nanos() {
            return false;
        }
        match &self.when {
            When::Always => true,
            When::Random(chance) => chance.hit(context.rng.next()),
            // The height it works on is the one above the last final.
            When::AtHeights(heights) => heights.contains(&context.height.next()),
            When::AtViews(views) => views.contains(&context.view),
        }
    }
}

/// The behaviours of one node, in order. Each edits what the one before it let out.
#[derive(Default)]
pub struct Behaviours(Vec<Slot>);

impl Behaviours {
    /// None: an honest node.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends one that acts at every opportunity.
    pub fn push(&mut self, behaviour: Box<dyn Behaviour>) {
        self.push_when(When::Always, Span::ZERO, behaviour);
    }

    /// Appends one that acts only `when`, and not before `after`.
    pub fn push_when(&mut self, when: When, after: Span, behaviour: Box<dyn Behaviour>) {
        self.0.push(Slot { when, after, behaviour });
    }

    /// Appends what a scenario asks for, unless it is not a matter of what is sent (`twin`).
    ///
    /// `resolve` turns a selector into validators' numbers.
    pub fn push_spec(&mut self, spec: &ByzantineSpec, resolve: &dyn Fn(&Selector) -> Vec<u32>) {
        if let Some(behaviour) = of_spec(&spec.behaviour, resolve) {
            self.push_when(spec.when.clone(), spec.after, behaviour);
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What really leaves in place of one message the replica sends.
    pub fn edit(&mut self, context: &mut Context<'_>, outgoing: Outgoing) -> Vec<Outgoing> {
        let mut current = vec![outgoing];
        for slot in &mut self.0 {
            let mut next = Vec::with_capacity(current.len());
            for one in current {
                if slot.applies(context) {
                    slot.behaviour.edit(context, one, &mut next);
                } else {
                    next.push(one);
                }
            }
            current = next;
        }
        current.retain(|one| !one.to.is_empty());
        current
    }

    /// Whether a process that is started again has forgotten what it promised.
    pub fn forget(&self, context: &mut Context<'_>) -> bool {
        self.0.iter().any(|slot| slot.behaviour.forgets() && slot.applies(context))
    }

    /// Lets every behaviour take note of a message that reached the node.
    pub fn overhear(&mut self, context: &mut Context<'_>, from: u32, message: &Arc<Message>) {
        for slot in &mut self.0 {
            slot.behaviour.overhear(context, from, message);
        }
    }
}

/// The behaviour a scenario names; none for what is not done by editing messages.
fn of_spec(
    behaviour: &scenario::Behaviour,
    resolve: &dyn Fn(&Selector) -> Vec<u32>,
) -> Option<Box<dyn Behaviour>> {
    use scenario::Behaviour as Spec;
    Some(match behaviour {
        Spec::EquivocateProposal { split } => {
            Box::new(equivocate_proposal::EquivocateProposal::new(split.clone()))
        }
        Spec::EquivocateVote { split } => {
            Box::new(equivocate_vote::EquivocateVote::new(split.clone()))
        }
        Spec::Withhold { kinds } => Box::new(withhold::Withhold::new(kinds.clone())),
        Spec::SilentTo { to } => Box::new(silent_to::SilentTo::new(resolve(to))),
        Spec::BadSignature => Box::new(bad_signature::BadSignature),
        Spec::ReplayStale => Box::new(replay_stale::ReplayStale::default()),
        Spec::Flood { messages_per_second } => Box::new(flood::Flood::new(*messages_per_second)),
        Spec::ConflictingCertificate => {
            Box::new(conflicting_certificate::ConflictingCertificate::default())
        }
        Spec::DelayProposal { by } => Box::new(delay_proposal::DelayProposal::new(*by)),
        Spec::InvalidBlock => Box::new(invalid_block::InvalidBlock),
        Spec::Unpayable => Box::new(unpayable::Unpayable),
        Spec::LieInSync => Box::new(lie_in_sync::LieInSync),
        Spec::Forge => Box::new(forge::Forge),
        Spec::SkipParent => Box::new(skip_parent::SkipParent::default()),
        Spec::Steal => Box::new(steal::Steal),
        Spec::WrongStateRoot => Box::new(wrong_state_root::WrongStateRoot),
        Spec::Garbage => Box::new(garbage::Garbage),
        Spec::Amnesia => Box::new(amnesia::Amnesia),
        Spec::Mutate { scope } => Box::new(mutate::Mutate::new(*scope)),
        Spec::Twin => return None,
    })
}

#[cfg(test)]
mod tests;
