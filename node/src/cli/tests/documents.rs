//! Commands in documents and examples: there is none that the program does not take.

use std::{fs, path::PathBuf};

use clap::{CommandFactory as _, Parser as _, error::ErrorKind};

use crate::cli::arguments::Arguments;

/// Pages in folders where commands of nodes are written.
fn pages() -> Vec<PathBuf> {
    let root = PathBuf::from("..");
    let mut folders = vec![root.join("docs"), root.join("node")];
    let mut found: Vec<PathBuf> =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map(|name| root.join(name)).to_vec();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the repository can be read") {
            let path = entry.expect("the repository can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "md") {
                found.push(path);
            }
        }
    }
    found
}

/// The words of every command of ours on a line of a shell.
fn commands(line: &str) -> Vec<Vec<String>> {
    let line = line.trim().trim_start_matches("$ ");
    let line = line.split(" #").next().unwrap_or(line);
    let parts = line.split(['|', ';', '>']).flat_map(|part| part.split("&&"));
    let words = parts.filter_map(|part| {
        let words = part.split_whitespace().map(|word| word.trim_matches('\'').to_owned());
        // Variables of the environment stand before the command.
        let mut words: Vec<String> = words.skip_while(|word| word.contains('=')).collect();
        let is_alias = words.starts_with(&["cargo".to_owned(), "node".to_owned()]);
        if is_alias {
            words.remove(0);
        }
        let is_ours = is_alias || words.first().is_some_and(|word| word == "quorate");
        (is_ours && words.len() > 1).then_some(words)
    });
    words.collect()
}

/// Lines of a text, with those that end in a backslash joined to the next.
fn lines(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    joined.lines().map(str::to_owned).collect()
}

/// What is wrong with a command. One in the middle of a sentence may leave out what everybody fills in.
fn wrong(words: &[String], is_whole: bool) -> Option<String> {
    let error = Arguments::try_parse_from(words).err()?;
    let is_partial = matches!(
        error.kind(),
        ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    let is_asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    (!(is_asked || is_partial && !is_whole)).then(|| format!("{}: {error}", words.join(" ")))
}

#[test]
fn documents_show_commands_that_exist() {
    let (mut problems, mut seen) = (Vec::new(), 0);
    for page in pages() {
        let text = fs::read_to_string(&page).expect("documents are text");
        let mut is_code = false;
        for line in lines(&text) {
            if line.trim_start().starts_with("```") {
                is_code = !is_code;
                continue;
            }
            let found: Vec<(Vec<String>, bool)> = match is_code {
                true => commands(&line).into_iter().map(|words| (words, true)).collect(),
                false => {
                    let spans = line.split('`').skip(1).step_by(2);
                    spans.flat_map(commands).map(|words| (words, false)).collect()
                }
            };
            for (words, is_whole) in found {
                seen += 1;
                let problem = wrong(&words, is_whole);
                problems.extend(problem.map(|why| format!("{}: {why}", page.display())));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(seen > 20, "only {seen} commands were found: are they looked for where they are?");
}

#[test]
fn examples_of_the_help_are_taken() {
    let mut open = vec![Arguments::command()];
    let (mut problems, mut seen) = (Vec::new(), 0);
    while let Some(command) = open.pop() {
        open.extend(command.get_subcommands().cloned());
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for line in lines(&help).iter().filter(|line| line.starts_with("  ")) {
            for words in commands(line) {
                seen += 1;
                problems.extend(wrong(&words, true));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(seen > 40, "only {seen} examples were found");
}
