//! A client that speaks to the program line by line, and the file that most tests begin with.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use super::gateway::{Gateway, PATIENCE, until};
use super::support::World;

pub fn open(to: SocketAddr) -> TcpStream {
    // Children that end send SIGCHLD, which may interrupt this very call.
    let stream = until("connected", || match TcpStream::connect(to) {
        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => None,
        connected => Some(connected),
    });
    let stream = stream.unwrap().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends a request over a connection that stays open and returns head and body (which must have a length).
pub fn ask(stream: &mut TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        assert_eq!(
            stream.read(&mut byte).unwrap(),
            1,
            "{}",
            String::from_utf8_lossy(&answer)
        );
        answer.push(byte[0]);
    }
    let head = String::from_utf8(answer).unwrap();
    let length = head
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length:")
                .map(|n| n.trim().parse().unwrap())
        })
        .unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    head + &String::from_utf8(body).unwrap()
}

pub fn get(host: &str, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")
}

pub fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or(answer)
}

pub fn readiness(admin: SocketAddr) -> String {
    ask(&mut open(admin), &get("localhost", "/readyz"))
}

pub fn file(hosts: &str) -> String {
    format!(
        "admin: {{ listen: 127.0.0.1:0 }}\nlisteners: [{{ listen: 127.0.0.1:0 }}]\nhosts:\n  a.example.com: {{ files: www }}\n{hosts}"
    )
}

pub fn world(text: &str) -> World {
    let world = World::new();
    world.write("p.yaml", text);
    world
}

/// A server that takes one request and answers when it is told to.
pub fn slow_server() -> (
    SocketAddr,
    std::sync::mpsc::Receiver<()>,
    std::sync::mpsc::Sender<()>,
) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (arrived, has_arrived) = std::sync::mpsc::channel();
    let (go, may_go) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = [0; 4096];
        assert!(stream.read(&mut head).unwrap() > 0);
        arrived.send(()).unwrap();
        let _ = may_go.recv();
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone");
    });
    (address, has_arrived, go)
}

pub fn with_server(server: SocketAddr) -> String {
    file("  s.example.com: { server: s1 }\n")
        + &format!("servers: {{ s1: {{ kind: http, url: 'http://{server}', health: off }} }}\n")
}

/// A gateway with one request under way, whose server waits for a word to answer it.
pub struct Busy {
    pub gateway: Gateway,
    pub public: SocketAddr,
    pub admin: SocketAddr,
    pub running: TcpStream,
    pub go: std::sync::mpsc::Sender<()>,
    _world: World,
}

/// Starts it with these lines at the end of its file.
pub fn busy(more: &str) -> Busy {
    let (server, arrived, go) = slow_server();
    let world = world(&(with_server(server) + more));
    let gateway = Gateway::start(&world);
    let (public, admin) = gateway.addresses();
    let public = public[0];
    let mut running = open(public);
    let head = get("s.example.com", "/");
    running.write_all(head.as_bytes()).unwrap();
    arrived.recv_timeout(PATIENCE).unwrap();
    Busy {
        gateway,
        public,
        admin,
        running,
        go,
        _world: world,
    }
}

/// Returns when a load balancer would send nobody there any more.
pub fn until_not_ready(admin: SocketAddr) {
    let is_not = || (status(&readiness(admin)) == "503").then_some(());
    until("not ready", is_not).unwrap();
}
