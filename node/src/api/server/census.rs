//! How many there are, in all and for each address.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use super::{super::problem::Problem, full};
use crate::network::site;

/// Counts what addresses hold. Clones count together.
#[derive(Clone, Debug)]
pub(crate) struct Census(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    all_max: usize,
    each_max: usize,
    held: Mutex<BTreeMap<IpAddr, usize>>,
}

/// Counts while it lives.
#[derive(Debug)]
pub(crate) struct Counted {
    census: Census,
    of: IpAddr,
}

impl Census {
    /// Nobody yet.
    pub(crate) fn new(all_max: usize, each_max: usize) -> Self {
        Self(Arc::new(Inner { all_max, each_max, held: Mutex::default() }))
    }

    /// One more of an address.
    ///
    /// # Errors
    /// If that would be one too many.
    pub(crate) fn admit(&self, from: IpAddr) -> Result<Counted, Problem> {
        let of = site(from);
        let mut held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.values().sum::<usize>() >= self.0.all_max {
            let detail = format!(
                "{} connections or streams are open, which is all there may be: try again later",
                self.0.all_max
            );
            return Err(full(&detail));
        }
        let own = held.entry(of).or_default();
        if *own >= self.0.each_max {
            return Err(Problem::too_many(format!(
                "{of} holds {own} connections or streams, which is all one address may: close some",
            )));
        }
        *own += 1;
        drop(held);
        Ok(Counted { census: self.clone(), of })
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut held = self.census.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        let own = held.get_mut(&self.of).expect("what is counted was counted in");
        *own -= 1;
        if *own == 0 {
            held.remove(&self.of);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each address has its share, all together have theirs, and what is dropped is free again.
    #[test]
    fn counts_each_and_all() {
        let census = Census::new(3, 2);
        let (one, other) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let first = census.admit(one).expect("the first");
        let _second = census.admit(one).expect("the second");
        assert_eq!(census.admit(one).expect_err("two is all").status, 429);
        let _third = census.admit(other).expect("another's");
        assert_eq!(census.admit(other).expect_err("three is all").status, 503);
        drop(first);
        assert_eq!(census.count(), 2);
        let _again = census.admit(one).expect("a place is free again");
    }
}
