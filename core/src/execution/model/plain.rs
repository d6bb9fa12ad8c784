//! The rules of the ledger, once more: maps, wide numbers, and every condition before any change.
//!
//! Shares no code with execution but the names of outcomes. Slow where that is simpler.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    config::Genesis,
    crypto::PublicKey,
    evidence::{Evidence, Offence},
    execution::{Failure, Outcome, Skip},
    transaction::{
        Address, Amount, Asset, AssetId, Authority, Burn, CoinId, Coins, EnergyAction, Fault,
        FeeMode, Issue, MultiSigAction, ObjectAction, ObjectId, ObjectOwner, Objects, Payer,
        Signers, Transaction, TransactionBody, TransactionKind, Transfer,
    },
    types::{Digest, ValidatorId},
};

/// The most that fits a `u64`.
const MAX: u128 = (1 << 64) - 1;
const WINDOW: u128 = 1_200;
const DELAY: u64 = 600;

/// All there is to know about the state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plain {
    /// The chain.
    pub chain: u32,
    /// The height of the block under way.
    pub height: u64,
    /// Accounts that were ever paid or have ever paid, by their next nonce.
    pub nonces: BTreeMap<Address, u64>,
    /// Who signs for accounts whose own key does not.
    pub signers: BTreeMap<Address, (u8, Vec<PublicKey>)>,
    /// What accounts hold; nothing is left out.
    pub holdings: BTreeMap<(Address, Asset), u128>,
    /// Frozen tokens.
    pub energy: BTreeMap<Address, PlainEnergy>,
    /// Unspent coins.
    pub coins: BTreeMap<CoinId, PlainCoin>,
    /// Objects.
    pub objects: BTreeMap<ObjectId, PlainObject>,
    /// Issued assets.
    pub assets: BTreeMap<AssetId, PlainAsset>,
    /// Stakes.
    pub stakes: BTreeMap<ValidatorId, u128>,
    /// Offences that were proven, by committee place, epoch and offence.
    pub punished: BTreeSet<(u16, u64, Offence)>,
    /// All fees ever taken.
    pub fees: u128,
    /// All native tokens ever destroyed.
    pub burned: u128,
    validators: Vec<ValidatorId>,
}

/// Frozen tokens of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlainEnergy {
    /// Those that give energy.
    pub frozen: u128,
    /// Energy used, as of `since`.
    pub used: u128,
    /// When it was used.
    pub since: u64,
    /// Amounts being unfrozen, each with the height it is ready at.
    pub unfreezing: Vec<(u64, u128)>,
}

/// A coin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainCoin {
    /// Who may spend it.
    pub owner: Address,
    /// How much of what.
    pub amount: Amount,
    /// When it was made.
    pub height: u64,
}

/// An object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainObject {
    /// Its version.
    pub version: u128,
    /// Who may do what.
    pub owner: ObjectOwner,
    /// Tokens in it.
    pub held: u128,
    /// What is in it.
    pub data: Vec<u8>,
}

/// An issued asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainAsset {
    /// Who may issue more.
    pub issuer: Address,
    /// How it is written.
    pub decimals: u8,
    /// The most that is ever issued.
    pub cap: u128,
    /// Issued so far.
    pub issued: u128,
    /// Destroyed so far.
    pub burned: u128,
}

impl PlainEnergy {
    /// Energy in use at a height.
    #[must_use]
    pub fn used_at(&self, height: u64) -> u128 {
        let passed = u128::from(height - self.since).min(WINDOW);
        let product = self.used * (WINDOW - passed);
        product / WINDOW + u128::from(!product.is_multiple_of(WINDOW))
    }

    /// Energy that can be used at a height.
    #[must_use]
    pub fn free_at(&self, height: u64) -> u128 {
        self.frozen.saturating_sub(self.used_at(height))
    }
}

