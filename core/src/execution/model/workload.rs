//! Transactions that mostly go through, of every kind.
//!
//! Looks at [`Plain`] as it is when the transaction's turn comes, so blocks are full of transactions
//! that need each other: credits spent in the same block, coins made and spent, signers set and used.
//! One in ten is spoiled in one of many ways. A seed gives the same transactions everywhere.

use std::{collections::BTreeMap, ops::Bound};

use super::plain::Plain;
use crate::{
    codec::Bounded,
    committee::Member,
    config::{Genesis, GenesisAccount, Parameters},
    crypto::{PublicKey, Signature},
    random::{Rng, Seed},
    time::UnixMillis,
    transaction::{
        Address, Amount, Asset, AssetId, Authority, Burn, CoinId, CoinOutput, Coins, EnergyAction,
        FeeMode, Issue, Mint, MultiSigAction, ObjectAction, ObjectData, ObjectId, ObjectOwner,
        Objects, Output, OwnedInput, Payer, SharedInput, Signers, Transaction, TransactionBody,
        TransactionKind, TransactionSignature, Transfer,
    },
    types::{ChainId, Digest, Height, PeerId, Stake, ValidatorId},
};

/// Transactions kept to be sent again.
const REPLAYS: usize = 16;

/// What a workload is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// Native transfers.
    Transfers,
    /// Nearly all transfers to or from one account.
    Hot,
    /// Assets issued, moved and burned.
    Assets,
    /// Tokens frozen, energy used, tokens withdrawn.
    Energy,
    /// Signers set, used and cleared.
    MultiSig,
    /// Coins.
    Coins,
    /// Objects.
    Objects,
    /// All of the above.
    Mixed,
}

impl Mix {
    /// Every workload.
    pub const ALL: [Self; 8] = [
        Self::Transfers,
        Self::Hot,
        Self::Assets,
        Self::Energy,
        Self::MultiSig,
        Self::Coins,
        Self::Objects,
        Self::Mixed,
    ];

    /// A stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transfers => "transfers",
            Self::Hot => "hot",
            Self::Assets => "assets",
            Self::Energy => "energy",
            Self::MultiSig => "multisig",
            Self::Coins => "coins",
            Self::Objects => "objects",
            Self::Mixed => "mixed",
        }
    }
}

/// A body, and the accounts whose keys are to sign it, in the order of the keys.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What to sign.
    pub body: TransactionBody,
    /// By whom.
    pub signers: Vec<usize>,
}

/// Makes transactions among some accounts.
#[derive(Clone, Debug)]
pub struct Workload {
    rng: Rng,
    mix: Mix,
    chain_id: ChainId,
    keys: Vec<PublicKey>,
    addresses: Vec<Address>,
    numbers: BTreeMap<PublicKey, usize>,
    owners: BTreeMap<Address, usize>,
    sent: Vec<Draft>,
}

impl Workload {
    /// One among the accounts with these keys.
    #[must_use]
    pub fn new(seed: Seed, mix: Mix, chain_id: ChainId, keys: Vec<PublicKey>) -> Self {
        let addresses: Vec<Address> = keys.iter().map(Address::of_key).collect();
        Self {
            rng: seed.fork("workload", 0).rng(),
            mix,
            chain_id,
            numbers: keys.iter().copied().zip(0..).collect(),
            owners: addresses.iter().copied().zip(0..).collect(),
            keys,
            addresses,
            sent: Vec::new(),
        }
    }

    /// One among made-up keys, for tests that check no signatures.
    #[must_use]
    pub fn unsigned(seed: Seed, mix: Mix, accounts: u16) -> Self {
        let key = |number: u16| {
            let mut raw = [7; 32];
            raw[..2].copy_from_slice(&number.to_le_bytes());
            PublicKey::new(raw)
        };
        Self::new(seed, mix, ChainId::new(7), (0..accounts).map(key).collect())
    }

    /// A genesis in which every account has so many tokens.
    #[must_use]
    pub fn genesis(&self, balance: u64) -> Genesis {
        let account = |address: &Address| GenesisAccount { address: *address, balance };
        let validator = Member {
            validator: ValidatorId::new(0),
            key: PublicKey::new([0; 32]),
            peer: PeerId::new([0; 32]),
            weight: Stake::new(1),
        };
        Genesis {
            chain_id: self.chain_id,
            timestamp: UnixMillis::new(1),
            validators: vec![validator],
            accounts: self.addresses.iter().map(account).collect(),
            parameters: Parameters::default(),
        }
    }

