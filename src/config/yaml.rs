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
                let line = one_line(item, indent + 2);
                let mut lines = String::new();
                match line {
                    Some(line) => lines.push_str(&line),
                    None => block(&mut lines, item, indent + 2),
                }
                // The first key of a mapping stands on the line of the dash.
                let _ = writeln!(out, "{:indent$}- {}", "", lines.trim());
            }
        }
        scalar => {
            let _ = writeln!(out, "{:indent$}{}", "", flow(scalar));
        }
    }
}

/// What follows the `:` of a key.
fn child(out: &mut String, value: &Value, indent: usize) {
    // The sections at the top always stand below their key.
    let line =
        one_line(value, indent).filter(|line| indent > 2 || !value.is_object() || line == "{}");
    match line {
        Some(line) => {
            let _ = writeln!(out, " {line}");
        }
        None => {
            out.push('\n');
            block(out, value, indent);
        }
    }
}

/// A scalar, or a short mapping or list of scalars, on one line.
fn one_line(value: &Value, indent: usize) -> Option<String> {
    let is_nested = |value: &Value| value.is_object() || value.is_array();
    let deep = match value {
        Value::Object(map) => map.values().any(is_nested),
        Value::Array(items) => items.iter().any(is_nested),
        _ => return Some(flow(value)),
    };
    let line = flow(value);
    (!deep && line.chars().count() + indent <= ONE_LINE).then_some(line)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tree;
    use proptest::prelude::*;

    #[test]
    fn texts_that_could_be_something_else_are_quoted() {
        for text in [
            "", "yes", "Null", "1.2", "0x10", "1e3", "-", "a: b", "a #b", "*a", "{x}", "a:", " a",
            "10:20", "=", "<<",
        ] {
            assert!(scalar_text(text).starts_with('"'), "{text}");
        }
        for text in [
            "a",
            "a.b-c_d",
            "/srv/www",
            "10s",
            "https://a.b:1/c/",
            "X-Forwarded-For",
        ] {
            assert_eq!(scalar_text(text), text);
        }
    }

    proptest! {
        #[test]
        fn every_text_is_read_back_as_key_and_as_value(key in "\\PC{1,40}", value in "\\PC{0,200}") {
            let yaml = write(&serde_json::json!({ "section": { &key: &value } }));
            let tree = tree::parse(&yaml).map_err(|error| TestCaseError::fail(format!("{error:?}\n{yaml}")))?;
            let read = tree.get("section").and_then(|section| section.get(&key)).and_then(tree::Node::text);
            prop_assert_eq!(read, Some(value.as_str()), "{}", yaml);
        }
    }
}
