//! What every machine of a run shares and nothing changes: the genesis, keys, names and models.
//!
//! The one thing that changes is the memo of signature checks, whose answers are pure.

use std::sync::{Arc, Mutex};

use quorate_core::{
    committee::{Committee, Member},
    config::{Config, Genesis, GenesisAccount},
    effect::Recipients,
    execution::{ExecutionState, Executor, Options, Scheduler},
    leader::LeaderSchedule,
    random::{Rng, Seed},
    time::UnixMillis,
    transaction::Address,
    types::{ChainId, Epoch, Height, PeerId, ValidatorId, ValidatorIndex, View},
    vote::{Signable, SigningContext, Vote},
};

use super::{keyed::Key, keys::SigningKey, network::Machine, verifier::Memo};
use crate::{
    byzantine::Context,
    scenario::{Codec, Distribution, Execution, Order, Ppm, Scenario},
    trace::NodeIndex,
};

/// Wall time at world time 0, before any skew: 2026-01-01, an hour after the genesis.
pub const WALL_START: u64 = 1_767_225_600_000;

/// What an account owns at first.
pub const OPENING_BALANCE: u64 = 1_000_000_000;

/// What every machine of a run shares.
pub struct Common {
    /// The run's seed.
    pub seed: Seed,
    /// The genesis document.
    pub genesis: Genesis,
    /// The state before the first block.
    pub genesis_state: ExecutionState,
    /// Who votes.
    pub committee: Committee,
    /// What signatures are bound to.
    pub context: SigningContext,
    /// How blocks are executed.
    pub execution: Execution,
    /// How long jobs take.
    pub jobs: Distribution,
    /// Whether messages pass through the codec.
    pub codec: Codec,
    /// Whether the network wants to know how long messages are.
    pub measures: bool,
    /// Finalized heights a disk keeps.
    pub heights_kept: u64,
    /// Answers to signature checks.
    pub memo: Mutex<Memo>,
    /// The clients' keys.
    pub accounts: Vec<SigningKey>,
    schedule: LeaderSchedule,
    keys: Vec<SigningKey>,
    indices: Vec<ValidatorIndex>,
    /// Machine by machine: first those of `n0` upwards, then twins.
    nodes: Vec<NodeIndex>,
    machines: Vec<Vec<Machine>>,
    others: Vec<Arc<[u32]>>,
    singles: Vec<Arc<[u32]>>,
    nobody: Arc<[u32]>,
    reserialize: Ppm,
    reserialize_key: Key,
    job_keys: Vec<Key>,
}

impl Common {
    /// Derives everything from a scenario and a seed. `byzantine` says which validators are, so that
    /// those with a twin get a second machine.
    ///
    /// # Panics
    /// If the scenario's cluster is no committee; the parser refuses such a scenario.
    #[must_use]
    pub fn new(scenario: &Scenario, seed: Seed, twins: &[u32]) -> Self {
        let crypto = scenario.cluster.crypto;
        let validators = scenario.cluster.validators;
        let keys: Vec<SigningKey> = (0..validators)
            .map(|number| SigningKey::derive(&seed, "validator-key", u64::from(number), crypto))
            .collect();
        let accounts: Vec<SigningKey> = match scenario.workload.tx_per_second {
            0 => Vec::new(),
            _ => (0..scenario.workload.accounts)
                .map(|number| SigningKey::derive(&seed, "account-key", u64::from(number), crypto))
                .collect(),
        };
        let genesis = genesis(scenario, &keys, &accounts);
        let committee = genesis.committee().expect("the parser checked the cluster");
        let context = SigningContext {
            chain_id: genesis.chain_id,
            genesis: genesis.digest(),
            committee: committee.digest(),
        };
        let index = |key: &SigningKey| committee.index_of_key(&key.public()).expect("a member");
        let firsts = (0..validators).map(NodeIndex::new);
        let seconds = twins.iter().map(|number| NodeIndex::new(*number).twin());
        let nodes: Vec<NodeIndex> = firsts.chain(seconds).collect();
        let machines_of = |number: u32| -> Vec<Machine> {
            let named = (0u16..).zip(&nodes).filter(|(_, node)| node.number() == number);
            named.map(|(machine, _)| Machine::new(machine)).collect()
        };
        let others =
            |own: u32| -> Arc<[u32]> { (0..validators).filter(|number| *number != own).collect() };
        Self {
            genesis_state: ExecutionState::new(&genesis),
            schedule: LeaderSchedule::new(&committee, &genesis.epoch_seed()),
            indices: keys.iter().map(index).collect(),
            machines: (0..validators).map(machines_of).collect(),
            others: (0..validators).map(others).collect(),
            singles: (0..validators).map(|number| Arc::from([number])).collect(),
            nobody: Arc::from([]),
            execution: scenario.execution,
            jobs: scenario.jobs.delay,
            codec: scenario.cluster.codec,
            measures: measures(scenario),
            heights_kept: u64::from(scenario.run.heights_kept),
            memo: Mutex::new(Memo::new(crypto)),
            reserialize: scenario.run.reserialize,
            reserialize_key: Key::new(&seed, "reserialize", 0),
            job_keys: (0..).map(|n| Key::new(&seed, "job", n)).take(nodes.len()).collect(),
            seed,
            genesis,
            committee,
            context,
            accounts,
            keys,
            nodes,
        }
    }

