//! Signals in masses, too early and too late.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use rustix::process::Signal;

use super::gateway::{Gateway, get, until};
use super::stage::{KEPT, NEW, Stage, file};
use super::support::World;

/// Signals at once.
const MANY: usize = 1000;
/// Hosts of a file that takes a while to read.
const HOSTS: usize = 20_000;

#[test]
fn a_thousand_signals_at_once_are_some_reloads_and_leave_nothing_behind() {
    let stage = Stage::open();
    assert!(stage.reload());
    let open = || {
        let folder = format!("/proc/{}/fd", stage.gateway.id());
        fs::read_dir(folder).unwrap().count()
    };
    let (before, known) = (open(), stage.outcomes());
    for turn in 0..MANY {
        if turn == MANY / 2 {
            stage.put("p.yaml", &file(&[KEPT, NEW]));
        }
        stage.gateway.signal(Signal::HUP);
    }
    until("the last file is in force", || {
        (stage.status(NEW) == 200).then_some(())
    })
    .unwrap();
    // The answers to these very questions may still be on their way out of the table of descriptors.
    until("no descriptor is left over", || {
        (open() <= before).then_some(())
    })
    .unwrap();
    let now = stage.outcomes();
    assert!(now.applied > known.applied && now.refused == 0, "{now:?}");
    assert!(now.all() - known.all() <= MANY, "{now:?}");
    stage.recovers();
}

#[test]
fn a_signal_before_the_start_up_is_over_is_a_reload_after_it() {
    let world = World::new();
    let hosts: String = (0..HOSTS)
        .map(|n| format!("  h{n}.example.com: {{ server: s }}\n"))
        .collect();
    let text = |name: &str| {
        format!(
            "admin: {{ listen: 127.0.0.1:0 }}\nlisteners: [{{ listen: 127.0.0.1:0 }}]\nservers: {{ s: {{ kind: http, url: 'http://127.0.0.1:9' }} }}\n\
             hosts:\n  {name}: {{ files: www }}\n{hosts}"
        )
    };
    world.write("p.yaml", &text(KEPT));
    let gateway = Gateway::start(&world);
    // From the moment on at which the process has a handler for it.
    let status = format!("/proc/{}/status", gateway.id());
    until("SIGHUP is handled", || {
        let status = fs::read_to_string(&status).unwrap();
        let caught = status
            .lines()
            .find_map(|line| line.strip_prefix("SigCgt:"))?;
        (u64::from_str_radix(caught.trim(), 16).unwrap() & 1 == 1).then_some(())
    })
    .unwrap();
    for _ in 0..10 {
        gateway.signal(Signal::HUP);
    }
    assert_eq!(
        gateway.said("listening on"),
        0,
        "still starting: {}",
        gateway.log()
    );
    world.write("beside", &text(NEW));
    fs::rename(world.folder().join("beside"), world.folder().join("p.yaml")).unwrap();
    let (public, _) = gateway.addresses();
    // If the new file was the first that the process read, it finds nothing to do.
    gateway.wait_for("SIGHUP: ", 1);
    let answer = get(public[0], NEW, "/").unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[test]
fn a_signal_during_a_drain_opens_nothing_and_the_drain_goes_on() {
    let inside = TcpListener::bind("127.0.0.1:0").unwrap();
    let more = format!(
        "  s.wild.example.com: {{ server: s }}\nservers: {{ s: {{ kind: http, url: 'http://{}', health: off }} }}\n",
        inside.local_addr().unwrap()
    );
    let stage = Stage::with(&(file(&[KEPT]) + &more));
    let mut busy = TcpStream::connect(stage.public[1]).unwrap();
    busy.write_all(b"GET / HTTP/1.1\r\nHost: s.wild.example.com\r\n\r\n")
        .unwrap();
    let (mut server, _) = inside.accept().unwrap();
    stage.gateway.signal(Signal::TERM);
    let drains = || {
        get(stage.admin, "localhost", "/readyz")
            .unwrap()
            .starts_with("HTTP/1.1 503 ")
    };
    until("it drains", || drains().then_some(())).unwrap();
    // `/readyz` turns before the door closes.
    until("the door is closed", || {
        TcpStream::connect(stage.public[1]).is_err().then_some(())
    })
    .unwrap();

    let free = TcpListener::bind("127.74.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let wider = (file(&[KEPT, NEW]) + &more).replace(
        "listeners: [",
        &format!("listeners: [{{ listen: '{free}' }}, "),
    );
    stage.put("p.yaml", &wider);
    for _ in 0..20 {
        stage.gateway.signal(Signal::HUP);
    }
    // By the time these are answered a reload would have begun.
    for _ in 0..20 {
        assert!(drains());
        assert!(TcpStream::connect(free).is_err());
        assert!(TcpStream::connect(stage.public[1]).is_err());
    }
    server
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
        .unwrap();
    let mut answer = String::new();
    busy.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("done"),
        "{answer}"
    );
    let (ended, log) = stage.gateway.end();
    assert_eq!(ended.code(), Some(0), "{log}");
    assert!(!log.contains("the configuration was applied"), "{log}");
}
