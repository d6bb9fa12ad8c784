//! What clients want: the bodies of their transactions, by pattern, with what each account believes it
//! holds.
//!
//! A wallet is hopeful: it counts on every transaction it has made. Where one is dropped or overtaken,
//! what builds on it fails or is skipped, as with real clients.

use quorate_core::{
    codec::Bounded,
    crypto::PublicKey,
    transaction::{
        Address, Amount, Asset, AssetId, Authority, Burn, CoinId, CoinOutput, Coins, EnergyAction,
        Issue, Mint, MultiSigAction, ObjectAction, ObjectId, Objects, Output, OwnedInput, Payer,
        SharedInput, Signers, TransactionBody, TransactionKind,
    },
    types::{ChainId, Height},
};

use super::keyed::Key;
use crate::scenario::{Pattern, Workload};

/// Heights within which a transaction must be executed.
const VALID_FOR: u64 = 1_000_000;

/// What a transaction pays for being carried.
const FEE: u64 = 1;

/// Whom a batch pays.
const BATCH: u64 = 16;

/// Most coins a wallet remembers.
const COINS_MAX: usize = 16;

/// Most shared objects that are known to everybody.
const SHARED_MAX: usize = 8;

/// A body and who has to sign it, by their places, in the order of their keys.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The account that pays, or whose coins do.
    pub payer: usize,
    /// The account's nonce.
    pub nonce: u64,
    /// What to sign.
    pub body: TransactionBody,
    /// By whom.
    pub signers: Vec<usize>,
}

/// What an account believes it has.
#[derive(Clone, Debug, Default)]
struct Wallet {
    nonce: u64,
    /// Who signs for it, if not its own key alone.
    signers: Option<Vec<usize>>,
    asset: Option<AssetId>,
    coins: Vec<(CoinId, u64)>,
    object: Option<OwnedInput>,
}

/// All accounts of the clients.
#[derive(Clone, Debug)]
pub struct Wallets {
    chain_id: ChainId,
    keys: Vec<PublicKey>,
    wallets: Vec<Wallet>,
    shared: Vec<ObjectId>,
    /// Transfers of the chain so far.
    links: u64,
    /// The last transaction that was made and that an account pays for.
    last: Option<Draft>,
}

mod purpose {
    pub(super) const PAYER: u64 = 1;
    pub(super) const PAYEE: u64 = 2;
    pub(super) const AMOUNT: u64 = 3;
    pub(super) const PATTERN: u64 = 10;
    pub(super) const WHAT: u64 = 11;
}

impl Wallets {
    /// Accounts with these keys, none of which has done anything yet.
    #[must_use]
    pub fn new(chain_id: ChainId, keys: Vec<PublicKey>) -> Self {
        let wallets = vec![Wallet::default(); keys.len()];
        Self { chain_id, keys, wallets, shared: Vec::new(), links: 0, last: None }
    }

    /// The body of one transaction, before anything is wrong with it. `key` and `number` decide all
    /// that is drawn.
    pub fn draft(&self, model: &Workload, key: Key, number: u64) -> Draft {
        let payer = place(key.at(number, purpose::PAYER), self.keys.len());
        #[cfg(feature = "planted-unordered-map")]
        let payer = super::planted::account_at(payer, self.keys.len());
        // Nearly all transfers go to the hot accounts, if there are any.
        let hot = usize::try_from(model.hot_accounts).expect("a count").min(self.keys.len());
        let draw = key.at(number, purpose::PAYEE);
        let among = if hot > 0 && !draw.is_multiple_of(10) { hot } else { self.keys.len() };
        let payee = place(key.within(1).at(number, purpose::PAYEE), among);
        let amount = 1 + key.below(number, purpose::AMOUNT, 100);
        let what = key.at(number, purpose::WHAT);
        let pays = |outputs: Vec<Output>| TransactionKind::transfer(outputs);
        let kind = match model.mix.pick(key.at(number, purpose::PATTERN)) {
            Pattern::P2p => pays(vec![Output::native(self.address(payee), amount)]),
            Pattern::Hot => pays(vec![Output::native(self.address(0), amount)]),
            Pattern::Chain => {
                let link = place(self.links, self.keys.len());
                let next = place(self.links + 1, self.keys.len());
                return self.of(link, FEE, pays(vec![Output::native(self.address(next), amount)]));
            }
            Pattern::Batch => {
                let many = key.within(2);
                let payee = |nth: u64| place(many.at(number, nth), self.keys.len());
                pays(
                    (0..BATCH)
                        .map(|nth| Output::native(self.address(payee(nth)), amount))
                        .collect(),
                )
            }
            Pattern::Replacement => {
                let kind = pays(vec![Output::native(self.address(payee), amount)]);
                // Whoever holds the last must refuse what pays no more.
                let haggles = what.is_multiple_of(4);
                return match &self.last {
                    Some(last) => {
                        let fee = last.body.fee.saturating_mul(if haggles { 1 } else { 2 });
                        Draft {
                            body: TransactionBody { fee, kind, ..last.body.clone() },
                            ..last.clone()
                        }
                    }
                    None => self.of(payer, FEE, kind),
                };
            }
            Pattern::Assets => self.assets(payer, payee, amount, what),
            Pattern::Energy => TransactionKind::Energy(match what % 4 {
                0 => EnergyAction::Unfreeze { amount },
                1 => EnergyAction::Withdraw,
                _ => EnergyAction::Freeze { amount: amount * 2 },
            }),
            Pattern::MultiSig => self.multisig(payer, payee, amount, what),
            Pattern::Coins => return self.coins(payer, payee, amount, what),
            Pattern::Objects => self.objects(payer, payee, amount, what),
        };
        self.of(payer, FEE, kind)
    }

