//! The commands in `docs/scale` are commands of this simulator: every option in them exists, and takes
//! what it is given. What a shell or an engine puts in for a variable is a number here.

use std::{fs, path::Path};

use clap::Parser as _;

use super::super::arguments::{Arguments, Command};

/// The commands of a file, each on one line.
fn commands(text: &str) -> Vec<String> {
    let whole = text.replace("\\\n", " ");
    let from = |line: &str| {
        let at = ["quorate-sim ", "cargo sim "]
            .iter()
            .filter_map(|name| Some(line.find(name)? + name.len()))
            .min()?;
        let command = line[at..].trim_end_matches(['\'', '`']);
        ["sweep ", "merge "]
            .iter()
            .any(|verb| command.starts_with(verb))
            .then(|| command.to_owned())
    };
    whole.lines().filter_map(from).collect()
}

/// Puts a number in for everything between two marks.
fn without(text: &str, open: &str, close: &str) -> String {
    let mut parts = text.split(open);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push('1');
        out.push_str(part.split_once(close).map_or("", |(_, rest)| rest));
    }
    out
}

/// The words of a command after the shell and the engine have filled it in.
fn words(command: &str) -> Vec<String> {
    let text = without(&without(command, "$((", "))"), "${{", "}}");
    let mut parts = text.split('$');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        filled.push('1');
        filled.push_str(part.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_'));
    }
    filled.split_whitespace().map(|word| word.replace('"', "")).collect()
}

#[test]
fn commands_of_other_engines_exist() {
    let folder = Path::new("../docs/scale");
    let (mut files, mut sweeps, mut merges) = (0, 0, 0);
    for entry in fs::read_dir(folder).expect("docs/scale is there") {
        let path = entry.expect("an entry").path();
        files += 1;
        for command in commands(&fs::read_to_string(&path).expect("a text")) {
            let arguments = ["quorate-sim".to_owned()].into_iter().chain(words(&command));
            match Arguments::try_parse_from(arguments) {
                Ok(arguments) => match arguments.command {
                    Command::Sweep(options) => {
                        assert!(
                            options.shard.is_some(),
                            "{}: not a part: {command}",
                            path.display()
                        );
                        sweeps += 1;
                    }
                    _ => merges += 1,
                },
                Err(error) => panic!("{}: {command}: {error}", path.display()),
            }
        }
    }
    assert!(files >= 6 && sweeps >= 5 && merges >= 5, "{files} files, {sweeps} and {merges}");
}