impl Plain {
    /// The state of a genesis, the first block being under way.
    #[must_use]
    pub fn new(genesis: &Genesis) -> Self {
        let mut plain = Self { chain: genesis.chain_id.get(), height: 1, ..Self::default() };
        for account in &genesis.accounts {
            if account.balance > 0 {
                plain.give(account.address, Asset::Native, account.balance.into());
            }
        }
        let mut members: Vec<_> =
            genesis.validators.iter().map(|member| (member.key, member.validator)).collect();
        members.sort_unstable();
        plain.validators = members.into_iter().map(|(_, validator)| validator).collect();
        for member in &genesis.validators {
            plain.stakes.insert(member.validator, member.weight.get().into());
        }
        plain
    }

    /// What an account holds.
    #[must_use]
    pub fn held(&self, of: &Address, asset: Asset) -> u128 {
        self.holdings.get(&(*of, asset)).copied().unwrap_or(0)
    }

    /// An account's next nonce.
    #[must_use]
    pub fn nonce(&self, of: &Address) -> u64 {
        self.nonces.get(of).copied().unwrap_or(0)
    }

    /// Executes a transaction.
    pub fn transact(&mut self, transaction: &Transaction) -> Outcome {
        let body = &transaction.body;
        if let Some(reason) = self.why_skip(transaction) {
            return Outcome::Skipped(reason);
        }
        let account = match body.payer {
            Payer::Account { address, .. } => {
                self.charge(address, body);
                true
            }
            Payer::Coins { .. } => false,
        };
        let malformed = why_malformed(body).map(Failure::Malformed);
        let id = transaction.id();
        match (malformed.or_else(|| self.why_fail(body)), account) {
            (None, _) => {
                if !account {
                    self.fees += u128::from(body.fee);
                }
                self.apply(body, id);
                Outcome::Applied
            }
            (Some(reason), true) => Outcome::Failed(reason),
            (Some(reason), false) => Outcome::Skipped(Skip::Uncharged(reason)),
        }
    }

    /// Punishes for evidence that is real.
    ///
    /// # Panics
    /// If it is not.
    pub fn punish(&mut self, evidence: &Evidence) {
        let signer = evidence.signer().get();
        let offence = evidence.offence().expect("the strategy makes real evidence");
        let Some(validator) = self.validators.get(usize::from(signer)) else { return };
        if self.punished.insert((signer, evidence.epoch().get(), offence)) {
            let stake = self.stakes.get_mut(validator).expect("a member of the committee");
            self.burned += std::mem::take(stake);
        }
    }

    fn why_skip(&self, transaction: &Transaction) -> Option<Skip> {
        let body = &transaction.body;
        let who = body.payer.address();
        let keys: Vec<PublicKey> = transaction.signatures.iter().map(|one| one.key).collect();
        let by_owner = keys.len() == 1 && Address::of_key(&keys[0]) == who;
        let wants_signers = body.authority == Authority::MultiSig;
        let wrong_keys = match self.signers.get(&who) {
            None => !by_owner,
            Some((threshold, signers)) => {
                let distinct: BTreeSet<&PublicKey> = keys.iter().collect();
                let sorted: Vec<PublicKey> = distinct.iter().copied().copied().collect();
                keys.len() != usize::from(*threshold)
                    || sorted != keys
                    || keys.iter().any(|key| !signers.contains(key))
            }
        };
        let unfit = match (&body.payer, &body.kind) {
            (Payer::Account { .. }, _) => false,
            (Payer::Coins { .. }, TransactionKind::Coins(coins)) => {
                coins.inputs.is_empty()
                    || !coins.funds.is_empty()
                    || body.fee_mode == FeeMode::Energy
            }
            (Payer::Coins { .. }, _) => true,
        };
        let reasons = [
            (body.version != 1, Skip::UnknownVersion),
            (body.chain_id.get() != self.chain, Skip::WrongChain),
            (body.valid_until.get() < self.height, Skip::Expired),
            (unfit, Skip::UnfitPayer),
            (self.signers.contains_key(&who) && !wants_signers, Skip::NeedsMultiSig),
            (!self.signers.contains_key(&who) && wants_signers, Skip::NotMultiSig),
            (wrong_keys, Skip::WrongKeys),
        ];
        let first = reasons.into_iter().find(|(applies, _)| *applies).map(|(_, reason)| reason);
        first.or_else(|| match body.payer {
            Payer::Account { address, nonce } => self.why_skip_account(&address, nonce, body),
            Payer::Coins { .. } => None,
        })
    }

