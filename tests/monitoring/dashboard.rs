//! The dashboard: a model that Grafana takes as it is, every panel explained, and no metric of the program left out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::expression::metrics;
use super::names::{documented, family};
use super::rules;
use super::support::repository;

/// Metrics that neither the dashboard nor a rule has any use for, and why. There is none at the moment.
const LEFT_OUT: [(&str, &str); 0] = [];
/// The version of the model that this file is written in, of Grafana 13. Newer ones convert it.
const SCHEMA_VERSION: u64 = 42;
/// What panels are drawn as: those that Grafana has in itself.
const TYPES: [&str; 6] = [
    "bargauge",
    "heatmap",
    "stat",
    "state-timeline",
    "table",
    "timeseries",
];
/// Grafana's grid.
const COLUMNS: u64 = 24;
const UNITS: [&str; 7] = ["none", "s", "reqps", "ops", "bytes", "Bps", "percentunit"];

fn board() -> Value {
    let text = std::fs::read_to_string(repository("conf/grafana/portcullis.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a Vec<Value> {
    value[key]
        .as_array()
        .unwrap_or_else(|| panic!("no list {key}: {value}"))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("no text {key}: {value}"))
}

/// Panels that show something.
fn panels(board: &Value) -> Vec<&Value> {
    list(board, "panels")
        .iter()
        .filter(|panel| panel["type"] != "row")
        .collect()
}

/// Title and expression of everything that is asked for, Grafana's variables filled in as if all were chosen.
pub fn expressions() -> Vec<(String, String)> {
    let board = board();
    let fill = |expression: &str| {
        let filled = expression.replace("$__rate_interval", "1m");
        ["$instance", "$route", "$server"]
            .iter()
            .fold(filled, |filled, name| filled.replace(name, ".*"))
    };
    let of_panel = |panel: &&Value| {
        let title = text(panel, "title").to_owned();
        let targets = list(panel, "targets").iter();
        targets
            .map(|target| (title.clone(), fill(text(target, "expr"))))
            .collect::<Vec<_>>()
    };
    panels(&board).iter().flat_map(of_panel).collect()
}

#[test]
fn the_dashboard_can_be_imported_as_it_is_into_any_grafana() {
    let board = board();
    assert_eq!(board["schemaVersion"], SCHEMA_VERSION);
    // Grafana gives both itself, so that nothing that is there is replaced.
    assert!(board.get("uid").is_none() && board.get("id").is_none());
    let source = json!({ "type": "prometheus", "uid": "${datasource}" });
    let variables: BTreeMap<&str, &Value> = list(&board["templating"], "list")
        .iter()
        .map(|variable| (text(variable, "name"), variable))
        .collect();
    let names: Vec<&&str> = variables.keys().collect();
    assert_eq!(names, [&"datasource", &"instance", &"route", &"server"]);
    assert_eq!(variables["datasource"]["type"], "datasource");
    assert_eq!(variables["datasource"]["query"], "prometheus");
    for name in ["instance", "route", "server"] {
        let variable = variables[name];
        assert_eq!(
            (&variable["type"], &variable["datasource"]),
            (&json!("query"), &source),
            "{name}"
        );
        let all = (
            &variable["multi"],
            &variable["includeAll"],
            &variable["allValue"],
        );
        assert_eq!(all, (&json!(true), &json!(true), &json!(".*")), "{name}");
        assert!(
            text(&variable["query"], "query").starts_with("label_values("),
            "{name}"
        );
        let used = expressions_as_written(&board)
            .iter()
            .any(|written| written.contains(&format!("=~\"${name}")));
        assert!(used, "${name} is used nowhere");
    }
    for annotation in list(&board["annotations"], "list") {
        assert_eq!(annotation["datasource"], source);
    }
    for panel in panels(&board) {
        assert_eq!(panel["datasource"], source, "{}", panel["title"]);
        for target in list(panel, "targets") {
            assert_eq!(target["datasource"], source, "{}", panel["title"]);
        }
    }
}

fn expressions_as_written(board: &Value) -> Vec<String> {
    let targets = panels(board)
        .into_iter()
        .flat_map(|panel| list(panel, "targets"));
    targets
        .map(|target| text(target, "expr").to_owned())
        .collect()
}

#[test]
fn every_panel_has_its_place_its_unit_and_its_explanation() {
    let board = board();
    let (mut ids, mut titles, mut taken) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for panel in list(&board, "panels") {
        let title = text(panel, "title");
        assert!(
            ids.insert(panel["id"].as_u64().unwrap()),
            "{title}: an id twice"
        );
        assert!(titles.insert(title), "{title} twice");
        let place = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        let (x, y, width, height) = (place("x"), place("y"), place("w"), place("h"));
        assert!(x + width <= COLUMNS && width > 0 && height > 0, "{title}");
        for column in x..x + width {
            for line in y..y + height {
                assert!(
                    taken.insert((column, line)),
                    "{title} lies over another panel"
                );
            }
        }
        if panel["type"] == "row" {
            continue;
        }
        assert!(TYPES.contains(&text(panel, "type")), "{title}");
        let description = text(panel, "description");
        assert!(
            description.len() > 20 && description.ends_with('.'),
            "{title}: {description}"
        );
        let unit = text(&panel["fieldConfig"]["defaults"], "unit");
        assert!(UNITS.contains(&unit), "{title}: {unit}");
        let targets = list(panel, "targets");
        let names: Vec<&str> = targets.iter().map(|target| text(target, "refId")).collect();
        let expected = ["A", "B", "C"].get(..names.len());
        assert_eq!(Some(names.as_slice()), expected, "{title}");
        assert!(
            targets
                .iter()
                .all(|target| !text(target, "legendFormat").is_empty()),
            "{title}"
        );
    }
    assert!(titles.len() > 30, "{}", titles.len());
}

#[test]
fn every_metric_of_the_program_is_in_the_dashboard_or_in_a_rule_and_none_that_there_is_not() {
    let documented = documented();
    assert!(documented.len() > 35, "{documented:?}");
    let rules = rules::all();
    let recorded: BTreeSet<&str> = rules
        .iter()
        .filter_map(|rule| rule.record.as_deref())
        .collect();
    let of_panels = expressions().into_iter().map(|(_, expression)| expression);
    let of_rules = rules.iter().map(|rule| rule.expr.clone());
    let asked: BTreeSet<String> = of_panels
        .chain(of_rules)
        .flat_map(|expression| metrics(&expression))
        .map(|name| family(&name, &documented).to_owned())
        .collect();
    for (name, why) in LEFT_OUT {
        assert!(
            !asked.contains(name) && documented.contains(name),
            "{name} need not be left out: {why}"
        );
    }
    let left_out = |name: &&String| LEFT_OUT.iter().any(|(left, _)| left == name);
    let missing: Vec<&String> = documented
        .difference(&asked)
        .filter(|name| !left_out(name))
        .collect();
    assert!(
        missing.is_empty(),
        "in no panel and in no rule: {missing:?}"
    );
    let known = |name: &str| name == "up" || documented.contains(name) || recorded.contains(name);
    let invented: Vec<&String> = asked.iter().filter(|name| !known(name)).collect();
    assert!(invented.is_empty(), "there is no such metric: {invented:?}");
}
