//! What README and docs say holds: examples are read, links lead somewhere, and every reason, metric and number is the program's own.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis::diagnostic::Source;
use portcullis::reason::Reason;
use portcullis::runtime::Runtime;
use portcullis::{config, kinds, rewrite};

/// A page with its path from the repository's top.
struct Page {
    path: PathBuf,
    text: String,
}

impl Page {
    fn read(path: &str) -> Page {
        let text = std::fs::read_to_string(top().join(path)).unwrap();
        Page {
            path: path.into(),
            text,
        }
    }

    /// The text between fences of this language.
    fn blocks(&self, language: &str) -> Vec<&str> {
        let fence = format!("\n```{language}\n");
        let blocks = self.text.split(&fence).skip(1);
        blocks
            .map(|rest| rest.split("\n```").next().unwrap())
            .collect()
    }

    /// The text outside of fences.
    fn prose(&self) -> String {
        let mut fenced = false;
        let outside = self.text.lines().filter(|line| {
            let fence = line.starts_with("```");
            fenced ^= fence;
            !fence && !fenced
        });
        outside.collect::<Vec<_>>().join("\n")
    }

    /// The cells of every row that begins with code in backticks.
    fn rows(&self) -> Vec<Vec<&str>> {
        let rows = self.text.lines().filter(|line| line.starts_with("| `"));
        rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect())
            .collect()
    }

    /// The rows below a heading, up to the next one.
    fn rows_below(&self, heading: &str) -> Vec<Vec<&str>> {
        let below = self.text.split_once(heading).unwrap().1;
        let table = below.split("\n#").next().unwrap();
        let rows = table.lines().filter(|line| line.starts_with("| "));
        rows.skip(1)
            .map(|row| row.trim_matches('|').split('|').map(str::trim).collect())
            .collect()
    }
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn pages() -> Vec<Page> {
    let folder = std::fs::read_dir(top().join("docs")).unwrap();
    let mut names: Vec<String> = folder
        .map(|entry| format!("docs/{}", entry.unwrap().file_name().to_str().unwrap()))
        .filter(|name| name.ends_with(".md"))
        .collect();
    names.extend(["README.md".to_owned(), "CHANGELOG.md".to_owned()]);
    names.sort();
    assert!(names.len() >= 9, "{names:?}");
    names.iter().map(|name| Page::read(name)).collect()
}

#[test]
fn every_yaml_example_is_a_configuration_or_a_part_of_one() {
    let mut whole = 0;
    for page in pages() {
        for example in page.blocks("yaml") {
            let complete = example.contains("listeners:") && example.contains("hosts:");
            let read = config::parse(&Source::new("example.yaml", "/etc/portcullis", example));
            whole += usize::from(complete);
            let Err(report) = read else { continue };
            for diagnostic in report.diagnostics() {
                let part = !complete && diagnostic.message.ends_with("is missing");
                assert!(part, "{}:\n{report}\n{example}", page.path.display());
            }
        }
    }
    assert!(whole >= 4, "only {whole} whole examples");
}

#[test]
fn every_reason_is_documented_with_its_status_and_none_that_does_not_exist() {
    let page = Page::read("docs/operating.md");
    let rows = page.rows_below("## Reasons");
    let documented: Vec<(String, String)> = rows
        .iter()
        .skip_while(|row| !row[0].starts_with('`'))
        .map(|row| (row[0].trim_matches('`').to_owned(), row[1].to_owned()))
        .collect();
    let expected: Vec<(String, String)> = Reason::ALL
        .iter()
        .map(|reason| {
            let status = reason.status().map(|status| status.to_string());
            (reason.code().to_owned(), status.unwrap_or("closed".into()))
        })
        .collect();
    assert_eq!(documented, expected);
}

#[test]
fn reasons_in_the_framing_table_have_the_status_that_is_said() {
    let page = Page::read("docs/front-door.md");
    let mut seen = 0;
    for row in page.rows_below("## Strict framing") {
        let (status, code) = (row[row.len() - 2], row[row.len() - 1].trim_matches('`'));
        let Some(reason) = Reason::ALL.iter().find(|reason| reason.code() == code) else {
            assert!(code.starts_with('-'), "{code} is no reason");
            continue;
        };
        assert_eq!(
            reason.status().map(|s| s.to_string()).as_deref(),
            Some(status)
        );
        seen += 1;
    }
    assert!(seen >= 15, "{seen}");
}