    /// The next transaction, with signatures that nobody checks.
    pub fn transaction(&mut self, plain: &Plain) -> Transaction {
        let draft = self.draft(plain);
        let sign = |number: &usize| TransactionSignature {
            key: self.keys[*number],
            signature: Signature::new([1; 64]),
        };
        let signatures = Bounded::new(draft.signers.iter().map(sign).collect());
        Transaction { body: draft.body, signatures }
    }

    /// The next transaction, to be signed.
    pub fn draft(&mut self, plain: &Plain) -> Draft {
        if !self.sent.is_empty() && self.one_in(40) {
            let place = self.below(self.sent.len());
            return self.sent[place].clone();
        }
        let mut draft = self.good(plain);
        if self.one_in(10) {
            self.spoil(&mut draft, plain);
        }
        if self.sent.len() == REPLAYS {
            let place = self.below(REPLAYS);
            self.sent[place] = draft.clone();
        } else {
            self.sent.push(draft.clone());
        }
        draft
    }

    fn good(&mut self, plain: &Plain) -> Draft {
        let mix = match self.mix {
            Mix::Mixed => Mix::ALL[self.below(7)],
            other => other,
        };
        // Everybody needs some tokens to pay with, whatever the workload.
        let (payer, kind) = match mix {
            _ if self.one_in(8) => self.transfer(plain, None),
            Mix::Transfers | Mix::Mixed => self.transfer(plain, None),
            Mix::Hot => self.transfer(plain, Some(0)),
            Mix::Assets => self.assets(plain),
            Mix::Energy => self.energy(plain),
            Mix::MultiSig => self.multisig(plain),
            Mix::Coins => self.coins(plain),
            Mix::Objects => self.objects(plain),
        };
        let by_coins = match &kind {
            TransactionKind::Coins(coins) => coins.funds.is_empty() && !coins.inputs.is_empty(),
            _ => false,
        };
        let by_coins = by_coins && self.one_in(2);
        self.body(plain, payer, kind, by_coins)
    }

    /// A body that the payer's keys sign.
    fn body(&mut self, plain: &Plain, payer: usize, kind: TransactionKind, coins: bool) -> Draft {
        let address = self.addresses[payer];
        let valid_until = Height::new(plain.height + self.rng.below(4));
        let fee = self.rng.below(4);
        let nonce = plain.nonce(&address);
        let mut body = TransactionBody::new(self.chain_id, address, nonce, fee, valid_until, kind);
        let free = plain.energy.get(&address).map_or(0, |energy| energy.free_at(plain.height));
        if coins {
            body.payer = Payer::Coins { owner: address };
            take_fee(&mut body);
        } else if u128::from(fee) <= free && self.rng.below(2) == 0 {
            body.fee_mode = FeeMode::Energy;
        }
        let mut signers = vec![payer];
        if let Some((threshold, keys)) = plain.signers.get(&address) {
            body.authority = Authority::MultiSig;
            let first = self.below(keys.len());
            let mut chosen: Vec<PublicKey> =
                (0..usize::from(*threshold)).map(|nth| keys[(first + nth) % keys.len()]).collect();
            chosen.sort_unstable();
            signers = chosen.iter().map(|key| self.numbers[key]).collect();
        }
        Draft { body, signers }
    }

    fn transfer(&mut self, plain: &Plain, hot: Option<usize>) -> (usize, TransactionKind) {
        let mut payer = self.anybody();
        let mut left = plain.held(&self.addresses[payer], Asset::Native);
        let mut outputs = Vec::new();
        let drain = hot.is_some() && self.one_in(4);
        if drain {
            payer = 0;
            left = plain.held(&self.addresses[0], Asset::Native);
        }
        for _ in 0..=self.rng.below(3) {
            let to = match hot {
                Some(hot) if !drain => hot,
                _ => self.anybody(),
            };
            let amount = self.part_of(left);
            left = left.saturating_sub(amount.into());
            outputs.push(Output::native(self.addresses[to], amount));
        }
        (payer, TransactionKind::Transfer(Transfer::new(outputs)))
    }

