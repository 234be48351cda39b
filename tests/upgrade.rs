//! One process after another: a new one takes over without a refused client, and what is remembered survives a restart.
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
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

use client::{ask, get, open, readiness, slow_server, status, with_server, world};
use gateway::{Gateway, PATIENCE, until};
use loadtest::icws::{IcwsOptions, IcwsServer};
use rustix::process::{Pid, Signal, kill_process};
use support::World;

/// The tests' own clients come faster than any client may.
const UNLIMITED: &str = "limits: { exempt: [127.0.0.0/8] }\n";
const TAKE_OVER: [&str; 4] = ["run", "--take-over", "-c", "p.yaml"];

fn upgradable(rest: &str) -> String {
    client::file("") + UNLIMITED + "upgrade: { socket: upgrade.sock }\n" + rest
}

/// A gateway that waits for a successor while its server waits for a word to answer the one request under way.
fn busy() -> (World, Gateway, TcpStream, Sender<()>) {
    let (server, arrived, go) = slow_server();
    let world = world(&(with_server(server) + "upgrade: { socket: upgrade.sock }\n"));
    let gateway = Gateway::start(&world);
    waits(&world);
    let (public, _) = gateway.addresses();
    let mut running = open(public[0]);
    let head = get("s.example.com", "/");
    running.write_all(head.as_bytes()).unwrap();
    arrived.recv_timeout(PATIENCE).unwrap();
    (world, gateway, running, go)
}

fn waits(world: &World) {
    let socket = world.folder().join("upgrade.sock");
    until("it waits for a successor", || socket.exists().then_some(())).unwrap();
}

/// Asks over connections of its own, one after the other, until it is told to stop. Every failure is kept.
fn hammer(
    to: SocketAddr,
) -> (
    Arc<AtomicBool>,
    std::thread::JoinHandle<(usize, Vec<String>)>,
) {
    let stop = Arc::<AtomicBool>::default();
    let stopped = stop.clone();
    let thread = std::thread::spawn(move || {
        let (mut asked, mut failures) = (0, Vec::new());
        while !stopped.load(Ordering::Relaxed) {
            asked += 1;
            let told = TcpStream::connect(to).and_then(|mut stream| {
                stream.set_read_timeout(Some(PATIENCE))?;
                let request =
                    get("a.example.com", "/").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
                stream.write_all(request.as_bytes())?;
                let mut answer = String::new();
                stream.read_to_string(&mut answer)?;
                Ok(answer)
            });
            match told {
                Ok(answer) if answer.starts_with("HTTP/1.1 200 ") => {}
                other => failures.push(format!("{other:?}")),
            }
        }
        (asked, failures)
    });
    (stop, thread)
}

fn banned(admin: SocketAddr) -> String {
    ask(&mut open(admin), &get("localhost", "/api/bans"))
}

