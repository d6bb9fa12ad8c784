//! The store against the fold it stands for: after any sequence of records, batches, restarts and pruning,
//! reads and recovery give what [`Stored`] gives.

use proptest::prelude::*;
use quorate_core::{
    certificate::Certificate,
    codec::Bounded,
    evidence::Evidence,
    proof::CommitProof,
    store::{Archive, Finalized, Stored},
    testing::cast::{self, checkpoint, nullify},
    vote::Kind,
};

use super::*;

const HEIGHTS: u64 = 5;

/// One thing that happens. Numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Step {
    /// The block of a height, or one that competes with it.
    Block {
        height: u64,
        loses: bool,
    },
    /// A certificate of a view.
    Certificate {
        view: u64,
        kind: u8,
    },
    /// Finality goes so many heights further, on the way to a tip that may be higher still.
    Finalize {
        by: u64,
        tip_beyond: u64,
    },
    /// A proof, whole or not, by the height's own view or a later one.
    Proof {
        height: u64,
        is_whole: bool,
        through_later: bool,
    },
    Evidence {
        signer: u16,
    },
    Checkpoint {
        height: u64,
    },
    /// A record that was appended before, again: a restart does so.
    Again {
        which: usize,
    },
    /// What was recorded so far goes to the disk in one go.
    Append,
    Reopen,
    Prune {
        height: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let height = 1..=HEIGHTS;
    prop_oneof![
        5 => (height.clone(), any::<bool>()).prop_map(|(height, loses)| Step::Block { height, loses }),
        4 => (1..=HEIGHTS + 2, 0..3u8).prop_map(|(view, kind)| Step::Certificate { view, kind }),
        4 => (1..3u64, 0..3u64).prop_map(|(by, tip_beyond)| Step::Finalize { by, tip_beyond }),
        3 => (height.clone(), any::<bool>(), any::<bool>()).prop_map(
            |(height, is_whole, through_later)| Step::Proof { height, is_whole, through_later }
        ),
        1 => (0..4u16).prop_map(|signer| Step::Evidence { signer }),
        1 => height.clone().prop_map(|height| Step::Checkpoint { height }),
        3 => any::<usize>().prop_map(|which| Step::Again { which }),
        4 => Just(Step::Append),
        1 => Just(Step::Reopen),
        1 => height.prop_map(|height| Step::Prune { height }),
    ]
}

/// Both, side by side.
struct Pair {
    stage: Stage,
    losers: Vec<Arc<Block>>,
    stored: Stored,
    /// `None` only between closing and opening.
    store: Option<Store>,
    batches: Vec<Vec<Record>>,
    past: Vec<Record>,
}

impl Pair {
    fn new() -> Self {
        let stage = Stage::new(HEIGHTS);
        let lose = |link: &Link| {
            let header = link.block.header();
            stage.cast.block(header.height.get(), header.parent, vec![])
        };
        let losers = stage.links.iter().map(lose).collect();
        let store = Some(stage.open());
        let (batches, past) = (Vec::new(), Vec::new());
        Self { stage, losers, stored: Stored::default(), store, batches, past }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().expect("open")
    }

    fn head(&self) -> u64 {
        self.stored.archive.last_key_value().map_or(0, |(height, _)| height.get())
    }

    fn record(&mut self, record: Record) {
        self.stored.apply(&record);
        self.past.push(record.clone());
        self.batches.push(vec![record]);
    }

