//! A reload, whole: the file is read, compiled beside what runs, compared with it, and put in its place. Or it is refused, and nothing
//! has happened.
//!
//! ```text
//! SIGHUP ─ read ─ the same bytes? ──────────────────────────────────────────── unchanged
//!            └── check ─ compile ─ the same meaning? ───────────────────────── unchanged
//!                  │         └── compare ─ look names up ─ bind ─ swap ─────── applied
//!                  └─────────┴──────────────────────────────┴───────────────── refused, with every reason
//! ```
//!
//! Whatever takes long runs on a thread of its own: the threads that serve clients only exchange one pointer for another.

pub(crate) mod aside;
mod changes;
mod retired;
mod status;
mod swap;
mod turn;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use log::{debug, info, warn};

pub use retired::Retired;
pub use status::{Outcome, Reloads};

use crate::config::{self, Config};
use crate::diagnostic::{Diagnostic, Report, Source};
use crate::load::{Loaded, Mistakes, judge};
use crate::observe::{log_file, log_level};
use crate::runtime::Runtime;
use crate::server::Server;
use crate::snapshot::{Before, Snapshot};
use status::{Last, Refusal};
pub(crate) use turn::Turn;

/// How long the first look-up of new names may hold up a start or a reload. Without it the first requests would be answered 502.
pub(crate) const FIRST_LOOK_UP: Duration = Duration::from_secs(3);

/// How long a reload may want for a core before it takes its share, with so much more for each megabyte: twice of what it takes.
const PATIENCE: Duration = Duration::from_millis(50);
const PATIENCE_A_MEGABYTE: Duration = Duration::from_millis(40);

/// Reads the file and puts it in force, or says in the log, the metrics and the admin listener why not.
pub async fn reload(server: &Server, file: &Path) -> Outcome {
    let began = Instant::now();
    let mut running = server.running.lock().await;
    let ended = attempt(server, &mut running, file).await;
    let took = began.elapsed();
    let outcome = ended.outcome();
    let mut last = Last::new(outcome, took);
    let hash = hash(&running, server);
    let reloads = &server.runtime.reloads;
    reloads.runs(hash.clone());
    let generation = reloads.generation();
    match ended {
        Ended::Unchanged => info!("SIGHUP: nothing has changed, and nothing was done"),
        Ended::Applied(changes) => {
            follow_log(&running.config.log);
            info!(
                "SIGHUP: the configuration was applied in {} ms, as generation {}:\n{}",
                took.as_millis(),
                generation + 1,
                changes.join("\n")
            );
            last.changes = changes;
        }
        Ended::Refused(report) => {
            let refusal = Refusal::of(&report);
            warn!(
                "SIGHUP: refused, the running configuration stays:\n{}",
                refusal.text()
            );
            last.refusal = Some(refusal);
        }
    }
    let generation = reloads.over(last);
    let metrics = &server.runtime.metrics.config;
    metrics.reloaded(outcome, generation, hash.as_deref());
    outcome
}

fn follow_log(log: &config::Log) {
    log_level::follow(log.level);
    let file = log.file.as_ref().map(|file| file.path());
    if let Err(error) = log_file::follow(file) {
        warn!("the log stays where it is, the new file cannot be opened: {error}");
    }
}

/// What runs, as it was read.
pub(crate) struct Running {
    pub(crate) config: Arc<Config>,
    /// The digest of the file's text; `None` if it comes from no file.
    pub(crate) digest: Option<[u8; 32]>,
    /// Whose turn it was to read it.
    pub(crate) turn: Turn,
}

enum Ended {
    Unchanged,
    Applied(Vec<String>),
    Refused(Report),
}

impl Ended {
    fn outcome(&self) -> Outcome {
        match self {
            Ended::Unchanged => Outcome::Unchanged,
            Ended::Applied(_) => Outcome::Applied,
            Ended::Refused(_) => Outcome::Refused,
        }
    }
}

/// What was found aside.
enum Looked {
    /// Every byte is what it was.
    Same,
    /// The words mean what runs.
    SameMeaning(Option<[u8; 32]>),
    Other(Box<Fresh>),
}

/// A configuration that is ready to be put in force.
pub(crate) struct Fresh {
    pub(crate) loaded: Loaded,
    pub(crate) snapshot: Snapshot,
    pub(crate) changes: Vec<String>,
}

