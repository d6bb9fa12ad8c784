//! Real processes that cannot reach each other for a while.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    cluster::Cluster,
    namespaces::{Links, Namespaces},
};

/// How long nothing has to happen for it to count as nothing.
const STILL: Duration = Duration::from_secs(3);

/// Two and two of four can decide nothing; three can, without the fourth. Together again, all go on, on one chain.
#[test]
fn partitions_stop_minorities_and_heal() {
    let Some(namespaces) = Namespaces::new(4) else {
        println!("skipped: network namespaces are not permitted here");
        return;
    };
    let mut cluster = Cluster::within(namespaces, 4);
    cluster.start_all();
    cluster.wait_for_progress(3);

    cluster.part(&[2, 3], Links::Cut);
    // What was on its way when the links were cut may still become final.
    thread::sleep(Duration::from_millis(500));
    let before = heights(&cluster);
    thread::sleep(STILL);
    assert_eq!(heights(&cluster), before, "half of the weight decided something");
    cluster.part(&[2, 3], Links::Mended);
    let healed = Instant::now();
    cluster.wait_for_progress(3);
    println!("two and two: all went on {:?} after the links were mended", healed.elapsed());

    cluster.part(&[3], Links::Cut);
    thread::sleep(Duration::from_millis(500));
    let alone = cluster.height("n3");
    let (others, goal) = (["n0", "n1", "n2"], cluster.height("n0") + 10);
    others.iter().for_each(|name| cluster.wait_for_height(name, goal));
    assert_eq!(cluster.height("n3"), alone, "it decided something all alone");
    cluster.part(&[3], Links::Mended);
    let healed = Instant::now();
    cluster.wait_for_progress(3);
    println!("one alone: it was back with the others {:?} after", healed.elapsed());
    cluster.assert_agreement();
}

fn heights(cluster: &Cluster) -> Vec<u64> {
    cluster.running().map(|name| cluster.height(name)).collect()
}