fn ban(admin: SocketAddr, address: &str) {
    let body = format!("{{\"address\": \"{address}\", \"seconds\": 3600}}");
    let request = format!(
        "POST /api/bans HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(status(&ask(&mut open(admin), &request)), "200");
}

#[test]
fn a_new_process_takes_over_and_nobody_is_refused_or_cut() {
    let (server, arrived, go) = slow_server();
    let text = with_server(server) + UNLIMITED + "upgrade: { socket: upgrade.sock }\n";
    let world = world(&text);
    let old = Gateway::start(&world);
    let (public, admin) = old.addresses();
    waits(&world);
    ban(admin, "192.0.2.7");
    let mut idle = open(public[0]);
    assert_eq!(status(&ask(&mut idle, &get("a.example.com", "/"))), "200");
    let mut running = open(public[0]);
    running
        .write_all(get("s.example.com", "/").as_bytes())
        .unwrap();
    arrived.recv_timeout(PATIENCE).unwrap();
    let (stop, clients) = hammer(public[0]);

    let new = Gateway::run(&world, &TAKE_OVER, &[]);
    assert_eq!(new.addresses(), (public.clone(), admin), "the same sockets");
    old.wait_for("has taken over", 1);
    until("the new process answers", || {
        (status(&readiness(admin)) == "200").then_some(())
    })
    .unwrap();
    assert!(banned(admin).contains("192.0.2.7"), "{}", new.log());
    until("the new process knows of the old one's connections", || {
        let metrics = ask(&mut open(admin), &get("localhost", "/metrics"));
        metrics
            .contains("\nportcullis_predecessor_connections 2\n")
            .then_some(())
    })
    .unwrap();

    // A connection at rest makes one more request, and is told that it was the last.
    let answer = ask(&mut idle, &get("a.example.com", "/"));
    assert_eq!(status(&answer), "200");
    assert!(
        answer.to_ascii_lowercase().contains("connection: close"),
        "{answer}"
    );
    go.send(()).unwrap();
    assert!(ask(&mut running, "").ends_with("done"));
    let (ended, log) = old.end();
    assert_eq!(ended.code(), Some(0), "{log}");
    assert!(log.contains("ended; 0 connections were cut"), "{log}");
    stop.store(true, Ordering::Relaxed);
    let (asked, failures) = clients.join().unwrap();
    assert_eq!(failures, Vec::<String>::new(), "of {asked}");
    assert!(asked > 0);
    new.wait_for("has ended", 1);
    // And the next one after that.
    let third = Gateway::run(&world, &TAKE_OVER, &[]);
    third.wait_for("metrics and health", 1);
    assert_eq!(new.end().0.code(), Some(0));
    assert!(banned(admin).contains("192.0.2.7"));
}

#[test]
fn sigusr2_starts_a_new_process_that_takes_over() {
    let (world, mut old, mut running, go) = busy();
    let (public, admin) = old.addresses();
    old.signal(Signal::USR2);
    old.wait_for("has taken over", 1);
    let log = old.log();
    let (_, pid) = log.split_once("life] process ").unwrap();
    let pid: i32 = pid.split(' ').next().unwrap().parse().unwrap();
    // systemd would kill a main process that is a child of another one, in place of letting it finish. Seen while that still runs.
    let parent = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let parent = parent.lines().find_map(|line| line.strip_prefix("PPid:"));
    assert_ne!(parent.unwrap().trim(), old.id().to_string());
    assert!(old.runs());
    go.send(()).unwrap();
    assert!(ask(&mut running, "").ends_with("done"));
    until("the old process ends", || (!old.runs()).then_some(())).unwrap();
    let answer = ask(&mut open(public[0]), &get("a.example.com", "/"));
    assert_eq!(status(&answer), "200");
    assert_eq!(status(&readiness(admin)), "200");
    let successor = Pid::from_raw(pid).unwrap();
    kill_process(successor, Signal::TERM).unwrap();
    let is_gone = || TcpStream::connect(admin).is_err().then_some(());
    until("the new process ends too", is_gone).unwrap();
    drop(world);
}

#[test]
fn the_end_of_a_new_process_that_cannot_take_over_is_told() {
    let world = world(&upgradable(""));
    let old = Gateway::start(&world);
    waits(&world);
    world.write("p.yaml", &upgradable("nonsense: true\n"));
    old.signal(Signal::USR2);
    old.wait_for("has ended; this one goes on", 1);
    assert!(
        old.log().contains("unknown key `nonsense`"),
        "{}",
        old.log()
    );
    old.signal(Signal::TERM);
    assert_eq!(old.end().0.code(), Some(0));
}

#[test]
fn a_successor_that_fails_changes_nothing() {
    let world = world(&upgradable(""));
    let old = Gateway::start(&world);
    let (public, admin) = old.addresses();
    waits(&world);
    let (stop, clients) = hammer(public[0]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let more = format!(
        "[{{ listen: 127.0.0.1:0 }}, {{ listen: {} }}]",
        taken.local_addr().unwrap()
    );
    let wrong = [
        upgradable("nonsense: true\n"),
        upgradable("").replace("files: www", "files: gone"),
        upgradable("").replace("[{ listen: 127.0.0.1:0 }]", &more),
    ];
    for text in wrong {
        world.write("p.yaml", &text);
        let (ended, log) = Gateway::run(&world, &TAKE_OVER, &[]).end();
        assert_eq!(ended.code(), Some(1), "{log}");
        assert_eq!(status(&readiness(admin)), "200");
    }
    // A stranger's word on the socket is no reason to stop, either.
    for word in [
        &b"\0\0\0\x02{}"[..],
        b"\xff\xff\xff\xff",
        b"GET / HTTP/1.1\r\n\r\n",
    ] {
        let path = world.folder().join("upgrade.sock");
        let mut stream = std::os::unix::net::UnixStream::connect(path).unwrap();
        stream.write_all(word).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
    }
    old.wait_for("nothing was handed over, this process goes on", 4);
    stop.store(true, Ordering::Relaxed);
    let (_, failures) = clients.join().unwrap();
    assert_eq!(failures, Vec::<String>::new());
    old.signal(Signal::TERM);
    assert_eq!(old.end().0.code(), Some(0));
}

#[test]
fn without_a_process_to_take_over_from_nothing_starts() {
    let world = world(&upgradable(""));
    let (ended, log) = Gateway::run(&world, &TAKE_OVER, &[]).end();
    assert_eq!(ended.code(), Some(1));
    assert!(log.contains("there is nothing to take over at"), "{log}");
    world.write("p.yaml", &client::file(""));
    let (ended, log) = Gateway::run(&world, &TAKE_OVER, &[]).end();
    assert_eq!(ended.code(), Some(1));
    assert!(log.contains("upgrade: { socket:"), "{log}");
}

#[test]
fn sigquit_and_sigusr1_end_nothing() {
    let world = world(&upgradable(""));
    let gateway = Gateway::start(&world);
    let (public, _) = gateway.addresses();
    gateway.signal(Signal::QUIT);
    gateway.wait_for("SIGQUIT: this process goes on", 1);
    gateway.signal(Signal::USR1);
    gateway.wait_for("SIGUSR1", 1);
    assert_eq!(
        status(&ask(&mut open(public[0]), &get("a.example.com", "/"))),
        "200"
    );
}

#[test]
fn a_log_file_that_was_moved_away_is_opened_anew_on_sigusr1() {
    let world = world(&(client::file("") + "log: { file: gateway.log }\n"));
    let (path, moved) = (
        world.folder().join("gateway.log"),
        world.folder().join("gateway.log.1"),
    );
    let gateway = Gateway::start(&world);
    let has = |path: &std::path::Path, text: &str| {
        std::fs::read_to_string(path).is_ok_and(|log| log.contains(text))
    };
    until("it serves", || {
        has(&path, "metrics and health").then_some(())
    })
    .unwrap();
    std::fs::rename(&path, &moved).unwrap();
    gateway.signal(Signal::HUP);
    until("the moved file goes on", || {
        has(&moved, "SIGHUP").then_some(())
    })
    .unwrap();
    gateway.signal(Signal::USR1);
    until("the new file is there", || {
        has(&path, "is open anew").then_some(())
    })
    .unwrap();
    // A reload moves it, and back to standard error.
    world.write("p.yaml", &(client::file("") + "log: { file: other.log }\n"));
    gateway.signal(Signal::HUP);
    let other = world.folder().join("other.log");
    until("the other file is written", || {
        has(&other, "was applied").then_some(())
    })
    .unwrap();
    world.write("p.yaml", &client::file(""));
    gateway.signal(Signal::HUP);
    gateway.wait_for("was applied", 1);
    assert!(
        !gateway.log().contains("metrics and health"),
        "{}",
        gateway.log()
    );
}

#[test]
fn bans_survive_a_restart_and_a_crash() {
    let world = world(&(client::file("") + "state: { file: state.json }\n"));
    let file = world.folder().join("state.json");
    let gateway = Gateway::start(&world);
    let (_, admin) = gateway.addresses();
    ban(admin, "192.0.2.7");
    gateway.signal(Signal::TERM);
    assert_eq!(gateway.end().0.code(), Some(0));
    let gateway = Gateway::start(&world);
    let (_, admin) = gateway.addresses();
    assert!(banned(admin).contains("192.0.2.7"), "{}", gateway.log());
    ban(admin, "2001:db8::1");
    until("the file is written now and then", || {
        std::fs::read_to_string(&file)
            .unwrap()
            .contains("2001:db8::/64")
            .then_some(())
    })
    .unwrap();
    drop(gateway);
    let gateway = Gateway::start(&world);
    let (_, admin) = gateway.addresses();
    let both = banned(admin);
    assert!(
        both.contains("192.0.2.7") && both.contains("2001:db8::/64"),
        "{both}"
    );
    drop(gateway);
    // A file that cannot be read is no reason to stand still.
    std::fs::write(&file, "{").unwrap();
    let gateway = Gateway::start(&world);
    let (_, admin) = gateway.addresses();
    assert!(
        gateway
            .log()
            .contains("is not read, so nobody is banned yet")
    );
    assert!(!banned(admin).contains("192.0.2.7"));
}

#[test]
fn with_a_delay_the_door_stays_open_while_a_balancer_looks() {
    let world = world(&(client::file("") + "shutdown: { delay: 1s, within: 10s }\n"));
    let gateway = Gateway::start(&world);
    let (public, admin) = gateway.addresses();
    let mut idle = open(public[0]);
    assert_eq!(status(&ask(&mut idle, &get("a.example.com", "/"))), "200");
    gateway.signal(Signal::TERM);
    gateway.wait_for("not ready any more; listeners close in 1s", 1);
    assert_eq!(status(&readiness(admin)), "503");
    for stream in [&mut idle, &mut open(public[0])] {
        let answer = ask(stream, &get("a.example.com", "/"));
        assert_eq!(status(&answer), "200");
        assert!(
            answer.to_ascii_lowercase().contains("connection: close"),
            "{answer}"
        );
    }
    assert_eq!(gateway.end().0.code(), Some(0));
}

#[test]
fn whoever_is_in_the_queue_when_the_door_closes_is_let_in() {
    let world = world(&(client::file("") + UNLIMITED));
    let gateway = Gateway::start(&world);
    let (public, _) = gateway.addresses();
    gateway.signal(Signal::STOP);
    let mut queued: Vec<TcpStream> = (0..50).map(|_| open(public[0])).collect();
    for stream in &mut queued {
        stream
            .write_all(get("a.example.com", "/").as_bytes())
            .unwrap();
    }
    gateway.signal(Signal::TERM);
    gateway.signal(Signal::CONT);
    for stream in &mut queued {
        let answer = ask(stream, "");
        assert_eq!(status(&answer), "200", "{answer}");
    }
    assert_eq!(gateway.end().0.code(), Some(0));
}

/// What systemd would hear, until `text` is in it.
fn hears(systemd: &UnixDatagram, text: &str) -> String {
    let mut all = String::new();
    until(text, || {
        let mut buffer = [0; 4096];
        let length = systemd.recv(&mut buffer).unwrap();
        all.push_str(&String::from_utf8_lossy(&buffer[..length]));
        all.contains(text).then_some(())
    })
    .unwrap();
    all
}

#[test]
fn systemd_hears_of_the_start_reloads_the_watchdog_a_successor_and_the_end() {
    let world = world(&upgradable(""));
    let path = world.folder().join("notify");
    let systemd = UnixDatagram::bind(&path).unwrap();
    systemd.set_read_timeout(Some(PATIENCE)).unwrap();
    let environment = [
        ("NOTIFY_SOCKET", path.to_str().unwrap()),
        ("WATCHDOG_USEC", "300000"),
    ];
    let old = Gateway::with(&world, &environment);
    hears(&systemd, "READY=1\n");
    hears(&systemd, "WATCHDOG=1\n");
    old.signal(Signal::HUP);
    let reload = hears(&systemd, "READY=1\n");
    assert!(reload.contains("RELOADING=1\nMONOTONIC_USEC="), "{reload}");
    waits(&world);
    let new = Gateway::run(&world, &TAKE_OVER, &environment);
    hears(&systemd, &format!("MAINPID={}\n", new.id()));
    assert_eq!(old.end().0.code(), Some(0));
    new.signal(Signal::TERM);
    // Thirty seconds to finish, and ten to end.
    let stop = hears(&systemd, "EXTEND_TIMEOUT_USEC=40000000\n");
    assert!(stop.contains("STOPPING=1\n"), "{stop}");
    assert_eq!(new.end().0.code(), Some(0));
}

/// Signs in and has one request answered. Returns the header lines by which the server knows the session.
fn signed_in(at: SocketAddr, ic: &IcwsServer, number: u8) -> String {
    let body = format!(
        "{{\"__type\":\"urn:inin.com:connection:icAuthConnectionRequestSettings\",\"applicationName\":\"x\",\"userID\":\"agent{number}\",\"password\":\"secret{number}\"}}"
    );
    let request = format!(
        "POST /icws/connection HTTP/1.1\r\nHost: i.example.com\r\nAccept-Language: en-us\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = ask(&mut open(at), &request);
    assert_eq!(status(&answer), "201", "{answer}");
    let sessions = ic.sessions();
    let user = format!("agent{number}");
    let session = sessions
        .iter()
        .find(|session| session.user == user)
        .unwrap();
    format!(
        "/icws/{}/messaging/messages HTTP/1.1\r\nHost: i.example.com\r\nCookie: {}={}\r\n",
        session.id,
        session.cookie_name(),
        session.cookie_value
    )
}

/// Names and channels of those who are connected.
fn users(admin: SocketAddr) -> Vec<(String, bool)> {
    let answer = ask(&mut open(admin), &get("localhost", "/api/users"));
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    let told: serde_json::Value = serde_json::from_str(body).unwrap();
    let users = told["users"].as_array().unwrap().iter();
    users
        .map(|user| {
            (
                user["user"].as_str().unwrap_or("-").to_owned(),
                user["live"] == true,
            )
        })
        .collect()
}

#[test]
fn a_successor_lists_who_is_signed_in_and_whose_stream_the_old_process_has() {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let ic = tokio
        .block_on(IcwsServer::start(IcwsOptions::named("icserver1")))
        .unwrap();
    let file = |idle: &str| {
        let server = format!(
            "servers: {{ ic1: {{ kind: icws, url: '{}' }} }}\n",
            ic.wire().base_url()
        );
        client::file("  i.example.com: { server: ic1 }\n")
            + UNLIMITED
            + &server
            + "upgrade: { socket: upgrade.sock }\n"
            + &format!("people: {{ idle: {{ icws: {idle} }} }}\n")
    };
    let world = world(&file("1h"));
    let old = Gateway::start(&world);
    let (public, admin) = old.addresses();
    waits(&world);
    let first = signed_in(public[0], &ic, 1);
    let second = signed_in(public[0], &ic, 2);
    let mut stream = open(public[0]);
    stream
        .write_all(format!("GET {first}Accept: text/event-stream\r\n\r\n").as_bytes())
        .unwrap();
    let both = |listens: bool| vec![("agent1".to_owned(), listens), ("agent2".to_owned(), false)];
    until("the stream is open", || {
        (users(admin) == both(true)).then_some(())
    })
    .unwrap();

    let new = Gateway::run(&world, &TAKE_OVER, &[]);
    old.wait_for("has taken over", 1);
    new.wait_for("metrics and health", 1);
    assert_eq!(users(admin), both(true));
    // Only what is not listening can fall silent.
    world.write("p.yaml", &file("1s"));
    new.signal(Signal::HUP);
    let listening = vec![("agent1".to_owned(), true)];
    until("silence", || (users(admin) == listening).then_some(())).unwrap();
    until("he is back, and his name with him", || {
        let answer = ask(&mut open(public[0]), &format!("GET {second}\r\n"));
        assert_eq!(status(&answer), "200");
        (users(admin) == both(true)).then_some(())
    })
    .unwrap();
    // The stream ends, and with it the old process.
    drop(stream);
    assert_eq!(old.end().0.code(), Some(0));
    until("nobody is left", || users(admin).is_empty().then_some(())).unwrap();
    let log = new.log();
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn under_systemd_a_process_that_is_stopped_ends_after_the_one_before_it() {
    let (world, old, mut running, go) = busy();
    let path = world.folder().join("notify.sock");
    let _systemd = UnixDatagram::bind(&path).unwrap();
    let notify = [("NOTIFY_SOCKET", path.to_str().unwrap())];
    let mut new = Gateway::run(&world, &TAKE_OVER, &notify);
    old.wait_for("has taken over", 1);
    new.signal(Signal::TERM);
    new.wait_for("the process before this one still finishes", 1);
    assert!(new.runs());
    go.send(()).unwrap();
    assert!(ask(&mut running, "").ends_with("done"));
    assert_eq!(old.end().0.code(), Some(0));
    assert_eq!(new.end().0.code(), Some(0));
}
