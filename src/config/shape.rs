//! What may be written where: one description from which the JSON Schema and the reference are made.

use serde_json::{Map, Value, json};

use super::decode::TextValue;

/// What a value may look like.
pub(super) enum Shape {
    /// One scalar (or a small mapping that is a value of its own).
    Value {
        word: String,
        sample: String,
        schema: Value,
    },
    List(Box<Shape>),
    Table {
        key: Box<Shape>,
        value: Box<Shape>,
    },
    Section(SectionShape),
    /// One word instead of a mapping; it means no.
    WordOr(&'static str, Box<Shape>),
}

/// A mapping with known keys.
pub(super) struct SectionShape {
    pub name: &'static str,
    pub doc: String,
    pub fields: Vec<FieldShape>,
    pub exactly_one_of: &'static [&'static str],
}

/// One key of a section.
pub(super) struct FieldShape {
    pub key: &'static str,
    pub doc: String,
    pub need: Need,
    pub shape: Shape,
}

/// What happens when a key is not written.
pub(super) enum Need {
    Required,
    Optional,
    /// A section that can be left out because each of its keys can.
    Nested,
    Default(Value),
}

impl Shape {
    pub(super) fn value(word: &str, sample: &str, schema: Value) -> Self {
        Self::Value {
            word: word.to_owned(),
            sample: sample.to_owned(),
            schema,
        }
    }

    pub(super) fn text<T: TextValue>() -> Self {
        Self::value(
            T::WORD,
            T::EXAMPLE,
            json!({ "type": "string", "pattern": T::PATTERN }),
        )
    }

    /// What it is called: `duration`, `list of networks`.
    pub(super) fn word(&self) -> String {
        match self {
            Self::Value { word, .. } => word.clone(),
            Self::List(item) => format!("list of {}s", item.word()),
            Self::Table { value, .. } => format!("mapping of {}s", value.word()),
            Self::Section(_) => "mapping".to_owned(),
            Self::WordOr(word, other) => format!("{}, or `{word}`", other.word()),
        }
    }

    /// Something that could be written, for a remedy.
    pub(super) fn sample(&self) -> String {
        match self {
            Self::Value { sample, .. } => format!("a value, such as `{sample}`"),
            Self::List(item) => match item.as_ref() {
                Self::Value { sample, .. } => format!("a list, such as `[{sample}]`"),
                _ => "a list, each item of which begins with `- `".to_owned(),
            },
            Self::Table { key, .. } => match key.as_ref() {
                Self::Value { sample, .. } => {
                    format!("a mapping: `{sample}:` and below it, indented, what belongs to it")
                }
                _ => "a mapping".to_owned(),
            },
            Self::Section(section)
                if section
                    .fields
                    .iter()
                    .any(|field| matches!(field.need, Need::Required)) =>
            {
                "its keys below it, indented".to_owned()
            }
            Self::Section(_) => "`{}` for its defaults".to_owned(),
            Self::WordOr(word, other) => format!("{}, or `{word}`", other.sample()),
        }
    }

    /// The JSON Schema of a document of this shape, draft 2020-12.
    pub(super) fn document_schema(&self) -> Value {
        let mut definitions = Map::new();
        let root = self.schema(&mut definitions);
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Portcullis configuration",
            "$ref": root.get("$ref"),
            "$defs": definitions,
        })
    }

    fn schema(&self, definitions: &mut Map<String, Value>) -> Value {
        match self {
            Self::Value { schema, .. } => schema.clone(),
            Self::List(item) => json!({ "type": "array", "items": item.schema(definitions) }),
            Self::Table { key, value } => json!({
                "type": "object",
                "propertyNames": key.schema(definitions),
                "additionalProperties": value.schema(definitions),
            }),
            Self::Section(section) => {
                if !definitions.contains_key(section.name) {
                    let schema = section.schema(definitions);
                    definitions.insert(section.name.to_owned(), schema);
                }
                json!({ "$ref": format!("#/$defs/{}", section.name) })
            }
            Self::WordOr(word, other) => {
                // An editor with YAML 1.1 reads `off` as false.
                json!({ "anyOf": [{ "enum": [word, false] }, other.schema(definitions)] })
            }
        }
    }

    /// Adds a row for every key below this one.
    pub(super) fn rows(&self, path: &str, rows: &mut Vec<[String; 4]>) {
        match self {
            Self::Value { .. } => {}
            Self::List(item) => item.rows(&format!("{path}[]"), rows),
            Self::Table { key, value } => {
                let key = key.word().to_ascii_uppercase().replace(' ', "_");
                value.rows(&format!("{path}.{key}"), rows);
            }
            Self::WordOr(_, other) => other.rows(path, rows),
            Self::Section(section) => {
                for field in &section.fields {
                    let dot = if path.is_empty() { "" } else { "." };
                    let path = format!("{path}{dot}{}", field.key);
                    rows.push([
                        path.clone(),
                        field.shape.word(),
                        field.need.words(),
                        field.doc.clone(),
                    ]);
                    field.shape.rows(&path, rows);
                }
            }
        }
    }
}

impl SectionShape {
    fn schema(&self, definitions: &mut Map<String, Value>) -> Value {
        let mut properties = Map::new();
        for field in &self.fields {
            let mut schema = field.shape.schema(definitions);
            if let Some(schema) = schema.as_object_mut() {
                schema.insert("description".to_owned(), field.doc.clone().into());
                if let Need::Default(value) = &field.need {
                    schema.insert("default".to_owned(), value.clone());
                }
            }
            properties.insert(field.key.to_owned(), schema);
        }
        let mut schema = json!({
            "type": "object",
            "description": self.doc,
            "properties": properties,
            "additionalProperties": false,
        });
        let required: Vec<_> = self
            .fields
            .iter()
            .filter(|field| matches!(field.need, Need::Required))
            .map(|field| field.key)
            .collect();
        if let Some(schema) = schema.as_object_mut() {
            if !required.is_empty() {
                schema.insert("required".to_owned(), required.into());
            }
            if !self.exactly_one_of.is_empty() {
                let one_of = self
                    .exactly_one_of
                    .iter()
                    .map(|key| json!({ "required": [key] }))
                    .collect();
                schema.insert("oneOf".to_owned(), Value::Array(one_of));
            }
        }
        schema
    }
}

impl Need {
    fn words(&self) -> String {
        match self {
            Self::Required => "required".to_owned(),
            Self::Optional | Self::Nested => String::new(),
            Self::Default(Value::String(text)) => format!("`{text}`"),
            Self::Default(value) => format!("`{value}`"),
        }
    }
}
