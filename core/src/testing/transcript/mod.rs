//! Transcripts: one validator, driven through its one door by a script a protocol person can read.
//!
//! A transcript is text. Commands stand above a line of four dashes; below it, up to the next empty
//! line, stands everything the validator did in answer, one effect a line. [`run`] executes the
//! commands and returns the text with the answers as they really are; whether they are as expected
//! is a comparison of two texts. The harness holds all keys of the committee, so a script can make
//! any member say anything, truly signed or not. `core/testdata/README.md` lists the commands.
//!
//! Nothing here reads or writes files, and nothing here looks inside the validator.

mod driver;
mod names;
mod script;
mod words;

use self::script::Script;

/// Divides commands from answers.
const RULE: &str = "----";

/// A mistake in a script, not in what it tests.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct Mistake {
    /// Counted from 1.
    pub line: u64,
    /// What is wrong.
    pub message: String,
}

/// Runs a transcript. Returns it with the answers as they really are.
///
/// # Errors
/// If a command cannot be understood.
///
/// # Panics
/// If the validator does, or if it asks for a signature that its signer refuses.
pub fn run(text: &str) -> Result<String, Mistake> {
    let mut script = Script::default();
    let mut output = String::new();
    let mut lines = (1..).zip(text.lines());
    let mut pending = None;
    while let Some((number, line)) = lines.next() {
        output.push_str(line);
        output.push('\n');
        if line == RULE {
            pending = None;
            for answer in script.take_answers() {
                output.push_str(&answer);
                output.push('\n');
            }
            for (_, expected) in lines.by_ref() {
                if expected.is_empty() {
                    output.push('\n');
                    break;
                }
            }
            continue;
        }
        let command = line.trim();
        if command.is_empty() || command.starts_with('#') {
            continue;
        }
        pending = Some(number);
        script.execute(command).map_err(|message| Mistake { line: number, message })?;
    }
    match pending {
        Some(line) => Err(Mistake { line, message: format!("no {RULE} follows") }),
        None => Ok(output.trim_end().to_owned() + "\n"),
    }
}

/// Where two transcripts differ, as lines with `-` (expected) and `+` (actual), each difference with
/// the commands it answers. Empty if they do not.
#[must_use]
pub fn difference(expected: &str, actual: &str) -> String {
    let (expected, actual) = (blocks(expected), blocks(actual));
    let mut report = String::new();
    for (place, (input, answers)) in actual.iter().enumerate() {
        let before = expected.get(place).map_or(&[][..], |(_, answers)| answers);
        if before == answers {
            continue;
        }
        for line in input {
            report.push_str(&format!("  {line}\n"));
        }
        report.push_str(&format!("  {RULE}\n"));
        let same = |a: &&str, b: &&str| a == b;
        let head = before.iter().zip(answers).take_while(|(a, b)| same(a, b)).count();
        let (before, after) = (&before[head..], &answers[head..]);
        let tail =
            before.iter().rev().zip(after.iter().rev()).take_while(|(a, b)| same(a, b)).count();
        for line in &answers[..head] {
            report.push_str(&format!("  {line}\n"));
        }
        for line in &before[..before.len() - tail] {
            report.push_str(&format!("- {line}\n"));
        }
        for line in &after[..after.len() - tail] {
            report.push_str(&format!("+ {line}\n"));
        }
        for line in &after[after.len() - tail..] {
            report.push_str(&format!("  {line}\n"));
        }
        report.push('\n');
    }
    if report.is_empty() && expected.len() != actual.len() {
        report.push_str("the number of blocks differs\n");
    }
    report
}

/// Commands and their answers.
fn blocks(text: &str) -> Vec<(Vec<&str>, Vec<&str>)> {
    let mut blocks = Vec::new();
    let mut input = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line == RULE {
            let answers = lines.by_ref().take_while(|line| !line.is_empty()).collect();
            blocks.push((std::mem::take(&mut input), answers));
        } else if !line.is_empty() && !line.starts_with('#') {
            input.push(line);
        }
    }
    blocks
}

#[cfg(test)]
mod tests;