    /// What executes blocks on a machine.
    #[must_use]
    pub fn executor(&self, machine: Machine) -> Executor {
        let number = u64::from(machine.get());
        let shuffled = || Scheduler::Shuffled(self.seed.fork("execution", number));
        let scheduler = match self.execution.order {
            Order::Mixed if number.is_multiple_of(2) => Scheduler::Sequential,
            Order::Mixed | Order::Shuffled => shuffled(),
            Order::Sequential => Scheduler::Sequential,
            Order::Waves => Scheduler::Waves,
        };
        // In a simulation nothing is too small for what was asked for.
        let test_mode = self.execution.test_mode;
        Executor::inline(Options { scheduler, transactions_min: 1, weight_min: 0, test_mode })
    }

    /// Every machine with its name.
    pub fn machines(&self) -> impl Iterator<Item = (Machine, NodeIndex)> + '_ {
        (0u16..).map(Machine::new).zip(self.nodes.iter().copied())
    }

    /// The name of a machine.
    #[must_use]
    pub fn node(&self, machine: Machine) -> NodeIndex {
        self.nodes[machine.place()]
    }

    /// The machine with a name; `None` if there is none.
    #[must_use]
    pub fn machine(&self, node: NodeIndex) -> Option<Machine> {
        self.machines().find(|(_, name)| *name == node).map(|(machine, _)| machine)
    }

    /// The machines that run a validator's key. A twin answers to the same name on the network.
    #[must_use]
    pub fn machines_of(&self, number: u32) -> &[Machine] {
        let place = usize::try_from(number).expect("validators are few");
        self.machines.get(place).map_or(&[], Vec::as_slice)
    }

    /// The name on the network of the validator on a machine.
    #[must_use]
    pub fn peer(&self, machine: Machine) -> PeerId {
        peer_of(self.node(machine).number())
    }

    /// What a replica on a machine is told at birth.
    #[must_use]
    pub fn config(&self, node: NodeIndex) -> Config {
        let genesis = self.genesis.clone();
        let validator = Some(ValidatorId::new(node.number()));
        Config { genesis, validator, peer: peer_of(node.number()) }
    }

    /// Whether a node's validator leads a view.
    #[must_use]
    pub fn leads(&self, node: NodeIndex, view: View) -> bool {
        self.schedule.leader(view) == self.index(node.number())
    }

    /// The number of the validator that leads a view.
    #[must_use]
    pub fn leader(&self, view: View) -> u32 {
        let member = self.committee.member(self.schedule.leader(view));
        member.expect("the schedule names members").validator.get()
    }

    /// Signs a statement with a node's key.
    #[must_use]
    pub fn sign<S: Signable>(&self, node: NodeIndex, statement: S) -> Vote<S> {
        let signature = self.key(node.number()).sign(&self.context.message(&statement));
        Vote { statement, signer: self.index(node.number()), signature }
    }

    /// The numbers of the validators that recipients stand for.
    #[must_use]
    pub fn recipients(&self, from: NodeIndex, to: &Recipients) -> Arc<[u32]> {
        match to {
            Recipients::Committee => Arc::clone(place(&self.others, from.number())),
            Recipients::One(peer) => {
                let single = self.number_of(peer).map(|number| place(&self.singles, number));
                Arc::clone(single.unwrap_or(&self.nobody))
            }
            Recipients::Some(peers) => {
                let mut numbers: Vec<u32> =
                    peers.iter().filter_map(|peer| self.number_of(peer)).collect();
                numbers.sort_unstable();
                numbers.into()
            }
        }
    }

    /// Whether a machine's replica is written out and read back before this step.
    #[must_use]
    pub fn reserializes(&self, machine: Machine, step: u64) -> bool {
        let key = self.reserialize_key.within(u64::from(machine.get()));
        self.reserialize != Ppm::NEVER && self.reserialize.hit(key.at(step, 0))
    }

    /// The draw that decides how long a machine's job takes.
    #[must_use]
    pub fn job_draw(&self, machine: Machine, nth: u64) -> u64 {
        self.job_keys[machine.place()].at(nth, 0)
    }

    /// Calls something with what a behaviour on a node knows and can do.
    pub fn with_context<T>(
        &self,
        node: NodeIndex,
        now: u64,
        view: View,
        height: Height,
        rng: &mut Rng,
        act: impl FnOnce(&mut Context<'_>) -> T,
    ) -> T {
        let key = self.key(node.number());
        let peers: &Arc<[u32]> = place(&self.others, node.number());
        act(&mut Context {
            now,
            view,
            height,
            epoch: Epoch::ZERO,
            own: node.number(),
            index: self.index(node.number()),
            committee: &self.committee,
            signing: &self.context,
            key: &|digest| key.sign(digest),
            peers,
            rng,
        })
    }

    fn key(&self, number: u32) -> &SigningKey {
        place(&self.keys, number)
    }

    fn index(&self, number: u32) -> ValidatorIndex {
        *place(&self.indices, number)
    }

    fn number_of(&self, peer: &PeerId) -> Option<u32> {
        let (head, _) = peer.get().split_first_chunk::<4>().expect("a peer id has 32 bytes");
        let number = u32::from_le_bytes(*head);
        (usize::try_from(number).is_ok_and(|place| place < self.keys.len())).then_some(number)
    }
}

