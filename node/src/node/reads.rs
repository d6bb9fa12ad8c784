//! Reads of the store for whoever asks: as many at a time as the machine can do at once, the others in turn.
//!
//! More threads than processors would only take time from the replica, and more than a few hundred that wait
//! would only be answered when nobody listens any more: those are turned away. Reads that walk over much of
//! the database have a place of their own, so that they hold up only each other.

use std::{num::NonZeroUsize, sync::Arc, thread::available_parallelism};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};

use crate::{
    driver::Unavailable,
    store::{Store, guard},
};

/// Reads that may wait or run at once.
const READS_MAX: usize = 512;

/// Walks over much of the database that may run at once.
const WALKS_MAX: usize = 2;

/// The way to the store for readers. Cloning shares.
#[derive(Clone, Debug)]
pub(super) struct ReadDesk {
    store: Store,
    /// Of those that wait or run.
    places: Arc<Semaphore>,
    /// Of those that run.
    turns: Arc<Semaphore>,
    walks: Arc<Semaphore>,
}

impl ReadDesk {
    pub(super) fn new(store: Store) -> Self {
        let turns = available_parallelism().map_or(1, NonZeroUsize::get);
        Self::with(store, turns, READS_MAX)
    }

    fn with(store: Store, turns: usize, places: usize) -> Self {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self {
            store,
            places: semaphore(places),
            turns: semaphore(turns),
            walks: semaphore(WALKS_MAX),
        }
    }

    /// Reads, when it is its turn.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Store) -> T + Send + 'static,
    ) -> Result<T, Unavailable> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| Unavailable::Busy)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| Unavailable::Stopping)?;
        self.run(read, (place, turn)).await
    }

    /// Walks over much of the database, if nobody else does.
    pub(super) async fn walk<T: Send + 'static>(
        &self,
        walk: impl FnOnce(&Store) -> T + Send + 'static,
    ) -> Result<T, Unavailable> {
        let place: OwnedSemaphorePermit =
            Arc::clone(&self.walks).try_acquire_owned().map_err(|_| Unavailable::Busy)?;
        self.run(walk, place).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> T + Send + 'static,
        places: impl Send + 'static,
    ) -> Result<T, Unavailable> {
        let store = self.store.clone();
        let done = spawn_blocking(move || {
            let found = guard::permit(|| work(&store));
            drop(places);
            found
        });
        done.await.map_err(|_| Unavailable::Stopping)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use futures_util::FutureExt as _;

    use quorate_core::testing::cast::Cast;

    use super::*;
    use crate::store::StoreOptions;

    /// Walks that do not end take nothing from reads; reads run one at a time here, wait for each other, and
    /// one too many is turned away.
    #[tokio::test]
    async fn reads_take_turns() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(
            &folder.path().join("db"),
            Cast::equal(4).genesis(),
            &StoreOptions::default(),
        );
        let store = store.expect("a new store");
        let desk = ReadDesk::with(store, 1, 2);
        let hold = || {
            let (release, held) = channel::<()>();
            (release, move |_: &Store| held.recv().expect_err("nothing is sent"))
        };
        let spawn_walk = || {
            let ((release, held), desk) = (hold(), desk.clone());
            (release, tokio::spawn(async move { desk.walk(held).await }))
        };
        let walks = [spawn_walk(), spawn_walk()];
        while desk.walks.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(desk.walk(|_| ()).await, Err(Unavailable::Busy));
        assert_eq!(desk.read(|_| 7).await, Ok(7), "walks are not in the way of reads");

        let (release, held) = hold();
        let mut first = Box::pin(desk.read(held));
        assert!(first.as_mut().now_or_never().is_none());
        let mut second = Box::pin(desk.read(|_| 8));
        assert!(second.as_mut().now_or_never().is_none());
        assert_eq!(desk.read(|_| 9).await, Err(Unavailable::Busy));
        drop(release);
        assert!(first.await.is_ok());
        assert_eq!(second.await, Ok(8));
        for (release, walk) in walks {
            drop(release);
            assert!(walk.await.expect("no panic").is_ok());
        }
    }
}
