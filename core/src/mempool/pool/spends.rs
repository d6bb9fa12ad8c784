//! Transactions that coins pay for: what they exclude, and what they wait for.
//!
//! They have no nonce; what keeps one from running twice is that it spends its coins. Of two that spend
//! one coin only one can run, so only one waits. The pool does not know whose a coin is: a coin that two
//! owners claim is two coins here, and one of the two is skipped; so nobody keeps an owner from its coin
//! by claiming it.
//!
//! A coin is named after the transaction that makes it. As long as that one waits here, what spends the
//! coin is not ready; a block takes the maker first. What spends a coin of an unknown maker is taken at
//! its word.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use borsh::{BorshDeserialize, BorshSerialize};

use super::{
    Dropped, Pool,
    queue::{Held, Rank, Worth},
};
use crate::{
    execution::{ExecutedBlock, Failure, Outcome, Skip},
    mempool::{refusal::Refusal, slots::Slot},
    transaction::{Address, CoinId, Transaction, TransactionKind},
    types::Digest,
};

/// Everything that waits and that coins pay for.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Spends {
    /// What waits to spend which coin, by who says that it owns it.
    by_coin: BTreeMap<(CoinId, Address), Slot>,
    /// Never holds an owner of nothing that waits.
    owners: BTreeMap<Address, Owner>,
    count: usize,
}

/// What waits of one owner.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Owner {
    held: BTreeSet<Slot>,
    /// Those that are ready, as a block takes them.
    ready: BTreeSet<Rank>,
}

impl Spends {
    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// What waits of an owner.
    pub(super) fn of(&self, owner: &Address) -> impl Iterator<Item = Slot> {
        self.owners.get(owner).into_iter().flat_map(|owner| owner.held.iter().copied())
    }

    /// How many wait of an owner.
    pub(super) fn count_of(&self, owner: &Address) -> u64 {
        let count = self.owners.get(owner).map_or(0, |owner| owner.held.len());
        u64::try_from(count).expect("a usize fits")
    }

    /// The one that waits to spend an owner's coin.
    pub(super) fn spender(&self, coin: CoinId, owner: Address) -> Option<Slot> {
        self.by_coin.get(&(coin, owner)).copied()
    }

    /// What waits to spend a coin, whoever says that it owns it.
    fn spenders(&self, coin: CoinId) -> impl Iterator<Item = Slot> {
        let from = self.by_coin.range((coin, Address::LOWEST)..);
        from.take_while(move |((other, _), _)| *other == coin).map(|(_, slot)| *slot)
    }

    /// What waits to spend coins that a transaction makes, each once.
    pub(super) fn heirs(&self, maker: &Digest) -> BTreeSet<Slot> {
        let first = CoinId { transaction: *maker, index: 0 };
        let last = CoinId { transaction: *maker, index: u32::MAX };
        let from = self.by_coin.range((first, Address::LOWEST)..);
        from.take_while(|((coin, _), _)| *coin <= last).map(|(_, slot)| *slot).collect()
    }

    /// The owner's ready one that a block takes first.
    fn head(&self, owner: &Address) -> Option<Rank> {
        self.owners.get(owner)?.ready.first().copied()
    }
}

/// The ids of what a block applied.
fn applied(done: &ExecutedBlock) -> BTreeSet<Digest> {
    let ran = done.outcomes.iter().filter(|(_, outcome)| *outcome == Outcome::Applied);
    ran.map(|(id, _)| *id).collect()
}

/// The coins a transaction spends.
pub(super) fn inputs(tx: &Transaction) -> &[CoinId] {
    match &tx.body.kind {
        TransactionKind::Coins(coins) => &coins.inputs,
        _ => &[],
    }
}

impl Pool {
    /// Whether nothing that waits here makes a coin that this spends.
    pub(super) fn is_made(&self, tx: &Transaction) -> bool {
        inputs(tx).iter().all(|coin| !self.ids.contains(&coin.transaction))
    }

    /// Puts a transaction that coins pay for among the others of its owner.
    pub(super) fn add_spend(&mut self, slot: Slot) {
        let held = self.slots.at(slot);
        let owner = held.transaction.body.payer.address();
        for coin in inputs(&held.transaction) {
            let old = self.spends.by_coin.insert((*coin, owner), slot);
            assert_eq!(old, None, "two that wait spend {coin:?}");
        }
        self.tails.insert(Worth::of(held, slot, false));
        self.spends.owners.entry(owner).or_default().held.insert(slot);
        self.spends.count += 1;
        self.relink_spend(slot);
    }

