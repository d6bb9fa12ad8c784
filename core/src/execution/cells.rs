//! All cells, with what commits to them kept up to date.
//!
//! Changes are gathered in an overlay and committed once per block, so a cell that a block touches a
//! thousand times costs one update, and a block that changes nothing costs nothing.

use std::{
    collections::BTreeMap,
    ops::{Add, Sub},
};

use borsh::{BorshDeserialize, BorshSerialize, io};

use crate::{
    execution::{
        assets::{AssetLedger, AssetSupply, Replaced},
        cell::{Cell, CellPath, Coin, System, element},
        commitment::Commitment,
        ledger::Flow,
        lthash::LtHash,
        undo::{RollbackError, Undo},
    },
    planted::planted,
    transaction::{Amount, Asset, AssetId},
    tree::{Change, Path, PathProof, Tree, subtree_root},
    types::{Digest, Height},
};

/// Where all native tokens are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Supply {
    /// In accounts.
    pub accounts: u128,
    /// Frozen for energy, or unfreezing.
    pub frozen: u128,
    /// In coins.
    pub coins: u128,
    /// In objects.
    pub objects: u128,
    /// At stake.
    pub stakes: u128,
    /// Taken as fees and not given to anyone yet.
    pub fees: u128,
    /// Destroyed.
    pub burned: u128,
}

impl Supply {
    /// Everything ever issued: it never changes after the genesis.
    #[must_use]
    pub fn total(&self) -> u128 {
        self.held() + self.stakes + self.fees + self.burned
    }

    /// What transactions can move.
    #[must_use]
    pub fn held(&self) -> u128 {
        self.accounts + self.frozen + self.coins + self.objects
    }

    /// What one cell holds.
    #[must_use]
    pub(super) fn of(cell: &Cell) -> Self {
        let none = Self::default();
        match cell {
            Cell::Account(account) => Self { accounts: account.balance.into(), ..none },
            Cell::System(System::Stake(amount)) => Self { stakes: (*amount).into(), ..none },
            Cell::System(System::Fees(amount)) => Self { fees: (*amount).into(), ..none },
            Cell::System(System::Burned(amount)) => Self { burned: (*amount).into(), ..none },
            Cell::Energy(energy) => Self { frozen: energy.tokens().into(), ..none },
            Cell::Coin(Coin { amount: Amount { asset: Asset::Native, amount }, .. }) => {
                Self { coins: (*amount).into(), ..none }
            }
            Cell::Object(object) => Self { objects: object.held.into(), ..none },
            Cell::Balance(_)
            | Cell::MultiSig(_)
            | Cell::Coin(_)
            | Cell::Asset(_)
            | Cell::System(System::Offence(_)) => none,
        }
    }
}

impl Add for Supply {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            accounts: self.accounts + other.accounts,
            frozen: self.frozen + other.frozen,
            coins: self.coins + other.coins,
            objects: self.objects + other.objects,
            stakes: self.stakes + other.stakes,
            fees: self.fees + other.fees,
            burned: self.burned + other.burned,
        }
    }
}

impl Sub for Supply {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            accounts: self.accounts - other.accounts,
            frozen: self.frozen - other.frozen,
            coins: self.coins - other.coins,
            objects: self.objects - other.objects,
            stakes: self.stakes - other.stakes,
            fees: self.fees - other.fees,
            burned: self.burned - other.burned,
        }
    }
}

/// Every cell there is.
#[derive(Clone, Debug)]
pub(super) struct Cells {
    map: BTreeMap<CellPath, Cell>,
    tree: Tree,
    lanes: LtHash,
    commitment: Commitment,
    assets: AssetLedger,
    undo: Undo,
}

impl Default for Cells {
    fn default() -> Self {
        let lanes = LtHash::new();
        let commitment =
            Commitment { root: Digest::ZERO, lanes: lanes.digest(), supply: Supply::default() };
        let (map, tree) = (BTreeMap::new(), Tree::new());
        let (assets, undo) = (AssetLedger::default(), Undo::default());
        Self { map, tree, lanes, commitment, assets, undo }
    }
}

