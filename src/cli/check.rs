//! `check`: every mistake at once, and with `--live` what only the world can tell.

use std::path::Path;
use std::process::ExitCode;

use super::live::{self, Finding, Verdict};
use super::{complain, print};
use crate::config::{self, Config};
use crate::diagnostic::Report;
use crate::load::load;
use crate::runtime::Runtime;
use crate::snapshot::Snapshot;

pub(super) async fn check(file: &Path, show: bool, live: bool) -> ExitCode {
    let (loaded, source) = match load(file) {
        Ok(loaded) => loaded,
        Err(report) => {
            complain(&report.to_string());
            return ExitCode::FAILURE;
        }
    };
    let config = &*loaded.config;
    let snapshot = match Snapshot::compile(config, &Runtime::new()) {
        Ok(snapshot) => snapshot,
        Err(mistakes) => {
            complain(&Report::new(source, mistakes).to_string());
            return ExitCode::FAILURE;
        }
    };
    for upstream in &snapshot.upstreams {
        if upstream.is_insecure() {
            let name = &upstream.facts.name;
            complain(&format!(
                "warning: the certificate of {name} is not verified (insecure: true)\n"
            ));
        }
    }
    if show {
        print(&config::show(config));
    } else {
        print(&format!("{}: good: {}\n", file.display(), sizes(config)));
    }
    if !live {
        return ExitCode::SUCCESS;
    }
    // What `--show` prints is to be a file again, so nothing else goes there.
    let tell = if show { complain } else { print };
    let found = live::look(config, &snapshot).await;
    for Finding { verdict, text } in &found {
        let mark = match verdict {
            Verdict::Good => "  ok  ",
            Verdict::Note => " note ",
            Verdict::Soon => " SOON ",
            Verdict::Bad => "FAILED",
        };
        tell(&format!("{mark} {text}\n"));
    }
    if found.iter().any(|finding| finding.verdict == Verdict::Bad) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn sizes(config: &Config) -> String {
    let count = |number: usize, word: &str| match number {
        1 => format!("1 {word}"),
        number => format!("{number} {word}s"),
    };
    format!(
        "{}, {}, {}",
        count(config.listeners.len(), "listener"),
        count(config.servers.len(), "server"),
        count(config.hosts.len(), "host")
    )
}
