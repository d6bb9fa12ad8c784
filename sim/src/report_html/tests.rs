//! Pages need nothing from outside, mean what they say whatever a name contains, and keep what matters
//! when not everything can be kept. That they are drawn without errors is for `tests/pictures` to see.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use expect_test::expect;
use serde_json::Value;

use super::{
    index::{Cell, clusters, index_page},
    pack::{PackOptions, pack},
    page::{compare_page, run_page},
    story::story,
};
use crate::history::{Fate, tests::little};

/// The JSON part of packed data, and how many bytes follow it.
fn unpacked(base64: &str) -> (Value, usize) {
    let deflated = STANDARD.decode(base64).expect("base64");
    let bytes = miniz_oxide::inflate::decompress_to_vec(&deflated).expect("deflate");
    let (length, rest) = bytes.split_at(4);
    let length = u32::from_le_bytes(length.try_into().expect("four bytes"));
    let (meta, columns) = rest.split_at(usize::try_from(length).expect("small"));
    (serde_json::from_slice(meta).expect("JSON"), columns.len())
}

/// The data of a little report, as the page's script reads it.
#[test]
fn packed_data_are_stable() {
    let (meta, columns) = unpacked(&pack(&little(), &PackOptions::default()).base64);
    for key in ["lanes", "views", "heights", "faults", "notes", "troubles", "kinds", "group_of"] {
        assert!(meta.get(key).is_some(), "{key} is missing");
    }
    let part = |key: &str| serde_json::to_string(&meta[key]).expect("JSON");
    let said = format!(
        "views {}\nheights {}\nfaults {}\nnotes {}\nlane 1 {}\ncrossings {} letters {} bytes {columns}",
        part("views"),
        part("heights"),
        part("faults"),
        part("notes"),
        meta["lanes"][1],
        meta["crossings"],
        meta["letters"],
    );
    expect![[r#"
        views [[1,2,0,2,18000,1000],[2,1,12000,3,117000,null],[3,0,117000,2,135000,118000],[4,3,129000,0,null,null]]
        heights [[1,1,18000,0,4,1],[2,3,135000,0,4,1]]
        faults [{"fault":0,"from":25000,"lanes":[1],"to":280000,"verb":"kill","words":"fault 0, kill n1"}]
        notes [[25000,1,"down","killed"],[280000,1,"up","starts again at height 1, repeats 1 own vote from its log"]]
        lane 1 {"finals":[18000,1,272000,1],"states":[[0,25000,0],[25000,280000,1],[280000,300000,0]],"stays":[0,1,12000,1,269000,0]}
        crossings 51 letters 17 bytes 1512"#]].assert_eq(&said);
}

/// With room for few messages those around the standstill are kept, and all are counted.
#[test]
fn what_matters_is_kept() {
    let history = little();
    let options = PackOptions { crossings_max: 20, between: None };
    let packed = pack(&history, &options);
    assert!(packed.kept <= 20 && packed.kept > 5, "{} kept", packed.kept);
    let (meta, _) = unpacked(&packed.base64);
    assert_ne!(meta["complete"], Value::Null);
    assert_eq!(meta["total"], history.crossings.len());
    // What is asked for comes before everything else.
    let asked = PackOptions { crossings_max: 20, between: Some((110_000_000, 119_000_000)) };
    let (meta, _) = unpacked(&pack(&history, &asked).base64);
    let covers = meta["complete"].as_array().expect("stretches").iter().any(|stretch| {
        stretch[0].as_u64().is_some_and(|from| from <= 112_000)
            && stretch[1].as_u64().is_some_and(|to| to >= 113_000)
    });
    assert!(covers, "{}", meta["complete"]);
}

#[test]
fn the_story_of_a_little_run() {
    let lines: Vec<String> = story(&little())
        .iter()
        .map(|line| format!("{} {}: {}", line.tone, line.from / 1_000_000, line.words))
        .collect();
    expect![[r#"
        bad 18: no leader: n1 killed, view 2 nullified after 105 ms — recovered at 0.135 s: height 2 final, after 117 ms without
        fault 25: fault 0, kill n1, for 255 ms
        plain 280: n1 starts again at height 1, repeats 1 own vote from its log"#]]
    .assert_eq(&lines.join("\n"));
}

/// Nothing is loaded, nothing from a name becomes markup, and only the page's own script may run.
#[test]
fn a_page_stands_alone() {
    let page = run_page(&little(), &PackOptions::default());
    assert!(page.contains("default-src 'none'; script-src 'sha256-"), "no policy");
    assert!(page.contains("little &lt;run&gt;") && !page.contains("little <run>"));
    assert!(page.contains("cargo sim run little.toml --seed 7"));
    for outside in ["http://", "https://", " src=", "<link", "@import", "url(", "eval(", "onclick="]
    {
        assert!(!page.contains(outside), "{outside} in the page");
    }
}

/// Two runs on one page name the moment at which they part.
#[test]
fn two_runs_part() {
    let (one, mut other) = (little(), little());
    let same = compare_page(&one, &other, &PackOptions::default());
    assert!(same.contains("to the end."), "two equal runs part");
    let changed = other.crossings.iter_mut().find(|crossing| crossing.sent >= 112_000_000);
    changed.expect("a message").fate = Fate::Lost(0);
    let page = compare_page(&one, &other, &PackOptions::default());
    assert!(page.contains("The two runs part at") && page.contains(">0.112 s</button>"));
    assert_eq!(page.matches("class=\"packed\"").count(), 2);
}

fn cell(scenario: &str, seed: u64, code: u8, signature: &str) -> Cell {
    Cell {
        scenario: scenario.to_owned(),
        seed,
        code,
        verdict: if code == 0 { "held" } else { "safety" }.to_owned(),
        signature: signature.to_owned(),
        detail: signature.replace('#', "12"),
        replay: format!("cargo sim run {scenario}.toml --seed {seed}"),
        file: format!("{scenario}.toml"),
        wall_ms: 10,
        marks: BTreeMap::new(),
    }
}

/// Failures of one kind are one, whatever scenario they are in; the gravest come first.
#[test]
fn failures_are_clustered() {
    let cells = [
        cell("b", 2, 25, "height # was not reached"),
        cell("a", 1, 20, "agreement: two blocks at height #"),
        cell("b", 3, 0, ""),
        cell("b", 1, 20, "agreement: two blocks at height #"),
    ];
    let found: Vec<(u8, usize)> = clusters(&cells)
        .iter()
        .map(|cluster| (cluster.cells[0].code, cluster.cells.len()))
        .collect();
    assert_eq!(found, [(20, 2), (25, 1)]);
    let mut cells = cells;
    cells[2].marks.insert("block_fetched".to_owned(), 5);
    let page = index_page("sweep <x>", &cells);
    assert!(page.contains("<td>block_fetched</td><td>1 of 4</td><td>5</td>"), "what was reached");
    assert!(page.contains("<td>evidence_held</td><td>never</td>"), "what was not");
    assert!(page.contains("sweep &lt;x&gt;") && page.contains("3 failed"));
    assert!(page.contains("cargo sim run a.toml --seed 1"));
    assert!(page.contains("\"runs\":[[1,1,20],[2,1,25],[3,1,0]]"), "the rows of the heat map");
}
