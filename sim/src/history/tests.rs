//! A history is the same from a run and from its trace file; messages are matched with their arrivals.

use std::{env, fs, io::Cursor, process};

use expect_test::expect;

use super::*;
use crate::{report::RunOptions, run, scenario};

/// A little run as a trace file has it: three views, of which the leader of the second is killed.
pub(crate) const LITTLE: &str = include_str!("../../testdata/little.jsonl");

/// The history of [`LITTLE`].
pub(crate) fn little() -> History {
    read(LITTLE).expect("the little trace is sound")
}

fn read(text: &str) -> Result<History, TraceError> {
    read_trace(&mut Cursor::new(text.as_bytes()))
}

const SCENARIO: &str = r#"
format = 1
name = "told-twice"
about = "Something of everything that a history tells."
[run]
max_time = "3s"
[cluster]
validators = 4
[network]
delay = { dist = "uniform", min = "5ms", max = "20ms" }
drop = 0.02
duplicate = 0.05
[workload]
tx_per_second = 20
[[fault]]
kind = "pause"
node = "leader"
at = { height = 3 }
for = "700ms"
[[fault]]
kind = "partition"
groups = [["n0"], ["n1", "n2", "n3"]]
at = "2s"
for = "500ms"
[[byzantine]]
nodes = ["n3"]
kind = "equivocate_vote"
"#;

/// What is told while the run is made is what its trace file tells, to the last message.
#[test]
fn a_trace_tells_what_the_run_told() {
    let scenario =
        scenario::parse("told-twice.toml", SCENARIO.as_bytes()).expect("a sound scenario");
    let path = env::temp_dir().join(format!("quorate-history-{}.jsonl", process::id()));
    let options = RunOptions {
        trace: Some(path.clone()),
        history: true,
        replay: "cargo sim run told-twice.toml --seed 3".to_owned(),
        ..RunOptions::default()
    };
    let report = run::run(&scenario, 3, &options);
    let told = report.history.expect("a history was asked for");
    let text = fs::read_to_string(&path).expect("the trace was written");
    // Leaving it behind harms nobody.
    let _ = fs::remove_file(&path);
    let read = read(&text).expect("what was written can be read");
    assert!(told.crossings.len() > 1_000, "too little happened: {}", told.crossings.len());
    assert!(told.crossings.iter().any(|crossing| matches!(crossing.fate, Fate::Lost(_))));
    assert!(told.letters.iter().any(|letter| letter.cause.is_some()));
    assert_eq!(told.head, read.head);
    assert_eq!(told.tail, read.tail);
    assert_eq!(told.last, read.last);
    assert!(*told == read, "the two differ in what happened");
}

