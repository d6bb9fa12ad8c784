//! Whether an answer is what the OpenAPI document says. Knows the few words of JSON Schema that the document
//! uses, and refuses any other, so that nothing goes unchecked.

use std::sync::LazyLock;

use serde_json::{Map, Value};

static DOCUMENT: LazyLock<Value> = LazyLock::new(crate::api::document);

/// Words that say nothing about what is allowed.
const SILENT: &[&str] = &["description", "title", "format", "example", "default"];

/// The document.
pub(super) fn document() -> &'static Value {
    &DOCUMENT
}

/// Whether the document has this path.
pub(super) fn knows(path: &str) -> bool {
    operation_of(path).is_some()
}

/// Whether an answer is one that the document tells of.
pub(super) fn check(method: &str, path: &str, status: u16, kind: &str, value: &Value) {
    let operation = operation_of(path).unwrap_or_else(|| panic!("{path} is not in the document"));
    let response = &operation[method]["responses"][status.to_string()];
    assert!(response.is_object(), "the document does not know {method} {path} -> {status}");
    let content = &response["content"][kind];
    assert!(content.is_object(), "{method} {path} -> {status} is not said to be {kind}");
    if let Err(why) = conform(&content["schema"], value, "$") {
        panic!("{method} {path} -> {status}: {why}\n{value:#}");
    }
}

/// Whether a value is a problem.
pub(super) fn check_problem(value: &Value) {
    let schema = &DOCUMENT["components"]["schemas"]["Problem"];
    if let Err(why) = conform(schema, value, "$") {
        panic!("{why}\n{value:#}");
    }
}

fn operation_of(path: &str) -> Option<&'static Value> {
    let path = path.split('?').next().unwrap_or(path);
    let paths = DOCUMENT["paths"].as_object()?;
    let fits = |template: &str| {
        let (mut ours, mut theirs) = (path.split('/'), template.split('/'));
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return true,
                (Some(own), Some(other)) if own == other || other.starts_with('{') => {}
                _ => return false,
            }
        }
    };
    paths.get(path).or_else(|| paths.iter().find(|(one, _)| fits(one)).map(|(_, found)| found))
}

/// Whether a value conforms; where and why it does not.
pub(super) fn conform(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let words = schema.as_object().ok_or_else(|| format!("{at}: there is no schema"))?;
    for (word, say) in words {
        match word.as_str() {
            "$ref" => {
                let name = say.as_str().and_then(|one| one.rsplit('/').next()).unwrap_or_default();
                conform(&DOCUMENT["components"]["schemas"][name], value, at)?;
            }
            "type" => kind(say, value, at)?,
            "enum" => {
                let listed = say.as_array().is_some_and(|all| all.contains(value));
                demand(listed, at, || format!("{value} is not one of {say}"))?;
            }
            "oneOf" => one_of(say, value, at)?,
            "properties" => properties(say, value, at)?,
            "required" => {
                for name in say.as_array().into_iter().flatten() {
                    let name = name.as_str().unwrap_or_default();
                    demand(value.get(name).is_some(), at, || format!("{name} is missing"))?;
                }
            }
            "additionalProperties" => additional(say, words, value, at)?,
            "propertyNames" => {}
            "items" => {
                for (place, item) in value.as_array().into_iter().flatten().enumerate() {
                    conform(say, item, &format!("{at}[{place}]"))?;
                }
            }
            "minItems" | "maxItems" => {
                let count = value.as_array().map_or(0, Vec::len);
                bound(word, say, u64::try_from(count).ok(), at)?;
            }
            "minimum" | "maximum" => bound(word, say, value.as_u64(), at)?,
            "pattern" => pattern(say, value, at)?,
            word if SILENT.contains(&word) => {}
            other => return Err(format!("{at}: the check does not know {other:?}")),
        }
    }
    Ok(())
}

fn demand(holds: bool, at: &str, why: impl Fn() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("{at}: {}", why())) }
}

fn kind(say: &Value, value: &Value, at: &str) -> Result<(), String> {
    let is = |name: &Value| match name.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64() || value.is_i64(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        _ => false,
    };
    let fits = say.as_array().map_or_else(|| is(say), |names| names.iter().any(is));
    demand(fits, at, || format!("{value} is no {say}"))
}

fn one_of(say: &Value, value: &Value, at: &str) -> Result<(), String> {
    let choices = say.as_array().map(Vec::as_slice).unwrap_or_default();
    let tried: Vec<_> = choices.iter().map(|choice| conform(choice, value, at)).collect();
    match tried.iter().filter(|one| one.is_ok()).count() {
        1 => Ok(()),
        0 => Err(tried.into_iter().filter_map(Result::err).collect::<Vec<_>>().join("; or ")),
        many => Err(format!("{at}: it is {many} of the choices at once")),
    }
}

fn properties(say: &Value, value: &Value, at: &str) -> Result<(), String> {
    for (name, schema) in say.as_object().into_iter().flatten() {
        if let Some(own) = value.get(name) {
            conform(schema, own, &format!("{at}.{name}"))?;
        }
    }
    Ok(())
}

fn additional(
    say: &Value,
    words: &Map<String, Value>,
    value: &Value,
    at: &str,
) -> Result<(), String> {
    let known = words.get("properties").and_then(Value::as_object);
    for (name, own) in value.as_object().into_iter().flatten() {
        if known.is_some_and(|known| known.contains_key(name)) {
            continue;
        }
        demand(*say != Value::Bool(false), at, || format!("{name} is not known"))?;
        if say.is_object() {
            conform(say, own, &format!("{at}.{name}"))?;
        }
    }
    Ok(())
}

fn bound(word: &str, say: &Value, own: Option<u64>, at: &str) -> Result<(), String> {
    let (Some(own), Some(say)) = (own, say.as_u64()) else { return Ok(()) };
    let fits = if word.starts_with("min") { own >= say } else { own <= say };
    demand(fits, at, || format!("{own} is beyond {word} {say}"))
}

/// The patterns of the document are a handful.
fn pattern(say: &Value, value: &Value, at: &str) -> Result<(), String> {
    let text = value.as_str().unwrap_or_default();
    let hex = |count: usize| {
        text.len() == count && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let fits = match say.as_str() {
        Some("^[0-9a-f]{64}$") => hex(64),
        Some("^[0-9a-f]{128}$") => hex(128),
        Some("^([0-9a-f]{2})*$") => text.len().is_multiple_of(2) && hex(text.len()),
        Some("^(native|[0-9a-f]{64})$") => text == "native" || hex(64),
        Some("^(0|[1-9][0-9]{0,19})$") => {
            text.parse::<u64>().is_ok_and(|number| number.to_string() == text)
        }
        _ => return Err(format!("{at}: the check does not know the pattern {say}")),
    };
    demand(fits, at, || format!("{value} does not match {say}"))
}
