//! What packages bring is in step with the program: the file that they install, and the version in the changelog.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

use std::path::Path;

use portcullis::config;

fn text(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The configuration in a text, as if it were installed.
fn installed(text: &str) -> config::Config {
    let source = portcullis::diagnostic::Source::new("portcullis.yaml", "/etc/portcullis", text);
    config::parse(&source).unwrap_or_else(|report| panic!("{report}"))
}

#[test]
fn the_installed_file_opens_nothing_to_the_network_and_connects_to_nothing() {
    let config = installed(&text("packaging/portcullis.yaml"));
    assert!(
        config
            .listeners
            .iter()
            .all(|listener| listener.listen.ip().is_loopback())
    );
    assert!(config.servers.is_empty());
}

#[test]
fn what_the_installed_file_suggests_is_right_too() {
    let file = text("packaging/portcullis.yaml");
    let suggested = file.split_once("# listeners:\n").unwrap().1;
    let lines = suggested
        .lines()
        .map(|line| line.trim_start_matches('#').strip_prefix(' ').unwrap());
    let suggested = lines.collect::<Vec<_>>().join("\n");
    let config = installed(&format!("listeners:\n{suggested}\n"));
    assert_eq!(config.servers.len(), 1);
}

#[test]
fn every_file_of_the_package_is_there() {
    let manifest = text("Cargo.toml");
    let assets = manifest.split_once("\nassets = [\n").unwrap().1;
    let assets = assets.split_once("\n]\n").unwrap().0;
    let sources: Vec<&str> = assets
        .lines()
        .filter_map(|line| line.trim().strip_prefix("[\"")?.split('"').next())
        .filter(|source| !source.starts_with("target/"))
        .collect();
    assert!(sources.len() > 8, "{sources:?}");
    for source in sources {
        let path = source.split('*').next().unwrap();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        assert!(path.exists(), "{source}");
    }
}

#[test]
fn the_changelog_of_the_package_begins_with_this_version() {
    let changelog = text("packaging/debian/changelog");
    let version = format!("portcullis ({}-", env!("CARGO_PKG_VERSION"));
    assert!(changelog.starts_with(&version), "{changelog}");
}
