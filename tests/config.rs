//! The configuration file: every mistake is found and explained, what is right is read, shown and described the same way everywhere.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

use std::fmt::Write;
use std::path::{Path, PathBuf};

use portcullis::config;
use portcullis::diagnostic::Source;
use serde_json::Value;

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The YAML files of a fixture folder, sorted, with their texts.
fn fixtures(folder: &str) -> Vec<(PathBuf, String)> {
    let folder = repository("tests/fixtures/config").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .map(|path| (path.clone(), std::fs::read_to_string(path).unwrap()))
        .collect();
    files.sort();
    files
}

fn source(path: &Path, text: &str) -> Source {
    let name = path.file_name().unwrap().to_string_lossy();
    Source::new(name, "/etc/portcullis", text)
}

/// Everything that must be accepted: the valid fixtures and the configuration that is shipped.
fn valid() -> Vec<(PathBuf, String)> {
    let mut files = fixtures("valid");
    let shipped = repository("conf/portcullis.yaml");
    let text = std::fs::read_to_string(&shipped).unwrap();
    files.push((shipped, text));
    files
}

/// Fails with the lines that differ, or writes the file when `UPDATE_FIXTURES=1` is set.
fn assert_file(path: &Path, actual: &str, failures: &mut String) {
    if std::env::var_os("UPDATE_FIXTURES").is_some_and(|value| value == "1") {
        std::fs::write(path, actual).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    if expected == actual {
        return;
    }
    let _ = writeln!(failures, "\n{} differs:", path.display());
    let (mut old, mut new) = (expected.lines(), actual.lines());
    loop {
        match (old.next(), new.next()) {
            (None, None) => break,
            (old, new) if old == new => {}
            (old, new) => {
                old.into_iter()
                    .for_each(|line| _ = writeln!(failures, "  - {line}"));
                new.into_iter()
                    .for_each(|line| _ = writeln!(failures, "  + {line}"));
            }
        }
    }
}

fn fail_on(failures: &str) {
    assert!(
        failures.is_empty(),
        "{failures}\nIf the new text is right, run the tests with UPDATE_FIXTURES=1 and review the change."
    );
}

#[test]
fn every_mistake_in_the_catalogue_is_reported_as_expected() {
    let files = fixtures("invalid");
    assert!(files.len() >= 60, "only {} fixtures", files.len());
    let mut failures = String::new();
    for (path, text) in files {
        match config::parse(&source(&path, &text)) {
            Ok(_) => _ = writeln!(failures, "\n{} is accepted", path.display()),
            Err(report) => assert_file(
                &path.with_extension("txt"),
                &report.to_string(),
                &mut failures,
            ),
        }
    }
    fail_on(&failures);
}

#[test]
fn every_mistake_comes_with_a_remedy() {
    for (path, text) in fixtures("invalid") {
        for diagnostic in config::parse(&source(&path, &text))
            .unwrap_err()
            .diagnostics()
        {
            assert!(
                diagnostic.remedy.is_some(),
                "{}: {}",
                path.display(),
                diagnostic.message
            );
            assert!(
                diagnostic.place.is_some(),
                "{}: {}",
                path.display(),
                diagnostic.message
            );
        }
    }
}

#[test]
fn no_report_repeats_a_password() {
    let (path, text) = fixtures("invalid")
        .into_iter()
        .find(|(path, _)| path.ends_with("server_url_with_password.yaml"))
        .unwrap();
    assert!(text.contains("hunter2"));
    let report = config::parse(&source(&path, &text)).unwrap_err();
    assert!(!format!("{report} {:?}", report.diagnostics()).contains("hunter2"));
}

#[test]
fn what_is_shown_is_read_back_as_the_same_configuration() {
    for (path, text) in valid() {
        let read = |text: &str| match config::parse(&source(&path, text)) {
            Ok(config) => config,
            Err(report) => panic!("{report}\n{text}"),
        };
        let config = read(&text);
        let shown = config::show(&config);
        assert_eq!(config, read(&shown), "{shown}");
        assert_eq!(shown, config::show(&read(&shown)));
    }
}

fn as_json(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

#[test]
fn the_schema_accepts_what_is_valid_as_written_and_as_shown() {
    let schema = jsonschema::draft202012::new(&config::schema()).unwrap();
    for (path, text) in valid() {
        let config = config::parse(&source(&path, &text)).unwrap();
        for text in [text, config::show(&config)] {
            let errors: Vec<_> = schema
                .iter_errors(&as_json(&text))
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert_eq!(errors, Vec::<String>::new(), "{}", path.display());
        }
    }
}

#[test]
fn the_schema_itself_is_valid() {
    assert!(jsonschema::draft202012::meta::is_valid(&config::schema()));
}

/// JSON pointers of all objects in a value.
fn objects(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            found.push(at.to_owned());
            for (key, value) in map {
                objects(
                    value,
                    &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")),
                    found,
                );
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                objects(item, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn an_unknown_key_anywhere_is_refused_by_the_schema_and_by_the_loader() {
    let schema = jsonschema::draft202012::new(&config::schema()).unwrap();
    let mut tried = 0;
    for (path, text) in valid() {
        let whole = as_json(&text);
        let mut places = Vec::new();
        objects(&whole, "", &mut places);
        for place in places {
            let mut changed = whole.clone();
            changed.pointer_mut(&place).unwrap()["unknown key"] = Value::Bool(true);
            assert!(
                !schema.is_valid(&changed),
                "the schema accepts an unknown key in {place} of {}",
                path.display()
            );
            // JSON is YAML.
            let report = config::parse(&source(&path, &changed.to_string()))
                .unwrap_err()
                .to_string();
            assert!(
                report.contains("unknown key"),
                "{place} of {}: {report}",
                path.display()
            );
            tried += 1;
        }
    }
    assert!(tried > 50, "{tried}");
}

#[test]
fn every_key_has_an_explanation() {
    for line in config::reference().lines().skip(2) {
        let meaning = line.rsplit('|').nth(1).unwrap_or_default();
        assert!(meaning.trim().len() > 10, "{line}");
    }
}

#[test]
fn the_shipped_configuration_mentions_every_key() {
    let text = std::fs::read_to_string(repository("conf/portcullis.yaml")).unwrap();
    for line in config::reference().lines().skip(2) {
        let path = line.split('`').nth(1).unwrap();
        let key = path.rsplit('.').next().unwrap().trim_end_matches("[]");
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        assert!(
            text.split(|c| !word(c)).any(|found| found == key),
            "conf/portcullis.yaml lacks `{path}`"
        );
    }
}

#[test]
fn the_shipped_schema_is_up_to_date() {
    let mut failures = String::new();
    let schema = serde_json::to_string_pretty(&config::schema()).unwrap();
    assert_file(
        &repository("conf/portcullis.schema.json"),
        &format!("{schema}\n"),
        &mut failures,
    );
    fail_on(&failures);
}

#[test]
fn the_reference_in_the_documentation_is_up_to_date() {
    const BEGIN: &str = "<!-- keys: begin (generated) -->\n";
    const END: &str = "<!-- keys: end -->\n";
    let path = repository("docs/configuration.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the begin mark");
    let (_, after) = rest.split_once(END).expect("the end mark");
    let mut failures = String::new();
    assert_file(
        &path,
        &format!("{before}{BEGIN}{}{END}{after}", config::reference()),
        &mut failures,
    );
    fail_on(&failures);
}

/// Every fenced YAML block of the documentation is a configuration, or part of one that the rest can be added to.
#[test]
fn the_examples_in_the_documentation_have_no_unknown_keys_and_no_wrong_values() {
    let text = std::fs::read_to_string(repository("docs/configuration.md")).unwrap();
    let examples: Vec<&str> = text
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(!examples.is_empty());
    for example in examples {
        if let Err(report) = config::parse(&source(Path::new("example.yaml"), example)) {
            for diagnostic in report.diagnostics() {
                let incomplete = diagnostic.message.ends_with("is missing");
                assert!(incomplete, "{report}\n{example}");
            }
        }
    }
}

#[test]
fn ten_thousand_hosts_with_ten_routes_each_are_read() {
    let mut text = String::from("listeners: [{ listen: 0.0.0.0:80 }]\nservers:\n");
    for server in 0..100 {
        let _ = writeln!(
            text,
            "  s{server}: {{ kind: icws, url: http://s{server}.corp.local:8018 }}"
        );
    }
    text.push_str("hosts:\n");
    for host in 0..10_000 {
        let _ = writeln!(text, "  host{host}.example.com:\n    routes:");
        for route in 0..10 {
            let _ = writeln!(
                text,
                "      - {{ path: /applications/{route}/, server: s{} }}",
                (host + route) % 100
            );
        }
    }
    let config = config::parse(&source(Path::new("many.yaml"), &text)).unwrap();
    assert_eq!(config.hosts.len(), 10_000);
    assert!(config.hosts.values().all(|host| {
        host.routes
            .as_ref()
            .is_some_and(|routes| routes.len() == 10)
    }));
}

#[test]
fn aliases_that_explode_are_refused() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..20 {
        let item = format!("*a{}", level - 1);
        let _ = writeln!(
            text,
            "a{level}: &a{level} [{}]",
            [item.as_str(); 10].join(", ")
        );
    }
    let report = config::parse(&source(Path::new("bomb.yaml"), &text)).unwrap_err();
    assert!(
        report
            .to_string()
            .contains("counting what aliases (`*name`) repeat"),
        "{report}"
    );
}

#[test]
fn a_file_nested_without_end_is_refused() {
    for text in [
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000),
        "? ".repeat(100_000),
    ] {
        assert!(config::parse(&source(Path::new("deep.yaml"), &text)).is_err());
    }
}

#[test]
fn a_file_that_is_missing_too_large_or_not_text_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.yaml");
    assert!(
        config::load(&path)
            .unwrap_err()
            .to_string()
            .contains("cannot be read")
    );
    std::fs::write(&path, b"listeners: []\n# \xff\n").unwrap();
    assert!(
        config::load(&path)
            .unwrap_err()
            .to_string()
            .contains("not UTF-8 in line 2")
    );
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(portcullis::diagnostic::MAX_FILE_SIZE + 1)
        .unwrap();
    assert!(
        config::load(&path)
            .unwrap_err()
            .to_string()
            .contains("larger than 16 MiB")
    );
}

#[test]
fn relative_paths_start_from_the_folder_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.yaml");
    std::fs::write(
        &path,
        "listeners: [{ listen: 127.0.0.1:0 }]\nhosts: { a.example: { files: www } }\n",
    )
    .unwrap();
    let (config, source) = config::load(&path).unwrap();
    let files = config.hosts[0].files.as_ref().unwrap();
    assert_eq!(files.path(), folder.path().join("www"));
    assert_eq!(source.at(files.place.unwrap()).as_deref(), Some("www"));
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_do_not_shift_places() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.yaml");
    std::fs::write(
        &path,
        "\u{feff}listener: []\r\nhosts:\r\n  a.example: { fils: www }\r\n",
    )
    .unwrap();
    let report = config::load(&path).unwrap_err().to_string();
    assert!(
        report.contains("p.yaml:1:1: error: unknown key `listener`"),
        "{report}"
    );
    assert!(
        report.contains("3 |   a.example: { fils: www }\n  |                ^^^^\n"),
        "{report}"
    );
}

/// Every message of `check` in the documentation is what it prints today.
#[test]
fn the_report_in_the_documentation_is_real() {
    let text = std::fs::read_to_string(repository("docs/configuration.md")).unwrap();
    let shown = text
        .split("```text\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    let wrong =
        "listeners:\n  - { listen: \"*:443\", tls: {} }\nhosts: { a.example: { files: www } }\n";
    let report = config::parse(&source(Path::new("portcullis.yaml"), wrong))
        .unwrap_err()
        .to_string();
    assert!(report.contains(shown), "{report}");
}

mod random {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = config::parse(&source(Path::new("p.yaml"), &text)).map_err(|report| report.to_string());
        }

        #[test]
        fn no_text_of_yaml_signs_panics(text in "[a-c:\\-\\[\\]{}&*!|>'\"%@`#,? \t\n]{0,80}") {
            let _ = config::parse(&source(Path::new("p.yaml"), &text)).map_err(|report| report.to_string());
        }

        /// The shipped file with a few characters replaced: whatever that makes of it, nothing panics and every place can be shown.
        #[test]
        fn no_damaged_configuration_panics(damage in prop::collection::vec((any::<prop::sample::Index>(), any::<char>()), 1..8)) {
            let mut text: Vec<char> = std::fs::read_to_string(repository("conf/portcullis.yaml")).unwrap().chars().collect();
            for (index, character) in damage {
                let index = index.index(text.len());
                text[index] = character;
            }
            let text: String = text.into_iter().collect();
            let _ = config::parse(&source(Path::new("p.yaml"), &text)).map_err(|report| report.to_string());
        }
    }
}
