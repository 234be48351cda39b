//! `shutdown`, `upgrade` and `state`: they belong to the process, so the real program has to show them.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};

use rustix::process::Signal;

use super::gateway::{Gateway, get, until};
use super::support::World;

pub const KEYS: [&str; 5] = [
    "shutdown.delay",
    "shutdown.within",
    "upgrade.socket",
    "upgrade.within",
    "state.file",
];

/// A gateway in front of a server that never answers.
struct Ground {
    world: World,
    gateway: Gateway,
    public: SocketAddr,
    admin: SocketAddr,
    server: TcpListener,
}

fn file(server: SocketAddr, rest: &str) -> String {
    format!(
        "admin: {{ listen: 127.0.0.1:0 }}\nlisteners: [{{ listen: 127.0.0.1:0 }}]\n\
         servers: {{ s: {{ kind: http, url: 'http://{server}', health: off }} }}\n\
         hosts: {{ a.example.com: {{ files: www }}, s.example.com: {{ server: s }} }}\n{rest}\n"
    )
}

impl Ground {
    fn start(rest: &str) -> Ground {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let world = World::new();
        world.write("p.yaml", &file(server.local_addr().unwrap(), rest));
        let gateway = Gateway::start(&world);
        let (public, admin) = gateway.addresses();
        Ground {
            world,
            gateway,
            public: public[0],
            admin,
            server,
        }
    }

    fn reload(&self, rest: &str) {
        let text = file(self.server.local_addr().unwrap(), rest);
        self.world.write("p.yaml", &text);
        self.gateway.signal(Signal::HUP);
        self.gateway.wait_for("the configuration was applied", 1);
    }

    /// A request that is under way for as long as both ends of its way live.
    fn under_way(&self) -> (TcpStream, TcpStream) {
        let mut stream = TcpStream::connect(self.public).unwrap();
        write!(stream, "GET / HTTP/1.1\r\nHost: s.example.com\r\n\r\n").unwrap();
        (stream, self.server.accept().unwrap().0)
    }

    fn has(&self, name: &str, text: &str) -> bool {
        let path = self.world.folder().join(name);
        std::fs::read_to_string(path).is_ok_and(|found| found.contains(text))
    }
}

#[test]
fn the_delay_and_the_deadline_of_the_end_are_those_of_the_last_reload() {
    let ground = Ground::start("shutdown: { delay: 1h, within: 1h }");
    ground.reload("shutdown: { delay: 50ms, within: 60ms }");
    let stream = ground.under_way();
    ground.gateway.signal(Signal::TERM);
    let (ended, log) = ground.gateway.end();
    assert_eq!(ended.code(), Some(0));
    assert!(log.contains("listeners close in 50ms"), "{log}");
    assert!(log.contains("for at most 60ms"), "{log}");
    drop(stream);
}

#[test]
fn a_successor_is_awaited_where_the_last_reload_says_and_connections_finish_within_its_time() {
    let ground = Ground::start("upgrade: { socket: one.sock, within: 1h }");
    let is_there = |name: &str| ground.world.folder().join(name).exists();
    until("the first socket", || is_there("one.sock").then_some(())).unwrap();
    ground.reload("upgrade: { socket: two.sock, within: 70ms }");
    until("the second socket alone", || {
        (is_there("two.sock") && !is_there("one.sock")).then_some(())
    })
    .unwrap();
    let stream = ground.under_way();
    let take_over = ["run", "--take-over", "-c", "p.yaml"];
    let successor = Gateway::run(&ground.world, &take_over, &[]);
    let (ended, log) = ground.gateway.end();
    assert_eq!(ended.code(), Some(0));
    assert!(log.contains("for at most 70ms"), "{log}");
    assert!(log.contains("ended; 1 connection was cut"), "{log}");
    drop((stream, successor));
}

#[test]
fn bans_are_kept_where_the_last_reload_says() {
    let ground = Ground::start("state: { file: one.json }");
    until("the first file", || {
        ground.has("one.json", "bans").then_some(())
    })
    .unwrap();
    ground.reload("state: { file: two.json }");
    let body = "{\"address\": \"192.0.2.7\", \"seconds\": 3600}";
    let mut admin = TcpStream::connect(ground.admin).unwrap();
    write!(
        admin,
        "POST /api/bans HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    until("it is banned", || {
        get(ground.admin, "localhost", "/api/bans")
            .unwrap()
            .contains("192.0.2.7")
            .then_some(())
    })
    .unwrap();
    ground.gateway.signal(Signal::TERM);
    let (world, gateway) = (ground.world, ground.gateway);
    assert_eq!(gateway.end().0.code(), Some(0));
    let kept = |name: &str| std::fs::read_to_string(world.folder().join(name)).unwrap();
    assert!(kept("two.json").contains("192.0.2.7"));
    assert!(!kept("one.json").contains("192.0.2.7"));
}
