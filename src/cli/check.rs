//! `check`: every mistake at once, and with `--live` what only the world can tell.

use std::path::Path;
use std::process::ExitCode;

use super::{live, print};
use crate::config;
use crate::diagnostic::Report;
use crate::runtime::Runtime;
use crate::snapshot::Snapshot;

pub(super) fn check(file: &Path, show: bool, live: bool) -> ExitCode {
    let (config, source) = match config::load(file) {
        Ok(loaded) => loaded,
        Err(report) => {
            eprint!("{report}");
            return ExitCode::FAILURE;
        }
    };
    let Ok(tokio) = tokio::runtime::Runtime::new() else {
        eprintln!("portcullis: the system gives no threads");
        return ExitCode::FAILURE;
    };
    let compiled = tokio.block_on(async { Snapshot::compile(&config, &Runtime::new()) });
    let snapshot = match compiled {
        Ok(snapshot) => snapshot,
        Err(mistakes) => {
            eprint!("{}", Report::new(source, mistakes));
            return ExitCode::FAILURE;
        }
    };
    for upstream in snapshot
        .upstreams
        .iter()
        .filter(|upstream| upstream.is_insecure())
    {
        let name = &upstream.facts.name;
        eprintln!("warning: the certificate of {name} is not verified (insecure: true)");
    }
    if show {
        print(&config::show(&config));
    } else {
        print(&format!(
            "{}: good: {}, {}, {}\n",
            file.display(),
            count(config.listeners.len(), "listener"),
            count(config.servers.len(), "server"),
            count(config.hosts.len(), "host")
        ));
    }
    if !live {
        return ExitCode::SUCCESS;
    }
    let found = tokio.block_on(live::look(&snapshot));
    for finding in &found {
        print(&format!(
            "{} {}\n",
            if finding.good { "  ok  " } else { "FAILED" },
            finding.text
        ));
    }
    if found.iter().all(|finding| finding.good) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// `1 host`, `2 hosts`.
fn count(number: usize, singular: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {singular}{plural}")
}
