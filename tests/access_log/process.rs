//! The file of a running process: moved away under load, full, and complete at the end.

use std::collections::BTreeSet;
use std::io::Read;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::process::Signal;

use super::client::{ask, file, get, open, status, world};
use super::gateway::{Gateway, until};

fn with_log(path: &str) -> String {
    file("") + &format!("log: {{ access: {{ file: {path} }} }}\nlimits: {{ mode: off }}\n")
}

#[test]
fn no_line_is_lost_while_the_file_is_moved_away_under_load_and_the_end_is_complete() {
    let world = world(&with_log("access.log"));
    let gateway = Gateway::start(&world);
    let to = gateway.addresses().0[0];
    let (asked, enough) = (AtomicUsize::new(0), AtomicBool::new(false));
    let path = world.folder().join("access.log");
    std::thread::scope(|threads| {
        for client in 0..4 {
            let (asked, enough) = (&asked, &enough);
            threads.spawn(move || {
                while !enough.load(Ordering::Relaxed) {
                    let mut line = open(to);
                    for number in 0..100 {
                        let answer = ask(
                            &mut line,
                            &get("a.example.com", &format!("/{client}-{number}")),
                        );
                        assert_eq!(status(&answer), "404");
                        asked.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        for round in 0..8 {
            until("the file is there", || path.exists().then_some(())).unwrap();
            let moved = world.folder().join(format!("access.log.{round}"));
            std::fs::rename(&path, moved).unwrap();
            gateway.signal(Signal::USR1);
            gateway.wait_for("the access log", round + 1);
        }
        enough.store(true, Ordering::Relaxed);
    });
    gateway.signal(Signal::TERM);
    let (ended, log) = gateway.end();
    assert!(ended.success(), "{log}");
    let mut ids = BTreeSet::new();
    let mut count = 0;
    for entry in std::fs::read_dir(world.folder()).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_str().unwrap().contains("access.log") {
            continue;
        }
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            ids.insert(line["id"].as_str().unwrap().to_owned());
            count += 1;
        }
    }
    let asked = asked.load(Ordering::Relaxed);
    assert_eq!((count, ids.len()), (asked, asked));
}

#[test]
fn a_disk_that_is_full_is_told_of_once_and_serves_on_until_another_file_is_named() {
    let world = world(&with_log("/dev/full"));
    let gateway = Gateway::start(&world);
    let (public, _) = gateway.addresses();
    let mut line = open(public[0]);
    assert_eq!(status(&ask(&mut line, &get("a.example.com", "/"))), "200");
    gateway.wait_for("the access log /dev/full cannot be written", 1);
    for _ in 0..100 {
        assert_eq!(status(&ask(&mut line, &get("a.example.com", "/"))), "200");
    }
    world.write("p.yaml", &with_log("access.log"));
    gateway.signal(Signal::HUP);
    gateway.wait_for("the configuration was applied", 1);
    assert_eq!(
        status(&ask(&mut line, &get("a.example.com", "/new"))),
        "404"
    );
    until("the line is written", || {
        let text = std::fs::read_to_string(world.folder().join("access.log")).ok()?;
        text.contains("\"path\":\"/new\"").then_some(())
    })
    .unwrap();
    assert_eq!(
        gateway.log().matches("cannot be written").count(),
        1,
        "{}",
        gateway.log()
    );
}

#[test]
fn the_end_of_a_process_waits_for_a_receiver_to_get_the_last_lines_and_not_long_for_one_that_is_gone()
 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap();
    let mut receiver = Some(listener);
    for is_there in [true, false] {
        let yaml = file("") + &format!("log: {{ access: {{ syslog: {{ to: 'tcp://{to}' }} }} }}\n");
        let world = world(&yaml);
        let gateway = Gateway::start(&world);
        let (public, _) = gateway.addresses();
        let mut line = open(public[0]);
        for number in 0..50 {
            ask(&mut line, &get("a.example.com", &format!("/{number}")));
        }
        gateway.signal(Signal::TERM);
        let (ended, log) = gateway.end();
        assert!(ended.success(), "{log}");
        assert_eq!(log.contains("cannot be sent"), !is_there, "{log}");
        // Closed, with everything that nobody has taken out of it, before the second round.
        if let Some(listener) = receiver.take() {
            let mut got = String::new();
            let (mut stream, _) = listener.accept().unwrap();
            stream.read_to_string(&mut got).unwrap();
            assert_eq!(got.matches(" access - {").count(), 50, "{got}");
        }
    }
}
