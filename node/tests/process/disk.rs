//! A disk that runs full under a validator.

use std::{fs, path::Path, process::Command};

use crate::cluster::Cluster;

/// A small file system, for as long as the value lives.
struct Small<'a>(&'a Path);

impl<'a> Small<'a> {
    /// `None` where mounting is not permitted.
    fn on(path: &'a Path, mebibytes: u32) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mebibytes}m,mode=0700"), "tmpfs"])
            .arg(path)
            .output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(path))
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        // Lazily: whoever still has files open there is about to end.
        let _ = Command::new("umount").arg("-l").arg(self.0).output();
    }
}

/// A validator whose disk is full says so and ends; the others go on; with room it comes back.
#[test]
fn a_full_disk_ends_one_node_and_not_the_chain() {
    let mut cluster = Cluster::new(4, 0);
    let data = cluster.home("n3").join("data");
    let Some(_small) = Small::on(&data, 64) else {
        println!("skipped: mounting a tmpfs is not permitted here");
        return;
    };
    cluster.start_all();
    cluster.wait_for_progress(2);
    fill(&data.join("ballast"));
    assert_eq!(cluster.ended("n3"), Some(16), "{}", cluster.log("n3"));
    assert!(cluster.log("n3").contains("full"), "{}", cluster.log("n3"));
    cluster.wait_for_progress(3);
    fs::remove_file(data.join("ballast")).expect("removable");
    cluster.start("n3");
    cluster.wait_for_progress(3);
    cluster.assert_agreement();
}

/// Writes until nothing more fits.
fn fill(path: &Path) {
    use std::io::Write as _;
    let mut file = fs::File::create(path).expect("a file");
    for size in [1 << 20, 1 << 12, 1] {
        let piece = vec![0; size];
        while file.write_all(&piece).is_ok() {}
    }
}
