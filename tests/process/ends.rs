//! SIGTERM and SIGINT: how it ends.

use std::io::Write;
use std::net::TcpStream;

use rustix::process::Signal;

use super::client::{ask, get, open, readiness, slow_server, status, with_server, world};
use super::gateway::{Gateway, PATIENCE, until};

#[test]
fn sigterm_finishes_what_is_under_way_and_lets_nothing_new_in() {
    let (server, arrived, go) = slow_server();
    let world = world(&with_server(server));
    let gateway = Gateway::start(&world);
    let (public, admin) = gateway.addresses();
    let mut running = open(public[0]);
    running
        .write_all(get("s.example.com", "/").as_bytes())
        .unwrap();
    arrived.recv_timeout(PATIENCE).unwrap();

    gateway.signal(Signal::TERM);
    until("not ready", || {
        (status(&readiness(admin)) == "503").then_some(())
    })
    .unwrap();
    until("refused", || {
        TcpStream::connect(public[0]).is_err().then_some(())
    })
    .unwrap();
    // Still not ready, and still answering.
    let told = readiness(admin);
    assert!(told.ends_with("not ready: draining\n"), "{told}");
    assert_eq!(
        status(&ask(&mut open(admin), &get("localhost", "/healthz"))),
        "200"
    );

    go.send(()).unwrap();
    let answer = ask(&mut running, "");
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("done"),
        "{answer}"
    );
    let (ended, log) = gateway.end();
    assert_eq!(ended.code(), Some(0), "{log}");
    assert!(log.contains("stopped; 0 connections were cut"), "{log}");
}

#[test]
fn sigint_ends_at_once_also_in_the_middle_of_a_drain() {
    for drain_first in [false, true] {
        let (server, arrived, _go) = slow_server();
        let world = world(&with_server(server));
        let gateway = Gateway::start(&world);
        let (public, admin) = gateway.addresses();
        let mut running = open(public[0]);
        running
            .write_all(get("s.example.com", "/").as_bytes())
            .unwrap();
        arrived.recv_timeout(PATIENCE).unwrap();
        if drain_first {
            gateway.signal(Signal::TERM);
            until("not ready", || {
                (status(&readiness(admin)) == "503").then_some(())
            })
            .unwrap();
        }
        gateway.signal(Signal::INT);
        let (ended, log) = gateway.end();
        assert_eq!(ended.code(), Some(0), "{log}");
        assert!(log.contains("SIGINT: stopping now"), "{log}");
        assert!(!log.contains("connections were cut"), "{log}");
    }
}

#[test]
fn signals_that_mean_nothing_during_a_drain_do_no_harm() {
    let (server, arrived, go) = slow_server();
    let world = world(&with_server(server));
    let gateway = Gateway::start(&world);
    let (public, admin) = gateway.addresses();
    let mut running = open(public[0]);
    running
        .write_all(get("s.example.com", "/").as_bytes())
        .unwrap();
    arrived.recv_timeout(PATIENCE).unwrap();
    gateway.signal(Signal::TERM);
    until("not ready", || {
        (status(&readiness(admin)) == "503").then_some(())
    })
    .unwrap();
    gateway.signal(Signal::HUP);
    gateway.signal(Signal::TERM);
    assert_eq!(status(&readiness(admin)), "503");
    go.send(()).unwrap();
    assert!(ask(&mut running, "").ends_with("done"));
    assert_eq!(gateway.end().0.code(), Some(0));
}
