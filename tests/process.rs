//! The real program: what it prints, what signals do to it, and how it ends.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

#[path = "process/client.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod client;
#[path = "command/gateway.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod gateway;
#[path = "command/support.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use client::{ask, file, get, open, readiness, slow_server, status, with_server, world};
use gateway::{Gateway, PATIENCE, until};
use rustix::process::Signal;

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

#[test]
fn the_admin_listener_answers_loopback_names_only() {
    let world = world(&file(""));
    let gateway = Gateway::start(&world);
    let (_, admin) = gateway.addresses();
    let port = admin.port();
    for host in [
        "localhost",
        "LOCALHOST:1",
        "127.0.0.1",
        "127.1.2.3:9145",
        "[::1]",
        "[::1]:9145",
        &format!("localhost:{port}"),
    ] {
        let answer = ask(&mut open(admin), &get(host, "/healthz"));
        assert_eq!(status(&answer), "200", "{host}: {answer}");
    }
    for host in [
        "evil.example.com",
        "localhost.evil.example.com",
        "a@localhost",
        "localhost@evil.example.com",
        "192.0.2.1",
        "[::2]",
        "0.0.0.0",
        "",
        "127.0.0.1.nip.io",
        "::1",
    ] {
        let answer = ask(&mut open(admin), &get(host, "/metrics"));
        assert!(matches!(status(&answer), "421" | "400"), "{host}: {answer}");
        assert!(!answer.contains("portcullis_"), "{host}: {answer}");
    }
    for request in [
        "GET http://evil.example.com/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET http://localhost/metrics HTTP/1.1\r\nHost: evil.example.com\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: evil.example.com\r\n\r\n",
        "GET /metrics HTTP/1.0\r\n\r\n",
    ] {
        let answer = ask(&mut open(admin), request);
        assert!(
            matches!(status(&answer), "421" | "400"),
            "{request}: {answer}"
        );
    }
}

#[test]
fn the_admin_listener_answers_what_it_has_and_says_so_to_browsers() {
    let world = world(&file(""));
    let gateway = Gateway::start(&world);
    let (_, admin) = gateway.addresses();
    for (request, expected) in [
        ("GET /healthz", "200"),
        ("GET /readyz", "200"),
        ("GET /metrics", "200"),
        ("GET /nothing", "404"),
        ("GET //", "404"),
        ("GET /metrics/", "404"),
        ("GET //metrics", "404"),
        ("POST /metrics", "405"),
        ("PUT /nothing", "404"),
        ("DELETE /healthz", "405"),
        ("OPTIONS /metrics", "405"),
        ("TRACE /metrics", "405"),
    ] {
        let answer = ask(
            &mut open(admin),
            &format!("{request} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        );
        assert_eq!(status(&answer), expected, "{request}: {answer}");
        let head = answer.to_ascii_lowercase();
        for field in [
            "x-content-type-options: nosniff\r\n",
            "content-security-policy: default-src 'none'; frame-ancestors 'none'\r\n",
            "x-frame-options: deny\r\n",
            "cache-control: no-store\r\n",
            "cross-origin-resource-policy: same-origin\r\n",
        ] {
            assert!(head.contains(field), "{request}: {answer}");
        }
        assert!(!head.contains("access-control-"), "{answer}");
        assert_eq!(
            expected == "405",
            head.contains("\r\nallow: get,head\r\n"),
            "{answer}"
        );
    }
}
