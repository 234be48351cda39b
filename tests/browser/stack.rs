//! The gateway and the simulated servers that the browser talks to: the demo itself, with the test's page in its folder.

use std::path::PathBuf;
use std::sync::mpsc::Receiver;

use loadtest::demo::{Demo, Ports};

use super::receiver;

/// Everything behind the browser; dropping it ends it.
pub struct Stack {
    /// `https://localhost:PORT`, the gateway's public origin.
    pub origin: String,
    /// The folder that the gateway serves as `/I3Root/`.
    pub page_dir: PathBuf,
    /// The body of every POST to `/report` on the public origin.
    pub reports: Receiver<String>,
    /// An agent that the simulated ICWS server knows.
    pub user: String,
    /// That agent's password.
    pub password: String,
    #[expect(dead_code, reason = "held only to be dropped")]
    demo: Demo,
    #[expect(dead_code, reason = "held only to be dropped")]
    runtime: tokio::runtime::Runtime,
}

/// Starts the demo with one more route: `/report` leads to the test.
pub fn start_stack() -> Stack {
    let (report_server, reports) = receiver::listen();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let route = "      - { path: /report, server: report }\n";
    let server = format!("  report: {{ kind: http, url: \"http://{report_server}\" }}\n");
    let demo = runtime
        .block_on(Demo::start_with(Ports::System, &server, route))
        .unwrap();
    Stack {
        origin: demo.origin(),
        page_dir: demo.i3root(),
        reports,
        user: "agent1".to_owned(),
        password: "secret1".to_owned(),
        demo,
        runtime,
    }
}
