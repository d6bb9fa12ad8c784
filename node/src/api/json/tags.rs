//! That the fields which say what an object is say it in one way.
//!
//! An enumeration is told apart by its field `type`. What derives the reading of it takes the number of a
//! variant for its name as well, which no document mentions: another way to write the same, and one that
//! changes meaning with the order of variants.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// Any JSON of which every field called `type` is a text. Keeps nothing of it.
#[derive(Clone, Copy, Debug)]
pub struct Named;

/// A text, of which nothing is kept.
struct Text;

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl Visitor<'_> for Reads {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name as the type")
            }

            fn visit_str<E>(self, _: &str) -> Result<Text, E> {
                Ok(Text)
            }
        }
        deserializer.deserialize_str(Reads)
    }
}

/// The name of a field: whether it is `type`.
struct IsType(bool);

impl<'de> Deserialize<'de> for IsType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl Visitor<'_> for Reads {
            type Value = IsType;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field's name")
            }

            fn visit_str<E>(self, name: &str) -> Result<IsType, E> {
                Ok(IsType(name == "type"))
            }
        }
        deserializer.deserialize_identifier(Reads)
    }
}

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Walk)
    }
}

struct Walk;

impl<'de> Visitor<'de> for Walk {
    type Value = Named;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Named, E> {
        Ok(Named)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Named, E> {
        Ok(Named)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Named, E> {
        Ok(Named)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Named, E> {
        Ok(Named)
    }

    fn visit_str<E>(self, _: &str) -> Result<Named, E> {
        Ok(Named)
    }

    fn visit_unit<E>(self) -> Result<Named, E> {
        Ok(Named)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Named, A::Error> {
        while let Some(Named) = items.next_element()? {}
        Ok(Named)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Named, A::Error> {
        while let Some(IsType(is_type)) = fields.next_key()? {
            if is_type {
                let Text = fields.next_value()?;
            } else {
                let Named = fields.next_value()?;
            }
        }
        Ok(Named)
    }
}

#[cfg(test)]
mod tests {
    use super::Named;

    #[test]
    fn types_are_names() {
        let good = r#"[{"type": "x", "a": [1, -1, 0.5, null, true, {"type": "y"}], "b": "type"}]"#;
        serde_json::from_str::<Named>(good).expect("all types are names");
        for bad in [r#"{"type": 0}"#, r#"[{"a": {"type": null}}]"#, r#"{"type": ["x"]}"#] {
            let error = serde_json::from_str::<Named>(bad).map(drop).expect_err(bad).to_string();
            assert!(error.contains("expected a name as the type"), "{error}");
        }
    }
}
