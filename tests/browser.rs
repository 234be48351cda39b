//! A real browser through the gateway: Chromium loads a page from `/I3Root/`, logs in to ICWS by `fetch`, proves the
//! session with cookie and token, subscribes, receives a message by `EventSource` and logs out, all over HTTP/2.
//!
//! What the browser does is in `browser/page.js`; what it found comes back as a [`Report`]. The test needs Debian's
//! `chromium` on the `PATH` and says so where it skips itself: `apt-get install chromium`, then `make test`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

#[path = "webdriver/arguments.rs"]
mod arguments;
#[path = "browser/chromium.rs"]
mod chromium;
#[path = "browser/receiver.rs"]
mod receiver;
#[path = "browser/stack.rs"]
mod stack;

use std::io::Write;
use std::path::Path;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use chromium::Chromium;
use serde::Deserialize;
use stack::{Stack, start_stack};

/// How long the browser may take from its start to its report.
const DEADLINE: Duration = Duration::from_secs(60);
/// How often the wait looks whether the browser is still running.
const LOOK: Duration = Duration::from_millis(250);

/// What `page.js` found out, step by step. A run ends at the first step that fails.
#[derive(Debug, Deserialize)]
struct Report {
    ok: bool,
    steps: Vec<Step>,
    resources: Vec<Resource>,
}

#[derive(Debug, Deserialize)]
struct Step {
    name: String,
    ok: bool,
    detail: String,
    milliseconds: u64,
}

/// One request as the browser's Resource Timing saw it.
#[derive(Debug, Deserialize)]
struct Resource {
    path: String,
    protocol: String,
    status: u16,
}

#[test]
fn a_browser_logs_in_listens_and_logs_out_on_one_http2_origin() {
    let Some(program) = chromium::find() else {
        // Written past the test runner's capture, so that a plain `cargo test` shows the reason too.
        writeln!(
            std::io::stderr(),
            "SKIPPED the browser test: no `chromium` on the PATH (Debian: apt-get install chromium)"
        )
        .unwrap();
        return;
    };
    let stack = start_stack();
    place_page(&stack.page_dir);
    let mut browser = Chromium::start(&program, &page_address(&stack));

    let report = wait_for_report(&stack, &mut browser);

    let Report {
        ok,
        steps,
        resources,
    } = &report;
    for Step {
        name,
        ok,
        detail,
        milliseconds,
    } in steps
    {
        println!(
            "{} {milliseconds:>5} ms  {name}  {detail}",
            if *ok { "ok    " } else { "FAILED" }
        );
    }
    for Resource {
        path,
        protocol,
        status,
    } in resources
    {
        println!("{protocol:>8} {status}  {path}");
    }
    assert!(
        ok,
        "a step failed in the browser: {steps:#?}\n{}",
        browser.stderr()
    );
    assert_eq!(
        steps.len(),
        STEPS,
        "page.js has another number of steps than this test knows of"
    );
    assert!(
        resources.iter().all(|resource| resource.protocol == "h2"),
        "not everything came over HTTP/2: {resources:#?}"
    );
}

/// How many steps `page.js` has: a step that was lost in an edit must not pass unseen.
const STEPS: usize = 10;

/// Puts the page and what it loads into the folder that the gateway serves as `/I3Root/`.
fn place_page(folder: &Path) {
    for (name, text) in [
        ("page.html", include_str!("browser/page.html")),
        ("page.css", include_str!("browser/page.css")),
        ("page.js", include_str!("browser/page.js")),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
}

/// The page with its settings in the fragment, which the browser keeps to itself.
fn page_address(stack: &Stack) -> String {
    let Stack {
        origin,
        user,
        password,
        ..
    } = stack;
    format!(
        "{origin}/I3Root/page.html#user={user}&password={password}&base=/us/icserver1&report=/report"
    )
}

fn wait_for_report(stack: &Stack, browser: &mut Chromium) -> Report {
    let started = Instant::now();
    loop {
        match stack.reports.recv_timeout(LOOK) {
            Ok(text) => {
                return serde_json::from_str(&text).unwrap_or_else(|error| {
                    panic!("the report is not what page.js sends: {error}\n{text}")
                });
            }
            Err(RecvTimeoutError::Disconnected) => {
                panic!("the receiver of the report ended\n{}", browser.stderr())
            }
            Err(RecvTimeoutError::Timeout) => {
                if let Some(status) = browser.ended() {
                    panic!(
                        "chromium ended without a report: {status}\n{}",
                        browser.stderr()
                    );
                }
                assert!(
                    started.elapsed() < DEADLINE,
                    "no report within {DEADLINE:?}\n{}",
                    browser.stderr()
                );
            }
        }
    }
}
