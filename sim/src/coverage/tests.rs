//! Situations are counted per run and in all, and what nobody reached is named.

use super::*;

fn marks(entries: &[(&str, u64)]) -> BTreeMap<String, u64> {
    entries.iter().map(|(mark, count)| ((*mark).to_owned(), *count)).collect()
}

#[test]
fn runs_and_times_are_counted() {
    let runs = [
        marks(&[("block_fetched", 3), ("evidence_held", 0)]),
        marks(&[("block_fetched", 4), ("of_another_build", 1)]),
        marks(&[]),
    ];
    let coverage = Coverage::of(&runs);
    assert_eq!(coverage.runs(), 3);
    let reached: Vec<(&str, Times)> = coverage.reached().collect();
    assert_eq!(
        reached,
        [
            ("block_fetched", Times { runs: 2, all: 7 }),
            ("of_another_build", Times { runs: 1, all: 1 }),
        ]
    );
    let wanted = BTreeSet::from([Mark::BlockFetched, Mark::EvidenceHeld]);
    assert_eq!(coverage.missing(&wanted), BTreeSet::from(["evidence_held"]));
    assert_eq!(coverage.never().len(), Mark::ALL.len() - 1);
    assert!(Coverage::of(&[marks(&[])]).is_empty());
}
