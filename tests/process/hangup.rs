//! SIGHUP: another file in the place of the one that runs, or not.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};

use rustix::process::Signal;

use super::client::{ask, file, get, open, readiness, status, world};
use super::gateway::{Gateway, until};

#[test]
fn a_good_file_is_applied_on_sighup_and_old_connections_live_on() {
    let world = world(&file(""));
    let gateway = Gateway::start(&world);
    let (public, _) = gateway.addresses();
    let mut old = open(public[0]);
    assert_eq!(status(&ask(&mut old, &get("a.example.com", "/"))), "200");
    assert_eq!(status(&ask(&mut old, &get("new.example.com", "/"))), "404");

    world.write("p.yaml", &file("  new.example.com: { files: www }\n"));
    gateway.signal(Signal::HUP);
    gateway.wait_for("the configuration was applied", 1);
    assert_eq!(
        status(&ask(&mut open(public[0]), &get("new.example.com", "/"))),
        "200"
    );
    // The same connection, and the file as it is now.
    assert_eq!(status(&ask(&mut old, &get("a.example.com", "/"))), "200");
    assert_eq!(status(&ask(&mut old, &get("new.example.com", "/"))), "200");
}

#[test]
fn a_bad_file_is_refused_whole_on_sighup_with_its_whole_report() {
    let world = world(&file(""));
    let gateway = Gateway::start(&world);
    let (public, admin) = gateway.addresses();
    let both = file("  new.example.com: { files: gone }\n  other.example.com: { server: s9 }\n");
    for (round, wrong) in [both.as_str(), "nonsense", ""].into_iter().enumerate() {
        world.write("p.yaml", wrong);
        let report = world.run(&["check", "-c", "p.yaml"]);
        assert_eq!(report.code, Some(1));
        gateway.signal(Signal::HUP);
        gateway.wait_for("the running configuration stays", round + 1);
        gateway.wait_for(&report.err, 1);
        assert_eq!(
            status(&ask(&mut open(public[0]), &get("a.example.com", "/"))),
            "200"
        );
        assert_eq!(
            status(&ask(&mut open(public[0]), &get("new.example.com", "/"))),
            "404"
        );
        assert_eq!(status(&readiness(admin)), "200");
    }
    let log = gateway.log();
    let of_spaces = log
        .lines()
        .find(|line| !line.is_empty() && line.trim().is_empty());
    assert_eq!(of_spaces, None, "{log}");
    // A file that has gone is no reason to go too.
    std::fs::remove_file(world.folder().join("p.yaml")).unwrap();
    gateway.signal(Signal::HUP);
    gateway.wait_for("the file cannot be read", 1);
    world.write("p.yaml", &file("  new.example.com: { files: www }\n"));
    gateway.signal(Signal::HUP);
    gateway.wait_for("the configuration was applied", 1);
    assert_eq!(
        status(&ask(&mut open(public[0]), &get("new.example.com", "/"))),
        "200"
    );
}

#[test]
fn a_signal_during_a_reload_is_one_more_reload_after_it() {
    // A folder of files for each host makes the reload long enough to be met by a signal.
    let hosts = |count: usize| -> String {
        let hosts = (0..count).map(|n| format!("  h{n}.example.com: {{ files: www }}\n"));
        hosts.collect()
    };
    let world = world(&file(""));
    let gateway = Gateway::start(&world);
    let (public, _) = gateway.addresses();
    for round in 1..=5 {
        world.write("p.yaml", &file(&hosts(2000 + round)));
        gateway.signal(Signal::HUP);
        // While that one is read or compiled: written after it, so only another reload can find it.
        let last = format!("  last{round}.example.com: {{ files: www }}\n");
        world.write("p.yaml.new", &file(&last));
        std::fs::rename(
            world.folder().join("p.yaml.new"),
            world.folder().join("p.yaml"),
        )
        .unwrap();
        gateway.signal(Signal::HUP);
        let host = format!("last{round}.example.com");
        until("the last file is in force", || {
            let answer = ask(&mut open(public[0]), &get(&host, "/"));
            (status(&answer) == "200").then_some(())
        })
        .unwrap();
    }
}

