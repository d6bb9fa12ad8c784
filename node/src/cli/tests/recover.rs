//! `quorate recover` retires what is damaged or gone, and touches nothing else.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{Done, good, run, shown};
use crate::{
    exit::Exit,
    genesis,
    home::{Home, HomeLock},
    store::{Column, Store, StoreOptions},
};

/// A network that was written and has started once, as far as its databases go.
struct Net(TempDir);

impl Net {
    fn new() -> Self {
        let own = Self(tempfile::tempdir().expect("a directory"));
        let root = own.0.path().join("net");
        good(&["testnet", "generate", "--out", shown(&root), "--accounts", "1"]);
        drop(own.store());
        own
    }

    fn home(&self) -> PathBuf {
        self.0.path().join("net/n0")
    }

    fn other(&self) -> PathBuf {
        self.0.path().join("net/n1")
    }

    fn at(&self, path: &str) -> PathBuf {
        self.home().join(path)
    }

    fn store(&self) -> Store {
        let genesis = genesis::load(&self.at("config/genesis.json"), None).expect("a good genesis");
        let options = StoreOptions { cache_bytes: 8 << 20, ..StoreOptions::default() };
        Store::open(&self.at("data/db"), &genesis, &options).expect("a good store")
    }

    fn recover(&self, more: &[&str]) -> Done {
        let home = self.home();
        run(&[&["recover", "--home", shown(&home)], more].concat())
    }

    /// Runs it with and without `--dry-run`, and nothing changes.
    fn changes_nothing(&self, exit: Exit, more: &[&str]) -> String {
        let before = content(&self.home());
        let mut words = String::new();
        for dry in [&["--dry-run"][..], &[]] {
            let done = self.recover(&[more, dry].concat());
            assert_eq!(done.exit, exit, "{}{}", done.out, done.err);
            words = done.out + &done.err;
            assert!(content(&self.home()) == before, "something changed: {words}");
        }
        words
    }
}

/// Every file but the one that is there to be locked.
fn content(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            all.extend(content(&path));
        } else if !path.ends_with("run/lock") {
            all.insert(path.clone(), fs::read(&path).expect("readable"));
        }
    }
    all
}

#[test]
fn a_good_home_is_left_alone() {
    let net = Net::new();
    let words = net.changes_nothing(Exit::Clean, &[]);
    assert!(words.contains("goes on voting"), "{words}");
}

/// What somebody else has to mend ends with the code that `start` has for it.
#[test]
fn what_is_not_damage_is_left_alone() {
    let net = Net::new();
    // In use.
    let home = Home::at(net.home());
    let lock = HomeLock::take(&home).expect("nobody has it");
    net.changes_nothing(Exit::Busy, &[]);
    drop(lock);
    let held = File::open(net.at("secrets/sign-state")).expect("there");
    held.try_lock().expect("nobody has it");
    net.changes_nothing(Exit::Busy, &[]);
    drop(held);
    // Mistyped.
    net.changes_nothing(Exit::Key, &["--set", "secrets.consensus_key=secrets/typo"]);
    let words = net.changes_nothing(Exit::Key, &["--set", "secrets.sign_state=secrets/typo"]);
    assert!(words.contains("but there is"), "{words}");
    net.changes_nothing(Exit::Key, &["--set", "secrets.sign_state=nowhere/sign-state"]);
    // Another key's.
    let swap = |name: &str| {
        let (ours, theirs, aside) =
            (net.at(name), net.other().join(name), net.other().join("aside"));
        fs::rename(&ours, &aside).expect("one file system");
        fs::rename(&theirs, &ours).expect("one file system");
        fs::rename(&aside, &theirs).expect("one file system");
    };
    swap("secrets/sign-state");
    net.changes_nothing(Exit::Key, &[]);
    swap("secrets/sign-state");
    fs::rename(net.at("secrets/consensus.key"), net.at("aside")).expect("one file system");
    net.changes_nothing(Exit::Key, &[]);
    fs::rename(net.at("aside"), net.at("secrets/consensus.key")).expect("one file system");
    // Another chain's.
    let other = Net::new();
    fs::rename(net.at("data/db"), net.at("aside")).expect("one file system");
    fs::rename(other.at("data/db"), net.at("data/db")).expect("one file system");
    net.changes_nothing(Exit::Genesis, &[]);
    // No database at all.
    fs::remove_dir_all(net.at("data/db")).expect("ours");
    fs::write(net.at("data/db"), b"a file").expect("ours");
    net.changes_nothing(Exit::Disk, &[]);
    fs::remove_file(net.at("data/db")).expect("ours");
    // A later program's.
    fs::rename(net.at("aside"), net.at("data/db")).expect("one file system");
    let names = Column::ALL.map(Column::name);
    let db = rocksdb::DB::open_cf(&rocksdb::Options::default(), net.at("data/db"), names);
    let db = db.expect("a good database");
    let meta = db.cf_handle("meta").expect("opened with it");
    db.put_cf(meta, b"schema", 77_u32.to_le_bytes()).expect("a disk that works");
    drop(db);
    let words = net.changes_nothing(Exit::Storage, &[]);
    assert!(words.contains("--discard-data"), "{words}");
    let done = net.recover(&["--discard-data"]);
    assert_eq!(done.exit, Exit::Clean, "{}", done.err);
    assert!(!net.at("data/db").exists());
}

#[test]
fn a_damaged_database_is_moved_aside() {
    let net = Net::new();
    fs::write(net.at("data/db/CURRENT"), b"MANIFEST-77\n").expect("ours");
    let before = content(&net.home());
    assert_eq!(net.recover(&["--dry-run"]).exit, Exit::Clean);
    assert!(content(&net.home()) == before, "it was to change nothing");
    let done = net.recover(&[]);
    assert_eq!(done.exit, Exit::Clean, "{}", done.err);
    assert!(done.out.contains("moved the database"), "{}", done.out);
    assert!(!net.at("data/db").exists());
    assert!(net.at("secrets/consensus.key").exists(), "the sign-state is whole");
}

#[test]
fn a_key_without_its_sign_state_is_retired() {
    for is_damaged in [true, false] {
        let net = Net::new();
        let path = net.at("secrets/sign-state");
        match is_damaged {
            true => File::options().write(true).open(&path).and_then(|file| file.set_len(100)),
            false => fs::remove_file(&path),
        }
        .expect("ours");
        let before = content(&net.home());
        assert_eq!(net.recover(&["--dry-run"]).exit, Exit::Clean);
        assert!(content(&net.home()) == before, "it was to change nothing");
        let done = net.recover(&[]);
        assert_eq!(done.exit, Exit::Clean, "{}", done.err);
        assert!(done.out.contains("never signs again"), "{}", done.out);
        assert!(!net.at("secrets/consensus.key").exists());
        assert!(net.at("secrets/consensus.next.key").exists());
        assert!(net.at("secrets/consensus.next.key.sign-state").exists());
        assert!(net.at("data/db").exists(), "the database is good");
    }
}