    fn why_skip_account(&self, who: &Address, nonce: u64, body: &TransactionBody) -> Option<Skip> {
        let fee = u128::from(body.fee);
        let free = self.energy.get(who).map_or(0, |energy| energy.free_at(self.height));
        let reasons = [
            (nonce < self.nonce(who), Skip::NonceUsed),
            (nonce > self.nonce(who), Skip::NonceGap),
            (nonce == u64::MAX, Skip::NonceExhausted),
            (
                body.fee_mode == FeeMode::Native && fee > self.held(who, Asset::Native),
                Skip::CannotPay,
            ),
            (body.fee_mode == FeeMode::Energy && fee > free, Skip::NoEnergy),
        ];
        reasons.into_iter().find(|(applies, _)| *applies).map(|(_, reason)| reason)
    }

    fn charge(&mut self, who: Address, body: &TransactionBody) {
        *self.nonces.entry(who).or_default() += 1;
        let fee = u128::from(body.fee);
        match body.fee_mode {
            FeeMode::Native => {
                self.take(who, Asset::Native, fee);
                self.fees += fee;
            }
            FeeMode::Energy if fee > 0 => {
                let height = self.height;
                let energy = self.energy.get_mut(&who).expect("it has energy");
                energy.used = energy.used_at(height) + fee;
                energy.since = height;
            }
            FeeMode::Energy => {}
        }
    }

    fn why_fail(&self, body: &TransactionBody) -> Option<Failure> {
        let who = body.payer.address();
        match &body.kind {
            TransactionKind::Transfer(transfer) => {
                let outs = transfer.outputs.iter().map(|one| (one.asset, one.amount));
                self.why_short(&who, outs)
            }
            TransactionKind::Issue(issue) => self.why_not_issue(&who, issue),
            TransactionKind::Burn(Burn { burned }) => {
                self.why_short(&who, [(burned.asset, burned.amount)])
            }
            TransactionKind::Energy(action) => self.why_not_energy(&who, action),
            TransactionKind::MultiSig(MultiSigAction::Clear) => {
                (!self.signers.contains_key(&who)).then_some(Failure::NoSigners)
            }
            TransactionKind::MultiSig(MultiSigAction::Set(_)) => None,
            TransactionKind::Coins(coins) => self.why_not_coins(&who, body, coins),
            TransactionKind::Objects(objects) => self.why_not_objects(&who, objects),
        }
    }

    fn why_short(
        &self,
        who: &Address,
        wanted: impl IntoIterator<Item = (Asset, u64)>,
    ) -> Option<Failure> {
        let mut sums: BTreeMap<Asset, u128> = BTreeMap::new();
        for (asset, amount) in wanted {
            *sums.entry(asset).or_default() += u128::from(amount);
        }
        let short = sums.into_iter().any(|(asset, sum)| sum > self.held(who, asset));
        short.then_some(Failure::InsufficientBalance)
    }

    fn why_not_issue(&self, who: &Address, issue: &Issue) -> Option<Failure> {
        let Issue::Mint { asset, mints } = issue else { return None };
        let Some(asset) = self.assets.get(asset) else { return Some(Failure::UnknownAsset) };
        if asset.issuer != *who {
            return Some(Failure::NotIssuer);
        }
        let more: u128 = mints.iter().map(|mint| u128::from(mint.amount)).sum();
        (asset.issued + more > asset.cap).then_some(Failure::AboveCap)
    }