    /// Takes one out. It is still at its place.
    pub(super) fn remove_spend(&mut self, slot: Slot) {
        self.set_ready(slot, false);
        let held = self.slots.at(slot);
        let payer = held.transaction.body.payer.address();
        self.tails.remove(&Worth::of(held, slot, false));
        for coin in inputs(&held.transaction) {
            self.spends.by_coin.remove(&(*coin, payer));
        }
        let owner = self.spends.owners.get_mut(&payer).expect("only what is held is removed");
        owner.held.remove(&slot);
        self.spends.count -= 1;
        if owner.held.is_empty() {
            self.spends.owners.remove(&payer);
        }
    }

    /// Brings up to date what waits for coins of a transaction that came or went.
    pub(super) fn relink_heirs(&mut self, maker: &Digest) {
        for slot in self.spends.heirs(maker) {
            self.relink_spend(slot);
        }
    }

    fn relink_spend(&mut self, slot: Slot) {
        let ready = self.is_made(&self.slots.at(slot).transaction);
        self.set_ready(slot, ready);
    }

    /// Has one compete for blocks, or not. Of each owner only the best ready one does.
    fn set_ready(&mut self, slot: Slot, ready: bool) {
        let held = self.slots.at(slot);
        let (payer, rank) = (held.transaction.body.payer.address(), Rank::of(held, slot, 0));
        self.spends.head(&payer).map(|head| self.heads.remove(&head));
        let owner = self.spends.owners.get_mut(&payer).expect("it is held");
        let was = if ready { !owner.ready.insert(rank) } else { owner.ready.remove(&rank) };
        self.heads.extend(self.spends.head(&payer));
        let removed = self.tails.remove(&Worth::of(held, slot, was));
        assert!(removed, "{:?} had no place among the last", held.id);
        self.tails.insert(Worth::of(held, slot, ready));
    }

    /// Drops what spends coins that a block has spent.
    pub(super) fn drop_spent(&mut self, done: &ExecutedBlock, dropped: &mut Vec<Dropped>) {
        let applied = applied(done);
        for coin in &done.spent {
            let gone: Vec<Slot> = self.spends.spenders(*coin).collect();
            for slot in gone {
                let id = self.remove(slot).id;
                dropped.push((id, (!applied.contains(&id)).then_some(Refusal::MissingCoin)));
            }
        }
    }

    /// Drops what a block has skipped, unless its coins are still to be made, or were made only behind
    /// it: then somebody put it into a block too early. The keys were looked at before whatever else it
    /// was skipped for, so no copy with other keys gets it dropped.
    pub(super) fn drop_skipped(&mut self, done: &ExecutedBlock, dropped: &mut Vec<Dropped>) {
        let applied = applied(done);
        for (id, outcome) in &done.outcomes {
            let Outcome::Skipped(Skip::Uncharged(why)) = outcome else { continue };
            let Some(slot) = self.ids.find(id) else { continue };
            let is_early = |coin: &CoinId| {
                self.ids.contains(&coin.transaction) || applied.contains(&coin.transaction)
            };
            let inputs = inputs(&self.slots.at(slot).transaction);
            let reason = match why {
                Failure::MissingCoin if inputs.iter().any(is_early) => continue,
                Failure::MissingCoin => Refusal::MissingCoin,
                _ => Refusal::WouldFail,
            };
            dropped.push((self.remove(slot).id, Some(reason)));
        }
    }

    /// Drops what an owner's signers did not sign.
    pub(super) fn judge_spends(&mut self, owner: &Address, dropped: &mut Vec<Dropped>) {
        let signing = self.accounts.signing(owner);
        let misfit = |slot: Slot| {
            let why = signing.check(&self.slots.at(slot).transaction).err()?;
            Some((slot, why))
        };
        let unfit: Vec<(Slot, Refusal)> = self.spends.of(owner).filter_map(misfit).collect();
        for (slot, why) in unfit {
            dropped.push((self.remove(slot).id, Some(why)));
        }
    }
}

/// The owners' coins among those that are spent, and how a block goes on from there.
pub(super) struct Turns<'a> {
    pool: &'a Pool,
    /// Spent below, by whom.
    spent: BTreeSet<(CoinId, Address)>,
    /// What makes coins below, or was taken.
    made: BTreeSet<Digest>,
    /// How many makers of their coins still wait, of those that some were taken of.
    lacking: BTreeMap<Slot, usize>,
    /// Owners whose turns are not what the pool's own heads say any more.
    owners: BTreeMap<Address, Turn>,
}

/// One owner's part in filling a block.
#[derive(Default)]
struct Turn {
    /// What can be taken, as ranked in the first round.
    ready: BTreeSet<Rank>,
    /// What is offered for the next turn.
    offered: Option<Rank>,
    /// How many were taken.
    round: u32,
}

