//! The settings as a JSON schema, for editors: made from the declarations like the reference page.

use serde_json::{Map, Value, json};

use super::settings::{Config, SECTIONS};

/// A schema of `node.toml` (JSON Schema, draft 2020-12).
pub(crate) fn schema() -> Value {
    let built_in = Config::default();
    let mut sections = Map::new();
    for section in SECTIONS {
        let mut keys = Map::new();
        for key in section.keys {
            let mut entry = (key.schema)();
            entry["description"] = text(key.about).into();
            let default = built_in.print(section.name, key.name);
            if let Some(default) = value_of(&default) {
                entry["default"] = default;
            }
            keys.insert(key.name.to_owned(), entry);
        }
        let section_schema = json!({
            "type": "object",
            "description": text(section.about),
            "properties": keys,
            "additionalProperties": false,
        });
        sections.insert(section.name.to_owned(), section_schema);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "node.toml of a Quorate node",
        "type": "object",
        "properties": sections,
        "additionalProperties": false,
    })
}

fn text(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

/// A printed setting as JSON; `None` for what settings are never printed as.
fn value_of(printed: &str) -> Option<Value> {
    json_of(&printed.parse::<toml_edit::Value>().ok()?)
}

fn json_of(value: &toml_edit::Value) -> Option<Value> {
    match value {
        toml_edit::Value::String(text) => Some(text.value().as_str().into()),
        toml_edit::Value::Integer(number) => Some((*number.value()).into()),
        toml_edit::Value::Boolean(truth) => Some((*truth.value()).into()),
        toml_edit::Value::Array(items) => items.iter().map(json_of).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every setting is there with a type, what it says and its default, and nothing else is allowed.
    #[test]
    fn every_setting_is_in_the_schema() {
        let schema = schema();
        assert_eq!(schema["additionalProperties"], false);
        for section in SECTIONS {
            let found = &schema["properties"][section.name];
            assert_eq!(found["additionalProperties"], false, "{}", section.name);
            for key in section.keys {
                let entry = &found["properties"][key.name];
                let name = format!("{}.{}", section.name, key.name);
                let has = |what: &str| entry.get(what).is_some();
                assert!(has("type") || has("enum") || has("anyOf"), "{name}: {entry}");
                assert!(has("description") && has("default"), "{name}: {entry}");
            }
        }
        let workers = &schema["properties"]["threads"]["properties"]["workers"];
        assert_eq!((&workers["minimum"], &workers["maximum"]), (&json!(0), &json!(256)));
        assert_eq!(
            schema["properties"]["node"]["properties"]["mode"]["enum"],
            json!(["validator", "full"])
        );
    }
}