#[test]
fn every_metric_is_documented_and_none_that_does_not_exist() {
    let runtime = Runtime::new();
    // A family shows up with its first value; these have none before something happened.
    let mut expected: BTreeSet<String> = [
        "requests_total",
        "request_duration_seconds",
        "request_bytes_total",
        "response_bytes_total",
        "upstream_duration_seconds",
        "upstream_connect_duration_seconds",
        "upstream_requests_total",
        "upstream_errors_total",
        "upstream_insecure",
        "upstream_up",
        "upstream_standby",
        "upstream_probes_total",
        "upstream_probe_duration_seconds",
        "upstream_health_changes_total",
        "streams_open",
        "listener_connections_open",
        "certificate_expiry_timestamp_seconds",
        "interactions",
        "connected_users",
        "config_info",
    ]
    .iter()
    .map(|name| format!("portcullis_{name}"))
    .collect();
    let text = runtime.metrics.text();
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    expected.extend(types.filter_map(|line| line.split(' ').next().map(str::to_owned)));
    let page = Page::read("docs/operating.md");
    let documented: BTreeSet<String> = page
        .rows_below("## Metrics")
        .iter()
        .filter_map(|row| row[0].strip_prefix('`')?.strip_suffix('`'))
        .map(str::to_owned)
        .collect();
    assert_eq!(documented, expected);
}

#[test]
fn the_timeouts_of_each_kind_are_those_of_the_program() {
    let page = Page::read("docs/kinds.md");
    let rows = page.rows_below("## Timeouts");
    for kind in kinds::KINDS {
        let name = format!("`{}`", kind.name());
        let row = rows.iter().find(|row| row[0] == name);
        let row = row.unwrap_or_else(|| panic!("{name} is missing"));
        let timeouts = kind.timeouts();
        let actual = [
            timeouts.connect,
            timeouts.response,
            timeouts.stream,
            timeouts.pooled,
        ];
        let written: Vec<Duration> = row[1..]
            .iter()
            .map(|text| text.parse::<config::value::Duration>().unwrap().get())
            .collect();
        assert_eq!(written, actual, "{name}");
        let ports = page.rows().into_iter().find(|row| row[0] == name).unwrap()[2].to_owned();
        let or = |port: Option<u16>, scheme: u16| port.unwrap_or(scheme);
        let (plain, tls) = (kind.default_port(false), kind.default_port(true));
        assert_eq!(
            ports,
            format!("{} / {}", or(plain, 80), or(tls, 443)),
            "{name}"
        );
    }
}

#[test]
fn the_table_of_client_addresses_is_what_the_program_does() {
    let trusted = ["10.20.0.0/24".parse().unwrap()];
    let page = Page::read("docs/front-door.md");
    let rows = page.rows_below("## Who the client is");
    let rows: Vec<_> = rows
        .iter()
        .filter_map(|row| Some((row[0].parse::<IpAddr>().ok()?, row)))
        .collect();
    assert_eq!(rows.len(), 4);
    for (peer, row) in rows {
        let came = row[1].trim_matches('`');
        let lines = || (came != "(none)").then_some(came.as_bytes()).into_iter();
        let client = rewrite::client_address(peer, lines(), &trusted);
        let told = rewrite::forwarded_for(peer, lines(), &trusted);
        assert_eq!(client.to_string(), row[2]);
        assert_eq!(told, row[3].trim_matches('`'));
    }
}

#[test]
fn every_link_and_every_named_file_is_there() {
    for page in pages() {
        let folder = page.path.parent().unwrap();
        let prose = page.prose();
        for target in prose.split("](").skip(1) {
            let target = target.split(')').next().unwrap();
            if target.contains("://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let there = if file.is_empty() {
                page.path.clone()
            } else {
                folder.join(file)
            };
            assert!(
                top().join(&there).exists(),
                "{}: {target}",
                page.path.display()
            );
            if !anchor.is_empty() {
                let text = std::fs::read_to_string(top().join(&there)).unwrap();
                let found = text
                    .lines()
                    .any(|line| anchor_of(line).as_deref() == Some(anchor));
                assert!(found, "{}: {target}", page.path.display());
            }
        }
        for code in prose.split('`').skip(1).step_by(2) {
            let ours = ["conf/", "docs/", "src/", "tests/", "scripts/", "loadtest/"];
            if ours.iter().any(|folder| code.starts_with(folder)) && !code.contains([' ', '*']) {
                assert!(top().join(code).exists(), "{}: {code}", page.path.display());
            }
        }
    }
}

/// What a heading is called in a link.
fn anchor_of(line: &str) -> Option<String> {
    let title = line
        .trim_start_matches('#')
        .strip_prefix(' ')
        .filter(|_| line.starts_with('#'))?;
    let letters = title.to_ascii_lowercase().replace(' ', "-");
    Some(
        letters
            .chars()
            .filter(|c| c.is_alphanumeric() || "-_".contains(*c))
            .collect(),
    )
}

