//! `quorate db` on the database of a stopped node.

use std::fs;

use super::{good, run, shown};
use crate::{
    exit::Exit,
    genesis,
    store::{Store, StoreOptions},
};

/// A copy is good in place of what it was made of, and nothing is ever written over.
#[test]
fn a_checkpoint_takes_the_place_of_the_database() {
    let directory = tempfile::tempdir().expect("a directory");
    let net = directory.path().join("net");
    good(&["testnet", "generate", "--out", shown(&net), "--accounts", "1"]);
    let (home, copy) = (net.join("n0"), directory.path().join("deep/copy"));
    let take = || run(&["db", "checkpoint", "--home", shown(&home), "--to", shown(&copy)]);
    assert_eq!(take().exit, Exit::Storage, "the node never started");
    let genesis = genesis::load(&home.join("config/genesis.json"), None).expect("a good genesis");
    let options = StoreOptions { cache_bytes: 8 << 20, ..StoreOptions::default() };
    drop(Store::open(&home.join("data/db"), &genesis, &options).expect("a good store"));
    let done = take();
    assert_eq!(done.exit, Exit::Clean, "{}", done.err);
    assert!(done.out.contains("height 0"), "{}", done.out);
    assert_eq!(take().exit, Exit::Usage);
    fs::remove_dir_all(home.join("data/db")).expect("ours");
    fs::rename(&copy, home.join("data/db")).expect("one file system");
    assert!(good(&["db", "verify", "--home", shown(&home)]).contains("as it must be"));
}
