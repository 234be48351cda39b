//! `make demo`: the gateway and simulated servers on loopback, until Ctrl-C.

use std::process::ExitCode;

use loadtest::demo::{Demo, Ports};

#[tokio::main]
async fn main() -> ExitCode {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("portcullis=info"))
        .init();
    match Demo::start(Ports::OfTheFile).await {
        Ok(demo) => {
            println!("{}", what_to_try(&demo));
            let _ = tokio::signal::ctrl_c().await;
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("the demo cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}

fn what_to_try(demo: &Demo) -> String {
    let origin = demo.origin();
    let admin = demo.admin();
    let authority = demo.authority().display().to_string();
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

    cargo run -q -p portcullis -- explain -c {configuration} {origin}/apps/client/api/ICSERVER2/icws/connection

Ctrl-C ends it.
"
    )
}
