//! What a setting can be: each type reads itself from TOML, prints itself, and says what it takes.
//!
//! A range is part of the type, so a value that exists is a value that can be used.

use std::{
    fmt,
    net::{SocketAddr, ToSocketAddrs},
    num::NonZeroU64,
    ops::Range,
    path::PathBuf,
    time::Duration,
};

use quorate_core::types::{Digest, PeerId};
use serde_json::json;
use toml_edit::Value;

/// Why a value is not one that a setting takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// The part of it that is wrong, if not all.
    pub(super) place: Option<Range<usize>>,
    /// What it should be: finishes "expected ..".
    pub(super) expected: String,
    /// What it is instead.
    pub(super) found: String,
}

/// The type of a setting.
pub(super) trait Setting: Sized {
    /// What it takes: finishes "expected ..".
    fn expected() -> String;
    /// Reads it.
    fn read(value: &Value) -> Result<Self, Wrong>;
    /// As TOML that reads back as the same.
    fn print(&self) -> String;
    /// What it takes, as a JSON schema, as far as one can say it.
    fn schema() -> serde_json::Value {
        json!({ "type": "string" })
    }
}

/// The schema of a text with a form.
fn pattern(pattern: &str) -> serde_json::Value {
    json!({ "type": "string", "pattern": pattern })
}

/// A value of another type, or out of range.
fn wrong<T: Setting>(value: &Value) -> Wrong {
    Wrong { place: value.span(), expected: T::expected(), found: describe(value) }
}

fn describe(value: &Value) -> String {
    match value {
        Value::String(text) => format!("the text {:?}", text.value()),
        Value::Integer(number) => format!("the number {}", number.value()),
        Value::Float(_) => "a number with a fraction".to_owned(),
        Value::Boolean(truth) => truth.value().to_string(),
        Value::Datetime(_) => "a date".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::InlineTable(_) => "a table".to_owned(),
    }
}

/// As a TOML basic string.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

impl Setting for bool {
    fn expected() -> String {
        "`true` or `false`".to_owned()
    }

    fn read(value: &Value) -> Result<Self, Wrong> {
        value.as_bool().ok_or_else(|| wrong::<Self>(value))
    }

    fn print(&self) -> String {
        self.to_string()
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "boolean" })
    }
}

impl Setting for SocketAddr {
    fn expected() -> String {
        "an IP address and a port such as `127.0.0.1:7400`".to_owned()
    }

    fn read(value: &Value) -> Result<Self, Wrong> {
        let parsed = value.as_str().and_then(|text| text.parse().ok());
        parsed.ok_or_else(|| wrong::<Self>(value))
    }

