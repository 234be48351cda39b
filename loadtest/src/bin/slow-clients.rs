//! `make slow-clients`: what 2,000 slow clients of each kind make the gateway hold.
//!
//! ```text
//! slow-clients PATH-OF-PORTCULLIS [CLIENTS]
//! ```

use std::io;
use std::process::ExitCode;

use loadtest::slow::measure::{Crowd, Held, Way};
use loadtest::slow::{self, Attack};

const CLIENTS: usize = 2000;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(program) = arguments.next() else {
        eprintln!("which program? slow-clients target/release/portcullis");
        return ExitCode::from(2);
    };
    let clients = arguments.next().and_then(|clients| clients.parse().ok());
    match run(&program, clients.unwrap_or(CLIENTS)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(program: &str, clients: usize) -> io::Result<()> {
    let crowd = Crowd::new(program, clients).await?;
    println!(
        "{clients} clients of each kind. Of those that are ended at once: the most at any time.\n"
    );
    println!(
        "| attack | over | process, KiB each | process, MiB | kernel, KiB each, both ends | polite request, ms |"
    );
    println!("|---|---|---|---|---|---|");
    for (attacks, way) in [
        (slow::http1(), Way::Plain),
        (slow::http1(), Way::Tls),
        (slow::http2(), Way::Http2),
    ] {
        for attack in attacks {
            let held = crowd.measure(&attack, way).await?;
            println!("{}", row(&attack, way, &held, clients));
        }
    }
    Ok(())
}

fn row(attack: &Attack, way: Way, held: &Held, clients: usize) -> String {
    let over = match way {
        Way::Plain => "HTTP/1.1",
        Way::Tls => "HTTP/1.1, TLS",
        Way::Http2 => "HTTP/2, TLS",
    };
    let each = |bytes: u64| bytes as f64 / clients as f64 / 1024.0;
    let (one, all) = (
        each(held.resident),
        held.resident as f64 / f64::from(1 << 20),
    );
    let one = if attack.waits {
        format!("{one:.1}")
    } else {
        String::from("-")
    };
    let kernel = if attack.waits {
        format!("{:.1}", each(held.kernel))
    } else {
        String::from("-")
    };
    format!(
        "| {} | {over} | {one} | {all:.1} | {kernel} | {:.0} |",
        attack.name,
        held.polite.as_secs_f64() * 1e3,
    )
}
