//! `log`: it belongs to the process, so the real program has to show it.

use rustix::process::Signal;

use super::gateway::{Gateway, get};
use super::support::World;

pub const KEY: &str = "log.level";

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
