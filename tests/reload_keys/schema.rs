//! The table is whole: each key of the schema has its row.

use std::collections::BTreeSet;

use serde_json::Value;

use super::row::Row;
use super::support::repository;
use super::{admin, hosts, interactions, lifecycle, limits, listeners, log, people, servers};

/// Every key with a value of its own, and the mappings, which may have a row for being there or not.
fn keys() -> (BTreeSet<String>, BTreeSet<String>) {
    let text = std::fs::read_to_string(repository("conf/portcullis.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&text).unwrap();
    let (mut found, mut mappings) = (BTreeSet::new(), BTreeSet::new());
    walk(
        &schema,
        &schema["$defs"]["Config"],
        "",
        &mut |key, is_mapping| {
            if is_mapping {
                &mut mappings
            } else {
                &mut found
            }
            .insert(key);
        },
    );
    (found, mappings)
}

fn walk(schema: &Value, node: &Value, path: &str, found: &mut dyn FnMut(String, bool)) {
    let node = match node["$ref"].as_str() {
        Some(to) => &schema["$defs"][to.rsplit('/').next().unwrap()],
        None => node,
    };
    // A number may also be written as a mapping with a number in it, and a mapping as `off`.
    let forms = node["anyOf"].as_array().into_iter().flatten();
    let longer = forms
        .map(|form| match form["$ref"].as_str() {
            Some(to) => &schema["$defs"][to.rsplit('/').next().unwrap()],
            None => form,
        })
        .find(|form| form["properties"].is_object());
    if longer.is_some() {
        found(path.to_owned(), false);
    }
    if let Some(properties) = longer.unwrap_or(node)["properties"].as_object() {
        found(path.to_owned(), true);
        for (name, value) in properties {
            let dot = if path.is_empty() { "" } else { "." };
            walk(schema, value, &format!("{path}{dot}{name}"), found);
        }
    } else if node["items"]["$ref"].is_string() {
        walk(schema, &node["items"], &format!("{path}[]"), found);
    } else if node["additionalProperties"].is_object() {
        walk(
            schema,
            &node["additionalProperties"],
            &format!("{path}.NAME"),
            found,
        );
    } else {
        found(path.to_owned(), false);
    }
}

fn rows() -> Vec<Row> {
    [
        listeners::rows(),
        servers::rows(),
        hosts::rows(),
        limits::rows(),
        interactions::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[test]
fn every_key_of_the_schema_has_a_row_and_every_row_a_key() {
    let (keys, mappings) = keys();
    let rows = rows();
    let of_the_process = log::KEYS
        .iter()
        .chain(&lifecycle::KEYS)
        .chain(&people::KEYS)
        .chain(&admin::KEYS);
    let mut tested: BTreeSet<String> = of_the_process.map(ToString::to_string).collect();
    tested.extend(rows.into_iter().flat_map(|row| row.keys));
    let missing: Vec<_> = keys.difference(&tested).collect();
    let unknown: Vec<_> = tested
        .difference(&keys)
        .filter(|key| !mappings.contains(*key))
        .collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "without a row: {missing:#?}\nno key: {unknown:#?}"
    );
    assert!(keys.len() > 100, "{keys:?}");
}
