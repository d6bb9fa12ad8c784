//! From the file, the environment and the command line to one [`Config`], or to all that is wrong.
//!
//! Later layers win: built-in, file, `QUORATE__SECTION__KEY`, `--set section.key=value`, flags. Every
//! value remembers which layer it is from.

use std::{collections::BTreeMap, fmt, fs, io, ops::Range, path::Path, sync::Arc};

use toml_edit::{Document, Item, TableLike, Value};

use super::{
    problem::{Problem, Problems, Source, nearest},
    settings::{Config, SECTIONS},
    table::SectionInfo,
    value::{Mode, Wrong},
};
use crate::exit::{Exit, Failure};

/// Bytes of the largest file that is read.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// How environment variables that are settings begin.
pub(crate) const PREFIX: &str = "QUORATE__";

/// What is laid over the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    /// Variables of the environment that begin with [`PREFIX`].
    pub(crate) environment: BTreeMap<String, String>,
    /// Arguments of `--set`.
    pub(crate) set: Vec<String>,
    /// Flags of their own: the flag, `section.key`, the value.
    pub(crate) flags: Vec<(&'static str, &'static str, String)>,
}

impl Overrides {
    /// The variables of a process that are settings.
    ///
    /// # Errors
    /// If one of them is not text.
    pub(crate) fn from_environment(
        variables: impl IntoIterator<Item = (std::ffi::OsString, std::ffi::OsString)>,
    ) -> Result<Self, Failure> {
        let mut overrides = Self::default();
        for (name, value) in variables {
            let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
                continue;
            };
            let Ok(value) = value.into_string() else {
                let what = format!("the environment variable {name} is not UTF-8");
                return Err(Failure::new(Exit::Config, what));
            };
            overrides.environment.insert(name.to_owned(), value);
        }
        Ok(overrides)
    }
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody set it.
    BuiltIn,
    /// A line of the file.
    File {
        /// The path, as it was given.
        path: String,
        /// Counted from 1.
        line: usize,
    },
    /// A variable.
    Environment(String),
    /// The option `--set`.
    Set,
    /// A flag of its own.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built-in"),
            Self::File { path, line } => write!(f, "{path}:{line}"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Set => f.write_str("--set"),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// A configuration, and where each of its values comes from.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    /// The values.
    pub(crate) config: Config,
    places: BTreeMap<(&'static str, &'static str), Written>,
}

/// Where a value was written.
#[derive(Clone, Debug)]
struct Written {
    origin: Origin,
    source: Arc<Source>,
    place: Range<usize>,
}

impl Loaded {
    /// Where the value of a key comes from.
    pub(crate) fn origin(&self, section: &str, key: &str) -> Origin {
        let found = self.places.iter().find(|((s, k), _)| *s == section && *k == key);
        found.map_or(Origin::BuiltIn, |(_, written)| written.origin.clone())
    }
}

/// Reads a file and lays everything else over it.
///
/// # Errors
/// With [`Exit::Config`] and everything that is wrong.
pub(crate) fn load(path: &Path, overrides: &Overrides) -> Result<Loaded, Failure> {
    let name = path.display().to_string();
    let text = read_file(path, FILE_BYTES_MAX).map_err(|error| {
        let mend = match error.kind() {
            io::ErrorKind::NotFound => "; `quorate init` makes a home with one",
            _ => "",
        };
        let what = format!("cannot read the configuration {name}: {error}{mend}");
        Failure::new(Exit::Config, what)
    })?;
    parse(&name, text, overrides).map_err(|problems| problems.failure(Exit::Config))
}

/// Reads a text of at most `bytes_max` bytes.
pub(crate) fn read_file(path: &Path, bytes_max: u64) -> io::Result<String> {
    if fs::metadata(path)?.len() > bytes_max {
        let mebibytes = bytes_max / (1024 * 1024);
        return Err(io::Error::other(format!("it is larger than {mebibytes} MiB")));
    }
    String::from_utf8(fs::read(path)?).map_err(|_| io::Error::other("it is not UTF-8 text"))
}

/// Reads a text as if it were a file with this name, and lays everything else over it.
///
/// # Errors
/// With everything that is wrong.
pub(crate) fn parse(name: &str, text: String, overrides: &Overrides) -> Result<Loaded, Problems> {
    let mut reader = Reader::default();
    reader.file(name, text);
    for (name, value) in &overrides.environment {
        reader.variable(name, value);
    }
    for argument in &overrides.set {
        reader.set(argument);
    }
    for (flag, key, value) in &overrides.flags {
        reader.flag(flag, key, value);
    }
    if reader.problems.is_empty() {
        reader.check();
    }
    match reader.problems.is_empty() {
        true => Ok(Loaded { config: reader.config, places: reader.places }),
        false => Err(Problems(reader.problems)),
    }
}

/// A configuration in the making.
#[derive(Default)]
struct Reader {
    config: Config,
    places: BTreeMap<(&'static str, &'static str), Written>,
    problems: Vec<Problem>,
}