    fn append(&mut self) {
        let batches = std::mem::take(&mut self.batches);
        self.store().append(&batches).expect("a disk that works");
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Block { height, loses } => {
                let place = usize::try_from(height - 1).expect("a short chain");
                let winner = &self.stage.links[place].block;
                let block = if loses { &self.losers[place] } else { winner };
                self.record(Record::Block(Arc::clone(block)));
            }
            Step::Certificate { view, kind } => {
                let certificate = self.certificate(view, kind);
                self.record(Record::Certificate(certificate));
            }
            Step::Finalize { by, tip_beyond } => self.finalize(by, tip_beyond),
            Step::Proof { height, is_whole, through_later } => {
                let mut proof = self.stage.link(height).proof();
                if !is_whole {
                    proof = CommitProof { notarization: None, ..proof };
                }
                if through_later {
                    proof.candidate.view = View::new(100 + height);
                    proof.nullifications = Bounded::default();
                }
                self.record(Record::Proof(proof));
            }
            Step::Evidence { signer } => {
                let votes =
                    [1, 2].map(|name| self.stage.cast.vote(signer, cast::notarize(3, name)));
                let evidence = Evidence::of(&votes[0], &votes[1]).expect("they conflict");
                self.record(Record::Evidence(evidence));
            }
            Step::Checkpoint { height } => {
                let certificate = self.stage.cast.unanimous(checkpoint(height, 1));
                self.record(Record::Checkpoint(certificate));
            }
            Step::Again { which } => {
                let again = self.past.get(which % self.past.len().max(1)).cloned();
                // A proof replaces what is there, so an old one again is another history.
                if let Some(record) = again {
                    self.record(record);
                }
            }
            Step::Append => self.append(),
            Step::Reopen => {
                self.append();
                self.store = None;
                self.store = Some(self.stage.open());
            }
            Step::Prune { height } => self.prune(height),
        }
    }

    fn certificate(&self, view: u64, kind: u8) -> Certificate {
        let nullification = || self.stage.cast.unanimous(nullify(view));
        if view > HEIGHTS {
            return nullification();
        }
        let link = self.stage.link(view);
        match kind {
            0 => link.notarization.clone(),
            1 => nullification(),
            _ => link.finalization.clone(),
        }
    }

    fn finalize(&mut self, by: u64, tip_beyond: u64) {
        let from = self.head() + 1;
        let to = (self.head() + by).min(HEIGHTS);
        if from > to {
            return;
        }
        for height in from..=to {
            let block = Arc::clone(&self.stage.link(height).block);
            self.record(Record::Block(block));
        }
        let tip = self.stage.link((to + tip_beyond).min(HEIGHTS));
        let block = |height: u64| (Height::new(height), self.stage.link(height).block.digest());
        let advance = Finalized {
            tip: tip.candidate,
            certificate: tip.finalization.clone(),
            blocks: (from..=to).map(block).collect(),
        };
        self.record(Record::Finalized(advance));
    }

    fn prune(&mut self, height: u64) {
        self.append();
        let tip = self.stored.finalized.as_ref().map_or(Height::ZERO, |(_, height)| *height);
        let bound = Height::new(height).min(tip);
        self.stored.prune_below(bound);
        if bound > Height::ZERO {
            self.store().prune_to(bound).expect("a disk that works");
        }
    }

    /// Everything that can be asked.
    fn compare(&self) {
        let (store, stored) = (self.store(), &self.stored);
        for height in (0..=HEIGHTS + 1).map(Height::new) {
            assert_eq!(store.at_height(height), stored.at_height(height), "at {height}");
        }
        for view in (0..=HEIGHTS + 3).chain([100, 100 + HEIGHTS, 200]).map(View::new) {
            assert_eq!(store.proof_at_view(view), stored.proof_at_view(view), "at {view}");
            for kind in Kind::ALL {
                let (ours, theirs) =
                    (store.certificate(view, kind), stored.certificate(view, kind));
                assert_eq!(ours, theirs, "{kind:?} at {view}");
            }
        }
        let blocks = self.stage.links.iter().map(|link| &link.block).chain(&self.losers);
        for digest in blocks.map(|block| block.digest()) {
            assert_eq!(store.by_digest(&digest), stored.by_digest(&digest), "{digest:?}");
        }
        let rows = store.consensus_rows().expect("a good store");
        assert_eq!(rows.recovered(signer(), vec![]), stored.recover(signer(), vec![]));
        assert_eq!(store.failure(), None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn store_is_the_fold(steps in prop::collection::vec(step(), 1..40)) {
        let mut pair = Pair::new();
        for step in steps {
            let is_settled = matches!(step, Step::Append | Step::Reopen | Step::Prune { .. });
            pair.take(step);
            if is_settled {
                pair.compare();
            }
        }
        pair.take(Step::Reopen);
        pair.compare();
    }
}

/// What is kept in memory after any number of records is what is read when the store is opened.
#[test]
fn memory_is_what_a_restart_reads() {
    let mut pair = Pair::new();
    for by in [1, 2, 2] {
        pair.take(Step::Block { height: 3, loses: true });
        pair.take(Step::Certificate { view: 7, kind: 1 });
        pair.take(Step::Finalize { by, tip_beyond: 1 });
        pair.take(Step::Proof { height: 1, is_whole: false, through_later: false });
        pair.take(Step::Evidence { signer: 2 });
        pair.take(Step::Append);
        let loaded = Index::load(&pair.store().0.database).expect("a good store");
        assert_eq!(*pair.store().index(), loaded);
    }
}

#[test]
fn records_out_of_order_are_a_panic() {
    let stage = Stage::new(3);
    let store = stage.open();
    let unrecorded = panic_of(|| drop(store.append(&[vec![stage.links[0].finalized()]])));
    assert!(unrecorded.contains("I6"), "{unrecorded}");
    drop(store);
    let store = stage.filled(1, 0);
    store.append(&[stage.links[2].recorded()]).expect("a disk that works");
    let skipped = panic_of(|| drop(store.append(&[vec![stage.links[2].finalized()]])));
    assert!(skipped.contains("I5"), "{skipped}");
}
