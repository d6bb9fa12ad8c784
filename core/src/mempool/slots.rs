//! Numbered places for things that come and go: what is freed last is taken first.

use borsh::{BorshDeserialize, BorshSerialize};

/// A place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub(super) struct Slot(u32);

/// Things by place. Takes as much memory as it ever held at once.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Slots<T> {
    places: Vec<Option<T>>,
    free: Vec<Slot>,
}

impl<T> Slots<T> {
    /// No places yet.
    pub(super) fn new() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }

    /// Puts a thing somewhere.
    pub(super) fn insert(&mut self, thing: T) -> Slot {
        if let Some(slot) = self.free.pop() {
            *self.place(slot) = Some(thing);
            return slot;
        }
        let slot = Slot(u32::try_from(self.places.len()).expect("far fewer than 2^32 are held"));
        self.places.push(Some(thing));
        slot
    }

    /// Takes a thing out.
    ///
    /// # Panics
    /// If nothing is there.
    pub(super) fn remove(&mut self, slot: Slot) -> T {
        let thing = self.place(slot).take().expect("only what is held is removed");
        self.free.push(slot);
        thing
    }

    /// The thing at a place.
    ///
    /// # Panics
    /// If nothing is there.
    pub(super) fn at(&self, slot: Slot) -> &T {
        let place = usize::try_from(slot.0).expect("a u32 fits");
        self.places[place].as_ref().expect("only what is held is looked at")
    }

    /// All of them, in the order of their places.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.places.iter().flatten()
    }

    fn place(&mut self, slot: Slot) -> &mut Option<T> {
        &mut self.places[usize::try_from(slot.0).expect("a u32 fits")]
    }
}