    fn why_not_energy(&self, who: &Address, action: &EnergyAction) -> Option<Failure> {
        let energy = self.energy.get(who).cloned().unwrap_or_default();
        match action {
            EnergyAction::Freeze { amount } => self.why_short(who, [(Asset::Native, *amount)]),
            EnergyAction::Unfreeze { amount } if u128::from(*amount) > energy.frozen => {
                Some(Failure::NotFrozen)
            }
            EnergyAction::Unfreeze { .. } => {
                (energy.unfreezing.len() >= 8).then_some(Failure::TooManyUnfreezing)
            }
            EnergyAction::Withdraw => {
                let ready = energy.unfreezing.iter().any(|(ready, _)| *ready <= self.height);
                (!ready).then_some(Failure::NothingToWithdraw)
            }
        }
    }

    fn why_not_coins(
        &self,
        who: &Address,
        body: &TransactionBody,
        coins: &Coins,
    ) -> Option<Failure> {
        let mut sums: BTreeMap<Asset, i128> = BTreeMap::new();
        let mut count = |amount: &Amount, sign: i128| {
            *sums.entry(amount.asset).or_default() += sign * i128::from(amount.amount);
        };
        for id in &coins.inputs {
            let Some(coin) = self.coins.get(id) else { return Some(Failure::MissingCoin) };
            if coin.owner != *who {
                return Some(Failure::NotOwner);
            }
            count(&coin.amount, 1);
        }
        let funds = coins.funds.iter().map(|fund| (fund.asset, fund.amount));
        if let Some(short) = self.why_short(who, funds) {
            return Some(short);
        }
        coins.funds.iter().for_each(|fund| count(fund, 1));
        coins.outputs.iter().for_each(|output| count(&output.amount, -1));
        for output in &coins.credits {
            count(&Amount { asset: output.asset, amount: output.amount }, -1);
        }
        if let Payer::Coins { .. } = body.payer {
            count(&Amount { asset: Asset::Native, amount: body.fee }, -1);
        }
        sums.values().any(|sum| *sum != 0).then_some(Failure::Unbalanced)
    }

    fn why_not_objects(&self, who: &Address, objects: &Objects) -> Option<Failure> {
        let own = ObjectOwner::Account(*who);
        let mut owners = Vec::new();
        for input in &objects.owned {
            match self.objects.get(&input.id) {
                None => return Some(Failure::MissingObject),
                Some(object) if object.owner != own => return Some(Failure::NotOwner),
                Some(object) if object.version != u128::from(input.version) => {
                    return Some(Failure::StaleVersion);
                }
                Some(object) => owners.push((Some(object.owner), object.held)),
            }
        }
        for input in &objects.shared {
            match self.objects.get(&input.id) {
                None => return Some(Failure::MissingObject),
                Some(PlainObject { owner: ObjectOwner::Account(_), .. }) => {
                    return Some(Failure::NotShared);
                }
                Some(PlainObject { owner: ObjectOwner::Frozen, .. }) if input.is_written => {
                    return Some(Failure::FrozenObject);
                }
                Some(object) => owners.push((Some(object.owner), object.held)),
            }
        }
        let mut purse = self.held(who, Asset::Native);
        for action in &objects.actions {
            if let ObjectAction::Create { held, .. } = action {
                let held = u128::from(*held);
                if held > purse {
                    return Some(Failure::InsufficientBalance);
                }
                purse -= held;
                continue;
            }
            let (now, held) = &mut owners[action.input().expect("it is not a creation")];
            let Some(owner) = *now else { return Some(Failure::ObjectGone) };
            let by_me = owner == own;
            let shared_by_me = owner == ObjectOwner::Shared { by: *who };
            let shared = matches!(owner, ObjectOwner::Shared { .. });
            let (may, after) = match action {
                ObjectAction::Mutate { .. } => (by_me || shared, now.take()),
                ObjectAction::Transfer { to, .. } => (by_me, Some(ObjectOwner::Account(*to))),
                ObjectAction::Share { .. } => (by_me, Some(ObjectOwner::Shared { by: *who })),
                ObjectAction::Freeze { .. } => (by_me || shared_by_me, Some(ObjectOwner::Frozen)),
                _ => (by_me || shared_by_me, None),
            };
            if !may && owner == ObjectOwner::Frozen {
                return Some(Failure::FrozenObject);
            }
            if !may {
                return Some(Failure::NotOwner);
            }
            if after.is_none() {
                purse += *held;
            }
            *now = after;
        }
        None
    }

