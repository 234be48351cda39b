//! Two values of the file and what differs between them, key by key.

use serde_json::Value;

use crate::config::Encode;
use crate::observe::line::counted;

/// Characters of one value that are shown.
const VALUE: usize = 80;
/// Differences within one host or server that are told.
const WITHIN: usize = 8;

/// What differs within a host or server, in one line.
pub(super) fn of<T: Encode>(old: &T, new: &T) -> String {
    let mut lines = Vec::new();
    differ("", Some(&old.encoded()), Some(&new.encoded()), &mut lines);
    let more = lines.len().saturating_sub(WITHIN);
    lines.truncate(WITHIN);
    if lines.is_empty() {
        // Such as a secret that is read from the same place.
        return "changed".to_owned();
    }
    if more > 0 {
        lines.push(format!("and {}", counted(more, "more change")));
    }
    lines.join("; ")
}

/// Adds a line for everything that differs below `path`.
pub(super) fn differ(
    path: &str,
    old: Option<&Value>,
    new: Option<&Value>,
    lines: &mut Vec<String>,
) {
    match (old, new) {
        (old, new) if old == new => {}
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let only_old = old.keys().filter(|key| !new.contains_key(*key));
            for key in new.keys().chain(only_old) {
                let dot = if path.is_empty() { "" } else { "." };
                differ(
                    &format!("{path}{dot}{key}"),
                    old.get(key),
                    new.get(key),
                    lines,
                );
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) if named(old) && named(new) => {
            items(path, old, new, lines);
        }
        (None, Some(new)) => lines.push(format!("{path} added{}", shown(new))),
        (Some(old), None) => lines.push(format!("{path} removed{}", shown(old))),
        (old, new) => lines.push(format!("{path}: {} -> {}", text(old), text(new))),
    }
}

/// Items of a list of mappings are known by their first key: listeners by their address, routes by their path.
fn items(path: &str, old: &[Value], new: &[Value], lines: &mut Vec<String>) {
    let mut left: Vec<(usize, &Value)> = old.iter().enumerate().collect();
    let mut moved = false;
    let mut last = None;
    for item in new {
        let at = left.iter().position(|(_, other)| name(other) == name(item));
        let before = at.map(|at| left.remove(at));
        if let Some((position, _)) = before {
            moved |= last.is_some_and(|last| position < last);
            last = Some(position);
        }
        let path = format!("{path}[{}]", text(name(item)));
        differ(&path, before.map(|(_, before)| before), Some(item), lines);
    }
    for (_, item) in left {
        lines.push(format!("{path}[{}] removed", text(name(item))));
    }
    if moved {
        lines.push(format!("{path}: in another order"));
    }
}

fn named(list: &[Value]) -> bool {
    list.iter().all(|item| name(item).is_some())
}

fn name(item: &Value) -> Option<&Value> {
    item.as_object()?.values().next()
}

/// A single value behind what came or went; what is a whole section is not told.
fn shown(value: &Value) -> String {
    match value {
        Value::Object(_) => String::new(),
        other => format!(": {}", text(Some(other))),
    }
}

fn text(value: Option<&Value>) -> String {
    let whole = match value {
        None => "nothing".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => {
            let items: Vec<String> = items.iter().map(|item| text(Some(item))).collect();
            format!("[{}]", items.join(", "))
        }
        Some(other) => other.to_string(),
    };
    match whole.char_indices().nth(VALUE) {
        Some((end, _)) => format!("{}...", whole.get(..end).unwrap_or_default()),
        None => whole,
    }
}
