//! Byzantine behaviours: edits of what an honest replica sends.
//!
//! The replica itself stays honest and knows nothing of it. Each message it sends passes through the
//! node's behaviours in the order of the scenario; each may drop, change, redirect, delay or add
//! messages, and sign anything, because the driver holds the key. The edits never touch the disk.

use std::sync::Arc;

use quorate_core::{
    committee::Committee,
    crypto::Signature,
    message::Message,
    random::Rng,
    types::{Digest, Epoch, Height, ValidatorIndex, View},
    vote::{SigningContext, Statement, Vote},
};

/// A message about to leave, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The validators it goes to, by number (`n3` is 3), ascending.
    pub to: Vec<u32>,
    /// What is sent.
    pub message: Arc<Message>,
    /// How long it is held back first, in nanoseconds.
    pub delay: u64,
}

impl Outgoing {
    /// A message that leaves at once.
    #[must_use]
    pub fn new(to: Vec<u32>, message: Message) -> Self {
        Self { to, message: Arc::new(message), delay: 0 }
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
    /// The behaviour's own stream of random numbers.
    pub rng: &'a mut Rng,
}

impl Context<'_> {
    /// Signs a statement as this validator.
    #[must_use]
    pub fn sign(&self, statement: Statement) -> Vote {
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

    /// Takes note of a message that reached the node. Most behaviours do not care.
    fn overhear(&mut self, _context: &mut Context<'_>, _from: u32, _message: &Arc<Message>) {}
}

/// When a behaviour acts. Otherwise messages pass it unchanged.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// On every message.
    Always,
    /// On each message with a chance of so many in a million.
    Random {
        /// Chances in a million.
        per_million: u32,
    },
    /// While the replica's finalized height is one of these.
    AtHeights(Vec<u64>),
    /// While the replica is in one of these views.
    AtViews(Vec<u64>),
}

impl When {
    /// Whether the behaviour acts now.
    pub fn applies(&self, context: &mut Context<'_>) -> bool {
        match self {
            Self::Always => true,
            Self::Random { per_million } => context.rng.below(1_000_000) < u64::from(*per_million),
            Self::AtHeights(heights) => heights.contains(&context.height.get()),
            Self::AtViews(views) => views.contains(&context.view.get()),
        }
    }
}

/// The behaviours of one node, in order. Each edits what the one before it let out.
#[derive(Default)]
pub struct Behaviours(Vec<(When, Box<dyn Behaviour>)>);

impl Behaviours {
    /// None: an honest node.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends one.
    pub fn push(&mut self, when: When, behaviour: Box<dyn Behaviour>) {
        self.0.push((when, behaviour));
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What really leaves in place of one message the replica sends.
    pub fn edit(&mut self, context: &mut Context<'_>, outgoing: Outgoing) -> Vec<Outgoing> {
        let mut current = vec![outgoing];
        for (when, behaviour) in &mut self.0 {
            let mut next = Vec::with_capacity(current.len());
            for one in current {
                if when.applies(context) {
                    behaviour.edit(context, one, &mut next);
                } else {
                    next.push(one);
                }
            }
            current = next;
        }
        current.retain(|one| !one.to.is_empty());
        current
    }

    /// Lets every behaviour take note of a message that reached the node.
    pub fn overhear(&mut self, context: &mut Context<'_>, from: u32, message: &Arc<Message>) {
        for (_, behaviour) in &mut self.0 {
            behaviour.overhear(context, from, message);
        }
    }
}