    fn print(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Setting for PathBuf {
    fn expected() -> String {
        "a path; one that does not begin with `/` counts from the home".to_owned()
    }

    fn read(value: &Value) -> Result<Self, Wrong> {
        let text = value.as_str().filter(|text| !text.is_empty() && !text.contains('\0'));
        text.map(Self::from).ok_or_else(|| wrong::<Self>(value))
    }

    fn print(&self) -> String {
        quoted(&self.display().to_string())
    }
}

/// A whole number in a range, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Count<MIN, MAX> {
    /// Wraps a number.
    ///
    /// # Panics
    /// If it is out of range.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        assert!(MIN <= number && number <= MAX, "out of the setting's range");
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl<const MIN: u64, const MAX: u64> Setting for Count<MIN, MAX> {
    fn expected() -> String {
        format!("a whole number from {MIN} to {MAX}")
    }

    fn read(value: &Value) -> Result<Self, Wrong> {
        let number = value.as_integer().and_then(|number| u64::try_from(number).ok());
        let number = number.filter(|number| (MIN..=MAX).contains(number));
        number.map(Self).ok_or_else(|| wrong::<Self>(value))
    }

    fn print(&self) -> String {
        self.0.to_string()
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

/// A length of time in a range of milliseconds, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time<const MIN_MILLIS: u64, const MAX_MILLIS: u64>(Duration);

impl<const MIN_MILLIS: u64, const MAX_MILLIS: u64> Time<MIN_MILLIS, MAX_MILLIS> {
    /// Wraps milliseconds.
    ///
    /// # Panics
    /// If out of range.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        assert!(MIN_MILLIS <= millis && millis <= MAX_MILLIS, "out of the setting's range");
        Self(Duration::from_millis(millis))
    }

    /// The length.
    #[must_use]
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl<const MIN_MILLIS: u64, const MAX_MILLIS: u64> Setting for Time<MIN_MILLIS, MAX_MILLIS> {
    fn expected() -> String {
        let text = |millis| duration_text(Duration::from_millis(millis));
        format!("a time from `{}` to `{}`, in ms, s, m or h", text(MIN_MILLIS), text(MAX_MILLIS))
    }

    fn read(value: &Value) -> Result<Self, Wrong> {
        let range = Duration::from_millis(MIN_MILLIS)..=Duration::from_millis(MAX_MILLIS);
        let parsed = value.as_str().and_then(duration).filter(|time| range.contains(time));
        parsed.map(Self).ok_or_else(|| wrong::<Self>(value))
    }

    fn print(&self) -> String {
        quoted(&duration_text(self.0))
    }

    fn schema() -> serde_json::Value {
        pattern("^[0-9]+ *(h|m|s|ms)$")
    }
}

/// Milliseconds in each unit of time, the largest first.
const TIMES: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads `250ms`, `5s`, `2m`, `1h`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    with_unit(text, &TIMES).map(Duration::from_millis)
}

/// The shortest text that [`duration`] reads as these whole milliseconds.
pub(crate) fn duration_text(time: Duration) -> String {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    in_units(millis, &TIMES, "0s")
}

/// Bytes in a range, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Size<MIN, MAX> {
    /// Wraps bytes.
    ///
    /// # Panics
    /// If out of range.
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        assert!(MIN <= bytes && bytes <= MAX, "out of the setting's range");
        Self(bytes)
    }

    /// Bytes.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl<const MIN: u64, const MAX: u64> Setting for Size<MIN, MAX> {
    fn expected() -> String {
        format!("a size from `{}` to `{}`, in B, KiB, MiB, GiB or TiB", bytes(MIN), bytes(MAX))
    }

    fn read(value: &Value) -> Result<Self, Wrong> {
        let parsed = value.as_str().and_then(|text| with_unit(text, &SIZES));
        let parsed = parsed.filter(|size| (MIN..=MAX).contains(size));
        parsed.map(Self).ok_or_else(|| wrong::<Self>(value))
    }

    fn print(&self) -> String {
        quoted(&bytes(self.0))
    }

    fn schema() -> serde_json::Value {
        pattern("^[0-9]+ *(TiB|GiB|MiB|KiB|B)$")
    }
}

/// Bytes in each unit of size, the largest first.
const SIZES: [(&str, u64); 5] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// A size with the largest unit that divides it.
pub(crate) fn bytes(size: u64) -> String {
    in_units(size, &SIZES, "0B")
}

/// Reads a whole number and one of the units, each with its factor.
pub(crate) fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// Writes an amount in the largest unit that divides it.
pub(crate) fn in_units(amount: u64, units: &[(&str, u64)], zero: &str) -> String {
    let unit = units.iter().find(|(_, factor)| amount.is_multiple_of(*factor));
    match unit {
        Some((name, factor)) if amount > 0 => format!("{}{name}", amount / factor),
        _ => zero.to_owned(),
    }
}

/// As many as there are, or so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// All of them.
    All,
    /// The newest.
    Newest(NonZeroU64),
}

impl Kept {
    /// How many; `None` for all.
    #[must_use]
    pub const fn limit(self) -> Option<u64> {
        match self {
            Self::All => None,
            Self::Newest(count) => Some(count.get()),
        }
    }
}

impl Setting for Kept {
    fn expected() -> String {
        "`\"all\"` or a whole number from 1".to_owned()
    }

    fn read(value: &Value) -> Result<Self, Wrong> {
        let number = value.as_integer().and_then(|number| u64::try_from(number).ok());
        match (value.as_str(), number.and_then(NonZeroU64::new)) {
            (Some("all"), _) => Ok(Self::All),
            (_, Some(count)) => Ok(Self::Newest(count)),
            _ => Err(wrong::<Self>(value)),
        }
    }

    fn print(&self) -> String {
        match self {
            Self::All => quoted("all"),
            Self::Newest(count) => count.to_string(),
        }
    }

    fn schema() -> serde_json::Value {
        json!({ "anyOf": [{ "enum": ["all"] }, { "type": "integer", "minimum": 1 }] })
    }
}

/// One of a few words.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$about])* $variant),* }

        impl Setting for $name {
            fn expected() -> String {
                [$(concat!("`\"", $word, "\"`")),*].join(" or ")
            }

            fn read(value: &Value) -> Result<Self, Wrong> {
                match value.as_str() {
                    $(Some($word) => Ok(Self::$variant),)*
                    _ => Err(wrong::<Self>(value)),
                }
            }

            fn print(&self) -> String {
                match self { $(Self::$variant => quoted($word)),* }
            }

            fn schema() -> serde_json::Value {
                json!({ "enum": [$($word),*] })
            }
        }
    };
}

