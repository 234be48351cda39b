//! `make demo`: the gateway and simulated servers on loopback, until Ctrl-C. SIGHUP has it read its file again.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use loadtest::demo::{Demo, Ports};
use tokio::signal::unix::{Signal, SignalKind, signal};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the demo cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> io::Result<()> {
    // Before anything else: from here on a SIGHUP is a message and no longer the end of the process.
    let mut hangup = signal(SignalKind::hangup())?;
    let demo = Demo::start(Ports::OfTheFile).await?;
    println!("{}", what_to_try(&demo));
    tokio::select! {
        () = reloads(&demo, &mut hangup) => Ok(()),
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

/// Follows the file until the terminal is closed, which sends a SIGHUP too.
async fn reloads(demo: &Demo, hangup: &mut Signal) {
    let had_terminal = io::stdin().is_terminal();
    while hangup.recv().await.is_some() {
        if had_terminal && !io::stdin().is_terminal() {
            return;
        }
        demo.reload().await;
    }
}

fn what_to_try(demo: &Demo) -> String {
    let origin = demo.origin();
    let admin = demo.admin();
    let authority = demo.authority().display().to_string();
    let process = std::process::id();
    let configuration = demo.configuration().display().to_string();
    format!(
        "
Portcullis runs, with simulated ICWS, Web Tools and WebHTMLService servers behind it.

  In a browser   {origin}/I3Root/      (its certificate was made just now: accept it)
  Dashboard      http://{admin}/
  For programs   http://{admin}/metrics   /healthz   /readyz

  Sign in to ICWS (agent1 to agent9, passwords secret1 to secret9):

    curl -i --cacert {authority} -H 'Accept-Language: en-us' \\
      -H 'Content-Type: application/vnd.inin.icws+JSON;charset=utf-8' \\
      -d '{{\"__type\":\"urn:inin.com:connection:icAuthConnectionRequestSettings\",\"applicationName\":\"curl\",\"userID\":\"agent1\",\"password\":\"secret1\"}}' \\
      {origin}/us/icserver1/icws/connection

  Start a chat (Web Tools):

    curl --cacert {authority} -H 'Content-Type: application/json; charset=utf-8' \\
      -d '{{\"supportedContentTypes\":\"text/plain\",\"participant\":{{\"name\":\"Ann\",\"credentials\":\"\"}},\"target\":\"Marketing\",\"targetType\":\"Workgroup\"}}' \\
      {origin}/I3Root/Server1/websvcs/chat/start

  What would happen to a request, and why:

    target/debug/portcullis explain -c {configuration} {origin}/apps/client/api/ICSERVER2/icws/connection

  After an edit of {configuration}:

    kill -HUP {process}

Ctrl-C ends it.
"
    )
}
