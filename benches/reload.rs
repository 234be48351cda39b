//! A reload of 10,000 hosts with 10 routes each, step by step. The aim is 200 ms for all of them together on two cores, with a file
//! in which every host has changed.

use std::sync::{Arc, LazyLock};

use divan::{Bencher, black_box};
use loadtest::large::{Large, Variant};
use portcullis::config::{self, Config};
use portcullis::diagnostic::Source;
use portcullis::reload;
use portcullis::runtime::Runtime;
use portcullis::snapshot::{Before, Snapshot};

fn main() {
    divan::main();
}

/// Everything that the steps begin with.
struct World {
    first: Source,
    changed: Source,
    everything: Source,
    config: Config,
    runtime: Runtime,
    snapshot: Snapshot,
    tokio: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let large = Large::in_folder(folder.path()).expect("certificates");
    let source = |variant| Source::new("large.yaml", folder.path(), large.text(variant));
    let first = source(Variant::First);
    let tokio = tokio::runtime::Runtime::new().expect("threads");
    let _inside = tokio.enter();
    let runtime = Runtime::new();
    let config = read(&first);
    let snapshot = Snapshot::compile(&config, &runtime).expect("the file is right");
    World {
        changed: source(Variant::EveryHost),
        everything: source(Variant::Everything),
        first,
        config,
        runtime,
        snapshot,
        tokio: tokio::runtime::Runtime::new().expect("threads"),
        _folder: folder,
    }
});

fn read(source: &Source) -> Config {
    config::parse(source).expect("the file is right")
}

fn compile(config: &Config, with: bool) -> Snapshot {
    let _inside = WORLD.tokio.enter();
    let before = Before {
        config: &WORLD.config,
        snapshot: &WORLD.snapshot,
    };
    let compiled = Snapshot::compile_over(config, &WORLD.runtime, with.then_some(before));
    let Ok(compiled) = compiled else {
        unreachable!("the file is right");
    };
    compiled
}

/// The text as a tree of values.
#[divan::bench]
fn parse(bencher: Bencher) {
    let text = &WORLD.first;
    bencher.bench(|| config::values(black_box(text)));
}

/// The tree, and from it the configuration, with everything checked that can be checked without looking at other files.
#[divan::bench]
fn parse_and_decode(bencher: Bencher) {
    let text = &WORLD.first;
    bencher.bench(|| read(black_box(text)));
}

/// Nothing to take over, as at the start.
#[divan::bench]
fn compile_anew(bencher: Bencher) {
    let config = &WORLD.config;
    bencher.bench(|| compile(black_box(config), false));
}

/// Every host has changed, the servers have not.
#[divan::bench]
fn compile_with_every_host_changed(bencher: Bencher) {
    let config = read(&WORLD.changed);
    bencher.bench(|| compile(black_box(&config), true));
}

/// Every server has changed, and so every host.
#[divan::bench]
fn compile_with_everything_changed(bencher: Bencher) {
    let config = read(&WORLD.everything);
    bencher.bench(|| compile(black_box(&config), true));
}

/// No host has changed.
#[divan::bench]
fn compile_with_nothing_changed(bencher: Bencher) {
    let config = read(&WORLD.first);
    bencher.bench(|| compile(black_box(&config), true));
}

/// The summary for the log.
#[divan::bench]
fn compare(bencher: Bencher) {
    let config = read(&WORLD.changed);
    let snapshot = compile(&config, true);
    let (old, new) = ((&WORLD.config, &WORLD.snapshot), (&config, &snapshot));
    bencher.bench(|| reload::changes(black_box(old), black_box(new)));
}

/// What happens after the reload, on a thread of its own.
#[divan::bench]
fn give_back(bencher: Bencher) {
    let made = || {
        let config = read(&WORLD.everything);
        let snapshot = compile(&config, false);
        (config, Arc::new(snapshot))
    };
    bencher.with_inputs(made).bench_values(drop);
}
