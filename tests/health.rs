//! `portcullis health`: an exit code for whoever decides where traffic goes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

#[path = "command/support.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};

use loadtest::edge::Edge;
use support::{Ran, World};

fn ask(world: &World, arguments: &[&str]) -> Ran {
    let mut command = world.command(&["health"]);
    // What the environment says of proxies is for the world outside.
    command.env("http_proxy", "http://192.0.2.1:1");
    Ran::from(command.args(arguments).output().unwrap())
}

fn ask_at(admin: SocketAddr) -> Ran {
    ask(&World::new(), &["--admin", &admin.to_string()])
}

/// An admin listener that says this to the first who asks.
fn that_says(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = [0; 4096];
        let read = stream.read(&mut head).unwrap();
        assert!(head[..read].starts_with(b"GET /readyz HTTP/1.1\r\n"));
        let _ = stream.write_all(answer.as_bytes());
        // Held until the other side has gone, also by one who has been told nothing.
        let _ = stream.read(&mut head);
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_ready_is_healthy_and_the_file_says_where_it_is() {
    let file = "servers: { s1: { kind: http, url: 'http://127.0.0.1:1' } }\nhosts: { a.example.com: { server: s1 } }";
    let edge = Edge::start(file, &["a.example.com"]).await;
    let edge = edge.unwrap_or_else(|error| panic!("{error}"));
    let world = World::new();
    let admin = edge.admin();
    world.write(
        "p.yaml",
        &format!("admin: {{ listen: {admin} }}\nlisteners: [{{ listen: 127.0.0.1:1 }}]\nhosts: {{ a.example.com: {{ files: www }} }}\n"),
    );
    let address = admin.to_string();
    for arguments in [
        &["--admin", &address][..],
        &["-c", "p.yaml"],
        &["-c", "gone.yaml", "--admin", &address],
    ] {
        let ran = ask(&world, arguments);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (Some(0), "ready\n"),
            "{ran:?}"
        );
    }
}

#[test]
fn a_gateway_that_drains_is_not_healthy_and_says_why() {
    let admin = that_says(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 20\r\n\r\nnot ready: draining\n",
    );
    let ran = ask_at(admin);
    let why = format!("portcullis: {admin} says: not ready: draining\n");
    assert_eq!(
        (ran.code, ran.out.as_str(), ran.err.as_str()),
        (Some(1), "", why.as_str())
    );
}

#[test]
fn nobody_and_one_who_never_answers_are_not_healthy() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    for admin in [nobody, that_says("")] {
        let ran = ask_at(admin);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let why = format!("no gateway answers on {admin}");
        assert!(ran.err.contains(&why), "{ran:?}");
    }
}

#[test]
fn a_file_with_mistakes_makes_no_gateway_ill() {
    let world = World::new();
    world.write("p.yaml", "listeners: [oops]\n");
    for file in ["p.yaml", "gone.yaml"] {
        let ran = ask(&world, &["-c", file]);
        // One may well run on this machine.
        let looked = ran.code == Some(0) || ran.err.contains("127.0.0.1:9145");
        assert!(looked && !ran.err.contains(file), "{ran:?}");
    }
}
