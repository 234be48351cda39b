//! What reloads leave behind: nothing. Counted in bytes that are held, and not in pages, of which an allocator keeps some for later.
#![allow(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::alloc::System;
use std::path::Path;
use std::time::{Duration, Instant};

use cap::Cap;
use loadtest::large::{Large, Variant};
use portcullis::load::load;
use portcullis::reload::{Outcome, reload};
use portcullis::server::Server;

#[global_allocator]
static HELD: Cap<System> = Cap::new(System, usize::MAX);

/// Reloads to another file and back, each kind of change as often as the others.
async fn reloads(server: &Server, file: &Path, texts: &[String; 4], count: usize) -> usize {
    for round in 0..count {
        let text = match round % 2 {
            0 => &texts[round / 2 % 3 + 1],
            _ => &texts[0],
        };
        std::fs::write(file, text).unwrap();
        assert_eq!(reload(server, file).await, Outcome::Applied);
    }
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut least = usize::MAX;
    // Until what was replaced is given back, and threads that did it have ended.
    while server.retired() > 0 || least == usize::MAX || HELD.allocated() < least {
        assert!(Instant::now() < deadline, "{} are kept", server.retired());
        least = HELD.allocated();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    HELD.allocated()
}

#[tokio::test]
async fn ten_times_as_many_reloads_hold_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let large = Large::in_folder(folder.path()).unwrap().hosts(50);
    let file = folder.path().join("p.yaml");
    let texts = [
        Variant::First,
        Variant::OneRoute,
        Variant::EveryHost,
        Variant::Everything,
    ]
    .map(|variant| large.text(variant));
    std::fs::write(&file, &texts[0]).unwrap();
    let (loaded, _) = load(&file).unwrap();
    let server = Server::start(loaded).await.unwrap();
    let few = reloads(&server, &file, &texts, 12).await;
    let many = reloads(&server, &file, &texts, 120).await;
    // One in a hundred is what tables and pools differ by; a host or server that is kept each time would be far more.
    let more = many.saturating_sub(few);
    assert!(more < few / 100, "{few} bytes, then {many}");
    server.stop(Duration::ZERO).await;
}
