//! SIGTERM and SIGINT: how it ends.

use std::net::TcpStream;

use rustix::process::Signal;

use super::client::{ask, busy, get, open, readiness, status, until_not_ready};
use super::gateway::until;

#[test]
fn sigterm_finishes_what_is_under_way_and_lets_nothing_new_in() {
    let mut busy = busy("");
    busy.gateway.signal(Signal::TERM);
    until_not_ready(busy.admin);
    let is_closed = || TcpStream::connect(busy.public).is_err().then_some(());
    until("refused", is_closed).unwrap();
    // Still not ready, and still answering.
    let told = readiness(busy.admin);
    assert!(told.ends_with("not ready: draining\n"), "{told}");
    let health = ask(&mut open(busy.admin), &get("localhost", "/healthz"));
    assert_eq!(status(&health), "200");

    busy.go.send(()).unwrap();
    let answer = ask(&mut busy.running, "");
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("done"),
        "{answer}"
    );
    let (ended, log) = busy.gateway.end();
    assert_eq!(ended.code(), Some(0), "{log}");
    assert!(log.contains("stopped; 0 connections were cut"), "{log}");
}

#[test]
fn sigint_ends_at_once_also_in_the_middle_of_a_drain() {
    for drain_first in [false, true] {
        let busy = busy("");
        if drain_first {
            busy.gateway.signal(Signal::TERM);
            until_not_ready(busy.admin);
        }
        busy.gateway.signal(Signal::INT);
        let (ended, log) = busy.gateway.end();
        assert_eq!(ended.code(), Some(0), "{log}");
        assert!(log.contains("SIGINT: stopping now"), "{log}");
        assert!(!log.contains(" cut"), "{log}");
    }
}

#[test]
fn signals_that_mean_nothing_during_a_drain_do_no_harm() {
    let mut busy = busy("");
    busy.gateway.signal(Signal::TERM);
    until_not_ready(busy.admin);
    busy.gateway.signal(Signal::HUP);
    busy.gateway.signal(Signal::TERM);
    assert_eq!(status(&readiness(busy.admin)), "503");
    busy.go.send(()).unwrap();
    assert!(ask(&mut busy.running, "").ends_with("done"));
    assert_eq!(busy.gateway.end().0.code(), Some(0));
}

#[test]
fn what_does_not_finish_in_time_is_cut() {
    let busy = busy("shutdown: { within: 100ms }\n");
    busy.gateway.signal(Signal::TERM);
    let (ended, log) = busy.gateway.end();
    assert_eq!(ended.code(), Some(0));
    assert!(log.contains("stopped; 1 connection was cut"), "{log}");
}
