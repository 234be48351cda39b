//! Asks the running gateway over its admin listener.
//!
//! ```ignore
//! let bans = ask::get(&admin, "/api/bans")?;
//! ```

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::StatusCode;

use crate::config;

/// The admin listener answers from memory: what takes longer is not it.
const PATIENCE: Duration = Duration::from_secs(5);
/// The largest answer: some hundred thousand bans.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Where the admin listener is: what the caller says, else what the file says.
pub(super) fn address(given: Option<SocketAddr>, file: &Path) -> Result<SocketAddr, String> {
    if let Some(given) = given {
        return Ok(given);
    }
    match config::load(file) {
        Ok((config, _)) => Ok(*config.admin.listen),
        Err(report) => Err(format!(
            "{report}\nportcullis: the address of the admin listener is read from this file; `--admin ADDRESS:PORT` says it otherwise\n"
        )),
    }
}

/// Asks for something.
pub(super) fn get(admin: SocketAddr, path: &str) -> Result<Value, String> {
    let request = agent(PATIENCE).get(format!("http://{admin}{path}"));
    understood(admin, request.call())
}

/// Asks whether it is ready: what it says then, or why it is not.
pub(super) fn ready(admin: SocketAddr, patience: Duration) -> Result<String, String> {
    let request = agent(patience).get(format!("http://{admin}/readyz"));
    let (good, text) = text(admin, request.call())?;
    if good.is_success() {
        Ok(text)
    } else {
        Err(format!("portcullis: {admin} says: {text}"))
    }
}

/// Has something done.
pub(super) fn post(admin: SocketAddr, path: &str, what: &Value) -> Result<Value, String> {
    let request = agent(PATIENCE).post(format!("http://{admin}{path}"));
    let request = request.header("content-type", "application/json");
    understood(admin, request.send(what.to_string()))
}

fn agent(patience: Duration) -> Agent {
    let settings = Agent::config_builder()
        .timeout_global(Some(patience))
        .http_status_as_error(false)
        // Whatever the environment says of proxies, the gateway is on this machine.
        .proxy(None)
        .build();
    settings.into()
}

type Answered = Result<ureq::http::Response<ureq::Body>, ureq::Error>;

/// The status, and the whole body.
fn text(admin: SocketAddr, answer: Answered) -> Result<(StatusCode, String), String> {
    let mut answer = answer.map_err(|error| {
        format!("portcullis: no gateway answers on {admin}: {error}\nIs it running, and is this its `admin.listen`?\n")
    })?;
    let body = answer.body_mut().with_config().limit(LARGEST);
    let text = body.read_to_string();
    let text =
        text.map_err(|error| format!("portcullis: the answer of {admin} broke off: {error}\n"))?;
    Ok((answer.status(), text))
}

fn understood(admin: SocketAddr, answer: Answered) -> Result<Value, String> {
    let (status, text) = text(admin, answer)?;
    let value: Option<Value> = serde_json::from_str(&text).ok();
    match (status.is_success(), value) {
        (true, Some(value)) => Ok(value),
        (false, Some(value)) if value.get("error").is_some_and(Value::is_string) => {
            let why = value
                .get("error")
                .and_then(Value::as_str)
                .unwrap_or_default();
            Err(format!("portcullis: {why}\n"))
        }
        _ => Err(format!(
            "portcullis: {admin} answered {status}, which no gateway of this version does\n"
        )),
    }
}
