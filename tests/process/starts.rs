//! What a start says, and what it needs.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use rustix::process::Signal;

use super::client::{ask, file, get, open, readiness, status, world};
use super::gateway::{Gateway, until};
use super::support;

#[test]
fn it_says_where_it_listens_and_serves() {
    let world = world(&file(""));
    let gateway = Gateway::start(&world);
    let (public, admin) = gateway.addresses();
    let answer = ask(&mut open(public[0]), &get("a.example.com", "/"));
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("<!doctype html>\n"),
        "{answer}"
    );
    assert_eq!(status(&readiness(admin)), "200");
}

#[test]
fn a_line_of_the_log_is_a_line_of_bounded_length_whatever_a_client_sends() {
    let text = format!("{}log: {{ level: debug }}\n", file(""));
    let world = world(&text);
    let gateway = Gateway::start(&world);
    let (public, admin) = gateway.addresses();
    let long = "x".repeat(30_000);
    let agent = format!("User-Agent: {long}\r\nReferer: {long}\r\n");
    let longer = "x".repeat(7_000);
    let requests = [
        format!("GET /{long} HTTP/1.1\r\nHost: a.example.com\r\n\r\n"),
        format!("GET /{longer}%0A%0D%22%5C HTTP/1.1\r\nHost: a.example.com\r\n\r\n"),
        format!("GET /{longer} HTTP/1.1\r\nHost: {longer}.example.com\r\n\r\n"),
        format!("GET /\"{longer}\\ HTTP/1.1\r\nHost: a.example.com\r\n\r\n"),
        format!("GET /'{{}}{longer} HTTP/1.1\r\nHost: a.example.com\r\nX: {longer}\r\n\r\n"),
        format!(
            "{} / HTTP/1.1\r\nHost: a.example.com\r\n\r\n",
            "X".repeat(30_000)
        ),
        format!("GET /../..{longer} HTTP/1.1\r\nHost: a.example.com\r\n\r\n"),
        format!("GET /{longer}/../x HTTP/1.1\r\nHost: a.example.com\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: nowhere.example.com\r\n{agent}\r\n"),
        format!("GET /\u{7f}\x1b[31m{longer} HTTP/1.1\r\nHost: a.example.com\r\n\r\n"),
    ];
    for round in 0..100 {
        for request in &requests {
            let mut line = open(public[0]);
            // It may be refused, and closed, in the middle.
            let _ = line.write_all(request.as_bytes());
            let mut answer = Vec::new();
            let _ = line.shutdown(std::net::Shutdown::Write);
            let _ = line.read_to_end(&mut answer);
            assert!(!answer.starts_with(b"HTTP/1.1 200 "), "{round} {request}");
        }
    }
    assert_eq!(status(&readiness(admin)), "200");
    gateway.signal(Signal::INT);
    let (_, log) = gateway.end();
    assert!(
        log.contains(&format!("\"/{}\" (and ", "x".repeat(299))),
        "{log}"
    );
    for line in log.lines() {
        assert!(line.starts_with("[20"), "not a line of its own: {line:?}");
        assert!(line.len() < 1000, "{} bytes: {line}", line.len());
        assert!(line.chars().all(|c| !c.is_control()), "{line:?}");
    }
    // Twenty of each reason at once and two a second: what is left out is told by its number.
    assert!(log.lines().count() < 600, "{} lines", log.lines().count());
}

#[test]
fn a_port_in_use_is_named_and_nothing_starts() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    for (text, what) in [
        (
            file("").replace(
                "listeners: [{ listen: 127.0.0.1:0",
                &format!("listeners: [{{ listen: {address}"),
            ),
            "portcullis: cannot listen on",
        ),
        (
            file("").replace(
                "admin: { listen: 127.0.0.1:0",
                &format!("admin: {{ listen: {address}"),
            ),
            "portcullis: the admin listener cannot listen on",
        ),
    ] {
        let world = world(&text);
        // Said even where the log is turned off.
        let ran = support::Ran::from(
            world
                .command(&["-c", "p.yaml"])
                .env("RUST_LOG", "off")
                .output()
                .unwrap(),
        );
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
        let expected = format!(
            "{what} {address}: Address already in use (os error 98): another process has this port, `ss -ltnp 'sport = :{}'` names it\n",
            address.port()
        );
        assert_eq!(ran.err, expected);
    }
}

#[test]
fn a_port_that_needs_a_capability_says_which() {
    let free_from = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start")
        .unwrap_or_default();
    if free_from.trim().parse().unwrap_or(1024) <= 81 {
        println!("skipped: every port is free for everybody on this machine");
        return;
    }
    let world = world(&file("").replace(
        "listeners: [{ listen: 127.0.0.1:0",
        "listeners: [{ listen: 127.0.0.1:81",
    ));
    let mut command = world.command(&["-c", "p.yaml"]);
    if rustix::process::geteuid().is_root() {
        // The same program without the capability that root has.
        let mut without = std::process::Command::new("setpriv");
        without
            .args(["--inh-caps=-all", "--bounding-set=-net_bind_service", "--"])
            .arg(command.get_program())
            .args(command.get_args())
            .current_dir(world.folder());
        command = without;
    }
    let Ok(output) = command.output() else {
        println!("skipped: there is no setpriv to take the capability away with");
        return;
    };
    let ran = support::Ran::from(output);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let expected = "cannot listen on 127.0.0.1:81: Permission denied (os error 13): ports below 1024 need CAP_NET_BIND_SERVICE";
    assert!(ran.err.contains(expected), "{ran:?}");
}

#[test]
fn the_level_of_the_log_comes_from_the_file_and_rust_log_wins() {
    let quiet = world(&(file("") + "log: { level: error }\n"));
    let gateway = Gateway::with(&quiet, &[("RUST_LOG", "portcullis=debug")]);
    let (public, _) = gateway.addresses();
    assert_eq!(
        status(&ask(&mut open(public[0]), &get("a.example.com", "/"))),
        "200"
    );
    gateway.signal(Signal::TERM);
    assert!(gateway.end().1.contains("listening on"));

    // Without it the file's own level holds, and a reload changes it. What says nothing when it starts is found by its port.
    let port = 10_000 + std::process::id() % 10_000;
    let admin: SocketAddr = format!("127.0.0.3:{port}").parse().unwrap();
    let fixed = file("").replace(
        "admin: { listen: 127.0.0.1:0 }",
        &format!("admin: {{ listen: {admin} }}"),
    );
    quiet.write("p.yaml", &(fixed.clone() + "log: { level: error }\n"));
    let gateway = Gateway::start(&quiet);
    until("it is ready", || {
        let mut stream = TcpStream::connect(admin).ok()?;
        (status(&ask(&mut stream, &get("localhost", "/readyz"))) == "200").then_some(())
    })
    .unwrap();
    quiet.write("p.yaml", &(fixed + "log: { level: info }\n"));
    gateway.signal(Signal::HUP);
    gateway.wait_for("the configuration was applied", 1);
    assert!(!gateway.log().contains("listening on"), "{}", gateway.log());
}
