//! The names of metrics: those of the documentation, and what a name in an expression means.

use std::collections::BTreeSet;

use super::support::repository;

/// Every metric in the table of `docs/operating.md`, which another test compares with the program.
pub fn documented() -> BTreeSet<String> {
    let page = std::fs::read_to_string(repository("docs/operating.md")).unwrap();
    let table = page.split_once("\n## Metrics\n").unwrap().1;
    let table = table.split("\n#").next().unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let names = rows.map(|row| row.split('`').next().unwrap().to_owned());
    names.collect()
}

/// Whether a word of an expression names a metric, by the names that ours have. `a:b:c` is what a rule records.
pub fn is_metric(word: &str) -> bool {
    let ours = ["portcullis_", "process_"];
    word == "up" || word.contains(':') || ours.iter().any(|prefix| word.starts_with(prefix))
}

/// The metric that a series is of: a histogram has three.
pub fn family<'a>(series: &'a str, documented: &BTreeSet<String>) -> &'a str {
    let of_histogram = ["_bucket", "_sum", "_count"];
    let stems = of_histogram
        .iter()
        .filter_map(|end| series.strip_suffix(end));
    stems
        .into_iter()
        .find(|stem| documented.contains(*stem))
        .unwrap_or(series)
}
