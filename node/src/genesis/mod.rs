//! The document a chain starts from, as JSON that people can read, and as what the core knows.
//!
//! Nothing in the file is optional: a value that a later version would fill in differently would be
//! another chain. Two files that mean the same have the same digest; the digest is that of the meaning.

mod document;

#[cfg(test)]
mod tests;

use std::{path::Path, sync::Arc};

use quorate_core::{config::Genesis, execution::ExecutionState, types::Digest};

use self::document::Document;
use crate::{
    config::{Problem, Problems, Source, offset, read_file},
    exit::{Exit, Failure},
};

/// Bytes of the longest genesis document: about 700,000 funded accounts.
pub(crate) const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Reads a genesis file, and insists on a digest if one is given.
///
/// # Errors
/// [`Exit::Genesis`] with the line and column of what is wrong, or with both digests.
pub(crate) fn load(path: &Path, pinned: Option<Digest>) -> Result<Genesis, Failure> {
    let name = path.display().to_string();
    let text = read_file(path, FILE_BYTES_MAX).map_err(|error| {
        Failure::new(Exit::Genesis, format!("cannot read the genesis {name}: {error}"))
    })?;
    let genesis = parse(&name, &text)?;
    let digest = genesis.digest();
    match pinned {
        Some(pinned) if pinned != digest => Err(Failure::new(
            Exit::Genesis,
            format!(
                "{name} is the genesis of another chain: its digest is {digest}, wanted is {pinned}"
            ),
        )),
        _ => Ok(genesis),
    }
}

/// Reads the text of a genesis file.
///
/// # Errors
/// [`Exit::Genesis`] with the place of what is wrong.
pub(crate) fn parse(name: &str, text: &str) -> Result<Genesis, Failure> {
    let fail = |message: String, place: Option<std::ops::Range<usize>>| {
        let source = Arc::new(Source { name: name.to_owned(), text: text.to_owned() });
        Problems(vec![Problem { source, place, message, help: None }]).failure(Exit::Genesis)
    };
    let document: Document = serde_json::from_str(text).map_err(|error| {
        // The column is that of the last character that was read.
        let end = offset(text, error.line(), error.column() + 1);
        let message = error.to_string();
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(what, _)| what);
        fail(format!("not a genesis: {message}"), Some(word_before(text, end)))
    })?;
    let genesis = document.into_genesis().map_err(|message| fail(message, None))?;
    // Whatever makes a genesis impossible to execute upon is known to the core.
    ExecutionState::try_new(&genesis).map_err(|error| fail(error.to_string(), None))?;
    Ok(genesis)
}

/// The same with other parameters, each given as `NAME=VALUE` with the name it has in the file.
///
/// # Errors
/// [`Exit::Usage`] for what is no parameter, [`Exit::Genesis`] for a value that it cannot have.
pub(crate) fn with_parameters(genesis: &Genesis, given: &[String]) -> Result<Genesis, Failure> {
    let mut document =
        serde_json::to_value(Document::of_genesis(genesis)).expect("plain data becomes JSON");
    for one in given {
        let (name, value) = one.split_once('=').ok_or_else(|| {
            let what = format!("`{one}` sets no parameter: expected NAME=VALUE");
            Failure::new(Exit::Usage, what)
        })?;
        let parameters = document["parameters"].as_object_mut().expect("it has parameters");
        let Some(place) = parameters.get_mut(name) else {
            let known = parameters.keys().cloned().collect::<Vec<_>>().join(", ");
            let what = format!("the chain has no parameter `{name}`; it has {known}");
            return Err(Failure::new(Exit::Usage, what));
        };
        *place = match value.parse::<u64>() {
            Ok(number) if place.is_number() => number.into(),
            _ => value.into(),
        };
    }
    let text = serde_json::to_string_pretty(&document).expect("plain data becomes JSON");
    parse("with --parameter", &text)
}

/// The JSON of a genesis.
pub(crate) fn to_json(genesis: &Genesis) -> String {
    let document = Document::of_genesis(genesis);
    let mut text = serde_json::to_string_pretty(&document).expect("plain data becomes JSON");
    text.push('\n');
    text
}

/// The word that ends at a place, to underline.
fn word_before(text: &str, end: usize) -> std::ops::Range<usize> {
    let is_edge = |c: char| c.is_whitespace() || matches!(c, ',' | ':' | '{' | '}' | '[' | ']');
    let word = text[..end].trim_end_matches(is_edge);
    let start = word.rfind(is_edge).map_or(0, |at| at + 1);
    if start < word.len() { start..word.len() } else { end..end }
}