/// The words in backticks.
fn words(text: &str) -> BTreeSet<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn what_leads_to_a_ban_is_what_the_program_counts() {
    let page = Page::read("docs/limits.md");
    let rows = page.rows_below("\n## Bans\n");
    let documented = |what: &str| {
        let row = rows.iter().find(|row| row[0] == what);
        words(row.unwrap_or_else(|| panic!("no row `{what}`"))[1])
    };
    let (leads, others): (Vec<Reason>, Vec<Reason>) =
        Reason::ALL.iter().partition(|reason| reason.leads_to_ban());
    let codes = |reasons: &[Reason]| reasons.iter().map(|reason| reason.code()).collect();
    let expected: BTreeSet<&str> = codes(&leads);
    assert_eq!(documented("count towards a ban"), expected);
    let expected: BTreeSet<&str> = codes(&others);
    assert_eq!(documented("do not"), expected);
}

#[test]
fn the_parameters_of_interactions_have_the_defaults_of_the_reference() {
    let page = Page::read("docs/limits.md");
    let rows = page.rows_below("\n## Chats and callbacks\n");
    let documented: BTreeSet<(&str, &str)> = rows
        .iter()
        .filter(|row| row.len() == 4 && row[0].starts_with('`'))
        .map(|row| (row[0].trim_matches('`'), row[3]))
        .collect();
    let reference = Page::read("docs/configuration.md");
    let reference = reference.rows();
    let expected: BTreeSet<(&str, &str)> = reference
        .iter()
        .filter_map(|row| {
            let key = row[0]
                .trim_matches('`')
                .strip_prefix("limits.interactions.")?;
            (key != "silence").then_some((key, row[2]))
        })
        .collect();
    assert_eq!(documented, expected);
}

#[test]
fn when_a_change_takes_effect_is_said_of_every_key() {
    let page = Page::read("docs/configuration.md");
    let said: BTreeSet<&str> = page
        .rows_below("## When a change takes effect")
        .iter()
        .flat_map(|row| row[0].split(", ").map(|key| key.trim_matches('`')))
        .collect();
    let keys = page.rows_below("## All keys");
    let keys = keys
        .iter()
        .filter(|row| row.len() == 4 && row[0].starts_with('`'));
    let sections = ["mapping", "list of mappings", "mapping of mappings"];
    let mut used = BTreeSet::new();
    for key in keys.filter(|row| !sections.contains(&row[1])) {
        let key = key[0].trim_matches('`');
        let covers = |said: &&&str| {
            let rest = key.strip_prefix(**said);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let row = said.iter().filter(covers).max_by_key(|said| said.len());
        used.insert(*row.unwrap_or_else(|| panic!("nothing is said of {key}")));
    }
    assert_eq!(used, said, "a line for a key that there is not");
}

#[test]
fn the_pages_sums_about_sizes_are_right() {
    let page = Page::read("docs/limits.md");
    let rows = page.rows_below("\n## How large\n");
    let numbers = |text: &str| -> Vec<u64> {
        let last = text.rsplit('→').next().unwrap();
        let digits = last.split('/').next().unwrap().replace(',', "");
        digits.trim().parse().into_iter().collect()
    };
    // How each line grows with the agents behind one address, times ten.
    let factors = [
        ("`requests.rate`", 30),
        ("`requests.burst`", 200),
        ("`requests_in_flight`", 50),
        ("`connections`", 75),
        ("`new_connections.burst`", 60),
        ("`new_connections.rate`", 2),
    ];
    for (name, factor) in factors {
        let row = rows.iter().find(|row| row[0] == name);
        let row = row.unwrap_or_else(|| panic!("{name}"));
        for (agents, cell) in [(50, row[3]), (500, row[4]), (5000, row[5])] {
            let sum = agents * factor / 10;
            let told = numbers(cell);
            // Connections are rounded up.
            let near = told.iter().all(|told| (sum..=sum * 11 / 10).contains(told));
            assert!(near && told.len() == 1, "{name} {agents}: {cell}, {sum}");
            // The very number stands in the example of that size.
            let size = page.text.split("### One office").nth(1).unwrap();
            let key = name.trim_matches('`').split('.').next().unwrap();
            let shown = size.lines().any(|line| {
                line.trim_start().starts_with(&format!("{key}:"))
                    && line.contains(&told[0].to_string())
            });
            assert!(shown, "{name} {agents}: {} is in no example", told[0]);
        }
    }
}