/// The name of a validator on the network: its number, little-endian, in front.
#[must_use]
pub fn peer_of(number: u32) -> PeerId {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    PeerId::new(bytes)
}

fn place<T>(list: &[T], number: u32) -> &T {
    &list[usize::try_from(number).expect("validators are few")]
}

fn genesis(scenario: &Scenario, keys: &[SigningKey], accounts: &[SigningKey]) -> Genesis {
    let stakes = scenario.cluster.stakes();
    let members = (0u32..).zip(keys).zip(stakes).map(|((number, key), weight)| Member {
        validator: ValidatorId::new(number),
        key: key.public(),
        peer: peer_of(number),
        weight,
    });
    let account = |key: &SigningKey| GenesisAccount {
        address: Address::of_key(&key.public()),
        balance: OPENING_BALANCE,
    };
    Genesis {
        chain_id: ChainId::new(1),
        timestamp: UnixMillis::new(WALL_START - 3_600_000),
        validators: members.collect(),
        accounts: accounts.iter().map(account).collect(),
        parameters: scenario.protocol.clone(),
    }
}

/// Whether anything in the scenario depends on how long messages are.
fn measures(scenario: &Scenario) -> bool {
    use crate::scenario::Verb;
    let after = scenario.liveness.as_ref().and_then(|liveness| liveness.after.as_ref());
    let models = std::iter::once(&scenario.network.model)
        .chain(scenario.network.links.iter().map(|link| &link.model))
        .chain(after);
    models.into_iter().any(|model| model.bandwidth.is_some())
        || scenario.faults.iter().any(|fault| matches!(fault.verb, Verb::Bandwidth { .. }))
}
