//! What a real process recorded, done again.

use std::{
    fs::{self, File},
    io::BufReader,
};

use quorate_core::capture::{Played, Player, Reader};

use crate::cluster::{Cluster, complaint, quorate, run};

/// Exports some heights of a node and gives them to a replica of the same core.
fn replayed(cluster: &Cluster, name: &str, heights: &str) -> Played {
    let path = cluster.root().join(format!("{name}-{heights}.qcap"));
    let export = run(quorate()
        .args(["capture", "export", "--heights", heights, "--home"])
        .arg(cluster.home(name))
        .arg("--out")
        .arg(&path));
    assert!(export.status.success(), "{}", complaint(&export));
    let file = BufReader::new(File::open(&path).expect("it was written"));
    let mut reader = Reader::new(file).expect("a capture");
    let mut player = Player::new();
    while let Some(frame) = reader.next_frame().expect("a whole frame") {
        let difference = player.play(frame).expect("a stretch that belongs together");
        assert!(difference.is_none(), "{name}: {difference:?}");
    }
    fs::remove_file(&path).expect("removable");
    player.played()
}

/// A validator that was killed and started again has recorded both lives; each of its steps has the same
/// effects again. So has a node that follows, and one that still runs.
#[test]
fn what_nodes_recorded_happens_again() {
    let mut cluster = Cluster::new(4, 1);
    cluster.start_all();
    cluster.wait_for_progress(3);
    cluster.pay("n1", 3);
    cluster.kill("n2");
    cluster.wait_for_progress(6);
    cluster.start("n2");
    cluster.wait_for_progress(3);
    cluster.pay("n2", 4);
    let last = cluster.height("n0");
    for name in ["n0", "n2", "f0"] {
        let played = replayed(&cluster, name, "1..");
        println!("{name}: {played:?}");
        assert!(played.inputs > last, "{name}: {played:?}");
    }
    cluster.stop("n0");
    let some = replayed(&cluster, "n0", &format!("{}..{}", last - 2, last - 1));
    assert!(some.inputs > 0, "{some:?}");
}
