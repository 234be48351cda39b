//! The writer against real files: full disks, files that are moved away, floods.

use std::path::Path;
use std::time::{Duration, Instant};

use prometheus::IntCounter;

use super::*;
use crate::config;
use crate::config::value::AppName;

/// Longer than anything here takes.
const SOON: Duration = Duration::from_secs(20);

fn target(path: &Path) -> Targets {
    let file = File {
        path: path.to_owned(),
        format: Format::Json,
    };
    Targets {
        file: Some(file),
        ..Targets::default()
    }
}

fn log() -> (AccessLog, IntCounter) {
    let counter = || IntCounter::new("dropped", "-").unwrap();
    let dropped = Dropped {
        file: counter(),
        syslog: counter(),
    };
    (AccessLog::new(dropped.clone()), dropped.file)
}

fn put(log: &AccessLog, text: &str) {
    log.write(&Entry {
        path: Some(text),
        ..Entry::default()
    });
}

/// What was put there, each on a line of its own.
fn read(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let paths = text.lines().filter_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(line["path"].as_str()?.to_owned() + "\n")
    });
    paths.collect()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test's own thread, between two looks"
)]
fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + SOON;
    while !condition() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn lines_come_in_order_and_a_flush_waits_for_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    let (log, dropped) = log();
    log.follow(target(&path));
    let expected: Vec<String> = (0..10_000).map(|number| number.to_string()).collect();
    for (number, line) in expected.iter().enumerate() {
        put(&log, line);
        if number % 1000 == 0 {
            assert!(log.flush(SOON));
        }
    }
    assert!(log.flush(SOON));
    assert_eq!(read(&path), expected.join("\n") + "\n");
    assert_eq!(dropped.get(), 0);
}

#[test]
fn a_disk_that_is_full_keeps_nobody_waiting_and_what_finds_no_room_is_counted() {
    let (log, dropped) = log();
    log.follow(target(Path::new("/dev/full")));
    let line = "x".repeat(999);
    for _ in 0..50_000 {
        put(&log, &line);
    }
    // 8 MiB wait in the queue, and as much in the writer's hands.
    let lost = dropped.get();
    assert!((50_000 - 2 * 8389..50_000).contains(&lost), "{lost}");
    assert!(!log.flush(Duration::from_millis(10)));
    // Another file, which can be written: what was not yet taken by the full one goes there.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    log.follow(target(&path));
    put(&log, "after");
    until("the line is written", || read(&path).ends_with("after\n"));
}

#[test]
fn a_file_that_cannot_be_opened_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("not/yet/a.log");
    let (log, dropped) = log();
    log.follow(target(&path));
    put(&log, "one");
    assert!(!log.flush(Duration::from_millis(10)));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    assert!(log.flush(SOON));
    assert_eq!(read(&path), "one\n");
    assert_eq!(dropped.get(), 0);
}

#[test]
fn no_line_is_lost_when_the_file_is_moved_away_again_and_again_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    let (log, dropped) = log();
    log.follow(target(&path));
    std::thread::scope(|threads| {
        for thread in 0..4 {
            let log = &log;
            threads.spawn(move || {
                for number in 0..20_000 {
                    put(log, &format!("{thread} {number}"));
                    if number % 500 == 0 {
                        assert!(log.flush(SOON));
                    }
                }
            });
        }
        for round in 0..50 {
            let there = || path.exists();
            until("the file is open anew", there);
            std::fs::rename(&path, folder.path().join(format!("a.log.{round}"))).unwrap();
            log.reopen();
        }
    });
    assert!(log.flush(SOON));
    assert_eq!(dropped.get(), 0);
    let mut all: Vec<String> = Vec::new();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        all.extend(read(&file.unwrap().path()).lines().map(str::to_owned));
    }
    all.sort();
    let count = all.len();
    all.dedup();
    assert_eq!((count, all.len()), (80_000, 80_000));
}

#[test]
fn a_log_that_is_turned_off_takes_nothing_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("1"), folder.path().join("2"));
    let (log, dropped) = log();
    put(&log, "before");
    log.follow(target(&first));
    put(&log, "first");
    log.follow(Targets::default());
    put(&log, "nowhere");
    assert!(!log.is_on());
    log.follow(target(&second));
    put(&log, "second");
    assert!(log.flush(SOON));
    assert_eq!(
        (read(&first), read(&second)),
        ("first\n".into(), "second\n".into())
    );
    assert_eq!(dropped.get(), 0);
}

#[test]
fn a_receiver_that_never_reads_keeps_nobody_waiting_and_what_finds_no_room_is_counted() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let receiver = Arc::new(Receiver {
        url: format!("tcp://{}", listener.local_addr().unwrap())
            .parse()
            .unwrap(),
        name: String::new(),
        trust: None,
        identity: None,
        facility: config::Facility::Local0,
        app_name: AppName::default(),
    });
    let counter = || IntCounter::new("dropped", "-").unwrap();
    let dropped = Dropped {
        file: counter(),
        syslog: counter(),
    };
    let log = AccessLog::new(dropped.clone());
    let syslog = Syslog {
        receiver,
        format: Format::Json,
    };
    log.follow(Targets {
        syslog: Some(syslog),
        ..Targets::default()
    });
    let line = "x".repeat(999);
    for _ in 0..100_000 {
        put(&log, &line);
    }
    // 8 MiB wait in the queue, as much in the sender's hands, and some in the kernel's.
    assert!(dropped.syslog.get() > 50_000, "{}", dropped.syslog.get());
    assert!(!log.flush(Duration::from_millis(10)));
    assert_eq!(dropped.file.get(), 0);
}
