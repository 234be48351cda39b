//! The rules: what each alert says, that each is tried, and that promtool agrees.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde::Deserialize;

use super::prometheus::find;
use super::support::repository;

const FILE: &str = "conf/prometheus/portcullis.rules.yaml";

#[derive(Debug, Deserialize)]
struct File {
    groups: Vec<Group>,
}

#[derive(Debug, Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

/// A rule that records, or one that alerts.
#[derive(Debug, Deserialize)]
pub struct Rule {
    pub record: Option<String>,
    pub alert: Option<String>,
    pub expr: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// All rules of the file, in order.
pub fn all() -> Vec<Rule> {
    let text = std::fs::read_to_string(repository(FILE)).unwrap();
    let file: File =
        serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{FILE}: {error}"));
    file.groups
        .into_iter()
        .flat_map(|group| group.rules)
        .collect()
}

fn alerts() -> Vec<(String, Rule)> {
    let named = |mut rule: Rule| Some((rule.alert.take()?, rule));
    all().into_iter().filter_map(named).collect()
}

#[test]
fn every_alert_says_how_grave_it_is_what_is_wrong_what_to_do_and_where_more_is_said() {
    let alerts = alerts();
    assert!(alerts.len() > 25, "{}", alerts.len());
    for (name, rule) in &alerts {
        let severity = rule.labels.get("severity").map(String::as_str);
        assert!(
            matches!(severity, Some("critical" | "warning" | "info")),
            "{name}: {severity:?}"
        );
        let said = |what: &str| rule.annotations.get(what).cloned().unwrap_or_default();
        let (summary, description) = (said("summary"), said("description"));
        assert!(
            summary.len() > 10 && summary.len() < 140 && !summary.ends_with('.'),
            "{name}: {summary}"
        );
        assert!(
            description.len() > 60 && description.ends_with('.'),
            "{name}: {description}"
        );
        let anchor = format!("docs/alerts.md#{}", name.to_ascii_lowercase());
        assert_eq!(said("runbook"), anchor, "{name}");
        assert_eq!(rule.annotations.len(), 3, "{name}");
    }
    let names: BTreeSet<&String> = alerts.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), alerts.len(), "a name twice");
}

#[test]
fn every_alert_has_its_section_in_the_order_of_the_rules_and_says_as_grave() {
    let page = std::fs::read_to_string(repository("docs/alerts.md")).unwrap();
    let sections: Vec<(String, String)> = page
        .split("\n## Portcullis")
        .skip(1)
        .map(|section| {
            let (name, text) = section.split_once('\n').unwrap();
            let severity = text.trim_start().split([' ', ',']).next().unwrap();
            let severity = severity.trim_matches('*').to_owned();
            (format!("Portcullis{name}"), severity)
        })
        .collect();
    let expected = alerts()
        .into_iter()
        .map(|(name, rule)| (name, rule.labels["severity"].clone()));
    assert_eq!(sections, expected.collect::<Vec<_>>());
}

#[test]
fn every_alert_is_tried_and_every_test_is_of_an_alert() {
    let folder = std::fs::read_dir(repository("conf/prometheus/tests")).unwrap();
    let mut tried = BTreeSet::new();
    for file in folder {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let names = text.split("alertname=\"").skip(1);
        tried.extend(names.map(|rest| rest.split('"').next().unwrap().to_owned()));
    }
    let names: BTreeSet<String> = alerts().into_iter().map(|(name, _)| name).collect();
    assert_eq!(tried, names);
}

#[test]
fn promtool_agrees_with_rules_and_their_tests() {
    if find("promtool").is_none() {
        // `scripts/check-rules` would say the same.
        return;
    }
    let ran = Command::new(repository("scripts/check-rules"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned();
    assert!(ran.status.success(), "{said}");
    assert!(said.contains("alerts, each tried by promtool"), "{said}");
}