    /// Takes note that a draft was signed as it is and handed in.
    pub fn made(&mut self, draft: &Draft) {
        let id = draft.body.id();
        let (payer, kind) = (draft.payer, &draft.body.kind);
        if draft.body.payer.nonce().is_some() {
            self.wallets[payer].nonce = self.wallets[payer].nonce.max(draft.nonce + 1);
            self.last = Some(draft.clone());
        }
        match kind {
            TransactionKind::Transfer(_) if payer == place(self.links, self.keys.len()) => {
                self.links += 1;
            }
            TransactionKind::Issue(Issue::Create { .. }) => {
                self.wallets[payer].asset = Some(AssetId::of_transaction(id));
            }
            TransactionKind::MultiSig(MultiSigAction::Set(signers)) => {
                let places = signers.keys.iter().filter_map(|key| self.place_of(key)).collect();
                self.wallets[payer].signers = Some(places);
            }
            TransactionKind::MultiSig(MultiSigAction::Clear) => self.wallets[payer].signers = None,
            TransactionKind::Coins(coins) => {
                let spent = |id: &CoinId| coins.inputs.contains(id);
                self.wallets[payer].coins.retain(|(id, _)| !spent(id));
                for (index, output) in (0..).zip(coins.outputs.iter()) {
                    let coin = (CoinId { transaction: id, index }, output.amount.amount);
                    if let Some(owner) = self.owner(&output.owner)
                        && self.wallets[owner].coins.len() < COINS_MAX
                    {
                        self.wallets[owner].coins.push(coin);
                    }
                }
            }
            TransactionKind::Objects(objects) => {
                let made = ObjectId { transaction: id, index: 0 };
                self.after_objects(payer, objects, made);
            }
            _ => {}
        }
    }

    fn after_objects(&mut self, payer: usize, objects: &Objects, made: ObjectId) {
        let input = objects.owned.first().copied();
        let moved = input.map(|input| OwnedInput { version: input.version + 1, ..input });
        match objects.actions.first() {
            Some(ObjectAction::Create { .. }) => {
                self.wallets[payer].object = Some(OwnedInput { id: made, version: 1 });
            }
            Some(ObjectAction::Mutate { .. }) if moved.is_some() => {
                self.wallets[payer].object = moved;
            }
            Some(ObjectAction::Transfer { to, .. }) => {
                self.wallets[payer].object = None;
                if let Some(to) = self.owner(to) {
                    self.wallets[to].object = moved;
                }
            }
            Some(ObjectAction::Share { .. }) => {
                self.wallets[payer].object = None;
                if self.shared.len() == SHARED_MAX {
                    self.shared.remove(0);
                }
                self.shared.extend(input.map(|input| input.id));
            }
            Some(ObjectAction::Delete { .. } | ObjectAction::Freeze { .. }) => {
                self.wallets[payer].object = None;
            }
            _ => {}
        }
    }

    /// An account's address.
    #[must_use]
    pub fn address(&self, account: usize) -> Address {
        Address::of_key(&self.keys[account])
    }

    fn place_of(&self, key: &PublicKey) -> Option<usize> {
        self.keys.iter().position(|one| one == key)
    }

    fn owner(&self, address: &Address) -> Option<usize> {
        (0..self.keys.len()).find(|account| self.address(*account) == *address)
    }

    fn of(&self, payer: usize, fee: u64, kind: TransactionKind) -> Draft {
        let wallet = &self.wallets[payer];
        let valid_until = Height::new(VALID_FOR);
        let (address, nonce) = (self.address(payer), wallet.nonce);
        let mut body = TransactionBody::new(self.chain_id, address, nonce, fee, valid_until, kind);
        let signers = match &wallet.signers {
            None => vec![payer],
            Some(signers) => {
                body.authority = Authority::MultiSig;
                signers.clone()
            }
        };
        Draft { payer, nonce, body, signers }
    }

