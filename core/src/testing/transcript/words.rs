//! One command: a verb, what it is about, and clauses that begin with a keyword.

use std::collections::BTreeMap;

/// Words that begin a clause, whatever the command.
const KEYWORDS: &[&str] = &[
    "announced",
    "at",
    "bad",
    "block",
    "by",
    "carrying",
    "certified",
    "checkpoint",
    "epoch",
    "every",
    "extra",
    "final",
    "from",
    "height",
    "id",
    "idle",
    "index",
    "keeping",
    "links",
    "linked",
    "me",
    "on",
    "origin",
    "padded",
    "parent",
    "payload",
    "proofs",
    "proposer",
    "skips",
    "time",
    "weights",
];

/// A command, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// What to do.
    pub(super) verb: String,
    /// The words before the first keyword, commas standing alone.
    pub(super) about: Vec<String>,
    clauses: BTreeMap<String, Vec<String>>,
}

impl Line {
    /// Takes a command apart.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let spaced = text.replace(',', " , ");
        let mut words = spaced.split_whitespace().map(str::to_owned);
        let verb = words.next().ok_or("no command")?;
        let mut line = Self { verb, about: Vec::new(), clauses: BTreeMap::new() };
        let mut clause: Option<String> = None;
        for word in words {
            if KEYWORDS.contains(&word.as_str()) {
                if line.clauses.insert(word.clone(), Vec::new()).is_some() {
                    return Err(format!("`{word}` twice"));
                }
                clause = Some(word);
            } else if let Some(open) = &clause {
                line.clauses.entry(open.clone()).or_default().push(word);
            } else {
                line.about.push(word);
            }
        }
        Ok(line)
    }

    /// The words of a clause, taken out; `None` if it is absent.
    pub(super) fn clause(&mut self, keyword: &str) -> Option<Vec<String>> {
        self.clauses.remove(keyword)
    }

    /// The one word of a clause, taken out; `None` if it is absent.
    pub(super) fn value(&mut self, keyword: &str) -> Result<Option<String>, String> {
        match self.clause(keyword).as_deref() {
            None => Ok(None),
            Some([one]) => Ok(Some(one.clone())),
            Some(_) => Err(format!("`{keyword}` needs one word")),
        }
    }

    /// Whether a clause without words is there, taken out.
    pub(super) fn flag(&mut self, keyword: &str) -> bool {
        self.clause(keyword).is_some()
    }

    /// What the command is about, split at commas.
    pub(super) fn list(&self) -> Vec<&[String]> {
        self.about.split(|word| word == ",").collect()
    }

    /// The only word it is about.
    pub(super) fn only(&self) -> Result<&str, String> {
        match self.about.as_slice() {
            [one] => Ok(one),
            other => Err(format!("`{}` is about one thing, not {other:?}", self.verb)),
        }
    }

    /// Complains about clauses nobody took.
    pub(super) fn done(&self) -> Result<(), String> {
        match self.clauses.keys().next() {
            Some(keyword) => Err(format!("`{}` knows no `{keyword}`", self.verb)),
            None => Ok(()),
        }
    }
}

/// A number after a letter, as in `v3`, `n2` or `h7`.
pub(super) fn lettered(word: &str, letter: char) -> Result<u64, String> {
    let number = word.strip_prefix(letter).and_then(|rest| rest.parse().ok());
    number.ok_or_else(|| format!("`{word}` is not `{letter}` and a number"))
}

/// Plain number.
pub(super) fn number(word: &str) -> Result<u64, String> {
    word.parse().map_err(|_| format!("`{word}` is not a number"))
}

/// Milliseconds, as in `250ms`.
pub(super) fn millis(word: &str) -> Result<u64, String> {
    let number = word.strip_suffix("ms").and_then(|rest| rest.parse().ok());
    number.ok_or_else(|| format!("`{word}` is not a time like 250ms"))
}

/// Both ends of a range like `3..9`, the last included.
pub(super) fn range(word: &str) -> Result<(u64, u64), String> {
    let (first, last) = word.split_once("..").ok_or_else(|| format!("`{word}` is no range"))?;
    Ok((number(first)?, number(last)?))
}