    fn apply(&mut self, body: &TransactionBody, id: Digest) {
        let who = body.payer.address();
        match &body.kind {
            TransactionKind::Transfer(Transfer { outputs, .. }) => {
                for output in outputs {
                    self.take(who, output.asset, output.amount.into());
                }
                for output in outputs {
                    self.give(output.to, output.asset, output.amount.into());
                }
            }
            TransactionKind::Issue(issue) => self.issue(who, issue, id),
            TransactionKind::Burn(Burn { burned }) => {
                let amount = u128::from(burned.amount);
                self.take(who, burned.asset, amount);
                match burned.asset {
                    Asset::Native => self.burned += amount,
                    Asset::Issued(id) => {
                        self.assets.get_mut(&id).expect("somebody held it").burned += amount;
                    }
                }
            }
            TransactionKind::Energy(action) => self.freeze(who, action),
            TransactionKind::MultiSig(MultiSigAction::Set(Signers { threshold, keys })) => {
                self.signers.insert(who, (*threshold, keys.to_vec()));
            }
            TransactionKind::MultiSig(MultiSigAction::Clear) => {
                self.signers.remove(&who);
            }
            TransactionKind::Coins(coins) => self.move_coins(who, coins, id),
            TransactionKind::Objects(objects) => self.change_objects(who, objects, id),
        }
    }

    fn issue(&mut self, who: Address, issue: &Issue, id: Digest) {
        match issue {
            Issue::Create { decimals, cap, amount } => {
                let id = AssetId::of_transaction(id);
                let asset = PlainAsset {
                    issuer: who,
                    decimals: *decimals,
                    cap: (*cap).into(),
                    issued: (*amount).into(),
                    burned: 0,
                };
                self.assets.insert(id, asset);
                self.give(who, Asset::Issued(id), (*amount).into());
            }
            Issue::Mint { asset, mints } => {
                for mint in mints {
                    let amount = u128::from(mint.amount);
                    self.assets.get_mut(asset).expect("it was looked up").issued += amount;
                    self.give(mint.to, Asset::Issued(*asset), amount);
                }
            }
        }
    }

    fn freeze(&mut self, who: Address, action: &EnergyAction) {
        let height = self.height;
        let mut energy = self.energy.remove(&who).unwrap_or_default();
        match action {
            EnergyAction::Freeze { amount } => {
                self.take(who, Asset::Native, (*amount).into());
                energy.frozen += u128::from(*amount);
            }
            EnergyAction::Unfreeze { amount } => {
                energy.frozen -= u128::from(*amount);
                energy.unfreezing.push((height + DELAY, (*amount).into()));
            }
            EnergyAction::Withdraw => {
                let (ready, later) =
                    energy.unfreezing.into_iter().partition(|(ready, _)| *ready <= height);
                energy.unfreezing = later;
                let ready: Vec<(u64, u128)> = ready;
                self.give(who, Asset::Native, ready.iter().map(|(_, amount)| amount).sum());
            }
        }
        // Nothing is kept of somebody who has nothing frozen and nothing left to recover from.
        if energy.frozen > 0 || !energy.unfreezing.is_empty() || energy.used_at(height) > 0 {
            self.energy.insert(who, energy);
        }
    }

