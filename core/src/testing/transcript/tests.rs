//! The harness itself: what it accepts, what it complains about, how it shows a difference.

use super::{Mistake, difference, run};

/// Running a transcript's own result again changes nothing.
#[test]
fn a_run_is_a_fixpoint() {
    let text = "# A title.\n\ncommittee 4 me n1\n----\n\nstart\ntick 5000ms\n----\n";
    let once = run(text).expect("a sound script");
    assert_eq!(run(&once).expect("a sound script"), once);
    assert!(once.contains("report starts in v1"), "{once}");
}

/// A mistake is told with its line; a script never fails silently.
#[test]
fn mistakes_are_told_with_their_line() {
    let mistake = |text: &str| run(text).expect_err("a mistake");
    let told = mistake("committee 4 me n1\nstart\ndance\n----\n");
    assert_eq!(told, Mistake { line: 3, message: "no command `dance`".to_owned() });
    assert_eq!(mistake("committee 4 me n1\nstart\n").line, 2);
    assert_eq!(mistake("committee 4 me n1\n\ncandidate A at v1\n----\n").line, 3);
    assert_eq!(mistake("committee 4 me n1 bad n2\n----\n").line, 1);
}

/// A difference shows the commands and only the lines that differ as such.
#[test]
fn a_difference_shows_commands_and_lines() {
    let expected = "start\n----\na\nb\nc\n\nstop\n----\nd\n";
    let actual = "start\n----\na\nx\nc\n\nstop\n----\nd\n";
    assert_eq!(difference(expected, expected), "");
    assert_eq!(difference(expected, actual), "  start\n  ----\n  a\n- b\n+ x\n  c\n\n");
}