    fn assets(&mut self, plain: &Plain) -> (usize, TransactionKind) {
        let made_up = AssetId::of_transaction(self.digest());
        let asset = near(&plain.assets, &made_up).map_or(made_up, |(id, _)| *id);
        let someone = (self.address(), Asset::Issued(asset));
        let holder = near(&plain.holdings, &someone).map(|(key, _)| *key);
        match self.rng.below(10) {
            0 if plain.assets.len() < 20 => {
                let cap = if self.one_in(4) { u64::MAX } else { 1 + self.rng.below(100_000) };
                let amount = self.rng.below(cap.min(1_000) + 1);
                let decimals = u8::try_from(self.rng.below(20)).expect("a few");
                (self.anybody(), TransactionKind::Issue(Issue::Create { decimals, cap, amount }))
            }
            0..=2 => {
                let known = plain.assets.get(&asset);
                let issuer = known.and_then(|known| self.owners.get(&known.issuer).copied());
                let room = known.map_or(10, |known| known.cap - known.issued);
                // The largest assets are never used up: a long run must have something to move.
                let most = if room > 1 << 60 { room / 2 } else { (room / 2).min(1_000_000) };
                let mint = |workload: &mut Self| Mint {
                    to: workload.address(),
                    amount: workload.part_of(most),
                };
                let mints = (0..=self.rng.below(2)).map(|_| mint(self)).collect();
                let issue = Issue::Mint { asset, mints: Bounded::new(mints) };
                let payer = issuer.unwrap_or(0);
                (payer, TransactionKind::Issue(issue))
            }
            draw => {
                let Some((who, asset)) = holder else { return self.transfer(plain, None) };
                let held = plain.held(&who, asset);
                let payer = self.owners[&who];
                if draw == 3 {
                    // Native tokens never come back, and without them nobody pays.
                    let most = if asset == Asset::Native { held.min(10) } else { held };
                    let burned = Amount { asset, amount: self.part_of(most) };
                    return (payer, TransactionKind::Burn(Burn { burned }));
                }
                let mut outputs = Vec::new();
                for _ in 0..=self.rng.below(2) {
                    let (to, amount) = (self.address(), self.part_of(held / 2));
                    outputs.push(Output { to, asset, amount });
                }
                outputs.push(Output::native(self.address(), 1));
                (payer, TransactionKind::transfer(outputs))
            }
        }
    }

    fn energy(&mut self, plain: &Plain) -> (usize, TransactionKind) {
        let payer = self.anybody();
        let address = self.addresses[payer];
        let energy = plain.energy.get(&address).cloned().unwrap_or_default();
        let held = plain.held(&address, Asset::Native);
        let ready = energy.unfreezing.iter().any(|(ready, _)| *ready <= plain.height);
        let action = match self.rng.below(8) {
            0 | 1 if ready => EnergyAction::Withdraw,
            2 if held > energy.frozen => EnergyAction::Freeze { amount: self.part_of(held / 4) },
            3 if energy.frozen > 0 && energy.unfreezing.len() < 8 => {
                EnergyAction::Unfreeze { amount: self.part_of(energy.frozen) }
            }
            4 if self.one_in(8) => EnergyAction::Unfreeze { amount: self.part_of(energy.frozen) },
            5 if self.one_in(8) => EnergyAction::Withdraw,
            _ => return self.transfer(plain, None),
        };
        (payer, TransactionKind::Energy(action))
    }

    fn multisig(&mut self, plain: &Plain) -> (usize, TransactionKind) {
        let payer = self.anybody();
        let has = plain.signers.contains_key(&self.addresses[payer]);
        let action = match self.rng.below(4) {
            0 if has => MultiSigAction::Clear,
            0 | 1 => {
                let mut keys: Vec<PublicKey> =
                    (0..=self.rng.below(4)).map(|_| self.key()).collect();
                keys.sort_unstable();
                keys.dedup();
                let threshold = 1 + self.below(keys.len());
                let threshold = u8::try_from(threshold).expect("a few");
                MultiSigAction::Set(Signers { threshold, keys: Bounded::new(keys) })
            }
            2 if self.one_in(4) => MultiSigAction::Clear,
            _ => {
                let (_, kind) = self.transfer(plain, None);
                return (payer, kind);
            }
        };
        (payer, TransactionKind::MultiSig(action))
    }

