//! Objects: versioned pieces of data with an owner, which may hold tokens.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    codec::Bounded,
    transaction::{Address, Fault, asset::sum},
    types::Digest,
};

/// Bytes of the largest object's data.
pub const OBJECT_DATA_MAX: usize = 4096;

/// Objects of the payer that one transaction may use.
pub const OWNED_MAX: usize = 16;

/// Objects of nobody that one transaction may use.
pub const SHARED_MAX: usize = 16;

/// Actions of one transaction.
pub const ACTIONS_MAX: usize = 8;

/// Whatever an object is to hold; means nothing here.
pub type ObjectData = Bounded<u8, OBJECT_DATA_MAX>;

/// An object's name: which transaction made it, and as its how-manieth.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct ObjectId {
    /// The id of the transaction that made it.
    pub transaction: Digest,
    /// Its place among that transaction's objects, from zero.
    pub index: u32,
}

/// An object of the payer, as the payer knows it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct OwnedInput {
    /// The object.
    pub id: ObjectId,
    /// The version it must still have.
    pub version: u64,
}

/// A shared or frozen object, of whatever version it has when its turn comes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct SharedInput {
    /// The object.
    pub id: ObjectId,
    /// Whether it may be changed; if so, it gets a new version, changed or not.
    pub is_written: bool,
}

/// Who may do what with an object.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum ObjectOwner {
    /// Only this account may use it.
    Account(Address) = 0,
    /// Anybody may change its data; freezing and deleting it is left to whoever shared it.
    Shared {
        /// Who shared it.
        by: Address,
    } = 1,
    /// Anybody may read it, and nobody ever changes it.
    Frozen = 2,
}

/// One step. Inputs are counted from zero, the owned ones first.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum ObjectAction {
    /// Makes an object of the payer's.
    Create {
        /// Who gets it.
        owner: Address,
        /// Native tokens of the payer's to put into it. Whoever deletes it gets them.
        held: u64,
        /// What is in it.
        data: ObjectData,
    } = 0,
    /// Replaces an input's data.
    Mutate {
        /// Which input.
        input: u8,
        /// What is in it from now on.
        data: ObjectData,
    } = 1,
    /// Gives an input to somebody.
    Transfer {
        /// Which input.
        input: u8,
        /// Who gets it.
        to: Address,
    } = 2,
    /// Shares an input with everybody.
    Share {
        /// Which input.
        input: u8,
    } = 3,
    /// Makes an input unchangeable.
    Freeze {
        /// Which input.
        input: u8,
    } = 4,
    /// Deletes an input; what it held goes to the payer's account.
    Delete {
        /// Which input.
        input: u8,
    } = 5,
}

/// Makes and changes objects. Every owned input and every written one gets the same new version: one
/// above the highest of all inputs, so that no version of an object comes twice.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Objects {
    /// The payer's own objects, strictly ascending by id.
    pub owned: Bounded<OwnedInput, OWNED_MAX>,
    /// Shared and frozen objects, strictly ascending by id.
    pub shared: Bounded<SharedInput, SHARED_MAX>,
    /// What to do, in order.
    pub actions: Bounded<ObjectAction, ACTIONS_MAX>,
}

impl ObjectAction {
    /// The input that it is about; `None` if it makes an object.
    #[must_use]
    pub fn input(&self) -> Option<usize> {
        match self {
            Self::Create { .. } => None,
            Self::Mutate { input, .. }
            | Self::Transfer { input, .. }
            | Self::Share { input }
            | Self::Freeze { input }
            | Self::Delete { input } => Some(usize::from(*input)),
        }
    }
}

impl Objects {
    /// How many objects it makes.
    #[must_use]
    pub fn created(&self) -> usize {
        self.actions.iter().filter(|action| action.input().is_none()).count()
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
        if self.actions.is_empty() {
            return Err(Fault::NoOutputs);
        }
        if !self.owned.is_sorted_by(|a, b| a.id < b.id) {
            return Err(Fault::NotAscending);
        }
        if !self.shared.is_sorted_by(|a, b| a.id < b.id) {
            return Err(Fault::NotAscending);
        }
        let is_owned = |id: &ObjectId| self.owned.iter().any(|owned| owned.id == *id);
        if self.shared.iter().any(|shared| is_owned(&shared.id)) {
            return Err(Fault::NotAscending);
        }
        self.actions.iter().filter_map(ObjectAction::input).try_for_each(|at| self.check_input(at))
    }

    pub(super) fn native_debit(&self) -> Result<u64, Fault> {
        sum(self.actions.iter().map(|action| match action {
            ObjectAction::Create { held, .. } => *held,
            _ => 0,
        }))
    }

    fn check_input(&self, input: usize) -> Result<(), Fault> {
        let Some(place) = input.checked_sub(self.owned.len()) else { return Ok(()) };
        match self.shared.get(place) {
            None => Err(Fault::NoSuchInput),
            Some(shared) if !shared.is_written => Err(Fault::ReadOnlyInput),
            Some(_) => Ok(()),
        }
    }
}