#[test]
fn a_listener_that_cannot_be_had_is_refused_on_sighup() {
    let world = world(&file(""));
    let gateway = Gateway::start(&world);
    let (public, _) = gateway.addresses();
    let taken = TcpListener::bind("127.0.0.2:0").unwrap();
    let address = taken.local_addr().unwrap();
    let more = file("  new.example.com: { files: www }\n").replace(
        "[{ listen: 127.0.0.1:0 }]",
        &format!("[{{ listen: 127.0.0.1:0 }}, {{ listen: {address} }}]"),
    );
    world.write("p.yaml", &more);
    gateway.signal(Signal::HUP);
    gateway.wait_for(&format!("cannot listen on {address}"), 1);
    assert_eq!(
        status(&ask(&mut open(public[0]), &get("new.example.com", "/"))),
        "404"
    );
    drop(taken);
    // A program that another test is starting holds a copy of the socket until it runs.
    let said = |what: &str| gateway.log().matches(what).count();
    until("the address is free", || {
        let before = said("SIGHUP:");
        gateway.signal(Signal::HUP);
        gateway.wait_for("SIGHUP:", before + 1);
        (said("the configuration was applied") == 1).then_some(())
    })
    .unwrap();
    assert_eq!(
        status(&ask(&mut open(address), &get("new.example.com", "/"))),
        "200"
    );
}

#[test]
fn the_last_of_many_sighups_is_never_lost() {
    let world = world(&file(""));
    let gateway = Gateway::start(&world);
    let (public, _) = gateway.addresses();
    for round in 0..20 {
        let name = format!("host{round}.example.com");
        world.write(
            "p.yaml",
            &file(&format!("  before{round}.example.com: {{ files: www }}\n")),
        );
        gateway.signal(Signal::HUP);
        // The first may be in the middle of its work now.
        world.write("p.yaml", &file(&format!("  {name}: {{ files: www }}\n")));
        gateway.signal(Signal::HUP);
        until("the second file is in force", || {
            let answer = ask(&mut open(public[0]), &get(&name, "/"));
            (status(&answer) == "200").then_some(())
        })
        .unwrap_or_else(|why| panic!("{why}, round {round}:\n{}", gateway.log()));
    }
}

#[test]
fn a_new_admin_address_is_taken_on_sighup_and_one_that_cannot_be_had_changes_nothing() {
    let world = world(&file(""));
    let gateway = Gateway::start(&world);
    let (public, admin) = gateway.addresses();
    let mut living = open(admin);
    let moved = |to: SocketAddr| {
        let more = file("  new.example.com: { files: www }\n");
        more.replace(
            "admin: { listen: 127.0.0.1:0 }",
            &format!("admin: {{ listen: {to} }}"),
        )
    };
    world.write("p.yaml", &moved(public[0]));
    gateway.signal(Signal::HUP);
    gateway.wait_for(
        &format!("the admin listener cannot listen on {}", public[0]),
        1,
    );
    assert_eq!(status(&readiness(admin)), "200");
    assert_eq!(
        status(&ask(&mut open(public[0]), &get("new.example.com", "/"))),
        "404"
    );

    world.write("p.yaml", &moved("127.0.0.2:0".parse().unwrap()));
    gateway.signal(Signal::HUP);
    gateway.wait_for("the configuration was applied", 1);
    let log = gateway.log();
    let new = log
        .rsplit("health on http://")
        .next()
        .and_then(|rest| rest.lines().next());
    assert_eq!(status(&readiness(new.unwrap().parse().unwrap())), "200");
    assert!(TcpStream::connect(admin).is_err());
    // Who has nothing under way there is told to go.
    assert_eq!(living.read(&mut [0]).unwrap(), 0);
}