    fn coins(&mut self, plain: &Plain) -> (usize, TransactionKind) {
        let wanted = CoinId { transaction: self.digest(), index: 0 };
        let first = near(&plain.coins, &wanted).map(|(id, coin)| (*id, coin.owner));
        let Some((first, owner)) = first.filter(|_| plain.coins.len() > 40 || !self.one_in(3))
        else {
            return self.fund_coins(plain);
        };
        let same = |(id, coin): (&CoinId, &super::PlainCoin)| {
            (coin.owner == owner).then_some((*id, coin.amount))
        };
        let inputs: Vec<(CoinId, Amount)> =
            plain.coins.range(first..).take(20).filter_map(same).take(4).collect();
        let mut sums: BTreeMap<Asset, u64> = BTreeMap::new();
        for (_, amount) in &inputs {
            let sum = sums.entry(amount.asset).or_default();
            *sum = sum.saturating_add(amount.amount);
        }
        let (mut outputs, mut credits) = (Vec::new(), Vec::new());
        for (asset, sum) in sums {
            let to = self.address();
            let part = self.rng.below(sum.max(1)).min(sum - 1);
            let rest = Amount { asset, amount: sum - part };
            if part > 0 {
                outputs.push(CoinOutput { owner: to, amount: Amount { asset, amount: part } });
            }
            if plain.coins.len() > 60 || self.one_in(3) {
                credits.push(Output { to, asset, amount: rest.amount });
            } else {
                outputs.push(CoinOutput { owner, amount: rest });
            }
        }
        let coins = Coins {
            inputs: Bounded::new(inputs.iter().map(|(id, _)| *id).collect()),
            funds: Bounded::default(),
            outputs: Bounded::new(outputs),
            credits: Bounded::new(credits),
        };
        (self.owners[&owner], TransactionKind::Coins(coins))
    }

    /// Balances become coins.
    fn fund_coins(&mut self, plain: &Plain) -> (usize, TransactionKind) {
        let who = self.address();
        let asset = match near(&plain.assets, &AssetId::of_transaction(self.digest())) {
            Some((id, _)) if self.rng.below(2) == 0 => Asset::Issued(*id),
            _ => Asset::Native,
        };
        let held = plain.held(&who, asset);
        let fund = Amount { asset, amount: self.part_of(held) };
        let owner = self.address();
        let coins = Coins {
            inputs: Bounded::default(),
            funds: Bounded::new(vec![fund]),
            outputs: Bounded::new(vec![CoinOutput { owner, amount: fund }]),
            credits: Bounded::default(),
        };
        (self.owners[&who], TransactionKind::Coins(coins))
    }

    fn objects(&mut self, plain: &Plain) -> (usize, TransactionKind) {
        let wanted = ObjectId { transaction: self.digest(), index: 0 };
        let mut payer = self.anybody();
        let (mut owned, mut shared) = (Vec::new(), Vec::new());
        let found: Vec<_> = plain.objects.range(wanted..).take(3).collect();
        if let Some((_, object)) = found.first()
            && let ObjectOwner::Account(owner) | ObjectOwner::Shared { by: owner } = object.owner
        {
            payer = self.owners[&owner];
        }
        let who = self.addresses[payer];
        for (id, object) in found {
            match object.owner {
                ObjectOwner::Account(owner) if owner == who => {
                    let version = u64::try_from(object.version).expect("few versions");
                    owned.push(OwnedInput { id: *id, version });
                }
                ObjectOwner::Account(_) => {}
                ObjectOwner::Shared { .. } => {
                    shared.push(SharedInput { id: *id, is_written: !self.one_in(3) });
                }
                ObjectOwner::Frozen => shared.push(SharedInput { id: *id, is_written: false }),
            }
        }
        let mut actions = Vec::new();
        for place in 0..owned.len() {
            let crowded = plain.objects.len() > 60;
            let action = self.action(place, crowded);
            actions.push(action);
        }
        for (place, input) in shared.iter().enumerate() {
            if input.is_written {
                let (input, data) = (index(owned.len() + place), self.data());
                actions.push(if self.one_in(3) {
                    ObjectAction::Delete { input }
                } else {
                    ObjectAction::Mutate { input, data }
                });
            }
        }
        if actions.is_empty() || self.one_in(4) {
            let held = self.rng.below(6);
            let owner = self.address();
            actions.push(ObjectAction::Create { owner, held, data: self.data() });
        }
        let objects = Objects {
            owned: Bounded::new(owned),
            shared: Bounded::new(shared),
            actions: Bounded::new(actions),
        };
        (payer, TransactionKind::Objects(objects))
    }

