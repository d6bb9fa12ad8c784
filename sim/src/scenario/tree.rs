//! A TOML document as a tree that remembers where everything stands in the file.
//!
//! Floats are not kept as floats: a number with a fraction is the text the file has, so that a
//! probability is read exactly.

use std::ops::Range;

use toml_edit::{Item, TableLike, Value};

/// A value and its place.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) place: Range<usize>,
    pub(super) kind: Kind,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Text(String),
    Integer(i64),
    /// As written, underscores removed.
    Fraction(String),
    Boolean(bool),
    Date,
    List(Vec<Tree>),
    Table(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_place: Range<usize>,
    pub(super) value: Tree,
}

impl Tree {
    /// What a value is, in words.
    pub(super) fn describe(&self) -> String {
        match &self.kind {
            Kind::Text(text) => format!("the text {text:?}"),
            Kind::Integer(number) => format!("the number {number}"),
            Kind::Fraction(text) => format!("the number {text}"),
            Kind::Boolean(value) => format!("{value}"),
            Kind::Date => "a date or time of day".to_owned(),
            Kind::List(_) => "a list".to_owned(),
            Kind::Table(_) => "a table".to_owned(),
        }
    }

    pub(super) fn of_table(table: &dyn TableLike, source: &str, place: Range<usize>) -> Self {
        let entries = table
            .iter()
            .filter_map(|(key, item)| {
                let value = Self::of_item(item, source)?;
                let key_place = table
                    .key(key)
                    .and_then(toml_edit::Key::span)
                    .unwrap_or_else(|| value.place.clone());
                Some(Entry { key: key.to_owned(), key_place, value })
            })
            .collect();
        Self { place, kind: Kind::Table(entries) }
    }

    fn of_item(item: &Item, source: &str) -> Option<Self> {
        let place = item.span();
        match item {
            Item::None => None,
            Item::Value(value) => Some(Self::of_value(value, source)),
            Item::Table(table) => {
                let entries = Self::of_table(table, source, place.clone().unwrap_or(0..0));
                // `a.b = 1` makes a table `a` that stands nowhere itself.
                let place = place.unwrap_or_else(|| entries.first_place());
                Some(Self { place, ..entries })
            }
            Item::ArrayOfTables(tables) => {
                let list: Vec<Self> = tables
                    .iter()
                    .map(|table| Self::of_table(table, source, table.span().unwrap_or(0..0)))
                    .collect();
                let place = list.first().map_or(0..0, |first| first.place.clone());
                Some(Self { place, kind: Kind::List(list) })
            }
        }
    }

    fn of_value(value: &Value, source: &str) -> Self {
        let place = value.span().unwrap_or(0..0);
        let kind = match value {
            Value::String(text) => Kind::Text(text.value().clone()),
            Value::Integer(number) => Kind::Integer(*number.value()),
            Value::Float(_) => {
                Kind::Fraction(source.get(place.clone()).unwrap_or_default().replace('_', ""))
            }
            Value::Boolean(truth) => Kind::Boolean(*truth.value()),
            Value::Datetime(_) => Kind::Date,
            Value::Array(values) => {
                Kind::List(values.iter().map(|value| Self::of_value(value, source)).collect())
            }
            Value::InlineTable(table) => {
                let table = Self::of_table(table, source, place.clone());
                let place = if place.is_empty() { table.first_place() } else { place };
                return Self { place, ..table };
            }
        };
        Self { place, kind }
    }

    fn first_place(&self) -> Range<usize> {
        match &self.kind {
            Kind::Table(entries) => entries.first().map_or(0..0, |entry| entry.key_place.clone()),
            _ => self.place.clone(),
        }
    }
}
