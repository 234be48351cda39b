//! `log`: it belongs to the process, so the real program has to show it.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex};

use openssl::ssl::{SslAcceptor, SslFiletype, SslMethod, SslVerifyMode};
use rustix::process::Signal;

use super::gateway::{Gateway, PATIENCE, get, until};
use super::support::World;

pub const KEYS: [&str; 13] = [
    "log.level",
    "log.file",
    "log.access.file",
    "log.access.format",
    // With users who sign in: in tests/access_log/users.rs.
    "log.access.users",
    "log.access.syslog.to",
    "log.access.syslog.ca",
    "log.access.syslog.server_name",
    "log.access.syslog.client_certificate.cert",
    "log.access.syslog.client_certificate.key",
    "log.access.syslog.facility",
    "log.access.syslog.app_name",
    "log.access.syslog.format",
];

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

#[test]
fn the_file_of_the_log_changes_with_a_reload() {
    let world = World::new();
    let file =
        |name: &str| file("info").replace("level: info", &format!("level: info, file: {name}"));
    let has = |name: &str, text: &str| {
        let log = std::fs::read_to_string(world.folder().join(name)).unwrap_or_default();
        log.contains(text)
    };
    world.write("p.yaml", &file("one.log"));
    let gateway = Gateway::start(&world);
    until("it serves", || {
        has("one.log", "metrics and health").then_some(())
    })
    .unwrap();
    world.write("p.yaml", &file("two.log"));
    gateway.signal(Signal::HUP);
    until("the new file is written", || {
        has("two.log", "was applied").then_some(())
    })
    .unwrap();
    assert!(!has("one.log", "was applied"));
    world.write("p.yaml", &file("one.log"));
    gateway.signal(Signal::HUP);
    until("and the old one again", || {
        has("one.log", "was applied").then_some(())
    })
    .unwrap();
}

#[test]
fn the_file_and_the_format_of_the_access_log_change_with_a_reload() {
    let world = World::new();
    let file = |access: &str| {
        file("info").replace("level: info", &format!("level: info, access: {access}"))
    };
    let has = |name: &str, text: &str| {
        let log = std::fs::read_to_string(world.folder().join(name)).unwrap_or_default();
        log.contains(text)
    };
    world.write("p.yaml", &file("{ file: one.log, format: json }"));
    let gateway = Gateway::start(&world);
    let (public, _) = gateway.addresses();
    let asked = |path: &str| get(public[0], "a.example.com", path).unwrap();
    asked("/first");
    until("a line of JSON", || {
        has("one.log", "\"path\":\"/first\"").then_some(())
    })
    .unwrap();
    world.write("p.yaml", &file("{ file: two.log, format: combined }"));
    gateway.signal(Signal::HUP);
    gateway.wait_for("the configuration was applied", 1);
    asked("/second");
    until("a line as nginx writes it", || {
        has("two.log", "\"GET /second HTTP/1.1\"").then_some(())
    })
    .unwrap();
    assert!(!has("one.log", "/second"));
}

#[test]
fn the_receiver_of_the_access_log_and_what_it_is_told_change_with_a_reload() {
    let world = World::new();
    let receivers = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
    let file = |number: usize, more: &str| {
        let to = receivers[number].local_addr().unwrap();
        let access = format!("access: {{ syslog: {{ to: 'udp://{to}', {more} }} }}");
        file("info").replace("level: info", &format!("level: info, {access}"))
    };
    let first = file(0, "facility: local1, app_name: one, format: json");
    world.write("p.yaml", &first);
    let gateway = Gateway::start(&world);
    let (public, _) = gateway.addresses();
    let told = |number: usize| -> String {
        let receiver: &UdpSocket = &receivers[number];
        receiver.set_read_timeout(Some(PATIENCE)).unwrap();
        get(public[0], "a.example.com", "/asked").unwrap();
        let mut message = vec![0; 65536];
        let length = receiver.recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    };
    let message = told(0);
    assert!(message.starts_with("<142>1 "), "{message}");
    assert!(message.contains(" one "), "{message}");
    assert!(message.contains(" access - {\"time\":"), "{message}");
    for (generation, number, more, begins, contains) in [
        (
            1,
            1,
            "facility: local1, app_name: one, format: json",
            "<142>1 ",
            " access - {",
        ),
        (
            2,
            1,
            "facility: daemon, app_name: one, format: json",
            "<30>1 ",
            " one ",
        ),
        (
            3,
            1,
            "facility: daemon, app_name: two, format: json",
            "<30>1 ",
            " two ",
        ),
        (
            4,
            1,
            "facility: daemon, app_name: two, format: combined",
            "<30>1 ",
            " \"GET /asked ",
        ),
    ] {
        world.write("p.yaml", &file(number, more));
        gateway.signal(Signal::HUP);
        gateway.wait_for("the configuration was applied", generation);
        let message = told(number);
        assert!(message.starts_with(begins), "{more}: {message}");
        assert!(message.contains(contains), "{more}: {message}");
    }
}