/// Departures meet their arrivals, and what is lost says why.
#[test]
fn messages_are_matched() {
    let history = little();
    let lines: Vec<String> = history
        .crossings
        .iter()
        .filter(|crossing| crossing.sent >= 30_000_000)
        .map(|crossing| {
            let letter = &history.letters[usize::try_from(crossing.letter).expect("small")];
            format!(
                "{} {} to {}: {:?} {} {}",
                letter.words,
                history.name(letter.from),
                history.name(crossing.to),
                crossing.fate,
                crossing.fate.loss(),
                (crossing.ended - crossing.sent) / 1_000_000,
            )
        })
        .collect();
    expect![[r#"
        nullify v2 by n0 n0 to n1: Lost(2) receiver down 0
        nullify v2 by n0 n0 to n2: Arrived  5
        nullify v2 by n0 n0 to n3: Arrived  5
        nullify v2 by n2 n2 to n0: Arrived  5
        nullify v2 by n2 n2 to n1: Lost(2) receiver down 0
        nullify v2 by n2 n2 to n3: Arrived  5
        nullify v2 by n3 n3 to n0: Arrived  5
        nullify v2 by n3 n3 to n1: Lost(2) receiver down 0
        nullify v2 by n3 n3 to n2: Arrived  5
        proposal v3 h2 block bbbbbbbb with 2 transactions n0 to n1: Lost(2) receiver down 5
        proposal v3 h2 block bbbbbbbb with 2 transactions n0 to n2: Arrived  5
        proposal v3 h2 block bbbbbbbb with 2 transactions n0 to n3: Arrived  5
        notarize v3 bbbbbbbb by n2 n2 to n0: Arrived  5
        notarize v3 bbbbbbbb by n2 n2 to n1: Lost(2) receiver down 5
        notarize v3 bbbbbbbb by n2 n2 to n3: Arrived  5
        notarize v3 bbbbbbbb by n3 n3 to n0: Arrived  5
        notarize v3 bbbbbbbb by n3 n3 to n1: Lost(2) receiver down 5
        notarize v3 bbbbbbbb by n3 n3 to n2: Arrived  5
        finalize v3 bbbbbbbb by n0 n0 to n1: Lost(2) receiver down 5
        finalize v3 bbbbbbbb by n0 n0 to n2: Arrived  5
        finalize v3 bbbbbbbb by n0 n0 to n3: Arrived  5
        finalize v3 bbbbbbbb by n2 n2 to n0: Arrived  5
        finalize v3 bbbbbbbb by n2 n2 to n1: Lost(2) receiver down 5
        finalize v3 bbbbbbbb by n2 n2 to n3: Arrived  5
        finalize v3 bbbbbbbb by n3 n3 to n0: Arrived  5
        finalize v3 bbbbbbbb by n3 n3 to n1: Lost(2) receiver down 5
        finalize v3 bbbbbbbb by n3 n3 to n2: Arrived  5"#]]
    .assert_eq(&lines.join("\n"));
}

/// Why something was sent, with the arrival that caused it.
#[test]
fn causes_are_named() {
    let history = little();
    let lines: Vec<String> = history
        .letters
        .iter()
        .filter(|letter| !letter.why.is_empty())
        .map(|letter| {
            let cause =
                letter.cause.and_then(|at| history.crossings.get(usize::try_from(at).ok()?));
            let cause =
                cause.map_or(String::new(), |cause| format!(" [{}]", cause.ended / 1_000_000));
            format!("{} {}: {}{cause}", history.name(letter.from), letter.words, letter.why)
        })
        .collect();
    expect![[r#"
        n0 notarize v1 aaaaaaaa by n0: it accepted the proposal of view 1 [6]
        n1 notarize v1 aaaaaaaa by n1: it accepted the proposal of view 1 [6]
        n3 notarize v1 aaaaaaaa by n3: it accepted the proposal of view 1 [6]
        n0 finalize v1 aaaaaaaa by n0: it held the notarization of view 1 [12]
        n1 finalize v1 aaaaaaaa by n1: it held the notarization of view 1 [12]
        n2 finalize v1 aaaaaaaa by n2: it held the notarization of view 1 [12]
        n3 finalize v1 aaaaaaaa by n3: it held the notarization of view 1 [12]
        n0 nullify v2 by n0: it gave up on view 2 after 100 ms: no proposal in time
        n2 nullify v2 by n2: it gave up on view 2 after 100 ms: no proposal in time
        n3 nullify v2 by n3: it gave up on view 2 after 100 ms: no proposal in time
        n0 proposal v3 h2 block bbbbbbbb with 2 transactions: it leads view 3, and the nullification of view 2 let it in [117]
        n2 notarize v3 bbbbbbbb by n2: it accepted the proposal of view 3 [123]
        n3 notarize v3 bbbbbbbb by n3: it accepted the proposal of view 3 [123]
        n0 finalize v3 bbbbbbbb by n0: it held the notarization of view 3 [129]
        n2 finalize v3 bbbbbbbb by n2: it held the notarization of view 3 [129]
        n3 finalize v3 bbbbbbbb by n3: it held the notarization of view 3 [129]"#]].assert_eq(&lines.join("\n"));
}

/// A node is down before it starts, up while it runs, and its last state lasts to the end.
#[test]
fn states_follow_one_another() {
    let history = little();
    let state = |lane, millis: u64| history.state(lane, millis * 1_000_000);
    assert_eq!(state(1, 20), State::Up);
    assert_eq!(state(1, 40), State::Down);
    assert_eq!(state(1, 290), State::Up);
    assert_eq!(state(9, 20), State::Down);
}

/// Every reason the world has for losing a message is known by name.
#[test]
fn losses_are_known() {
    use crate::trace::DropReason;
    let all = [
        DropReason::Loss,
        DropReason::Partition,
        DropReason::Down,
        DropReason::Corrupted,
        DropReason::Undecodable,
        DropReason::Cut,
        DropReason::Overflow,
    ];
    for reason in all {
        let code = record::loss_code(reason.words());
        assert_eq!(Fate::Lost(code).loss(), reason.words());
    }
}

/// What is no trace is refused with a reason; what breaks off is read as far as it goes.
#[test]
fn other_files_are_refused() {
    let complaint = |text: &str| match read(text) {
        Ok(history) => format!("read, tail: {}", history.tail.is_some()),
        Err(error) => error.to_string(),
    };
    let (head, _) = LITTLE.split_once('\n').expect("a head");
    let broken_off = &LITTLE[..LITTLE.len() - 40];
    let said: Vec<String> = [
        "",
        "format = 1\n",
        "{\"at\":0}\n",
        &LITTLE[head.len() + 1..],
        &LITTLE.replacen("\"format\":1", "\"format\":7", 1),
        &format!("{head}\nrubbish\n"),
        &format!("{head}\n{head}\n"),
        &format!("{head}\n{{\"at\":1,\"node\":\"n0\",\"seq\":0,\"what\":\"sent\"}}\n"),
        broken_off,
        LITTLE,
    ]
    .iter()
    .map(|text| complaint(text))
    .collect();
    expect![[r#"
        it does not begin with what was run: was it written by `quorate-sim run --trace`?
        it does not begin with what was run: was it written by `quorate-sim run --trace`?
        it does not begin with what was run: was it written by `quorate-sim run --trace`?
        it does not begin with what was run: was it written by `quorate-sim run --trace`?
        it is a trace of format 7, and this is a reader of format 1
        line 2: expected value at line 1 column 1
        line 2: a second run begins here
        line 2: something is missing here
        read, tail: false
        read, tail: true"#]]
    .assert_eq(&said.join("\n"));
}