    fn move_coins(&mut self, who: Address, coins: &Coins, transaction: Digest) {
        for id in &coins.inputs {
            self.coins.remove(id);
        }
        for fund in &coins.funds {
            self.take(who, fund.asset, fund.amount.into());
        }
        for (index, output) in (0..).zip(&coins.outputs) {
            let coin =
                PlainCoin { owner: output.owner, amount: output.amount, height: self.height };
            self.coins.insert(CoinId { transaction, index }, coin);
        }
        for output in &coins.credits {
            self.give(output.to, output.asset, output.amount.into());
        }
    }

    fn change_objects(&mut self, who: Address, objects: &Objects, transaction: Digest) {
        let owned = objects.owned.iter().map(|input| (input.id, true));
        let shared = objects.shared.iter().map(|input| (input.id, input.is_written));
        let inputs: Vec<(ObjectId, bool)> = owned.chain(shared).collect();
        let highest = inputs.iter().map(|(id, _)| self.objects[id].version).max();
        let version = highest.unwrap_or(0) + 1;
        for (id, written) in &inputs {
            if *written {
                self.objects.get_mut(id).expect("it was looked up").version = version;
            }
        }
        let mut index = 0;
        for action in &objects.actions {
            if let ObjectAction::Create { owner, held, data } = action {
                self.take(who, Asset::Native, (*held).into());
                let object = PlainObject {
                    version,
                    owner: ObjectOwner::Account(*owner),
                    held: (*held).into(),
                    data: data.to_vec(),
                };
                self.objects.insert(ObjectId { transaction, index }, object);
                index += 1;
                continue;
            }
            let (id, _) = inputs[action.input().expect("it is not a creation")];
            let object = self.objects.get_mut(&id).expect("it was looked up");
            match action {
                ObjectAction::Create { .. } => {}
                ObjectAction::Mutate { data, .. } => object.data = data.to_vec(),
                ObjectAction::Transfer { to, .. } => object.owner = ObjectOwner::Account(*to),
                ObjectAction::Share { .. } => object.owner = ObjectOwner::Shared { by: who },
                ObjectAction::Freeze { .. } => object.owner = ObjectOwner::Frozen,
                ObjectAction::Delete { .. } => {
                    let held = object.held;
                    self.objects.remove(&id);
                    self.give(who, Asset::Native, held);
                }
            }
        }
    }

    fn take(&mut self, from: Address, asset: Asset, amount: u128) {
        if amount == 0 {
            return;
        }
        let held = self.holdings.get_mut(&(from, asset)).expect("it was found to hold this");
        *held -= amount;
        if *held == 0 {
            self.holdings.remove(&(from, asset));
        }
    }

    fn give(&mut self, to: Address, asset: Asset, amount: u128) {
        if amount == 0 {
            return;
        }
        *self.holdings.entry((to, asset)).or_default() += amount;
        if asset == Asset::Native {
            self.nonces.entry(to).or_default();
        }
    }
}