words! {
    /// What a node does on its chain.
    Mode {
        /// Holds a consensus key and votes.
        Validator = "validator",
        /// Follows, serves, and never votes.
        Full = "full",
    }
}

words! {
    /// How log lines look.
    LogFormat {
        /// For people.
        Text = "text",
        /// One JSON object a line, for machines.
        Json = "json",
    }
}

/// Which log lines are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    /// All lines of a level and above.
    pub(super) fn level(level: &'static str) -> Self {
        Self(level.to_owned())
    }

    /// As `tracing_subscriber::EnvFilter` reads it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Setting for LogFilter {
    fn expected() -> String {
        "a level such as `info`, or levels by module such as `info,quorate_node::network=debug`"
            .to_owned()
    }

    fn read(value: &Value) -> Result<Self, Wrong> {
        let is_filter =
            |text: &&str| !text.is_empty() && tracing_subscriber::EnvFilter::try_new(*text).is_ok();
        let text = value.as_str().filter(is_filter);
        text.map(|text| Self(text.to_owned())).ok_or_else(|| wrong::<Self>(value))
    }

    fn print(&self) -> String {
        quoted(&self.0)
    }
}

/// The digest of a genesis that a node insists on, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pinned(pub Option<Digest>);

impl Setting for Pinned {
    fn expected() -> String {
        "64 hexadecimal digits, or `\"\"` for no check".to_owned()
    }

    fn read(value: &Value) -> Result<Self, Wrong> {
        let text = value.as_str().ok_or_else(|| wrong::<Self>(value))?;
        if text.is_empty() {
            return Ok(Self(None));
        }
        let raw = hex32(text).ok_or_else(|| wrong::<Self>(value))?;
        Ok(Self(Some(Digest::new(raw))))
    }

    fn print(&self) -> String {
        quoted(&self.0.map_or_else(String::new, |digest| digest.to_string()))
    }

    fn schema() -> serde_json::Value {
        pattern("^([0-9a-fA-F]{64})?$")
    }
}

/// Reads 32 bytes written as lower- or upper-case hexadecimal.
pub(crate) fn hex32(text: &str) -> Option<[u8; 32]> {
    let mut raw = [0; 32];
    hex::decode_to_slice(text, &mut raw).ok()?;
    Some(raw)
}

/// Another node, and where to find it: `KEY@HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its node key.
    pub peer: PeerId,
    /// A host name or an address, and a port.
    pub address: String,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", hex::encode(self.peer.get()), self.address)
    }
}

impl Setting for Peer {
    fn expected() -> String {
        "a peer: 64 hexadecimal digits, `@`, a host, `:` and a port".to_owned()
    }

    fn read(value: &Value) -> Result<Self, Wrong> {
        value.as_str().and_then(peer).ok_or_else(|| wrong::<Self>(value))
    }

    fn print(&self) -> String {
        quoted(&self.to_string())
    }

    fn schema() -> serde_json::Value {
        pattern("^[0-9a-fA-F]{64}@.+:[0-9]+$")
    }
}

/// Reads a node's key and where to find it.
pub(crate) fn peer(text: &str) -> Option<Peer> {
    let (key, address) = text.split_once('@')?;
    let peer = PeerId::new(hex32(key)?);
    is_address(address).then(|| Peer { peer, address: address.to_owned() })
}

/// Whether a text has the form of a host and a port other than zero. Asks no name service.
fn is_address(text: &str) -> bool {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return address.port() != 0;
    }
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.' || c == '_';
    let is_name = !host.is_empty() && host.len() <= 253 && host.chars().all(fits);
    is_name && port.parse::<u16>().is_ok_and(|port| port != 0)
}

/// The addresses behind a host and a port.
pub(crate) fn resolve(address: &str) -> std::io::Result<Vec<SocketAddr>> {
    Ok(address.to_socket_addrs()?.collect())
}

impl<T: Setting> Setting for Vec<T> {
    fn expected() -> String {
        format!("a list, each of it {}", T::expected())
    }

    fn read(value: &Value) -> Result<Self, Wrong> {
        let items = value.as_array().ok_or_else(|| wrong::<Self>(value))?;
        items.iter().map(T::read).collect()
    }

    fn print(&self) -> String {
        match self.as_slice() {
            [] => "[]".to_owned(),
            items => {
                let line = |item: &T| format!("  {},\n", item.print());
                format!("[\n{}]", items.iter().map(line).collect::<String>())
            }
        }
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "array", "items": T::schema() })
    }
}