    fn action(&mut self, place: usize, crowded: bool) -> ObjectAction {
        let input = index(place);
        match self.rng.below(8) {
            _ if crowded => ObjectAction::Delete { input },
            0..=2 => ObjectAction::Mutate { input, data: self.data() },
            3 | 4 => ObjectAction::Transfer { input, to: self.address() },
            5 => ObjectAction::Share { input },
            6 if self.one_in(4) => ObjectAction::Freeze { input },
            _ => ObjectAction::Delete { input },
        }
    }

    /// Makes something wrong with it, mostly.
    fn spoil(&mut self, draft: &mut Draft, plain: &Plain) {
        let (body, signers) = (&mut draft.body, &mut draft.signers);
        match self.rng.below(14) {
            0 => body.version = body.version.wrapping_add(1),
            1 => body.chain_id = ChainId::new(8),
            2 => body.valid_until = Height::new(plain.height.saturating_sub(1)),
            3 => signers.push(self.below(self.keys.len())),
            4 => {
                signers.pop();
            }
            5 => *signers = vec![self.below(self.keys.len())],
            6 => {
                body.authority = match body.authority {
                    Authority::Key => Authority::MultiSig,
                    Authority::MultiSig => Authority::Key,
                }
            }
            7 => {
                body.fee_mode = match body.fee_mode {
                    FeeMode::Native => FeeMode::Energy,
                    FeeMode::Energy => FeeMode::Native,
                }
            }
            8 => body.fee = [0, u64::MAX, 1 << 40][self.below(3)],
            9 => {
                if let Payer::Account { nonce, .. } = &mut body.payer {
                    *nonce = nonce.wrapping_add_signed([-1, 1, 2][self.below(3)]);
                }
            }
            10 => body.payer = Payer::Coins { owner: body.payer.address() },
            11 => {
                let address = self.address();
                body.payer = Payer::Account { address, nonce: plain.nonce(&address) };
            }
            _ => self.spoil_kind(&mut body.kind),
        }
    }

    fn spoil_kind(&mut self, kind: &mut TransactionKind) {
        let odd = [0, 1, u64::MAX, u64::MAX - 1][self.below(4)];
        match kind {
            TransactionKind::Transfer(transfer) => {
                let mut outputs = transfer.outputs.to_vec();
                match outputs.first_mut() {
                    Some(output) if !self.one_in(4) => output.amount = odd,
                    _ => outputs.clear(),
                }
                transfer.outputs = Bounded::new(outputs);
            }
            TransactionKind::Issue(Issue::Create { decimals, cap, amount }) => {
                (*decimals, *cap, *amount) = (20 * u8::from(self.one_in(2)), odd, odd / 2 + 1);
            }
            TransactionKind::Issue(Issue::Mint { asset, mints }) => {
                if self.one_in(2) {
                    *asset = AssetId::of_transaction(Digest::ZERO);
                } else if let Some(mint) = mints.first() {
                    *mints = Bounded::new(vec![*mint, Mint { amount: odd, ..*mint }]);
                }
            }
            TransactionKind::Burn(burn) => burn.burned.amount = odd,
            TransactionKind::Energy(action) => *action = EnergyAction::Unfreeze { amount: odd },
            TransactionKind::MultiSig(action) => {
                let (first, second) = if self.one_in(4) { (1, 0) } else { (0, 1) };
                let keys = vec![self.keys[first], self.keys[second]];
                let threshold = u8::try_from(self.rng.below(4)).expect("a few");
                *action = MultiSigAction::Set(Signers { threshold, keys: Bounded::new(keys) });
            }
            TransactionKind::Coins(coins) => self.spoil_coins(coins, odd),
            TransactionKind::Objects(objects) => self.spoil_objects(objects, odd),
        }
    }

