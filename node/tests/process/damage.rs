//! A database that the disk has damaged: it is named, nothing is signed on top of it, and the node can be mended.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use crate::cluster::{Cluster, complaint, quorate, run};

/// The tables of a database.
fn tables(home: &Path) -> Vec<PathBuf> {
    let mut open = vec![home.join("data")];
    let mut found = Vec::new();
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).expect("readable") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "sst") {
                found.push(path);
            }
        }
    }
    found
}

/// Turns a few bytes in the first half of a file into others.
fn damage(path: &Path) {
    let file = File::options().read(true).write(true).open(path).expect("a table");
    let length = file.metadata().expect("a file").len();
    for eighth in 0..4 {
        let (place, mut byte) = (length * eighth / 8 + 10, [0]);
        file.read_exact_at(&mut byte, place).expect("inside");
        byte[0] ^= 0x55;
        file.write_all_at(&byte, place).expect("writable");
    }
}

/// A validator with a damaged table does not go on; the others do. `db verify` names the file, and `recover` moves
/// the database aside, after which the blocks come from the others again.
#[test]
fn a_damaged_table_is_named_and_mended() {
    let mut cluster = Cluster::new(4, 0);
    cluster.start_all();
    cluster.wait_for_progress(5);
    cluster.pay("n2", 1);
    // What is in the log only goes into tables at the next start.
    cluster.kill("n2");
    cluster.start("n2");
    cluster.wait_for_progress(2);
    cluster.kill("n2");
    let home = cluster.home("n2");
    let tables = tables(&home);
    assert!(!tables.is_empty(), "nothing was written to tables");
    tables.iter().for_each(|table| damage(table));

    cluster.start("n2");
    assert_eq!(cluster.ended("n2"), Some(12), "{}", cluster.log("n2"));
    let verified = run(quorate().args(["db", "verify", "--home"]).arg(&home));
    assert_eq!(verified.status.code(), Some(12), "{}", complaint(&verified));
    assert!(complaint(&verified).contains(".sst"), "{}", complaint(&verified));
    cluster.wait_for_progress(3);

    let recovered = run(quorate().args(["recover", "--home"]).arg(&home));
    assert!(recovered.status.success(), "{}", complaint(&recovered));
    cluster.start("n2");
    cluster.wait_for_progress(3);
    // With another one gone the chain needs its votes.
    cluster.kill("n0");
    cluster.wait_for_progress(3);
    cluster.assert_agreement();
}