/// A receiver with TLS: the name in the certificate that each client has shown, and what it has sent.
fn receiver(world: &World, heard: Arc<Mutex<Vec<(String, String)>>>) -> SocketAddr {
    let mut tls = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
    let path = |name: &str| world.folder().join(name);
    tls.set_certificate_chain_file(path("tls/a.pem")).unwrap();
    tls.set_private_key_file(path("tls/a.key"), SslFiletype::PEM)
        .unwrap();
    tls.set_verify_callback(SslVerifyMode::PEER, |_, _| true);
    let tls = tls.build();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // Who is not believed is not heard of.
            let Ok(mut stream) = tls.accept(stream.unwrap()) else {
                continue;
            };
            let certificate = stream.ssl().peer_certificate();
            let name = certificate.map_or(String::new(), |certificate| {
                format!("{:?}", certificate.subject_name())
            });
            let mut text = String::new();
            let _ = stream.read_to_string(&mut text);
            heard.lock().unwrap().push((name, text));
        }
    });
    address
}

#[test]
fn who_vouches_for_the_receiver_its_name_and_our_own_certificate_change_with_a_reload() {
    let world = World::new();
    let other = loadtest::wire::Authority::new("Another authority").unwrap();
    world.write("tls/other.pem", &other.pem());
    let heard = Arc::default();
    let to = receiver(&world, Arc::clone(&heard));
    let reload = |gateway: Option<&Gateway>, applied: usize, more: &str| {
        let access = format!("access: {{ syslog: {{ to: 'tls://{to}', {more} }} }}");
        let yaml = file("info").replace("level: info", &format!("level: info, {access}"));
        world.write("p.yaml", &yaml);
        if let Some(gateway) = gateway {
            gateway.signal(Signal::HUP);
            gateway.wait_for("the configuration was applied", applied);
        }
    };
    reload(None, 0, "ca: tls/other.pem, server_name: a.example.com");
    let gateway = Gateway::start(&world);
    let (public, _) = gateway.addresses();
    gateway.wait_for("certificate does not verify", 1);
    reload(
        Some(&gateway),
        1,
        "ca: tls/authority.pem, server_name: b.example.com",
    );
    gateway.wait_for("certificate does not verify", 2);
    // Each receiver before this one is left, and the connection ends, with the reload after it.
    let certificates = [
        "",
        ", client_certificate: { cert: tls/a.pem, key: tls/a.key }",
        ", client_certificate: { cert: tls/b.pem, key: tls/b.key }",
        "",
    ];
    for (number, certificate) in certificates.into_iter().enumerate() {
        let more = format!("ca: tls/authority.pem, server_name: a.example.com{certificate}");
        reload(Some(&gateway), 2 + number, &more);
        get(public[0], "a.example.com", &format!("/{number}")).unwrap();
    }
    let three = || (heard.lock().unwrap().len() == 3).then_some(());
    until("three connections are over", three).unwrap();
    let heard: Vec<(String, String)> = heard.lock().unwrap().clone();
    for (number, (name, text)) in heard.iter().enumerate() {
        let expected = ["", "a.example.com", "b.example.com"][number];
        assert!(name.contains(expected), "{number}: {name}");
        assert!(
            text.contains(&format!("\"path\":\"/{number}\"")),
            "{number}: {text}"
        );
    }
    assert_eq!(heard[0].0, "");
}
