//! Many at once, for those who have threads.
//!
//! The core has none: a driver brings a pool of its own behind [`Parallel`]. Whatever it does, the
//! answer is the one a plain loop gives.

/// Applies a pure function to many items.
pub trait Parallel {
    /// One result per item, in the items' order.
    fn map<T, R, F>(&self, items: &[T], f: F) -> Vec<R>
    where
        T: Sync,
        R: Send,
        F: Fn(&T) -> R + Sync;
}

/// A plain loop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inline;

impl Parallel for Inline {
    fn map<T, R, F>(&self, items: &[T], f: F) -> Vec<R>
    where
        T: Sync,
        R: Send,
        F: Fn(&T) -> R + Sync,
    {
        items.iter().map(f).collect()
    }
}