impl Cells {
    pub(super) fn read(&self, path: &CellPath) -> Option<&Cell> {
        self.map.get(path)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Cell> {
        self.map.values()
    }

    /// Cells from a path on, ascending.
    pub(super) fn range(&self, from: CellPath) -> impl Iterator<Item = (&CellPath, &Cell)> {
        self.map.range(from..)
    }

    pub(super) fn digest(&self) -> Digest {
        self.commitment.root
    }

    pub(super) fn commitment(&self) -> &Commitment {
        &self.commitment
    }

    pub(super) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The element of a leaf of the tree.
    ///
    /// # Panics
    /// If there is no cell at that path.
    pub(super) fn element_at(&self, path: &Path) -> Digest {
        let path = CellPath::from_raw(*path);
        element(&path, self.read(&path).expect("a leaf of the tree is a cell"))
    }

    pub(super) fn supply(&self) -> Supply {
        self.commitment.supply
    }

    /// Where the tokens of every asset are of which anything was ever issued.
    pub(super) fn asset_supplies(&self) -> &BTreeMap<AssetId, AssetSupply> {
        self.assets.supplies()
    }

    /// The same, counted cell by cell.
    pub(super) fn recounted_assets(&self) -> AssetLedger {
        AssetLedger::of(self.map.values())
    }

    /// An asset of which not all that was issued is there.
    pub(super) fn unbalanced_asset(&self) -> Option<(AssetId, AssetSupply)> {
        self.assets.unbalanced()
    }

    /// Puts new cells in place of old ones, or removes them. What was there is not remembered.
    ///
    /// # Panics
    /// If the changes are not in strictly ascending order of paths, or a cell is at a path of another kind.
    pub(super) fn commit(&mut self, changes: Vec<(CellPath, Option<Cell>)>) {
        drop(self.replace(changes));
    }

    /// As [`Self::commit`], and remembers for a while what was there before this height. `flows` is
    /// what the block's transactions moved of issued assets.
    ///
    /// # Panics
    /// As [`Self::commit`], and if tokens of an issued asset appear or vanish.
    pub(super) fn commit_block(
        &mut self,
        height: Height,
        changes: Vec<(CellPath, Option<Cell>)>,
        flows: &BTreeMap<AssetId, Flow>,
    ) {
        let (before, assets) = self.replace(changes);
        self.assets.check(&assets, flows);
        self.undo.push(height, before);
    }

    /// Takes back all blocks above `height`.
    ///
    /// # Errors
    /// If some of them are no longer remembered; then nothing changes.
    pub(super) fn rollback(&mut self, height: Height) -> Result<(), RollbackError> {
        for before in self.undo.take_above(height)? {
            drop(self.replace(before));
        }
        Ok(())
    }

    /// What was at a path after `height`, with the proof of it in the tree of then. `None` if that is not
    /// remembered, or if what was replaced since is more than `replaced_max` cells.
    pub(super) fn prove_past(
        &self,
        path: &CellPath,
        height: Height,
        replaced_max: usize,
    ) -> Option<(Option<Cell>, PathProof)> {
        let above = || self.undo.above(height).ok();
        let replaced: usize = above()?.map(<[_]>::len).sum();
        if replaced > replaced_max {
            return None;
        }
        // From the newest to the oldest, so that what was there first is what remains.
        let mut past: BTreeMap<&CellPath, Option<&Cell>> = BTreeMap::new();
        for (path, cell) in above()?.flatten() {
            past.insert(path, cell.as_ref());
        }
        let changes: Vec<Change> = past
            .iter()
            .map(|(path, cell)| Change {
                path: *path.get(),
                value: cell.map(|cell| element(path, cell)),
            })
            .collect();
        let then = |path: &CellPath| past.get(path).copied().unwrap_or_else(|| self.read(path));
        let value_of = |path: &Path| {
            let path = CellPath::from_raw(*path);
            element(&path, then(&path).expect("a leaf of the tree is a cell"))
        };
        let proof = self.tree.prove_with(&changes, path.get(), value_of);
        Some((then(path).cloned(), proof))
    }

    /// Starts to remember at `height`: what was before it was never here.
    pub(super) fn begin_at(&mut self, height: Height) {
        self.undo = Undo::from(height);
    }

    /// Puts back what is remembered of earlier blocks.
    pub(super) fn recall(&mut self, undo: Undo) {
        self.undo = undo;
    }

    /// Makes changes, and returns how to take them back and what they did to issued assets.
    fn replace(
        &mut self,
        changes: Vec<(CellPath, Option<Cell>)>,
    ) -> (Vec<(CellPath, Option<Cell>)>, Replaced) {
        let (mut before, mut after) = (Supply::default(), Supply::default());
        let mut assets = Replaced::default();
        let mut replaced = Vec::with_capacity(changes.len());
        let mut elements = Vec::with_capacity(changes.len());
        for (path, cell) in changes {
            let new = cell.as_ref().map(|cell| {
                assert_eq!(path.get()[0], cell.kind().code(), "{path:?} cannot hold {cell:?}");
                after = after + Supply::of(cell);
                assets.count(None, Some(cell));
                element(&path, cell)
            });
            let old = match cell {
                Some(cell) => self.map.insert(path, cell),
                None => self.map.remove(&path),
            };
            let gone = old.as_ref().map(|old| {
                before = before + Supply::of(old);
                assets.count(Some(old), None);
                element(&path, old)
            });
            if gone != new {
                gone.iter().for_each(|gone| self.lanes.remove(gone));
                new.iter().for_each(|new| self.lanes.add(new));
                elements.push(Change { path: *path.get(), value: new });
                replaced.push((path, old));
            }
        }
        if elements.is_empty() {
            return (replaced, assets);
        }
        self.assets.apply(&assets);
        if elements.len() > 2 && planted!(RootSkipsCell) {
            elements.pop();
        }
        self.tree.update(&elements);
        let supply = self.commitment.supply + after - before;
        let (root, lanes) = (self.tree.root(), self.lanes.digest());
        self.commitment = Commitment { root, lanes, supply };
        (replaced, assets)
    }

    /// The commitment, worked out from nothing but the cells and the definitions.
    pub(super) fn recomputed(&self) -> Commitment {
        let (mut lanes, mut supply) = (LtHash::new(), Supply::default());
        let mut leaves = Vec::with_capacity(self.map.len());
        for (path, cell) in &self.map {
            let element = element(path, cell);
            lanes.add(&element);
            supply = supply + Supply::of(cell);
            leaves.push((*path.get(), element));
        }
        Commitment { root: subtree_root(0, &leaves), lanes: lanes.digest(), supply }
    }
}

impl FromIterator<(CellPath, Cell)> for Cells {
    /// Cells in ascending order of paths.
    fn from_iter<I: IntoIterator<Item = (CellPath, Cell)>>(cells: I) -> Self {
        let mut own = Self::default();
        let all = cells.into_iter().map(|(path, cell)| (path, Some(cell)));
        own.commit(all.collect());
        own
    }
}

/// Equal if the cells are. What is remembered of earlier blocks does not count.
impl PartialEq for Cells {
    fn eq(&self, other: &Self) -> bool {
        self.commitment == other.commitment
            && self.map == other.map
            && self.tree == other.tree
            && self.lanes == other.lanes
            && self.assets == other.assets
    }
}

impl Eq for Cells {}

impl BorshSerialize for Cells {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        self.map.serialize(writer)?;
        self.assets.serialize(writer)?;
        self.undo.serialize(writer)
    }
}

impl BorshDeserialize for Cells {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let map = BTreeMap::<CellPath, Cell>::deserialize_reader(reader)?;
        if map.iter().any(|(path, cell)| path.get()[0] != cell.kind().code()) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let assets = AssetLedger::deserialize_reader(reader)?;
        let undo = Undo::deserialize_reader(reader)?;
        let own = Self { undo, ..map.into_iter().collect() };
        // What was kept block by block is what the cells come to now, or one of them was changed.
        if own.assets != assets || assets.unbalanced().is_some() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(own)
    }
}

#[cfg(test)]
mod tests;
