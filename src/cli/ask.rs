//! Asks the running gateway over its admin listener.
//!
//! ```ignore
//! let admin = Listener::find(&arguments.admin, &file)?;
//! let bans = ask::get(&admin, "/api/bans")?;
//! ```

mod exchange;
mod listener;
mod place;

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::Value;

pub(super) use listener::{Arguments, Listener};
pub(super) use place::Place;

/// The admin listener answers from memory: what takes longer is not it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks for something.
pub(super) fn get(admin: &Listener, path: &str) -> Result<Value, String> {
    let answer = exchange::once(admin, (Method::GET, path), None, PATIENCE)?;
    understood(admin, &answer)
}

/// Asks whether it is ready: what it says then, or why it is not.
pub(super) fn ready(admin: &Listener, patience: Duration) -> Result<String, String> {
    let (good, text) = exchange::once(admin, (Method::GET, "/readyz"), None, patience)?;
    if good.is_success() {
        Ok(text)
    } else {
        Err(format!("portcullis: {} says: {text}", admin.place))
    }
}

/// Has something done.
pub(super) fn post(admin: &Listener, path: &str, what: &Value) -> Result<Value, String> {
    let answer = exchange::once(admin, (Method::POST, path), Some(what), PATIENCE)?;
    understood(admin, &answer)
}

fn understood(admin: &Listener, (status, text): &(StatusCode, String)) -> Result<Value, String> {
    let value: Option<Value> = serde_json::from_str(text).ok();
    match (status.is_success(), value) {
        (true, Some(value)) => Ok(value),
        (false, Some(value)) if value.get("error").is_some_and(Value::is_string) => {
            let why = value
                .get("error")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let remedy = match *status {
                StatusCode::UNAUTHORIZED => admin.how_to_get_in(),
                _ => "",
            };
            Err(format!("portcullis: {why}\n{remedy}"))
        }
        _ => Err(format!(
            "portcullis: {} answered {status}, which no gateway of this version does\n",
            admin.place
        )),
    }
}