    fn spoil_coins(&mut self, coins: &mut Coins, odd: u64) {
        let mut inputs = coins.inputs.to_vec();
        match (self.rng.below(4), inputs.first().copied()) {
            (0, Some(first)) => inputs.push(first),
            (1, Some(first)) => inputs[0] = CoinId { index: first.index + 1, ..first },
            (2, _) => {
                let fund = Amount { asset: Asset::Native, amount: odd };
                coins.funds = Bounded::new(vec![fund]);
            }
            _ => coins.outputs = Bounded::default(),
        }
        coins.inputs = Bounded::new(inputs);
    }

    fn spoil_objects(&mut self, objects: &mut Objects, odd: u64) {
        let mut owned = objects.owned.to_vec();
        let mut actions = objects.actions.to_vec();
        match (self.rng.below(5), owned.first().copied()) {
            (0, Some(first)) => owned[0].version = first.version.wrapping_sub(1),
            (1, Some(first)) => owned.push(first),
            (2, Some(first)) => {
                let shared = SharedInput { id: first.id, is_written: self.one_in(2) };
                owned.clear();
                objects.shared = Bounded::new(vec![shared]);
            }
            (3, Some(_)) => {
                actions.push(ObjectAction::Delete { input: 0 });
                actions.push(ObjectAction::Share { input: index(self.below(3)) });
            }
            (_, _) => {
                let owner = self.addresses[0];
                actions.push(ObjectAction::Create { owner, held: odd, data: self.data() });
            }
        }
        objects.owned = Bounded::new(owned);
        objects.actions = Bounded::new(actions);
    }

    /// Mostly some of it, now and then all of it, more than that, or nothing.
    fn part_of(&mut self, whole: u128) -> u64 {
        let whole = u64::try_from(whole).unwrap_or(u64::MAX);
        match self.rng.below(40) {
            0 => 0,
            1 => u64::MAX,
            2 => whole.saturating_add(1),
            3..=5 => whole,
            6..=20 => 1 + self.rng.below(8),
            _ => 1 + self.rng.below(whole / 4 + 1),
        }
    }

    fn data(&mut self) -> ObjectData {
        let byte = u8::try_from(self.rng.below(256)).expect("a byte");
        Bounded::new(vec![byte; self.below(5)])
    }

    fn digest(&mut self) -> Digest {
        let mut raw = [0; 32];
        raw[..8].copy_from_slice(&self.rng.next().to_le_bytes());
        Digest::new(raw)
    }

    fn anybody(&mut self) -> usize {
        self.below(self.keys.len())
    }

    fn address(&mut self) -> Address {
        let number = self.anybody();
        self.addresses[number]
    }

    fn key(&mut self) -> PublicKey {
        let number = self.anybody();
        self.keys[number]
    }

    fn one_in(&mut self, number: u64) -> bool {
        self.rng.below(number) == 0
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("a usize fits");
        usize::try_from(self.rng.below(bound)).expect("below a usize")
    }
}

/// Makes the first native output smaller by the fee, so that the coins pay it; no fee if there is none.
fn take_fee(body: &mut TransactionBody) {
    let fee = body.fee;
    let TransactionKind::Coins(coins) = &mut body.kind else { return };
    let mut outputs = coins.outputs.to_vec();
    let native = outputs
        .iter_mut()
        .find(|output| output.amount.asset == Asset::Native && output.amount.amount > fee);
    match native {
        Some(output) => output.amount.amount -= fee,
        None => body.fee = 0,
    }
    coins.outputs = Bounded::new(outputs);
}

fn index(place: usize) -> u8 {
    u8::try_from(place).expect("a few inputs")
}

/// The first entry from a key on, or the very first.
fn near<'a, K: Ord, V>(map: &'a BTreeMap<K, V>, key: &K) -> Option<(&'a K, &'a V)> {
    map.range((Bound::Included(key), Bound::Unbounded)).next().or_else(|| map.first_key_value())
}
