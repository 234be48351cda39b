//! What a line of the access log costs the request that it is about.

use divan::Bencher;
use portcullis::observe::access_log::{AccessLog, Entry, File, Format, Targets};
use std::time::Duration;

fn main() {
    divan::main();
}

fn entry() -> Entry<'static> {
    Entry {
        id: Some(&"53efabf38394dad7"),
        client: Some([203, 0, 113, 9].into()),
        user: Some("agent1"),
        listener: Some(([0, 0, 0, 0], 443).into()),
        host: Some("proxy.example.com"),
        method: Some("GET"),
        path: Some("/us/icserver1/icws/1234567890/messaging/messages"),
        version: Some("HTTP/2"),
        status: 200,
        route: Some("proxy.example.com/us/icserver1/"),
        server: Some("icserver1"),
        kind: Some("icws"),
        upstream_status: Some(200),
        duration: Some(Duration::from_micros(4210)),
        upstream_reused: Some(true),
        upstream_first_byte: Some(Duration::from_micros(3911)),
        sent: 512,
        tls: Some("TLSv1.3"),
        user_agent: Some("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
        ..Entry::default()
    }
}

/// The text alone.
#[divan::bench(args = [Format::Json, Format::Combined])]
fn text(bencher: Bencher<'_, '_>, format: Format) {
    let mut line = Vec::with_capacity(1024);
    bencher.bench_local(|| {
        line.clear();
        entry().write(format, &mut line);
        line.len()
    });
}

/// All that a request does for its line, the queue included; a thread writes meanwhile.
#[divan::bench(args = [Format::Json, Format::Combined], threads = [1, 2])]
fn line(bencher: Bencher<'_, '_>, format: Format) {
    let log = AccessLog::default();
    let file = File {
        path: "/dev/null".into(),
        format,
    };
    log.follow(Targets {
        file: Some(file),
        ..Targets::default()
    });
    bencher.bench(|| log.write(&entry()));
}