impl<'a> Turns<'a> {
    /// Above blocks that spend these coins and hold these transactions; offers what can be taken of
    /// the owners concerned.
    pub(super) fn new(
        pool: &'a Pool,
        spent: BTreeSet<(CoinId, Address)>,
        made: BTreeSet<Digest>,
        ahead: &mut BTreeSet<Rank>,
    ) -> Self {
        let mut turns =
            Self { pool, spent, made, lacking: BTreeMap::new(), owners: BTreeMap::new() };
        let hit = turns.spent.iter().filter_map(|(coin, owner)| pool.spends.spender(*coin, *owner));
        let freed = turns.made.iter().flat_map(|maker| pool.spends.heirs(maker));
        let concerned: BTreeSet<Address> =
            hit.chain(freed).map(|slot| pool.payer_at(slot)).collect();
        for owner in concerned {
            turns.take_over(owner);
            turns.offer(&owner, ahead);
        }
        turns
    }

    /// Whether the pool's own head of an owner is out of date.
    pub(super) fn has(&self, owner: &Address) -> bool {
        self.owners.contains_key(owner)
    }

    /// Upon the turn of one that an owner offers: it is taken, or does not fit this block.
    pub(super) fn on_turn(
        &mut self,
        held: &Held,
        slot: Slot,
        taken: bool,
        ahead: &mut BTreeSet<Rank>,
    ) {
        let owner = held.transaction.body.payer.address();
        self.take_over(owner);
        let turn = self.owners.get_mut(&owner).expect("it was just taken over");
        turn.ready.remove(&Rank::of(held, slot, 0));
        turn.round = turn.round.saturating_add(u32::from(taken));
        self.offer(&owner, ahead);
    }

    /// Upon something taken: what spends its coins may follow.
    pub(super) fn on_made(&mut self, held: &Held, ahead: &mut BTreeSet<Rank>) {
        if !matches!(held.transaction.body.kind, TransactionKind::Coins(_)) {
            return;
        }
        self.made.insert(held.id);
        for slot in self.pool.spends.heirs(&held.id) {
            let heir = self.pool.slots.at(slot);
            if self.lacks_now(slot, heir) > 0 {
                continue;
            }
            let owner = heir.transaction.body.payer.address();
            self.take_over(owner);
            if self.can_run(heir) {
                let turn = self.owners.get_mut(&owner).expect("it was just taken over");
                turn.ready.insert(Rank::of(heir, slot, 0));
            }
            self.offer(&owner, ahead);
        }
    }

    /// How many makers of its coins are missing, one of which was just taken. Counted once, so that one
    /// with many makers is not looked through for each of them.
    fn lacks_now(&mut self, slot: Slot, heir: &Held) -> usize {
        match self.lacking.entry(slot) {
            Entry::Occupied(mut known) => {
                *known.get_mut() = known.get().saturating_sub(1);
                *known.get()
            }
            Entry::Vacant(new) => {
                let makers = inputs(&heir.transaction).iter().map(|coin| coin.transaction);
                let waits = |id: &Digest| self.pool.ids.contains(id) && !self.made.contains(id);
                *new.insert(makers.filter(waits).collect::<BTreeSet<Digest>>().len())
            }
        }
    }

    /// Works out what of an owner can be taken, unless that was done.
    fn take_over(&mut self, owner: Address) {
        if self.has(&owner) {
            return;
        }
        let all = self.pool.spends.of(&owner).map(|slot| (slot, self.pool.slots.at(slot)));
        let ready = all.filter(|(_, held)| self.can_run(held));
        let ready = ready.map(|(slot, held)| Rank::of(held, slot, 0)).collect();
        self.owners.insert(owner, Turn { ready, ..Turn::default() });
    }

    fn can_run(&self, held: &Held) -> bool {
        let owner = held.transaction.body.payer.address();
        inputs(&held.transaction).iter().all(|coin| {
            let maker = &coin.transaction;
            let is_made = self.made.contains(maker) || !self.pool.ids.contains(maker);
            is_made && !self.spent.contains(&(*coin, owner))
        })
    }

    /// Offers the owner's best in place of what it offered before.
    fn offer(&mut self, owner: &Address, ahead: &mut BTreeSet<Rank>) {
        let turn = self.owners.get_mut(owner).expect("whose turn it is was taken over");
        turn.offered.take().map(|old| ahead.remove(&old));
        turn.offered = turn.ready.first().map(|best| best.in_round(turn.round));
        ahead.extend(turn.offered);
    }
}