impl Reader {
    fn problem(
        &mut self,
        source: &Arc<Source>,
        place: Option<Range<usize>>,
        message: String,
        help: Option<String>,
    ) {
        self.problems.push(Problem { source: Arc::clone(source), place, message, help });
    }

    fn file(&mut self, name: &str, text: String) {
        let source = Arc::new(Source { name: name.to_owned(), text });
        let document = match Document::parse(source.text.as_str()) {
            Ok(document) => document,
            Err(error) => {
                let message = error.message().lines().collect::<Vec<_>>().join(", ");
                self.problem(&source, error.span(), format!("not TOML: {message}"), None);
                return;
            }
        };
        for (name, item) in document.iter() {
            let place = document.key(name).and_then(toml_edit::Key::span).or_else(|| item.span());
            match (find_section(name), item.as_table_like()) {
                (Some(section), Some(table)) => self.section(&source, section, table),
                (Some(_), None) => {
                    let help = Some(format!("write `[{name}]` and its keys below"));
                    self.problem(&source, place, format!("`{name}` is a section"), help);
                }
                (None, _) => self.unknown_section(&source, place, name),
            }
        }
    }

    fn section(
        &mut self,
        source: &Arc<Source>,
        section: &'static SectionInfo,
        table: &dyn TableLike,
    ) {
        for (name, item) in table.iter() {
            let place = table.key(name).and_then(toml_edit::Key::span).or_else(|| item.span());
            let Some(key) = find_key(section, name) else {
                self.unknown_key(source, place, section, name);
                continue;
            };
            let Item::Value(value) = item else {
                let message = format!("`{name}` in [{}] is a key with a value", section.name);
                let help = Some(format!("write `{name} = ..`"));
                self.problem(source, place, message, help);
                continue;
            };
            let span = value.span().or_else(|| place.clone()).unwrap_or_default();
            let line = source.text[..span.start].matches('\n').count() + 1;
            let origin = Origin::File { path: source.name.clone(), line };
            match self.config.read(section.name, key, value) {
                Ok(()) => {
                    let written = Written { origin, source: Arc::clone(source), place: span };
                    self.places.insert((section.name, key), written);
                }
                Err(wrong) => self.wrong(source, span, section.name, key, wrong),
            }
        }
    }

    fn variable(&mut self, name: &str, value: &str) {
        let text = format!("{name}={value}");
        let source = Arc::new(Source { name: "the environment".to_owned(), text });
        let rest = name.strip_prefix(PREFIX).unwrap_or(name);
        let after_prefix = name.len() - rest.len();
        let Some((section, key)) = rest.split_once("__") else {
            let help = Some(format!("{PREFIX}SECTION__KEY, with two underscores between"));
            let message = format!("{name} names no setting");
            self.problem(&source, Some(0..name.len()), message, help);
            return;
        };
        let places = (
            after_prefix..after_prefix + section.len(),
            after_prefix + section.len() + 2..name.len(),
        );
        let (section, key) = (section.to_ascii_lowercase(), key.to_ascii_lowercase());
        let origin = Origin::Environment(name.to_owned());
        self.assign(&source, origin, (&section, &key), places, value);
    }

    fn set(&mut self, argument: &str) {
        let source = Arc::new(Source { name: "--set".to_owned(), text: argument.to_owned() });
        let parts = argument.split_once('=');
        let parts = parts.and_then(|(path, value)| {
            let (section, key) = path.split_once('.')?;
            Some((section, key, value))
        });
        let Some((section, key, value)) = parts else {
            let help = Some("expected section.key=value".to_owned());
            let message = format!("`{argument}` sets nothing");
            self.problem(&source, Some(0..argument.len()), message, help);
            return;
        };
        let places = (0..section.len(), section.len() + 1..section.len() + 1 + key.len());
        self.assign(&source, Origin::Set, (section.trim(), key.trim()), places, value);
    }

    fn flag(&mut self, flag: &'static str, path: &'static str, value: &str) {
        let text = format!("{flag} {value}");
        let source = Arc::new(Source { name: "the command line".to_owned(), text });
        let (section, key) = path.split_once('.').expect("flags name section.key");
        let places = (0..flag.len(), 0..flag.len());
        self.assign(&source, Origin::Flag(flag), (section, key), places, value);
    }

