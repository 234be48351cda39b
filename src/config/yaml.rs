//! Writing YAML: what `check --show` prints.

use std::fmt::Write;

use serde_json::Value;

/// The value as YAML in block style, small mappings and lists of plain texts on one line.
pub(super) fn write(value: &Value) -> String {
    let mut out = String::new();
    block(&mut out, value, 0);
    out
}

/// Longest mapping or list that is written on one line, in characters.
const ONE_LINE: usize = 80;

fn block(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let _ = write!(out, "{:indent$}{}:", "", scalar_text(key));
                child(out, value, indent + 2);
            }
        }
        Value::Array(items) => {
            for item in items {
                let _ = write!(out, "{:indent$}-", "");
                child(out, item, indent + 2);
            }
        }
        scalar => {
            let _ = writeln!(out, "{:indent$}{}", "", flow(scalar));
        }
    }
}

/// What follows a `:` or `-`.
fn child(out: &mut String, value: &Value, indent: usize) {
    let line = flow(value);
    let nested = match value {
        Value::Object(map) => map
            .values()
            .any(|value| value.is_object() || value.is_array()),
        Value::Array(items) => items.iter().any(|item| item.is_object() || item.is_array()),
        _ => false,
    };
    let empty = line == "{}" || line == "[]";
    let top_level = indent == 2 && value.is_object();
    if empty
        || (!nested && !top_level && line.chars().count() + indent <= ONE_LINE)
        || !(value.is_object() || value.is_array())
    {
        let _ = writeln!(out, " {line}");
    } else {
        out.push('\n');
        block(out, value, indent);
    }
}

fn flow(value: &Value) -> String {
    match value {
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let pairs: Vec<_> = map
                .iter()
                .map(|(key, value)| format!("{}: {}", scalar_text(key), flow(value)))
                .collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        Value::Array(items) => format!(
            "[{}]",
            items.iter().map(flow).collect::<Vec<_>>().join(", ")
        ),
        Value::String(text) => scalar_text(text),
        other => other.to_string(),
    }
}

/// A text, in quotes unless it is plainly a text in every place.
fn scalar_text(text: &str) -> String {
    let letters = |c: char| c.is_ascii_alphanumeric() || "_./-".contains(c);
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let word = matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "yes" | "no" | "on" | "off" | "null" | "y" | "n"
    );
    let number = text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(|c: char| c.is_ascii_alphabetic());
    let url = text.starts_with("https://") || text.starts_with("http://");
    let plain = text.chars().all(|c| letters(c) || (url && c == ':'));
    if plain && (begins || number) && !word && !text.ends_with(':') && !text.starts_with("0x") {
        return text.to_owned();
    }
    // JSON's quoting is YAML's.
    Value::String(text.to_owned()).to_string()
}