/// What is wrong with it whatever the state.
fn why_malformed(body: &TransactionBody) -> Option<Fault> {
    let native_fee = match (body.payer, body.fee_mode) {
        (Payer::Account { .. }, FeeMode::Native) => u128::from(body.fee),
        _ => 0,
    };
    let by_account = matches!(body.payer, Payer::Account { .. });
    let too_much = |moved: u128| by_account && moved + native_fee > MAX;
    let first = |reasons: &[(bool, Fault)]| {
        reasons.iter().find(|(applies, _)| *applies).map(|(_, fault)| *fault)
    };
    match &body.kind {
        TransactionKind::Transfer(Transfer { outputs, .. }) => {
            let native = outputs.iter().filter(|output| output.asset == Asset::Native);
            let moved = native.map(|output| u128::from(output.amount)).sum();
            first(&[
                (outputs.is_empty(), Fault::NoOutputs),
                (outputs.iter().any(|output| output.amount == 0), Fault::ZeroAmount),
                (too_much(moved), Fault::AmountOverflow),
            ])
        }
        TransactionKind::Issue(Issue::Create { decimals, cap, amount }) => first(&[
            (*decimals > 19, Fault::TooManyDecimals),
            (amount > cap, Fault::AboveCap),
            (*cap == 0, Fault::ZeroAmount),
        ]),
        TransactionKind::Issue(Issue::Mint { mints, .. }) => {
            let sum: u128 = mints.iter().map(|mint| u128::from(mint.amount)).sum();
            first(&[
                (mints.is_empty(), Fault::NoOutputs),
                (mints.iter().any(|mint| mint.amount == 0), Fault::ZeroAmount),
                (sum > MAX, Fault::AmountOverflow),
            ])
        }
        TransactionKind::Burn(Burn { burned }) => {
            let native = burned.asset == Asset::Native;
            first(&[
                (burned.amount == 0, Fault::ZeroAmount),
                (native && too_much(burned.amount.into()), Fault::AmountOverflow),
            ])
        }
        TransactionKind::Energy(EnergyAction::Freeze { amount }) => first(&[
            (*amount == 0, Fault::ZeroAmount),
            (too_much((*amount).into()), Fault::AmountOverflow),
        ]),
        TransactionKind::Energy(EnergyAction::Unfreeze { amount }) => {
            first(&[(*amount == 0, Fault::ZeroAmount)])
        }
        TransactionKind::Energy(EnergyAction::Withdraw)
        | TransactionKind::MultiSig(MultiSigAction::Clear) => None,
        TransactionKind::MultiSig(MultiSigAction::Set(Signers { threshold, keys })) => {
            let threshold = usize::from(*threshold);
            first(&[
                (!keys.windows(2).all(|pair| pair[0] < pair[1]), Fault::NotAscending),
                (threshold == 0 || threshold > keys.len(), Fault::BadThreshold),
            ])
        }
        TransactionKind::Coins(coins) => {
            let assets: Vec<Asset> = coins.funds.iter().map(|fund| fund.asset).collect();
            let native = coins.funds.iter().filter(|fund| fund.asset == Asset::Native);
            let zero = coins.funds.iter().any(|fund| fund.amount == 0)
                || coins.outputs.iter().any(|output| output.amount.amount == 0)
                || coins.credits.iter().any(|output| output.amount == 0);
            let ascending = coins.inputs.windows(2).all(|pair| pair[0] < pair[1])
                && assets.windows(2).all(|pair| pair[0] < pair[1]);
            first(&[
                (coins.outputs.is_empty() && coins.credits.is_empty(), Fault::NoOutputs),
                (!ascending, Fault::NotAscending),
                (zero, Fault::ZeroAmount),
                (too_much(native.map(|fund| u128::from(fund.amount)).sum()), Fault::AmountOverflow),
            ])
        }
        TransactionKind::Objects(objects) => {
            let moved = objects.actions.iter().map(|action| match action {
                ObjectAction::Create { held, .. } => u128::from(*held),
                _ => 0,
            });
            first(&[(objects.actions.is_empty(), Fault::NoOutputs)])
                .or_else(|| why_inputs_malformed(objects))
                .or_else(|| first(&[(too_much(moved.sum()), Fault::AmountOverflow)]))
        }
    }
}

fn why_inputs_malformed(objects: &Objects) -> Option<Fault> {
    let owned: Vec<ObjectId> = objects.owned.iter().map(|input| input.id).collect();
    let shared: Vec<ObjectId> = objects.shared.iter().map(|input| input.id).collect();
    let ascending = |ids: &[ObjectId]| ids.windows(2).all(|pair| pair[0] < pair[1]);
    if !ascending(&owned) || !ascending(&shared) || owned.iter().any(|id| shared.contains(id)) {
        return Some(Fault::NotAscending);
    }
    for input in objects.actions.iter().filter_map(ObjectAction::input) {
        if input >= owned.len() + shared.len() {
            return Some(Fault::NoSuchInput);
        }
        if input >= owned.len() && !objects.shared[input - owned.len()].is_written {
            return Some(Fault::ReadOnlyInput);
        }
    }
    None
}