    /// One value that was not written in the file. Its text ends the source's.
    fn assign(
        &mut self,
        source: &Arc<Source>,
        origin: Origin,
        (section_name, key_name): (&str, &str),
        (section_place, key_place): (Range<usize>, Range<usize>),
        value: &str,
    ) {
        let Some(section) = find_section(section_name) else {
            self.unknown_section(source, Some(section_place), section_name);
            return;
        };
        let Some(key) = find_key(section, key_name) else {
            self.unknown_key(source, Some(key_place), section, key_name);
            return;
        };
        let place = source.text.len() - value.len()..source.text.len();
        let value = value.trim();
        // `1s` and `127.0.0.1:80` are no TOML, and nobody should have to quote them.
        let as_text = self.config.read(section.name, key, &Value::from(value));
        let read = match (as_text, value.parse::<Value>()) {
            (Err(_), Ok(value)) => self.config.read(section.name, key, &value),
            (as_text, _) => as_text,
        };
        match read {
            Ok(()) => {
                let written = Written { origin, source: Arc::clone(source), place };
                self.places.insert((section.name, key), written);
            }
            Err(wrong) => {
                // Places within the value are its own, not those of the source.
                let wrong = Wrong { place: None, ..wrong };
                self.wrong(source, place, section.name, key, wrong);
            }
        }
    }

    fn wrong(
        &mut self,
        source: &Arc<Source>,
        place: Range<usize>,
        section: &str,
        key: &str,
        wrong: Wrong,
    ) {
        let message = format!("`{section}.{key}` cannot be {}", wrong.found);
        let help = Some(format!("expected {}", wrong.expected));
        self.problem(source, Some(wrong.place.unwrap_or(place)), message, help);
    }

    fn unknown_section(&mut self, source: &Arc<Source>, place: Option<Range<usize>>, name: &str) {
        let names = || SECTIONS.iter().map(|section| section.name);
        let owner = SECTIONS.iter().find(|section| find_key(section, name).is_some());
        let help = match (nearest(name, names()), owner) {
            (_, Some(owner)) => format!("`{name}` is a key of [{}]", owner.name),
            (Some(near), None) => format!("did you mean `{near}`?"),
            (None, None) => format!("known sections: {}", listed(names())),
        };
        self.problem(source, place, format!("unknown section `{name}`"), Some(help));
    }

    fn unknown_key(
        &mut self,
        source: &Arc<Source>,
        place: Option<Range<usize>>,
        section: &SectionInfo,
        name: &str,
    ) {
        let names = || section.keys.iter().map(|key| key.name);
        let elsewhere = SECTIONS.iter().find(|other| find_key(other, name).is_some());
        let help = match (nearest(name, names()), elsewhere) {
            (Some(near), _) => {
                format!("did you mean `{near}`? known keys: {}", listed(names()))
            }
            (None, Some(other)) => format!("`{name}` is a key of [{}]", other.name),
            (None, None) => format!("known keys: {}", listed(names())),
        };
        self.problem(
            source,
            place,
            format!("unknown key `{name}` in [{}]", section.name),
            Some(help),
        );
    }

    /// What is wrong with values that are each right.
    fn check(&mut self) {
        let config = &self.config;
        let listens = [
            ("network", config.network.listen),
            ("api", config.api.listen),
            ("metrics", config.metrics.listen),
        ];
        for (position, (section, address)) in listens.iter().enumerate() {
            let clash = |(_, other): &&(&str, std::net::SocketAddr)| {
                let both = address.ip().is_unspecified() || other.ip().is_unspecified();
                address.port() != 0
                    && address.port() == other.port()
                    && (both || address.ip() == other.ip())
            };
            if let Some((other, _)) = listens[..position].iter().find(clash) {
                let message = format!("`{section}.listen` and `{other}.listen` are one address");
                self.complain(section, "listen", message, "give each its own port");
                return;
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        let twice = config.network.peers.iter().find(|peer| !seen.insert(peer.peer));
        if let Some(twice) = twice {
            let message = format!("the peer {} is there twice", hex::encode(twice.peer.get()));
            self.complain("network", "peers", message, "keep one of the entries");
        }
        let secrets = self.config.secrets.clone();
        if secrets.node_key == secrets.consensus_key {
            let message = "`node_key` and `consensus_key` are one file".to_owned();
            let help = "a key that votes must not be the one that every peer sees in use";
            self.complain("secrets", "consensus_key", message, help);
        }
        if self.config.node.mode == Mode::Validator && secrets.sign_state == secrets.consensus_key {
            let message = "`sign_state` and `consensus_key` are one file".to_owned();
            self.complain("secrets", "sign_state", message, "keep them beside each other");
        }
    }

    fn complain(&mut self, section: &str, key: &str, message: String, help: &str) {
        let written = self.places.iter().find(|((s, k), _)| *s == section && *k == key);
        let (source, place) = match written {
            Some((_, written)) => (Arc::clone(&written.source), Some(written.place.clone())),
            None => {
                let name = format!("{section}.{key}, built-in");
                (Arc::new(Source { name, text: String::new() }), None)
            }
        };
        self.problem(&source, place, message, Some(help.to_owned()));
    }
}

fn find_section(name: &str) -> Option<&'static SectionInfo> {
    SECTIONS.iter().find(|section| section.name == name)
}

fn find_key(section: &SectionInfo, name: &str) -> Option<&'static str> {
    section.keys.iter().find(|key| key.name == name).map(|key| key.name)
}

fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
