//! The gateway and the simulated servers that the browser talks to.

use std::any::Any;
use std::path::PathBuf;
use std::sync::mpsc::Receiver;

use super::receiver;

/// Everything behind the browser; dropping it ends it.
pub struct Stack {
    /// `https://proxy.example.com:PORT`, the gateway's public origin.
    pub origin: String,
    /// The folder that the gateway serves as `/I3Root/`.
    pub page_dir: PathBuf,
    /// The body of every POST to `/report` on the public origin.
    pub reports: Receiver<String>,
    /// An agent that the simulated ICWS server knows.
    pub user: String,
    /// That agent's password.
    pub password: String,
    /// What has to live as long as the browser runs: servers, runtimes, temporary folders. Dropped with the stack.
    #[expect(dead_code, reason = "held only to be dropped")]
    pub running: Vec<Box<dyn Any>>,
}

/// Starts the simulated ICWS server (`icserver1`, which knows the agent) and the gateway with one TLS listener on port 0:
///
/// ```yaml
/// hosts:
///   proxy.example.com:
///     routes:
///       - { path: /us/icserver1/, server: icserver1 }   # kind icws
///       - { path: /I3Root/, files: PAGE_DIR }
///       - { path: /report, server: report }             # kind http, the address that receiver::listen returns
/// ```
pub fn start_stack() -> Stack {
    let (report_server, reports) = receiver::listen();
    let page_dir = tempfile::tempdir().unwrap();
    let _ = (report_server, reports, page_dir);
    panic!(
        "start_stack is not connected: start the simulations and the gateway here and return a Stack"
    )
}