async fn attempt(server: &Server, running: &mut Running, file: &Path) -> Ended {
    let before = (
        running.config.clone(),
        running.digest,
        server.snapshot.load_full(),
        server.runtime.clone(),
    );
    let turn = running.turn.next();
    let file: PathBuf = file.to_owned();
    let source = match aside::behind(turn, PATIENCE, move || Source::read(&file)).await {
        Some(Ok(source)) => source,
        Some(Err(report)) => return Ended::Refused(report),
        None => return Ended::Refused(Report::new(Source::new("", "", ""), vec![broke_off()])),
    };
    let text = source.clone();
    let patience = PATIENCE
        + PATIENCE_A_MEGABYTE * u32::try_from(source.text().len() / 1_000_000).unwrap_or(u32::MAX);
    let looked = aside::behind(turn, patience, move || {
        let (config, digest, snapshot, runtime) = &before;
        look(&text, *digest, config, snapshot, runtime)
    });
    match looked.await {
        Some(Ok(Looked::Same)) => Ended::Unchanged,
        Some(Ok(Looked::SameMeaning(digest))) => {
            running.digest = digest;
            Ended::Unchanged
        }
        Some(Ok(Looked::Other(fresh))) => {
            let changes = fresh.changes.clone();
            match server.put_in_force(running, *fresh).await {
                Ok(()) => {
                    running.turn = turn;
                    Ended::Applied(changes)
                }
                Err(wrong) => Ended::Refused(Report::new(source, wrong)),
            }
        }
        Some(Err(mistakes)) => {
            let mut found = mistakes.found;
            // All there is to say at once: an address that is taken is found out before the mistakes above it are mended.
            found.extend(server.cannot_be_bound(&mistakes.listeners));
            Ended::Refused(Report::new(source, found))
        }
        None => Ended::Refused(Report::new(source, vec![broke_off()])),
    }
}

pub(crate) fn broke_off() -> Diagnostic {
    Diagnostic::new(None, "the gateway itself failed while it compiled the file")
        .remedy("please report it, with the lines of the log before this one")
}

fn look(
    source: &Source,
    digest: Option<[u8; 32]>,
    config: &Config,
    snapshot: &Snapshot,
    runtime: &Runtime,
) -> Result<Looked, Mistakes> {
    let fresh_digest = source.digest();
    if digest == Some(fresh_digest) && snapshot.contents.are_unchanged() && snapshot.is_whole() {
        return Ok(Looked::Same);
    }
    let began = Instant::now();
    let loaded = Loaded {
        config: Arc::new(judge(source)?),
        digest: Some(fresh_digest),
    };
    debug!("read and checked in {:?}", began.elapsed());
    let before = Before { config, snapshot };
    let compared = compile(loaded, before, runtime, source.folder());
    compared.map_err(|(found, loaded)| Mistakes {
        found,
        listeners: loaded.config.listeners.clone(),
    })
}

/// Compiles beside what runs, and compares.
fn compile(
    loaded: Loaded,
    before: Before<'_>,
    runtime: &Runtime,
    folder: &Path,
) -> Result<Looked, (Vec<Diagnostic>, Loaded)> {
    let began = Instant::now();
    let compiled = Snapshot::compile_over(&loaded.config, runtime, Some(before));
    let snapshot = match compiled {
        Ok(snapshot) => snapshot,
        Err(found) => return Err((found, loaded)),
    };
    debug!("compiled in {:?}", began.elapsed());
    let began = Instant::now();
    let old = (before.config, &before.snapshot.contents);
    let new = (&*loaded.config, &snapshot.contents);
    if old.1 == new.1 && changes::are_same(old.0, new.0) {
        return Ok(Looked::SameMeaning(loaded.digest));
    }
    let mut changes = changes::between(old, new, folder);
    if changes.is_empty() {
        changes.push("something that cannot be told in a line".to_owned());
    }
    debug!("compared in {:?}", began.elapsed());
    Ok(Looked::Other(Box::new(Fresh {
        loaded,
        snapshot,
        changes,
    })))
}

/// For a configuration that is in memory: what is to be put in force, `None` if it is what runs.
pub(crate) fn compared(
    loaded: Loaded,
    config: &Config,
    snapshot: &Snapshot,
    runtime: &Runtime,
) -> Result<Option<Fresh>, Vec<Diagnostic>> {
    let before = Before { config, snapshot };
    match compile(loaded, before, runtime, Path::new("")) {
        Ok(Looked::Other(fresh)) => Ok(Some(*fresh)),
        Ok(_) => Ok(None),
        Err((found, _)) => Err(found),
    }
}

/// What differs between two configurations that have been compiled, in the words of the log.
pub fn changes(
    (old, old_snapshot): (&Config, &Snapshot),
    (new, new_snapshot): (&Config, &Snapshot),
) -> Vec<String> {
    let old = (old, &old_snapshot.contents);
    changes::between(old, (new, &new_snapshot.contents), Path::new(""))
}

/// A short name for every byte that the running configuration was made from.
pub(crate) fn hash(running: &Running, server: &Server) -> Option<String> {
    let mut whole = openssl::sha::Sha256::new();
    whole.update(&running.digest?);
    let snapshot = server.snapshot.load();
    for digest in snapshot.contents.digests() {
        whole.update(digest);
    }
    let bytes = whole.finish();
    Some(
        bytes
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect(),
    )
}
