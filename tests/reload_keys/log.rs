//! `log`: it belongs to the process, so the real program has to show it.

use rustix::process::Signal;

use super::gateway::{Gateway, get, until};
use super::support::World;

pub const KEYS: [&str; 4] = [
    "log.level",
    "log.file",
    "log.access.file",
    "log.access.format",
];

fn file(level: &str) -> String {
    format!(
        "admin: {{ listen: 127.0.0.1:0 }}\nlisteners: [{{ listen: 127.0.0.1:0 }}]\nhosts: {{ a.example.com: {{ files: www }} }}\nlog: {{ level: {level} }}\n"
    )
}

#[test]
fn the_level_of_the_log_changes_with_a_reload() {
    let world = World::new();
    world.write("p.yaml", &file("info"));
    let gateway = Gateway::start(&world);
    let (public, _) = gateway.addresses();
    // Each refusal is a line at `info`. The paths differ, so that no line is taken for another.
    let refused = |path: &str| get(public[0], "nobody.example.com", path).unwrap();
    let reload = |level: &str| {
        world.write("p.yaml", &file(level));
        gateway.signal(Signal::HUP);
    };
    refused("/first");
    gateway.wait_for("/first", 1);
    reload("debug");
    gateway.wait_for("the configuration was applied", 1);
    reload("error");
    // Nothing is said of it now. A second reload says it only if the first is over.
    refused("/second");
    reload("info");
    gateway.wait_for("the configuration was applied", 2);
    refused("/third");
    gateway.wait_for("/third", 1);
}

#[test]
fn the_file_of_the_log_changes_with_a_reload() {
    let world = World::new();
    let file =
        |name: &str| file("info").replace("level: info", &format!("level: info, file: {name}"));
    let has = |name: &str, text: &str| {
        let log = std::fs::read_to_string(world.folder().join(name)).unwrap_or_default();
        log.contains(text)
    };
    world.write("p.yaml", &file("one.log"));
    let gateway = Gateway::start(&world);
    until("it serves", || {
        has("one.log", "metrics and health").then_some(())
    })
    .unwrap();
    world.write("p.yaml", &file("two.log"));
    gateway.signal(Signal::HUP);
    until("the new file is written", || {
        has("two.log", "was applied").then_some(())
    })
    .unwrap();
    assert!(!has("one.log", "was applied"));
    world.write("p.yaml", &file("one.log"));
    gateway.signal(Signal::HUP);
    until("and the old one again", || {
        has("one.log", "was applied").then_some(())
    })
    .unwrap();
}

#[test]
fn the_file_and_the_format_of_the_access_log_change_with_a_reload() {
    let world = World::new();
    let file = |access: &str| {
        file("info").replace("level: info", &format!("level: info, access: {access}"))
    };
    let has = |name: &str, text: &str| {
        let log = std::fs::read_to_string(world.folder().join(name)).unwrap_or_default();
        log.contains(text)
    };
    world.write("p.yaml", &file("{ file: one.log, format: json }"));
    let gateway = Gateway::start(&world);
    let (public, _) = gateway.addresses();
    let asked = |path: &str| get(public[0], "a.example.com", path).unwrap();
    asked("/first");
    until("a line of JSON", || {
        has("one.log", "\"path\":\"/first\"").then_some(())
    })
    .unwrap();
    world.write("p.yaml", &file("{ file: two.log, format: combined }"));
    gateway.signal(Signal::HUP);
    gateway.wait_for("the configuration was applied", 1);
    asked("/second");
    until("a line as nginx writes it", || {
        has("two.log", "\"GET /second HTTP/1.1\"").then_some(())
    })
    .unwrap();
    assert!(!has("one.log", "/second"));
}