    /// The account's own asset: made first, then minted, sent and burned.
    fn assets(&self, payer: usize, payee: usize, amount: u64, what: u64) -> TransactionKind {
        let Some(asset) = self.wallets[payer].asset else {
            return TransactionKind::Issue(Issue::Create {
                decimals: 2,
                cap: 100_000,
                amount: 1_000,
            });
        };
        let to = self.address(payee);
        match what % 4 {
            0 => TransactionKind::Issue(Issue::Mint {
                asset,
                mints: Bounded::new(vec![Mint { to, amount }]),
            }),
            1 => {
                let burned = Amount { asset: Asset::Issued(asset), amount: 1 };
                TransactionKind::Burn(Burn { burned })
            }
            _ => {
                let outputs = vec![Output { to, asset: Asset::Issued(asset), amount }];
                TransactionKind::transfer(outputs)
            }
        }
    }

    /// The account takes a second key, pays with both, and goes back to one.
    fn multisig(&self, payer: usize, payee: usize, amount: u64, what: u64) -> TransactionKind {
        let has = self.wallets[payer].signers.is_some();
        match what % 3 {
            0 if has => TransactionKind::MultiSig(MultiSigAction::Clear),
            0 | 1 if !has && payer != payee => {
                let mut keys = vec![self.keys[payer], self.keys[payee]];
                keys.sort_unstable();
                let signers = Signers { threshold: 2, keys: Bounded::new(keys) };
                TransactionKind::MultiSig(MultiSigAction::Set(signers))
            }
            _ => TransactionKind::transfer(vec![Output::native(self.address(payee), amount)]),
        }
    }

    /// Tokens become a coin, and coins become others or tokens again. Half the time they pay for it
    /// themselves, if they can.
    fn coins(&self, payer: usize, payee: usize, amount: u64, what: u64) -> Draft {
        let native = |amount: u64| Amount { asset: Asset::Native, amount };
        let (to, wallet) = (self.address(payee), &self.wallets[payer]);
        let mut coins_pay = false;
        let coins = match wallet.coins.first() {
            Some((coin, held)) if !what.is_multiple_of(3) => {
                coins_pay = (what >> 2).is_multiple_of(2) && *held > FEE;
                let left = held - if coins_pay { FEE } else { 0 };
                let part = left.div_ceil(2);
                let rest = left - part;
                let credits = (rest > 0).then(|| Output::native(self.address(payer), rest));
                Coins {
                    inputs: Bounded::new(vec![*coin]),
                    funds: Bounded::default(),
                    outputs: Bounded::new(vec![CoinOutput { owner: to, amount: native(part) }]),
                    credits: Bounded::new(credits.into_iter().collect()),
                }
            }
            _ => Coins {
                inputs: Bounded::default(),
                funds: Bounded::new(vec![native(amount)]),
                outputs: Bounded::new(vec![CoinOutput { owner: to, amount: native(amount) }]),
                credits: Bounded::default(),
            },
        };
        let mut draft = self.of(payer, FEE, TransactionKind::Coins(coins));
        if coins_pay {
            draft.body.payer = Payer::Coins { owner: self.address(payer) };
        }
        draft
    }

    /// Objects are made, changed, given away, shared and deleted; shared ones are changed by anybody.
    fn objects(&self, payer: usize, payee: usize, amount: u64, what: u64) -> TransactionKind {
        let data = Bounded::new(what.to_le_bytes().to_vec());
        let many = |owned: Vec<OwnedInput>, shared: Vec<SharedInput>, action: ObjectAction| {
            TransactionKind::Objects(Objects {
                owned: Bounded::new(owned),
                shared: Bounded::new(shared),
                actions: Bounded::new(vec![action]),
            })
        };
        if what.is_multiple_of(4)
            && let Some(id) = self.shared.get(place(what, self.shared.len()))
        {
            let shared = SharedInput { id: *id, is_written: true };
            return many(vec![], vec![shared], ObjectAction::Mutate { input: 0, data });
        }
        let Some(object) = self.wallets[payer].object else {
            let owner = self.address(payer);
            let create = ObjectAction::Create { owner, held: amount, data };
            return many(vec![], vec![], create);
        };
        let action = match (what >> 2) % 6 {
            0 | 1 => ObjectAction::Mutate { input: 0, data },
            2 => ObjectAction::Transfer { input: 0, to: self.address(payee) },
            3 => ObjectAction::Share { input: 0 },
            4 => ObjectAction::Freeze { input: 0 },
            _ => ObjectAction::Delete { input: 0 },
        };
        many(vec![object], vec![], action)
    }
}

/// A place in a list that a draw falls on; zero if it is empty.
pub fn place(draw: u64, length: usize) -> usize {
    let length = u64::try_from(length).expect("lists are short").max(1);
    usize::try_from(draw % length).expect("below a length")
}
