//! The XML of a sweep with one run of each sort.

use expect_test::expect;

use super::*;

fn cell(scenario: &str, seed: u64, code: u8, detail: &str) -> Cell {
    Cell {
        scenario: scenario.to_owned(),
        seed,
        code,
        verdict: match code {
            0 => "held",
            30 => "infrastructure",
            _ => "safety",
        }
        .to_owned(),
        signature: String::new(),
        detail: detail.to_owned(),
        replay: format!("cargo sim run 'a & b.toml' --seed {seed}"),
        file: "a & b.toml".to_owned(),
        wall_ms: 1_234,
        marks: BTreeMap::new(),
    }
}

#[test]
fn a_sweep_as_xml() {
    let cells = [
        cell("later", 2, 30, "no thread"),
        cell("first", 9, 20, "agreement: \"h3\" <a> & \u{1}\n"),
        cell("first", 1, 0, ""),
    ];
    expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="quorate-sim" tests="3" failures="1" errors="1" skipped="0" time="3.702">
          <testsuite name="first" tests="2" failures="1" errors="0" skipped="0" time="2.468">
            <testcase classname="first" name="seed 1" file="a &amp; b.toml" time="1.234"/>
            <testcase classname="first" name="seed 9" file="a &amp; b.toml" time="1.234">
              <failure type="safety" message="agreement: &quot;h3&quot; &lt;a&gt; &amp; �&#10;">agreement: &quot;h3&quot; &lt;a&gt; &amp; �&#10;
        replay: cargo sim run 'a &amp; b.toml' --seed 9</failure>
            </testcase>
          </testsuite>
          <testsuite name="later" tests="1" failures="0" errors="1" skipped="0" time="1.234">
            <testcase classname="later" name="seed 2" file="a &amp; b.toml" time="1.234">
              <error type="infrastructure" message="no thread">no thread
        replay: cargo sim run 'a &amp; b.toml' --seed 2</error>
            </testcase>
          </testsuite>
        </testsuites>
    "#]].assert_eq(&junit(&cells));
}
